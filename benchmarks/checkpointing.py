"""What checkpoints cost, and what they save: ``python -m benchmarks.checkpointing``.

The same training runs without checkpoints, with one every ten rounds, and resumed after four fifths of its rounds. The
three take turns, so a busy machine slows them alike; medians of the ratios within a turn are compared. Every run reads
its data and fits its transformations first, interrupted or not, so that time is left out.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import xgboost as xgb

from jobs.training import hyperparameters, transformations
from jobs.training.boosting import Boosting
from jobs.training.checkpoints import Checkpoints
from jobs.training.data_parallel import Group
from jobs.training.dataset import TARGET, split
from tests import training_data

CUSTOMERS = 20_000
ROUNDS = 200
DONE = 160
EVERY = 10
TURNS = 5
COST_GOAL = 0.05
SAVING_GOAL = DONE / ROUNDS - 0.05


class Training:
    """What train.py does from the newest checkpoint to the last round."""

    def __init__(self) -> None:
        train, validation, _ = split(training_data.customers(count=CUSTOMERS))
        fitted = transformations.build().fit(train)
        names = list(fitted.get_feature_names_out())
        self._train = Group(("localhost",), 0).share(fitted.transform(train), train[TARGET].to_numpy(), names)
        self._validation = xgb.DMatrix(fitted.transform(validation), validation[TARGET].to_numpy(), feature_names=names)

    def seconds(self, directory: Path, rounds: int, *, every: int) -> float:
        checkpoints = Checkpoints(directory, {})
        told = hyperparameters.parse(["--num_round", str(rounds), "--nthread", "1"])
        started = time.perf_counter()
        boosting = Boosting(told, self._train, self._validation, checkpoints.newest())
        for _ in boosting.rounds():
            if boosting.done % every == 0:
                checkpoints.save(boosting.progress)
        return time.perf_counter() - started


def measure(directory: Path) -> None:
    training = Training()
    training.seconds(directory / "interrupted", DONE, every=EVERY)
    plain, costs, savings = [], [], []
    for turn in range(TURNS):
        whole, resumed = directory / f"whole-{turn}", directory / f"resumed-{turn}"
        plain.append(training.seconds(directory, ROUNDS, every=ROUNDS + 1))
        saving = training.seconds(whole, ROUNDS, every=EVERY)
        shutil.copytree(directory / "interrupted", resumed)
        costs.append(saving / plain[-1] - 1)
        savings.append(1 - training.seconds(resumed, ROUNDS, every=EVERY) / saving)
    sys.stderr.write(
        f"checkpoints: {ROUNDS} rounds {statistics.median(plain):.2f} s   "
        f"one every {EVERY} costs {statistics.median(costs):+.1%} (goal at most {COST_GOAL:.0%})   "
        f"resume after {DONE} saves {statistics.median(savings):.1%} (goal at least {SAVING_GOAL:.0%})\n"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        measure(Path(directory))


if __name__ == "__main__":
    main()
