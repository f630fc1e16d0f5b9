"""Files of a job that come from S3 and go there."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from practice.local_cloud.loopback import client


class NoDataError(Exception):
    """There is nothing in S3 where a job's input should be."""


def parse(uri: str) -> tuple[str, str]:
    """The bucket and the key, or key prefix, of ``s3://bucket/key``."""
    bucket, _, key = uri.strip().removeprefix("s3://").partition("/")
    return bucket, key


def download(uri: str, directory: Path) -> Path:
    """One object as a file of the same name in the directory."""
    bucket, key = parse(uri)
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / Path(key).name
    try:
        client("s3").download_file(bucket, key, str(target))
    except Exception as error:
        raise FileNotFoundError(f"{uri} cannot be read: {error}") from error
    return target


def download_all(uri: str, directories: Sequence[Path], *, sharded: bool = False) -> None:
    """Every object under the prefix in each directory; if sharded, each object in one of them."""
    objects = list(_objects(uri))
    if not objects:
        raise NoDataError(f"No S3 objects found under S3 URL {uri!r} given in input data source.")
    for position, (key, name) in enumerate(objects):
        for directory in [directories[position % len(directories)]] if sharded else directories:
            _fetch(uri, key, directory / name)


def restore(uri: str, directory: Path) -> None:
    """What is in the folder, if there is anything."""
    for key, name in _objects(uri.rstrip("/") + "/"):
        _fetch(uri, key, directory / name)


def _fetch(uri: str, key: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    client("s3").download_file(parse(uri)[0], key, str(target))


def _objects(uri: str) -> Iterator[tuple[str, str]]:
    """Key of each object under the prefix, in order, and its path below the folder that the prefix names.

    A prefix that names no folder, such as ``data/part-`` or one object's whole key, stands for what begins with it.
    """
    bucket, prefix = parse(uri)
    folder = prefix.rstrip("/") + "/" if prefix else ""
    for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for key in (item["Key"] for item in page.get("Contents", ()) if not item["Key"].endswith("/")):
            yield key, key[len(folder) :] if key.startswith(folder) else key[prefix.rfind("/") + 1 :]


def upload_all(directory: Path, uri: str, encryption: Mapping[str, Any]) -> None:
    for file in sorted(file for file in directory.rglob("*") if file.is_file()):
        upload(file, f"{uri.rstrip('/')}/{file.relative_to(directory).as_posix()}", encryption)


def upload(file: Path, uri: str, encryption: Mapping[str, Any]) -> None:
    """The file as it is at this moment, though it may be written to."""
    bucket, key = parse(uri)
    client("s3").put_object(Bucket=bucket, Key=key, Body=file.read_bytes(), **encryption)


def encryption(kms_key: str | None) -> dict[str, Any]:
    """How S3 is asked to encrypt with a key, if one is given."""
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}


def upload_archive(directories: Sequence[Path], uri: str, encryption: Mapping[str, Any]) -> bool:
    """The directories' content as one ``.tar.gz``, the first directory's where names clash; False if all are empty."""
    files: dict[str, Path] = {}
    for directory in directories:
        for file in sorted(file for file in directory.rglob("*") if file.is_file()):
            files.setdefault(file.relative_to(directory).as_posix(), file)
    if not files:
        return False
    with tempfile.NamedTemporaryFile() as target:
        with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1) as archive:
            for name, file in files.items():
                archive.add(file, name)
        target.flush()
        upload(Path(target.name), uri, encryption)
    return True


class Mirror:
    """Keeps under a prefix what is in a directory, as SageMaker does with checkpoints: what is new or has changed.

    What is deleted from the directory stays in S3.
    """

    def __init__(self, directory: Path, uri: str) -> None:
        self._directory = directory
        self._uri = uri.rstrip("/")
        self._seen = self._state()

    def sync(self) -> None:
        for file, state in self._state().items():
            if self._seen.get(file) != state:
                try:
                    upload(file, f"{self._uri}/{file.relative_to(self._directory).as_posix()}", {})
                except FileNotFoundError:
                    continue
                self._seen[file] = state

    def _state(self) -> dict[Path, tuple[int, int]]:
        found = {}
        for file in self._directory.rglob("*"):
            try:
                if file.is_file():
                    found[file] = (file.stat().st_mtime_ns, file.stat().st_size)
            except FileNotFoundError:
                continue
        return found
