"""What checkpoints cost, and what they save: ``python -m benchmarks.checkpointing``.

The same training runs without checkpoints, with forty, and resumed after four fifths of its rounds. The three take
turns, so a busy machine slows them alike; medians of the ratios within a turn are compared. A resumed run reads the
data and fits the transformations anew, so there are as many rounds as make that small.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from jobs.training import hyperparameters, train
from jobs.training.dataset import read, split, write
from jobs.training.interruption import Interruption
from tests import training_data

CUSTOMERS = 2_000
ROUNDS = 2_000
DONE = 1_600
EVERY = 50
TURNS = 5
COST_GOAL = 0.05
SAVING_GOAL = DONE / ROUNDS - 0.05


def seconds(directory: Path, rounds: int, *, every: int) -> float:
    """A training from reading the data to writing the model; checkpoints are where it finds and leaves them."""
    told = {"num_round": rounds, "checkpoint_every": every, "checkpoint_path": directory / "checkpoints", "nthread": 1}
    arguments = [text for name, value in told.items() for text in (f"--{name}", str(value))]
    environment = {
        "SM_CHANNEL_TRAIN": str(directory / "train"),
        "SM_CHANNEL_VALIDATION": str(directory / "validation"),
        "SM_MODEL_DIR": str(directory / "model"),
    }
    started = time.perf_counter()
    train.train(hyperparameters.parse(arguments), environment, Interruption())
    return time.perf_counter() - started


def measure(directory: Path) -> None:
    training_data.write(training_data.customers(count=CUSTOMERS), directory / "dataset")
    for name, rows in split(read(directory / "dataset"))._asdict().items():
        write(rows, directory / name)
    checkpoints, interrupted = directory / "checkpoints", directory / "interrupted"
    seconds(directory, DONE, every=EVERY)
    checkpoints.rename(interrupted)
    costs, savings, plain = [], [], []
    for _ in range(TURNS):
        without = seconds(directory, ROUNDS, every=ROUNDS + 1)
        with_checkpoints = seconds(directory, ROUNDS, every=EVERY)
        shutil.rmtree(checkpoints)
        shutil.copytree(interrupted, checkpoints)
        resumed = seconds(directory, ROUNDS, every=EVERY)
        shutil.rmtree(checkpoints)
        plain.append(without)
        costs.append(with_checkpoints / without - 1)
        savings.append(1 - resumed / with_checkpoints)
    sys.stderr.write(
        f"checkpoints: {ROUNDS} rounds {statistics.median(plain):.2f} s   "
        f"one every {EVERY} costs {statistics.median(costs):+.1%} (goal at most {COST_GOAL:.0%})   "
        f"resume after {DONE} saves {statistics.median(savings):.1%} (goal at least {SAVING_GOAL:.0%})\n"
    )


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as directory,
        Path(os.devnull).open("w") as devnull,
        contextlib.redirect_stdout(devnull),
    ):
        measure(Path(directory))


if __name__ == "__main__":
    main()
