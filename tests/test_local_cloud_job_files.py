"""What jobs of the local cloud ask S3 for, in order: what a job's role has to be allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from practice.local_cloud.jobs import files
from practice.local_cloud.lifecycle import LocalCloud

LISTS_FIRST = "https://github.com/aws-samples/sagemaker-run-notebook/issues/32"
BY_KEY = "https://github.com/aws/sagemaker-containers/blob/526dda90/src/sagemaker_containers/_files.py#L165"


@pytest.fixture
def s3(local_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client that jobs have; ``calls`` are its operations and keys."""
    found = local_cloud.client("s3")
    monkeypatch.setattr(files, "client", lambda _: found)
    return found


@pytest.fixture
def calls(s3: Any) -> list[str]:
    found: list[str] = []
    s3.meta.events.register("before-call.s3", lambda model, **_: found.append(model.name))
    return found


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"job-files-{uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    for key in ("data/one.csv", "data/two.csv"):
        s3.put_object(Bucket=name, Key=key, Body=b"x")
    return name


INPUTS: dict[str, tuple[Callable[[str, Path], object], str]] = {
    "channel or input": (lambda uri, to: files.download_all(uri, [to]), "data/"),
    "of one object": (lambda uri, to: files.download_all(uri, [to]), "data/one.csv"),
    "sharded": (lambda uri, to: files.download_all(uri, [to], sharded=True), "data/"),
    "checkpoints": (files.restore, "data"),
}


@pytest.mark.parametrize("kind", INPUTS)
def test_an_input_is_listed_before_anything_is_read(calls: list[str], bucket: str, tmp_path: Path, kind: str) -> None:
    fetch, key = INPUTS[kind]
    calls.clear()
    fetch(f"s3://{bucket}/{key}", tmp_path)
    assert calls[0] == "ListObjectsV2", LISTS_FIRST
    assert set(calls[1:]) == {"HeadObject", "GetObject"}
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["one.csv", "two.csv"][: 1 + (key[-1] != "v")]


def test_code_is_read_by_its_key_alone(calls: list[str], bucket: str, tmp_path: Path) -> None:
    calls.clear()
    files.download(f"s3://{bucket}/data/one.csv", tmp_path)
    assert calls == ["HeadObject", "GetObject"], BY_KEY


def test_an_input_that_cannot_be_listed_fails_in_the_words_of_sagemaker(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"Failed to download data\. ListObjectsV2 failed for s3://absent-bucket/data"):
        files.download_all("s3://absent-bucket/data", [tmp_path])
