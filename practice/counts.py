"""Counts what arrived, from the objects in S3 themselves: in = processed + failed, and raw holds them all.

Firehose puts nothing between the records of its backup, so records that were sent without a newline share a line of
raw. They are told apart where they are JSON objects; a record that holds several itself has failed, and tells so.

Source: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-new-line-delimiter.html
"""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count as count_up
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import duckdb

from practice.reasons import REASONS, why_rejected
from practice.sample.orders import Manifest
from practice.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

ERRORS = "errors/"
ORDERS = "orders/"
_GZIP = b"\x1f\x8b"
_may_hold_several = re.compile(rb"\}\s*\{").search
_DOWNLOADS_AT_ONCE = 8

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Counts:
    """Records in raw and processed, and failed ones by reason."""

    raw: int = 0
    processed: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def __sub__(self, earlier: Counts) -> Counts:
        """What came since; a count that went down shows as a negative number."""
        failed = self.failed.copy()
        failed.subtract(earlier.failed)
        return Counts(
            self.raw - earlier.raw, self.processed - earlier.processed, Counter({k: v for k, v in failed.items() if v})
        )


def expected(manifest: Manifest) -> Counts:
    """What must come out of the manifest's records, with the transform's reasons."""
    failed: Counter[str] = Counter()
    for fault, number in manifest.failed.items():
        failed[REASONS[fault]] += number
    return Counts(manifest.sent, manifest.processed, failed)


def count(sandbox: Sandbox) -> Counts:
    """Read every order object of the lake-house: records in raw, rows of the Parquet files, failed records."""
    s3: S3Client = sandbox.client("s3")
    raw, processed = sandbox["RawBucket"], sandbox["ProcessedBucket"]
    failures = _each_object(s3, processed, ERRORS, _failures)
    return Counts(
        sum(_each_object(s3, raw, ORDERS, lambda _, content: _records(content))) - sum(more for _, more in failures),
        _parquet_rows(s3, processed),
        sum((reasons for reasons, _ in failures), Counter()),
    )


def _records(content: bytes) -> int:
    """Records in the text of the raw zone: the lines, and JSON objects that follow one another in one line."""
    return sum(_in_line(line) for line in content.removesuffix(b"\n").split(b"\n")) if content else 0


def _in_line(line: bytes) -> int:
    if not _may_hold_several(line):
        return 1
    found, decoder = 0, json.JSONDecoder()
    try:
        text = line.decode().strip()
        while text:
            _, end = decoder.raw_decode(text)
            text, found = text[end:].lstrip(), found + 1
    except (ValueError, RecursionError):
        return 1
    return found


def _each_object(s3: S3Client, bucket: str, prefix: str, measure: Callable[[str, bytes], Measured]) -> list[Measured]:
    """Measure every object under a prefix by its key and its content, unzipped."""

    def read(key: str) -> Measured:
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return measure(key, gzip.decompress(content) if content.startswith(_GZIP) else content)

    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
        return list(pool.map(read, keys))


def _parquet_rows(s3: S3Client, bucket: str) -> int:
    with tempfile.TemporaryDirectory() as directory, duckdb.connect() as connection:
        numbers = count_up()

        def copy(_: str, content: bytes) -> str:
            file = Path(directory, f"{next(numbers)}.parquet")
            file.write_bytes(content)
            return str(file)

        files = _each_object(s3, bucket, ORDERS, copy)
        if not files:
            return 0
        rows = connection.execute("SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(?)", [files]).fetchone()
    return int(rows[0]) if rows else 0


def _failures(key: str, content: bytes) -> tuple[Counter[str], int]:
    """The reasons in one object of error records, and for how many records more than one theirs pass in raw.

    A reason is the transform's, or Firehose's own where it has none.

    Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
    """
    reasons: Counter[str] = Counter()
    more = 0
    for line in content.splitlines():
        failure = json.loads(line)
        data = b64decode(failure["rawData"])
        arrival = datetime.fromtimestamp(int(failure["arrivalTimestamp"]) / 1000, UTC)
        rejected = why_rejected(data, arrival)
        reasons[rejected.reason if rejected else f"{_error_type(key)}: {failure['errorCode']}"] += 1
        more += max(0, _records(data) - 1)
    return reasons, more


def _error_type(key: str) -> str:
    return key.removeprefix(ERRORS).partition("/")[0]
