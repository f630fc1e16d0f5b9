"""What the transform logs and counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from firehose_transform.reasons import Reason
from firehose_transform.telemetry import LINES_PER_REASON
from tests.firehose_events import invoke, order, record

GOOD = json.dumps(order()).encode()


def log(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def metrics(lines: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Metric values by the value of the Reason dimension, "" for the totals, as CloudWatch would read them."""
    found: dict[str, dict[str, int]] = {}
    for line in lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for dimensions in directive["Dimensions"]:
                key = "".join(line[name] for name in dimensions)
                assert key not in found, "the same metric twice in one invocation"
                found[key] = {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]}
    return found


def test_totals_and_failures_by_reason_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    invoke(record(GOOD), record(b"bad"), record(b"worse"), record(b""), None)

    assert metrics(log(capsys)) == {
        "": {"RecordsIn": 5, "RecordsOk": 1, "RecordsFailed": 4},
        "not_json": {"RecordsFailed": 2},
        "empty_record": {"RecordsFailed": 1},
        "no_record_id": {"RecordsFailed": 1},
    }


def test_a_batch_without_failures_reports_zero_for_alarms_to_see(capsys: pytest.CaptureFixture[str]) -> None:
    invoke(record(GOOD))

    assert metrics(log(capsys)) == {"": {"RecordsIn": 1, "RecordsOk": 1, "RecordsFailed": 0}}


def test_metric_lines_are_what_the_embedded_metric_format_allows(capsys: pytest.CaptureFixture[str]) -> None:
    invoke(record(GOOD), record(b"bad"))

    documents = [line for line in log(capsys) if "_aws" in line]
    assert len(documents) == 2
    for document in documents:
        assert document["_aws"].keys() == {"Timestamp", "CloudWatchMetrics"}
        assert isinstance(document["_aws"]["Timestamp"], int)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            assert directive.keys() == {"Namespace", "Dimensions", "Metrics"}
            assert directive["Namespace"] == "MlSandbox/Ingestion"
            assert all(isinstance(document[name], str) for names in directive["Dimensions"] for name in names)
            assert all(type(document[metric["Name"]]) is int for metric in directive["Metrics"])
            assert {metric["Unit"] for metric in directive["Metrics"]} == {"Count"}


def test_the_stack_may_name_the_namespace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("METRIC_NAMESPACE", "Team/Ingestion")

    invoke(record(GOOD))

    assert log(capsys)[0]["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Team/Ingestion"


def test_each_failure_has_a_line_with_reason_field_and_detail(capsys: pytest.CaptureFixture[str]) -> None:
    invoke(record(GOOD, "1"), record(json.dumps(order(quantity=0)).encode(), "2"))

    assert log(capsys)[0] == {
        "level": "WARNING",
        "message": "record failed",
        "recordId": "2",
        "reason": "out_of_range",
        "field": "quantity",
        "detail": "must be from 1 to 1000",
    }


def test_a_flood_of_failures_logs_some_of_each_reason_and_counts_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    # Given 400 records that are bad in the same way, and a last one that is bad in another
    invoke(*(record(b"bad", str(number)) for number in range(400)), record(b"", "400"))
    # Then the last one is not drowned
    lines = log(capsys)
    reasons = [line["reason"] for line in lines if "reason" in line]
    assert reasons == [Reason.NOT_JSON] * LINES_PER_REASON + [Reason.EMPTY_RECORD]
    # And the log says how many it leaves out
    assert {line["Reason"]: line["failuresWithoutLine"] for line in lines if "Reason" in line} == {
        "not_json": 400 - LINES_PER_REASON,
        "empty_record": 0,
    }


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(json.dumps(dict.fromkeys(order(), "alice@example.com")).encode(), id="as values"),
        *(pytest.param(json.dumps(order(**{name: "alice@example.com"})).encode(), id=f"as {name}") for name in order()),
        pytest.param(json.dumps(order() | {"alice@example.com": 1}).encode(), id="as a field's name"),
        pytest.param(b"alice@example.com", id="as text"),
        pytest.param(json.dumps("alice@example.com").encode(), id="as JSON"),
        pytest.param(b'{"a": "alice@example.com\\x"}', id="as broken JSON"),
        pytest.param(b"alice@example.com\xff", id="as broken UTF-8"),
        pytest.param(json.dumps(order()).encode() + b"alice@example.com", id="after JSON"),
    ],
)
def test_nothing_of_a_record_reaches_the_log(payload: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (answer,) = invoke(record(payload))

    assert answer["result"] == "ProcessingFailed"
    assert "alice" not in capsys.readouterr().out


def test_reasons_are_legal_dimension_values() -> None:
    """ASCII, not empty: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html"""
    assert all(reason.isascii() and reason.strip() for reason in Reason)
