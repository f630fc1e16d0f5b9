"""Firehose's Lambda processor: whatever the function answers, each record has one outcome."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from practice.local_cloud.firehose.transform import (
    PAYLOAD_LIMIT,
    FunctionError,
    LambdaProcessor,
    Outcome,
    Record,
)

Handler = Callable[[dict[str, Any]], Any]

RECORDS = [Record(f"id-{number}", f"data-{number}".encode(), 1_700_000_000_000 + number) for number in range(3)]
SOURCE = {"deliveryStreamArn": "arn:stream", "region": "us-east-1"}


def processor(**changes: int) -> LambdaProcessor:
    settings = {"buffer_bytes": 1024 * 1024, "buffer_seconds": 60, "retries": 2} | changes
    return LambdaProcessor(function_arn="arn:function", **settings)


def transform(handler: Handler) -> list[Outcome]:
    def invoke(_arn: str, payload: bytes) -> bytes:
        return json.dumps(handler(json.loads(payload))).encode()

    return processor().transform(RECORDS, SOURCE, invoke)


def answer(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"recordId": record["recordId"], "result": "Ok", "data": record["data"]} | changes


def codes(outcomes: list[Outcome]) -> list[str | None]:
    return [outcome.failure.fields["errorCode"] if outcome.failure else None for outcome in outcomes]


def test_the_event_is_as_firehose_sends_it() -> None:
    events: list[dict[str, Any]] = []
    record = Record("id", b"\x00\xff", 1_700_000_000_000, {"shardId": "shardId-000000000000"})

    def invoke(_arn: str, payload: bytes) -> bytes:
        events.append(json.loads(payload))
        return b'{"records": []}'

    processor().transform([record], SOURCE, invoke)
    (event,) = events
    assert event.pop("invocationId")
    assert event == {
        "deliveryStreamArn": "arn:stream",
        "region": "us-east-1",
        "records": [
            {
                "recordId": "id",
                "approximateArrivalTimestamp": 1_700_000_000_000,
                "data": base64.b64encode(b"\x00\xff").decode(),
                "kinesisRecordMetadata": {"shardId": "shardId-000000000000"},
            }
        ],
    }


def test_ok_gives_the_new_data_and_the_partition_keys() -> None:
    new = base64.b64encode(b"new").decode()
    metadata = {"partitionKeys": {"day": "2026-01-02"}}
    outcomes = transform(lambda event: {"records": [answer(r, data=new, metadata=metadata) for r in event["records"]]})
    assert [(outcome.data, outcome.keys) for outcome in outcomes] == [(b"new", {"day": "2026-01-02"})] * 3


def test_dropped_gives_neither_data_nor_failure() -> None:
    outcomes = transform(lambda event: {"records": [answer(r, result="Dropped") for r in event["records"]]})
    assert [(outcome.data, outcome.failure) for outcome in outcomes] == [(None, None)] * 3


def test_processing_failed_gives_the_documented_error_record() -> None:
    outcomes = transform(lambda event: {"records": [answer(r, result="ProcessingFailed") for r in event["records"]]})
    failure = outcomes[0].failure
    assert failure is not None
    assert failure.error_type == "processing-failed"
    assert failure.fields["attemptEndingTimestamp"] > failure.fields["arrivalTimestamp"]
    assert {name: value for name, value in failure.fields.items() if name != "attemptEndingTimestamp"} == {
        "attemptsMade": 1,
        "arrivalTimestamp": 1_700_000_000_000,
        "errorCode": "Lambda.ProcessingFailedStatus",
        "errorMessage": "ProcessingFailed status set for record",
        "rawData": base64.b64encode(b"data-0").decode(),
        "lambdaArn": "arn:function",
    }


def test_a_record_that_does_not_come_back_fails_alone() -> None:
    outcomes = transform(lambda event: {"records": [answer(r) for r in event["records"][1:]]})
    assert codes(outcomes) == ["Lambda.MissingRecordId", None, None]


def test_a_record_that_comes_back_under_another_id_fails() -> None:
    outcomes = transform(lambda event: {"records": [answer(r, recordId="other") for r in event["records"]]})
    assert codes(outcomes) == ["Lambda.MissingRecordId"] * 3


def test_a_record_that_comes_back_twice_fails() -> None:
    outcomes = transform(lambda event: {"records": [answer(r) for r in [*event["records"], event["records"][2]]]})
    assert codes(outcomes) == [None, None, "Lambda.DuplicatedRecordId"]


@pytest.mark.parametrize(
    "changes",
    [{"result": "Fine"}, {"data": "!!!!"}, {"data": None}, {"metadata": 1}, {"metadata": {"partitionKeys": []}}],
    ids=json.dumps,
)
def test_a_malformed_result_fails_its_record(changes: dict[str, Any]) -> None:
    outcomes = transform(
        lambda event: {"records": [answer(event["records"][0], **changes), *map(answer, event["records"][1:])]}
    )
    assert codes(outcomes) == ["Lambda.JsonProcessingException", None, None]


@pytest.mark.parametrize("response", [None, [], {}, {"records": 1}, {"records": [{}]}, {"records": ["x"]}], ids=repr)
def test_a_malformed_response_fails_the_batch(response: Any) -> None:
    assert codes(transform(lambda _event: response)) == ["Lambda.JsonProcessingException"] * 3


def test_an_invocation_that_fails_is_repeated() -> None:
    attempts: list[bytes] = []

    def invoke(_arn: str, payload: bytes) -> bytes:
        attempts.append(payload)
        if len(attempts) < 3:
            raise FunctionError
        return json.dumps({"records": [answer(r) for r in json.loads(payload)["records"]]}).encode()

    outcomes = processor(retries=2).transform(RECORDS, SOURCE, invoke)
    assert codes(outcomes) == [None, None, None]
    assert len({json.loads(payload)["invocationId"] for payload in attempts}) == 3


def test_a_batch_whose_retries_are_used_up_fails() -> None:
    def invoke(_arn: str, _payload: bytes) -> bytes:
        raise FunctionError("out of memory")

    outcomes = processor(retries=2).transform(RECORDS, SOURCE, invoke)
    failure = outcomes[0].failure
    assert failure is not None
    assert codes(outcomes) == ["Lambda.FunctionError"] * 3
    assert failure.fields["attemptsMade"] == 3
    assert "out of memory" in failure.fields["errorMessage"]


def test_batches_hold_no_more_than_the_buffer_size() -> None:
    records = [Record(str(number), b"x" * 400, 0) for number in range(10)]
    batches = list(processor(buffer_bytes=1000).batches(records))
    assert [len(batch) for batch in batches] == [2, 2, 2, 2, 2]
    assert [record for batch in batches for record in batch] == records


def test_a_record_larger_than_the_buffer_is_a_batch_of_its_own() -> None:
    records = [Record("large", b"x" * 2000, 0), Record("small", b"x", 0)]
    assert [len(batch) for batch in processor(buffer_bytes=1000).batches(records)] == [1, 1]


def test_many_small_records_fit_the_payload_of_an_invocation() -> None:
    records = [Record(f"{number:056d}", b"{}", 1_700_000_000_000) for number in range(60_000)]
    sizes: list[int] = []

    def invoke(_arn: str, payload: bytes) -> bytes:
        sizes.append(len(payload))
        return b'{"records": []}'

    for batch in processor().batches(records):
        processor().transform(batch, SOURCE, invoke)
    assert max(sizes) <= PAYLOAD_LIMIT
    assert len(sizes) > 1
