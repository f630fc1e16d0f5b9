"""Objects of the local cloud's S3 as files that DuckDB can read, each read and converted once per version."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from practice.local_cloud.delimited_text import plain_fields, quoted_fields
from practice.local_cloud.hooks import S3


class UnreadableObjectError(Exception):
    """An object whose bytes are not what its name says, for example a ``.gz`` that is not GZIP."""


@dataclass(frozen=True)
class S3Object:
    """An object and the partition it was found in."""

    bucket: str
    key: str
    etag: str
    size: int
    partition: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def within(self, partition: tuple[str, ...]) -> S3Object:
        return replace(self, partition=partition)

    def body(self) -> bytes:
        return S3._get_object_data(self.bucket, self.key) or b""

    def text(self) -> str:
        """The content as text. Bytes that are not UTF-8 become U+FFFD, as Hadoop's text reader does."""
        body = self.body()
        if self.key.endswith((".gz", ".gzip")):
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error) as error:
                raise UnreadableObjectError(f"{self.uri} is not GZIP: {error}") from error
        return body.decode("utf-8", "replace")

    def lines(self) -> list[str]:
        lines = self.text().split("\n")
        if lines[-1] == "":
            lines.pop()
        return [line.removesuffix("\r") for line in lines]


def list_objects(bucket: str, prefix: str) -> Iterator[S3Object]:
    """The objects under a prefix, in key order, without what Trino's reader hides: names that begin with _ or ``.``."""
    objects = (S3._buckets.get(bucket) or {}).get("objects") or {}
    for key in sorted(key for key in list(objects) if key.startswith(prefix) and not key.endswith("/")):
        hidden = any(part.startswith(("_", ".")) for part in key[len(prefix) :].split("/"))
        if not hidden and (entry := objects.get(key)) is not None and entry["size"] > 0:
            yield S3Object(bucket, key, entry["etag"].strip('"'), entry["size"])


@dataclass(frozen=True)
class LocalFile:
    """An object's content in the form DuckDB reads; ``malformed`` counts the lines that were no JSON object."""

    path: str
    malformed: int = 0


def parquet_file(item: S3Object) -> LocalFile:
    def write(path: Path) -> int:
        path.write_bytes(item.body())
        return 0

    return _cached(item, "parquet", write)


def json_lines_file(item: S3Object) -> LocalFile:
    """JSON lines as one flat object per line, its keys lower-case and its values text.

    Text keeps numbers exactly as they were written. A line that is not a JSON object becomes a line of NULLs.
    """

    def write(path: Path) -> int:
        rows = [_flat_object(line) for line in item.lines()]
        _write_lines(path, (row or {} for row in rows))
        return sum(row is None for row in rows)

    return _cached(item, "json", write)


def delimited_file(item: S3Object, delimiter: str, quote: str | None, escape: str | None, skip: int) -> LocalFile:
    """Separated values as one object per line, its keys being column numbers.

    A line is split as OpenCSVSerDe does it, or without a ``quote`` as LazySimpleSerDe does.
    """

    def fields(line: str) -> Iterable[str | None]:
        if quote is None:
            return plain_fields(line, delimiter, escape or "")
        return quoted_fields(line, delimiter, quote, escape or "")

    def write(path: Path) -> int:
        _write_lines(path, ({str(i): value for i, value in enumerate(fields(line))} for line in item.lines()[skip:]))
        return 0

    return _cached(item, f"csv-{delimiter!r}-{quote!r}-{escape!r}-{skip}", write)


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _flat_object(line: str) -> dict[str, str | None] | None:
    if not line.strip():
        return {}
    try:
        parsed = json.loads(line, parse_int=_Number, parse_float=_Number, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    return {name.lower(): _as_text(value, line, name) for name, value in parsed.items()}


def _as_text(value: Any, line: str, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(json.loads(line)[name], ensure_ascii=False)


def _write_lines(path: Path, rows: Iterable[dict[str, str | None]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row))
            file.write("\n")


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="athena-objects-")


_files: dict[str, LocalFile] = {}


def _cached(item: S3Object, form: str, write: Callable[[Path], int]) -> LocalFile:
    digest = hashlib.sha256(f"{item.uri}\n{item.etag}\n{form}".encode()).hexdigest()
    if digest not in _files:
        path = Path(_directory().name) / digest
        partial = Path(tempfile.mkstemp(dir=path.parent)[1])
        malformed = write(partial)
        partial.replace(path)
        _files[digest] = LocalFile(str(path), malformed)
    return _files[digest]
