"""Training jobs as processes of their own, with the paths, arguments and environment that SageMaker gives them.

They are forked from a process that has imported the libraries once, which saves most of a small job's time.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import runpy
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pandas as pd

from jobs.training import dataset, model
from tests import training_data

ROOT = Path(__file__).parents[1]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["jobs.training.train"])


@dataclass(frozen=True)
class Job:
    """A training job's directories, kept from one attempt to the next as SageMaker keeps them."""

    directory: Path
    channels: Path

    @property
    def checkpoints(self) -> Path:
        return self.directory / "checkpoints"

    @property
    def model(self) -> model.Model:
        return model.load(self.directory / "model")

    @property
    def failure(self) -> str:
        return (self.directory / "output" / "failure").read_text(encoding="utf-8")

    def arguments(self, hyperparameters: dict[str, Any]) -> list[str]:
        values = {"checkpoint_path": self.checkpoints, "nthread": 1} | hyperparameters
        return [text for name, value in values.items() for text in (f"--{name}", str(value))]

    def environment(self, hosts: tuple[str, ...] = ("localhost",), host: str = "localhost") -> dict[str, str]:
        return {
            "SM_CHANNEL_TRAIN": str(self.channels / "train"),
            "SM_CHANNEL_VALIDATION": str(self.channels / "validation"),
            "SM_MODEL_DIR": str(self.directory / "model"),
            "SM_OUTPUT_DIR": str(self.directory / "output"),
            "SM_HOSTS": json.dumps(hosts),
            "SM_CURRENT_HOST": host,
        }

    def start(self, environment: dict[str, str] | None = None, **hyperparameters: Any) -> Attempt:
        return Attempt(self.arguments(hyperparameters), environment or self.environment())

    def run(self, **hyperparameters: Any) -> Attempt:
        """Started, and successful."""
        attempt = self.start(**hyperparameters)
        assert attempt.wait() == 0, attempt.log
        return attempt


class Attempt:
    """A running process of train.py."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        reading, writing = _FORKS.Pipe(duplex=False)
        self._output = os.fdopen(os.dup(reading.fileno()), encoding="utf-8")
        # As little as a pipe can hold, so that training cannot run far ahead of whoever reads its log.
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, 4096)
        self._process = _FORKS.Process(target=_train, args=(arguments, environment, writing), daemon=True)
        self._process.start()
        reading.close()
        writing.close()
        self.log: list[str] = []

    def lines(self) -> Iterator[str]:
        for line in self._output:
            self.log.append(line.rstrip("\n"))
            yield self.log[-1]

    def signal(self, number: int) -> None:
        assert self._process.pid
        os.kill(self._process.pid, number)

    def wait(self) -> int:
        for _ in self.lines():
            pass
        self._output.close()
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


def channels(rows: pd.DataFrame, directory: Path) -> Path:
    """The rows as ``prepare.py`` leaves them."""
    training_data.write(rows, directory / "dataset")
    for name, part in dataset.split(dataset.read(directory / "dataset"))._asdict().items():
        dataset.write(part, directory / name)
    return directory


def _train(arguments: list[str], environment: dict[str, str], output: Connection) -> None:
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    sys.stdout = os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w")
    os.environ.update(environment)
    sys.argv = ["train.py", *arguments]
    runpy.run_path(str(ROOT / "jobs" / "training" / "train.py"), run_name="__main__")
