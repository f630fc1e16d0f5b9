"""When Firehose writes its buffers, and what happens when it cannot."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import pytest

from practice.local_cloud.firehose.delivery import MEBIBYTE, Delivery
from practice.local_cloud.firehose.transform import Record

ARRIVED = 1_700_000_000_000


class FakeServices:
    """S3 in a dictionary, a function that answers by the record's data, and a clock that is set."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.invocations = 0
        self.logged: list[str] = []
        self.broken_bucket = ""
        self.now = 0.0

    def invoke(self, _arn: str, payload: bytes) -> bytes:
        self.invocations += 1
        return json.dumps({"records": [self._result(record) for record in json.loads(payload)["records"]]}).encode()

    def put_object(self, bucket: str, key: str, body: bytes, kms_key: str | None) -> None:
        if bucket == self.broken_bucket:
            raise OSError("no such bucket")
        self.objects[f"{bucket}/{key}"] = body

    def columns(self, schema: Mapping[str, str]) -> dict[str, str]:
        raise AssertionError(schema)

    def log_error(self, options: Mapping[str, Any], code: str, message: str) -> None:
        self.logged.append(code)

    def under(self, prefix: str) -> list[bytes]:
        return [body for key, body in self.objects.items() if key.startswith(prefix)]

    @staticmethod
    def _result(record: dict[str, Any]) -> dict[str, Any]:
        match base64.b64decode(record["data"]):
            case b"lost":
                return {"recordId": "other", "result": "Ok", "data": ""}
            case b"failed":
                return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}
            case b"dropped":
                return {"recordId": record["recordId"], "result": "Dropped", "data": record["data"]}
            case b"no key":
                return {"recordId": record["recordId"], "result": "Ok", "data": record["data"]}
            case data:
                keys = {"partitionKeys": {"day": data.decode()[:1]}}
                return {"recordId": record["recordId"], "result": "Ok", "data": record["data"], "metadata": keys}


PROCESSING = {
    "Enabled": True,
    "Processors": [
        {
            "Type": "Lambda",
            "Parameters": [
                {"ParameterName": "LambdaArn", "ParameterValue": "arn:function"},
                {"ParameterName": "BufferSizeInMBs", "ParameterValue": "1"},
                {"ParameterName": "BufferIntervalInSeconds", "ParameterValue": "30"},
            ],
        }
    ],
}
DESTINATION = {
    "BucketARN": "arn:aws:s3:::lake",
    "BufferingHints": {"SizeInMBs": 2, "IntervalInSeconds": 60},
    "Prefix": "day=!{partitionKeyFromLambda:day}/",
    "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
    "ProcessingConfiguration": PROCESSING,
    "S3BackupMode": "Enabled",
    "S3BackupConfiguration": {
        "BucketARN": "arn:aws:s3:::raw",
        "BufferingHints": {"SizeInMBs": 4, "IntervalInSeconds": 90},
        "Prefix": "!{timestamp:yyyy-MM-dd}/",
        "CompressionFormat": "GZIP",
    },
}


@pytest.fixture
def services() -> FakeServices:
    return FakeServices()


@pytest.fixture
def delivery(services: FakeServices) -> Delivery:
    stream = {
        "name": "orders",
        "arn": "arn:aws:firehose:us-east-1:000000000000:deliverystream/orders",
        "version": 1,
        "destinations": [{"config": DESTINATION}],
    }
    return Delivery(stream, services, clock=lambda: services.now)


def records(*data: bytes) -> list[Record]:
    return [Record(f"id-{number}", value, ARRIVED) for number, value in enumerate(data)]


def test_nothing_is_invoked_or_written_before_a_buffer_is_due(delivery: Delivery, services: FakeServices) -> None:
    delivery.accept(records(b"1"))
    services.now = 29.0
    delivery.work()
    assert (services.invocations, services.objects) == (0, {})


def test_the_function_is_invoked_when_the_processors_interval_is_over(
    delivery: Delivery, services: FakeServices
) -> None:
    delivery.accept(records(b"1"))
    services.now = 30.0
    delivery.work()
    assert (services.invocations, services.objects) == (1, {})


