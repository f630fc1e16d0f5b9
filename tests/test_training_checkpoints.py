"""Checkpoints: whole or absent, kept when the disk is full, and resumed only by the run they belong to."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from jobs.training.boosting import Progress
from jobs.training.checkpoints import CheckpointError, Checkpoints

FINGERPRINT = {"eta": 0.1, "training data": "ab12"}


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path, FINGERPRINT)


def progress(rounds: int) -> Progress:
    return Progress(
        f"model of {rounds} rounds".encode(), {"train-auc": [0.5] * rounds, "train-logloss": [0.7] * rounds}
    )


def test_the_newest_is_what_training_goes_on_from(checkpoints: Checkpoints) -> None:
    assert checkpoints.newest() == Progress()
    for rounds in (10, 20):
        checkpoints.save(progress(rounds))
    assert checkpoints.newest() == progress(20)


def test_only_the_newest_three_are_kept(checkpoints: Checkpoints, tmp_path: Path) -> None:
    for rounds in (10, 20, 30, 40):
        checkpoints.save(progress(rounds))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"checkpoint-0000{rounds}.zip" for rounds in (20, 30, 40)
    ]


@pytest.mark.parametrize("size", [0, 10, -1], ids=["empty", "head", "all but a byte"])
def test_a_truncated_newest_falls_back_to_the_one_before(
    size: int, checkpoints: Checkpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rounds in (10, 20):
        checkpoints.save(progress(rounds))
    newest = tmp_path / "checkpoint-000020.zip"
    newest.write_bytes(newest.read_bytes()[:size])
    assert checkpoints.newest() == progress(10)
    assert "checkpoint-000020.zip cannot be read" in capsys.readouterr().err


def test_a_flipped_bit_falls_back_to_the_one_before(checkpoints: Checkpoints, tmp_path: Path) -> None:
    for rounds in (10, 20):
        checkpoints.save(progress(rounds))
    newest = tmp_path / "checkpoint-000020.zip"
    newest.write_bytes(newest.read_bytes().replace(b"model of 20", b"model of 21"))
    assert checkpoints.newest() == progress(10)


def test_what_was_being_written_when_the_process_died_is_never_read(checkpoints: Checkpoints, tmp_path: Path) -> None:
    checkpoints.save(progress(10))
    whole = (tmp_path / "checkpoint-000010.zip").read_bytes()
    (tmp_path / ".checkpoint-being-written").write_bytes(whole[:20])
    assert checkpoints.newest() == progress(10)
    checkpoints.save(progress(20))
    assert checkpoints.newest() == progress(20)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_full_disk_loses_no_older_checkpoint(
    checkpoints: Checkpoints, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for rounds in (10, 20, 30):
        checkpoints.save(progress(rounds))
    (tmp_path / ".checkpoint-being-written").symlink_to("/dev/full")
    checkpoints.save(progress(40))
    assert "No space left on device. Training goes on" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 3
    assert checkpoints.newest() == progress(30)


def test_a_checkpoint_has_its_name_only_once_its_bytes_are_on_the_disk(
    checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    checkpoints.save(progress(10))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        checkpoints.save(progress(20))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-000010.zip"]


@pytest.mark.parametrize(
    ("changed", "named"),
    [({"eta": 0.3}, "eta was 0.1, is 0.3"), ({"training data": "cd34"}, "training data was ab12, is cd34")],
    ids=["hyperparameter", "data"],
)
def test_another_runs_checkpoint_is_refused_with_what_differs(
    changed: dict[str, Any], named: str, checkpoints: Checkpoints, tmp_path: Path
) -> None:
    checkpoints.save(progress(10))
    with pytest.raises(CheckpointError, match=named):
        Checkpoints(tmp_path, FINGERPRINT | changed).newest()
