"""Sending: within the service's limits, failed records alone again, and every record accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from practice.ingest import (
    ATTEMPTS,
    LARGEST_RECORD,
    LONGEST_PAUSE,
    MOST_BYTES,
    TOO_LARGE,
    land_customers,
    send,
    stream_of,
)
from practice.sandbox import Sandbox, Target

BATCH = "customers/snapshot_date=2026-03-14/customers.csv"


class Service:
    """A stream that refuses what it is told to, and remembers its calls."""

    def __init__(self, *refusals: set[bytes]) -> None:
        self.refusals = list(refusals)
        self.calls: list[list[bytes]] = []

    def put(self, batch: list[bytes]) -> list[str | None]:
        self.calls.append(batch)
        refused = self.refusals.pop(0) if self.refusals else set()
        return ["ServiceUnavailableException" if record in refused else None for record in batch]


class Outcome:
    def __init__(self, records: list[bytes], service: Service) -> None:
        self.refused: list[tuple[bytes, str]] = []
        self.pauses: list[float] = []
        self.taken = sum(
            send(
                records,
                service.put,
                refused=lambda data, code: self.refused.append((data, code)),
                pause=self.pauses.append,
            )
        )


def stubbed(service_name: str) -> tuple[Any, Stubber]:
    client = boto3.client(
        service_name,  # type: ignore[call-overload]
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )
    return client, Stubber(client)


def sandbox_with(client: Any, **outputs: str) -> Sandbox:
    return Sandbox("test", Target("test account", lambda service_name: client, None), outputs)


def test_a_batch_holds_at_most_500_records() -> None:
    service = Service()
    outcome = Outcome([b"%d\n" % number for number in range(1_201)], service)
    assert [len(call) for call in service.calls] == [500, 500, 201]
    assert outcome.taken == 1_201


def test_a_batch_holds_at_most_4_mib() -> None:
    service = Service()
    Outcome([b"x" * LARGEST_RECORD] * 9, service)
    assert [len(call) for call in service.calls] == [4, 4, 1]
    assert all(sum(map(len, call)) <= MOST_BYTES for call in service.calls)


def test_a_record_over_1000_kib_is_refused_and_the_others_are_sent() -> None:
    service = Service()
    large = b"x" * (LARGEST_RECORD + 1)
    outcome = Outcome([b"a\n", large, b"b\n"], service)
    assert service.calls == [[b"a\n", b"b\n"]]
    assert outcome.refused == [(large, TOO_LARGE)]


def test_only_the_records_that_failed_are_sent_again() -> None:
    service = Service({b"b\n", b"c\n"}, {b"c\n"})
    outcome = Outcome([b"a\n", b"b\n", b"c\n"], service)
    assert service.calls == [[b"a\n", b"b\n", b"c\n"], [b"b\n", b"c\n"], [b"c\n"]]
    assert outcome.taken == 3
    assert outcome.refused == []


def test_the_pauses_between_attempts_grow() -> None:
    outcome = Outcome([b"a\n"], Service(*[{b"a\n"}] * (ATTEMPTS - 1)))
    assert len(outcome.pauses) == ATTEMPTS - 1
    assert outcome.pauses[0] <= 0.1 < 0.8 <= outcome.pauses[4] <= LONGEST_PAUSE


def test_what_is_refused_to_the_end_is_handed_over_and_not_counted() -> None:
    outcome = Outcome([b"a\n", b"b\n"], Service(*[{b"b\n"}] * ATTEMPTS))
    assert outcome.taken == 1
    assert outcome.refused == [(b"b\n", "ServiceUnavailableException")]


def test_records_are_not_read_before_they_are_sent() -> None:
    """Else a large sample would fill the memory."""
    service, read = Service(), 0

    def records() -> Iterator[bytes]:
        nonlocal read
        for _ in range(5_000):
            read += 1
            yield b"{}\n"

    next(send(records(), service.put, refused=lambda data, code: None))
    assert read <= 501


def test_firehose_gets_the_bytes_as_they_are_and_its_error_codes_come_back() -> None:
    client, stubber = stubbed("firehose")
    stubber.add_response(
        "put_record_batch",
        {"FailedPutCount": 1, "RequestResponses": [{"RecordId": "1"}, {"ErrorCode": "InternalFailure"}]},
        {"DeliveryStreamName": "orders", "Records": [{"Data": b"\xff\n"}, {"Data": b"\n"}]},
    )
    _, put = stream_of(sandbox_with(client, DeliveryStream="orders"))
    with stubber:
        assert put([b"\xff\n", b"\n"]) == [None, "InternalFailure"]


def test_a_kinesis_stream_in_front_is_used_instead() -> None:
    client, stubber = stubbed("kinesis")
    stubber.add_response(
        "put_records",
        {
            "FailedRecordCount": 1,
            "Records": [
                {"SequenceNumber": "1", "ShardId": "s"},
                {"ErrorCode": "ProvisionedThroughputExceededException"},
            ],
        },
        {
            "StreamName": "front",
            "Records": [{"Data": b"a\n", "PartitionKey": ANY}, {"Data": b"b\n", "PartitionKey": ANY}],
        },
    )
    _, put = stream_of(sandbox_with(client, DeliveryStream="orders", OrderStream="front"))
    with stubber:
        assert put([b"a\n", b"b\n"]) == [None, "ProvisionedThroughputExceededException"]


def test_a_throttled_call_refuses_the_whole_batch_for_now() -> None:
    client, stubber = stubbed("firehose")
    stubber.add_client_error("put_record_batch", "ServiceUnavailableException")
    _, put = stream_of(sandbox_with(client, DeliveryStream="orders"))
    with stubber:
        assert put([b"a\n", b"b\n"]) == ["ServiceUnavailableException"] * 2


def test_an_error_that_no_retry_mends_is_raised() -> None:
    client, stubber = stubbed("firehose")
    stubber.add_client_error("put_record_batch", "AccessDeniedException")
    _, put = stream_of(sandbox_with(client, DeliveryStream="orders"))
    with stubber, pytest.raises(ClientError, match="AccessDenied"):
        put([b"a\n"])


def landing(earlier: bytes | None, lines: list[str], expected: bytes) -> tuple[str, int]:
    client, stubber = stubbed("s3")
    if earlier is None:
        stubber.add_client_error("get_object", "NoSuchKey", expected_params={"Bucket": "raw", "Key": BATCH})
    else:
        stubber.add_response("get_object", {"Body": BytesIO(earlier)}, {"Bucket": "raw", "Key": BATCH})
    stubber.add_response("put_object", {}, {"Bucket": "raw", "Key": BATCH, "Body": expected})
    with stubber:
        return land_customers(sandbox_with(client, RawBucket="raw"), lines, date(2026, 3, 14))


def test_customers_land_in_a_folder_of_their_day() -> None:
    assert landing(None, ["id,a\n", "C-1,x\n"], b"id,a\nC-1,x\n") == (f"s3://raw/{BATCH}", 1)


def test_customers_of_an_earlier_batch_of_the_day_stay() -> None:
    """Else the customers of orders that were sent before would be unknown."""
    _, landed = landing(b"id,a\nC-1,old\nC-2,y\n", ["id,a\n", "C-1,new\n"], b"id,a\nC-1,new\nC-2,y\n")
    assert landed == 2