def test_the_function_is_invoked_when_the_processors_buffer_is_full(delivery: Delivery, services: FakeServices) -> None:
    delivery.accept(records(b"1" * (MEBIBYTE // 2), b"1" * (MEBIBYTE // 2)))
    delivery.work()
    assert services.invocations == 1


def test_a_partition_is_written_when_its_interval_is_over(delivery: Delivery, services: FakeServices) -> None:
    delivery.accept(records(b"1"))
    services.now = 30.0
    delivery.work()
    services.now = 89.0
    delivery.work()
    assert services.under("lake/") == []
    services.now = 90.0
    delivery.work()
    assert services.under("lake/day=1/orders-1-2023-11-14-22-13-20-") == [b"1"]


def test_a_partition_is_written_when_its_buffer_is_full(delivery: Delivery, services: FakeServices) -> None:
    large = b"1" * MEBIBYTE
    delivery.accept(records(large, b"2" * MEBIBYTE))
    delivery.work()
    assert services.under("lake/") == []
    delivery.accept(records(large))
    delivery.work()
    assert services.under("lake/") == services.under("lake/day=1/") == [large * 2]


def test_the_backup_is_written_by_its_own_buffer(delivery: Delivery, services: FakeServices) -> None:
    delivery.accept(records(b"a\n", b"dropped", b"failed"))
    services.now = 89.0
    delivery.work()
    assert services.under("raw/") == []
    services.now = 90.0
    delivery.work()
    (body,) = services.under("raw/2023-11-14/")
    assert gzip.decompress(body) == b"a\ndroppedfailed"


def test_nothing_stands_between_the_records_of_the_backup(delivery: Delivery, services: FakeServices) -> None:
    """https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-new-line-delimiter.html."""
    delivery.accept(records(b"1", b"2\n", b"", b"3"))
    delivery.work(everything=True)
    assert [gzip.decompress(body) for body in services.under("raw/")] == [b"12\n3"]


def test_a_stream_without_records_writes_nothing(delivery: Delivery, services: FakeServices) -> None:
    delivery.accept([])
    assert delivery.work(everything=True) == 0
    assert services.objects == {}


def test_a_flush_delivers_everything_and_each_record_once(delivery: Delivery, services: FakeServices) -> None:
    delivery.accept(records(b"1", b"2", b"1", b"failed", b"dropped", b"lost", b"no key"))
    assert delivery.work(everything=True) == 5
    assert services.under("lake/day=1/") == [b"11"]
    assert services.under("lake/day=2/") == [b"2"]
    (failed,) = services.under("lake/errors/processing-failed/")
    (unpartitioned,) = services.under("lake/errors/metadata-extraction-failed/")
    assert [base64.b64decode(json.loads(line)["rawData"]) for line in failed.splitlines()] == [b"failed", b"lost"]
    assert json.loads(unpartitioned)["errorCode"] == "DynamicPartitioning.MetadataExtractionFailed"
    assert delivery.work(everything=True) == 0


@pytest.mark.parametrize("bucket", ["lake", "raw"])
def test_what_s3_does_not_take_is_delivered_later(delivery: Delivery, services: FakeServices, bucket: str) -> None:
    delivery.accept(records(b"1", b"failed"))
    services.broken_bucket = bucket
    for _ in range(2):
        with pytest.raises(OSError, match="no such bucket"):
            delivery.work(everything=True)
    services.broken_bucket = ""
    delivery.work(everything=True)
    (backup,) = services.under("raw/")
    assert services.under("lake/day=1/") == [b"1"]
    assert len(services.under("lake/errors/")) == 1
    assert gzip.decompress(backup) == b"1failed"
    assert services.invocations == 1


def test_a_destination_that_fails_does_not_keep_the_backup_back(delivery: Delivery, services: FakeServices) -> None:
    delivery.accept(records(b"1"))
    services.broken_bucket = "lake"
    with pytest.raises(OSError, match="no such bucket"):
        delivery.work(everything=True)
    assert len(services.under("raw/")) == 1


def test_a_partition_more_than_firehose_keeps_open_goes_to_the_errors(
    delivery: Delivery, services: FakeServices
) -> None:
    """https://docs.aws.amazon.com/firehose/latest/dev/buffering.html: 500 active partitions a stream."""
    partitions = [chr(1000 + number).encode() for number in range(502)]
    delivery.accept(records(*partitions, partitions[0] + b" again"))
    delivery.work(everything=True)
    assert len(services.under("lake/day=")) == 500
    assert services.under(f"lake/day={partitions[0].decode()}") == [partitions[0] * 2 + b" again"]
    (errors,) = services.under("lake/errors/activePartitionExceeded/")
    told = [json.loads(line) for line in errors.splitlines()]
    assert [base64.b64decode(error["rawData"]) for error in told] == partitions[500:]
    assert {error["errorMessage"] for error in told} == {
        "The number of active partitions has exceeded the configured limit"
    }
    assert gzip.decompress(services.under("raw/")[0]) == b"".join([*partitions, partitions[0] + b" again"])


def test_a_partition_that_is_delivered_makes_room(delivery: Delivery, services: FakeServices) -> None:
    for first in (1000, 2000):
        delivery.accept(records(*(chr(first + number).encode() for number in range(500))))
        delivery.work(everything=True)
    assert len(services.under("lake/day=")) == 1000
    assert services.under("lake/errors/") == []


def test_what_is_wrong_with_the_function_is_logged(delivery: Delivery, services: FakeServices) -> None:
    delivery.accept(records(b"lost", b"lost", b"failed"))
    delivery.work(everything=True)
    assert services.logged == ["Lambda.MissingRecordId"]
