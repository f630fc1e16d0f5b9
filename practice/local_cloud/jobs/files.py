"""Files of a job that come from S3 and go there."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from practice.local_cloud.loopback import client
from practice.paths import UnusableKeyError, path_of


class NoDataError(Exception):
    """There is nothing in S3 where a job's input should be."""


def parse(uri: str) -> tuple[str, str]:
    """The bucket and the key, or key prefix, of ``s3://bucket/key``."""
    bucket, _, key = uri.strip().removeprefix("s3://").partition("/")
    return bucket, key


def download(uri: str, directory: Path) -> Path:
    """One object as a file of the same name in the directory: code, which is asked for by its key and listed by nobody.

    Source: https://github.com/aws/sagemaker-containers/blob/526dda90/src/sagemaker_containers/_files.py#L165
    """
    bucket, key = parse(uri)
    try:
        return _fetch(bucket, key, key[: key.rfind("/") + 1], directory)
    except (BotoCoreError, ClientError) as error:
        raise FileNotFoundError(f"{uri} cannot be read: {error}") from error


def download_all(uri: str, directories: Sequence[Path], *, sharded: bool = False) -> None:
    """Every object under the prefix in each directory; if sharded, each object in one of them."""
    objects = list(_objects(uri))
    if not objects:
        raise NoDataError(f"No S3 objects found under S3 URL {uri!r} given in input data source.")
    for position, found in enumerate(objects):
        for directory in [directories[position % len(directories)]] if sharded else directories:
            _fetch(*found, directory)


def restore(uri: str, directory: Path) -> None:
    """What is in the folder, if there is anything."""
    for found in _objects(uri.rstrip("/") + "/"):
        _fetch(*found, directory)


def _fetch(bucket: str, key: str, folder: str, directory: Path) -> Path:
    """The object as a file that was not there before: no object takes the place of another."""
    target = path_of(directory, key, folder)
    try:
        with target.open("xb") as file:
            client("s3").download_fileobj(bucket, key, file)
    except FileExistsError as error:
        raise UnusableKeyError(key, "another object is the same file") from error
    return target


def _objects(uri: str) -> Iterator[tuple[str, str, str]]:
    """Bucket and key of each object under the prefix, in order, and the folder of the key that the prefix names.

    A prefix that names no folder, such as ``data/part-`` or one object's whole key, stands for what begins with it.
    What a console leaves where somebody made a folder, an empty object with a slash at its end, is none.
    """
    bucket, prefix = parse(uri)
    folder = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    for item in _listed(uri):
        key = item["Key"]
        if item["Size"] or not key.endswith("/"):
            yield bucket, key, folder if key.startswith(folder) else prefix[: prefix.rfind("/") + 1]


def _listed(uri: str) -> list[Any]:
    """What S3 lists under the prefix, asked before anything is read, and also where the prefix is one object's key.

    Source, and of the words of the failure: https://github.com/aws-samples/sagemaker-run-notebook/issues/32
    """
    bucket, prefix = parse(uri)
    pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    try:
        return [item for page in pages for item in page.get("Contents", ())]
    except (BotoCoreError, ClientError) as error:
        raise FileNotFoundError(
            f"Failed to download data. ListObjectsV2 failed for {uri} nextToken:[null]: {error}"
        ) from error


def upload_all(directory: Path, uri: str, encryption: Mapping[str, Any]) -> None:
    for file in _files(directory):
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
        for file in _files(directory):
            files.setdefault(file.relative_to(directory).as_posix(), file)
    if not files:
        return False
    with tempfile.NamedTemporaryFile() as target:
        with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1, dereference=True) as archive:
            for name, file in files.items():
                archive.add(file, name)
        target.flush()
        upload(Path(target.name), uri, encryption)
    return True


def _files(directory: Path) -> list[Path]:
    """The files below the directory, in order. A link is the file that it leads to, and leads nowhere else.

    In a container it could lead to a file of the image; here it would lead to one of the user's.
    """
    found = [file for file in sorted(directory.rglob("*")) if file.is_file()]
    place = directory.parent.resolve() / directory.name
    for file in found:
        if not file.resolve().is_relative_to(place):
            raise ValueError(
                f"{str(file.relative_to(directory))!r} is a link that leads out of the directory that goes to S3. "
                "Write a copy of the file there."
            )
    return found


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
        for file in _files(self._directory):
            with suppress(FileNotFoundError):
                found[file] = (file.stat().st_mtime_ns, file.stat().st_size)
        return found
