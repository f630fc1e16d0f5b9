"""Spot capacity goes at any moment: an interrupted training ends with the model of one that nothing interrupted."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jobs.training import dataset
from tests import training_data
from tests.conftest import free_port
from tests.training_jobs import Attempt, Job, channels

TOLERANCE = 1e-6
"""On a prediction between 0 and 1. Measured: 0 on one host; 1e-7 on two, which add up in another order."""

SAMPLING: dict[str, Any] = {
    "num_round": 300,
    "checkpoint_every": 5,
    "subsample": 0.7,
    "colsample_bytree": 0.7,
    "eta": 0.05,
}
RUNS, INTERRUPTIONS_PER_RUN = 4, 5
HOSTS = ("127.0.0.1", "localhost")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return channels(training_data.customers(count=100), tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def test_rows(data: Path) -> pd.DataFrame:
    return dataset.read(data / "test")


@pytest.fixture(scope="module")
def undisturbed(data: Path, test_rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    job = Job(tmp_path_factory.mktemp("undisturbed"), data)
    job.run(**SAMPLING)
    return job.model.predict(test_rows)


@pytest.mark.slow
@pytest.mark.parametrize("run", range(RUNS))
def test_interrupted_at_seeded_moments_the_model_is_that_of_an_uninterrupted_run(
    run: int, data: Path, test_rows: pd.DataFrame, undisturbed: np.ndarray, tmp_path: Path
) -> None:
    job, chance = Job(tmp_path, data), random.Random(run)  # noqa: S311 - chosen moments, not secrets
    for number in range(INTERRUPTIONS_PER_RUN):
        signum = signal.SIGTERM if (run * INTERRUPTIONS_PER_RUN + number) % 2 else signal.SIGKILL
        attempt = job.start(**SAMPLING)
        _interrupt(attempt, signum, after_rounds=chance.randint(1, 10))
        assert attempt.wait() == {signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}[signum], attempt.log
    job.run(**SAMPLING)
    assert np.abs(job.model.predict(test_rows) - undisturbed).max() <= TOLERANCE


def test_sigterm_loses_no_round(data: Path, tmp_path: Path) -> None:
    job = Job(tmp_path, data)
    attempt = job.start(num_round=300, checkpoint_every=300)
    _interrupt(attempt, signal.SIGTERM, after_rounds=3)
    assert attempt.wait() == 143
    assert not (tmp_path / "model").exists()
    last = _rounds(attempt.log)[-1]
    assert _rounds(job.run(num_round=last + 3).log) == [last + 1, last + 2]


WHOLE = {"subsample": 1, "colsample_bytree": 1}
"""Every round sees all rows and columns: hosts that sample draw their own."""


def test_two_workers_train_the_model_of_one(data: Path, test_rows: pd.DataFrame, tmp_path: Path) -> None:
    one, two = Job(tmp_path / "one", data), Job(tmp_path / "two", data)
    together = _start_on_two_hosts(two, num_round=20, **WHOLE)
    one.run(num_round=20, **WHOLE)
    assert [attempt.wait() for attempt in together] == [0, 0], [attempt.log for attempt in together]
    assert np.abs(two.model.predict(test_rows) - one.model.predict(test_rows)).max() <= TOLERANCE
    assert not _rounds(together[1].log)  # only the first host logs, so no metric is counted twice


def test_two_workers_stop_after_the_same_round_when_one_is_told_to(
    data: Path, test_rows: pd.DataFrame, tmp_path: Path
) -> None:
    one, two = Job(tmp_path / "one", data), Job(tmp_path / "two", data)
    first, second = _start_on_two_hosts(two, num_round=100, **WHOLE)
    for line in first.lines():
        if line.startswith("[5]"):
            second.signal(signal.SIGTERM)
            break
    assert (first.wait(), second.wait()) == (143, 143)
    resumed = _start_on_two_hosts(two, num_round=100, **WHOLE)
    one.run(num_round=100, **WHOLE)
    assert [attempt.wait() for attempt in resumed] == [0, 0]
    assert _rounds(resumed[0].log)[0] == _rounds(first.log)[-1] + 1
    assert np.abs(two.model.predict(test_rows) - one.model.predict(test_rows)).max() <= TOLERANCE


def test_a_worker_whose_partner_dies_ends_with_an_error(data: Path, tmp_path: Path) -> None:
    job = Job(tmp_path, data)
    first, second = _start_on_two_hosts(job, num_round=1000)
    for line in first.lines():
        if line.startswith("[5]"):
            second.signal(signal.SIGKILL)
            break
    assert first.wait() == 1
    assert "XGBoostError" in job.failure


def _interrupt(attempt: Attempt, signum: int, *, after_rounds: int) -> None:
    seen = 0
    for line in attempt.lines():
        seen += line.startswith("[")
        if seen == after_rounds:
            attempt.signal(signum)
            return
    raise AssertionError(f"ended before it was interrupted: {attempt.log}")


def _rounds(log: list[str]) -> list[int]:
    return [int(line[1 : line.index("]")]) for line in log if line.startswith("[") and "train-" in line]


def _start_on_two_hosts(job: Job, **hyperparameters: Any) -> list[Attempt]:
    port = {"TRACKER_PORT": str(free_port())}
    return [job.start(job.environment(HOSTS, host) | port, **hyperparameters) for host in HOSTS]
