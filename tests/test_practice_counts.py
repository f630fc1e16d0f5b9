"""Counting from the objects in S3: every line of raw, every row of processed, every failed record by its reason."""

from __future__ import annotations

import gzip
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from moto import mock_aws

from practice.counts import Counts, count, expected
from practice.reasons import REASONS
from practice.sample.faults import Fault
from practice.sample.orders import Manifest, orders
from practice.sample.plan import Plan
from practice.sandbox import Sandbox, Target

END = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        for bucket in ("raw", "processed"):
            client.create_bucket(Bucket=bucket)
        yield client


@pytest.fixture
def sandbox(s3: Any) -> Sandbox:
    outputs = {"RawBucket": "raw", "ProcessedBucket": "processed"}
    return Sandbox("test", Target("test account", lambda service_name: s3, None), outputs)


def failed(data: bytes, error_code: str = "Lambda.ProcessingFailedStatus") -> bytes:
    failure = {
        "attemptsMade": 1,
        "arrivalTimestamp": int(END.timestamp() * 1000),
        "errorCode": error_code,
        "rawData": b64encode(data).decode(),
    }
    return json.dumps(failure).encode() + b"\n"


def parquet(path: Path, rows: int) -> bytes:
    with duckdb.connect() as connection:
        connection.execute("COPY (FROM range(?)) TO ? (FORMAT parquet)", [rows, str(path)])
    return path.read_bytes()


def test_an_empty_lake_house_counts_nothing(sandbox: Sandbox) -> None:
    assert count(sandbox) == Counts()


def test_raw_counts_the_lines_of_every_order_object(s3: Any, sandbox: Sandbox) -> None:
    s3.put_object(Bucket="raw", Key="orders/ingest_date=2026-03-14/a.gz", Body=gzip.compress(b"{}\n\n\xff\n"))
    s3.put_object(Bucket="raw", Key="orders/ingest_date=2026-03-15/b.gz", Body=gzip.compress(b"{}\n"))
    s3.put_object(Bucket="raw", Key="customers/snapshot_date=2026-03-14/customers.csv", Body=b"id\n1\n")
    assert count(sandbox).raw == 4


@pytest.mark.parametrize(
    ("records", "held"),
    [
        ([b'{"a":1}', b'{"a":2}\n', b'{"a":3}'], 3),
        ([b'{"a":"}{"}\n', b'{"a":{"b":[{},{}]}}'], 2),
        ([b'{"a":1} ', b' {"a":2}\n'], 2),
        ([b"\n", b"\n", b"[1]\n", b"{}"], 4),
        ([b'{"a":1}{"a":\n', b"\xff}{\n", b"{" * 100_000 + b"}{\n"], 3),
    ],
)
def test_raw_counts_records_that_share_a_line(s3: Any, sandbox: Sandbox, records: list[bytes], held: int) -> None:
    """Firehose adds no newline between the records of its backup."""
    s3.put_object(Bucket="raw", Key="orders/ingest_date=2026-03-14/a.gz", Body=gzip.compress(b"".join(records)))
    assert count(sandbox).raw == held


def test_a_record_of_several_objects_is_one_record(s3: Any, sandbox: Sandbox) -> None:
    several = b'{"a":1}{"a":2}{"a":3}\n'
    s3.put_object(Bucket="raw", Key="orders/ingest_date=2026-03-14/a", Body=several + b'{"a":1}' + b'{"a":2}\n')
    s3.put_object(Bucket="processed", Key="errors/processing-failed/failed_date=2026-03-14/x", Body=failed(several))
    counted = count(sandbox)
    assert (counted.raw, counted.failed) == (3, {"extra_data": 1})


def test_processed_counts_the_rows_of_every_parquet_file(s3: Any, sandbox: Sandbox, tmp_path: Path) -> None:
    for day, rows in (("2026-03-14", 3), ("2026-03-15", 4)):
        key = f"orders/order_date={day}/part.parquet"
        s3.put_object(Bucket="processed", Key=key, Body=parquet(tmp_path / day, rows))
    assert count(sandbox).processed == 7


def test_failed_records_are_counted_by_the_transforms_reason(s3: Any, sandbox: Sandbox) -> None:
    body = failed(b"") + failed(b"[1]\n") + failed(b"[2]\n")
    s3.put_object(Bucket="processed", Key="errors/processing-failed/failed_date=2026-03-14/x", Body=body)
    assert count(sandbox).failed == {"empty_record": 1, "not_an_object": 2}


def test_a_record_that_firehose_failed_for_its_own_reason_keeps_that(s3: Any, sandbox: Sandbox) -> None:
    order = next(orders(Plan(1, end=END))).data
    for error_type, code in (
        ("processing-failed", "Lambda.FunctionTimedOut"),
        ("format-conversion-failed", "DataFormatConversion.ParseError"),
    ):
        key = f"errors/{error_type}/failed_date=2026-03-14/x"
        s3.put_object(Bucket="processed", Key=key, Body=failed(order, code))
    assert count(sandbox).failed == {
        "processing-failed: Lambda.FunctionTimedOut": 1,
        "format-conversion-failed: DataFormatConversion.ParseError": 1,
    }


def test_what_came_since_is_the_difference_and_losses_show() -> None:
    earlier = Counts(10, 8, Counter(a=1, b=1))
    later = Counts(15, 12, Counter(a=3))
    assert later - earlier == Counts(5, 4, Counter({"a": 2, "b": -1}))


def test_what_must_come_out_follows_from_the_manifest() -> None:
    manifest = Manifest()
    for _ in manifest.counted(orders(Plan(1_000, end=END))):
        pass
    due = expected(manifest)
    assert due.raw == 1_000 == due.processed + due.failed.total()
    assert set(due.failed) == set(REASONS.values())
    assert due.failed["not_json"] == manifest.failed[Fault.TRUNCATED] + manifest.failed[Fault.NAN]
