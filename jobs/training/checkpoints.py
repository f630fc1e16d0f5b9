"""Checkpoints that survive whatever interrupts their writing, and are resumed only by the run they belong to.

SageMaker copies the directory to S3 while the job runs, and back when a spot interruption has ended it.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jobs.training.boosting import Progress

KEPT = 3

_MODEL, _ABOUT = "model.ubj", "about.json"
_WRITING = ".checkpoint-being-written"
_UNREADABLE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, ValueError)


class CheckpointError(ValueError):
    """A checkpoint that this run must not go on from."""


class Checkpoints:
    """The newest checkpoints of one run, each a zip file, which knows by its checksums whether it is whole."""

    def __init__(self, directory: Path, fingerprint: Mapping[str, Any]) -> None:
        self._directory = directory
        self._fingerprint = dict(fingerprint)

    def save(self, progress: Progress) -> None:
        """Appears whole or not at all. When it cannot be written, the older ones stay and training goes on."""
        writing = self._directory / _WRITING
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with writing.open("wb") as file:
                self._write(file, progress)
                file.flush()
                os.fsync(file.fileno())
            writing.replace(self._directory / f"checkpoint-{progress.rounds:06d}.zip")
            self._sync_directory()
            for old in self._newest_first()[KEPT:]:
                old.unlink()
        except OSError as error:
            with suppress(OSError):
                writing.unlink()
            _say(f"no checkpoint after round {progress.rounds - 1}: {error}. Training goes on; older ones are kept.")

    def newest(self) -> Progress:
        """The newest that can be read; nothing done yet if there is none."""
        for path in self._newest_first():
            try:
                with zipfile.ZipFile(path) as file:
                    about, model = json.loads(file.read(_ABOUT)), file.read(_MODEL)
            except _UNREADABLE as error:
                _say(f"{path.name} cannot be read ({error}); going back to the one before.")
                continue
            self._refuse_another_runs(path, about["fingerprint"])
            return Progress(model, about["curve"])
        return Progress()

    def _write(self, file: Any, progress: Progress) -> None:
        about = {"fingerprint": self._fingerprint, "curve": progress.curve}
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(_ABOUT, json.dumps(about))
            archive.writestr(_MODEL, progress.booster)

    def _sync_directory(self) -> None:
        """Makes the new name last through a loss of power, as the file's own fsync does its content."""
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _newest_first(self) -> list[Path]:
        return sorted(self._directory.glob("checkpoint-*.zip"), reverse=True)

    def _refuse_another_runs(self, path: Path, found: Mapping[str, Any]) -> None:
        differing = [
            f"{name} was {found.get(name)}, is {self._fingerprint.get(name)}"
            for name in sorted({*found, *self._fingerprint})
            if found.get(name) != self._fingerprint.get(name)
        ]
        if differing:
            raise CheckpointError(
                f"{path} is of another run: {'; '.join(differing)}. Only a run with the same data and hyperparameters "
                "goes on from it; num_round may grow. Undo the change, or start anew with a checkpoint directory (and "
                "a CheckpointConfig.S3Uri) of its own."
            )


def _say(message: str) -> None:
    sys.stderr.write(f"checkpoints: {message}\n")
    sys.stderr.flush()
