"""The Firehose transform, guarantee by guarantee."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from contracts import Contract
from firehose_transform import batch, orders
from firehose_transform.handler import lambda_handler
from firehose_transform.orders_contract import conform
from firehose_transform.reasons import Reason
from tests.firehose_events import (
    ARRIVAL,
    ARRIVAL_MILLISECONDS,
    EVENTS,
    invoke,
    invoke_with,
    order,
    record,
    transformed,
)

ORDERS = Contract.load("orders")


def reasons(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    """Reason and field of every failure in the log."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(line["reason"], line["field"]) for line in lines if "reason" in line]


class TestEnvelope:
    @pytest.mark.parametrize("source", ["direct_put", "kinesis_source"])
    def test_real_events_come_back_record_by_record(self, source: str, capsys: pytest.CaptureFixture[str]) -> None:
        # Given an event as Firehose sends it: two orders, a CSV file, an order of nothing
        event = json.loads((EVENTS / f"{source}.json").read_text(encoding="utf-8"))
        # When it is transformed
        answers = lambda_handler(event, None)["records"]
        # Then every record is answered, in order
        assert [answer["recordId"] for answer in answers] == [sent["recordId"] for sent in event["records"]]
        assert [answer["result"] for answer in answers] == ["Ok", "Ok", "ProcessingFailed", "ProcessingFailed"]
        assert reasons(capsys) == [("not_json", ""), ("out_of_range", "quantity")]

    def test_an_ok_record_carries_its_partition_key_and_a_failed_one_does_not(self) -> None:
        ok, failed = invoke(record(json.dumps(order()).encode(), "ok"), record(b"bad", "failed"))

        assert ok["metadata"] == {"partitionKeys": {"order_date": "2026-03-14"}}
        assert failed == {"recordId": "failed", "result": "ProcessingFailed", "data": base64.b64encode(b"bad").decode()}

    def test_500_records_come_back_each_once(self) -> None:
        payload = json.dumps(order()).encode()

        answers = invoke(*(record(payload, str(number)) for number in range(500)))

        assert [answer["recordId"] for answer in answers] == [str(number) for number in range(500)]
        assert {answer["result"] for answer in answers} == {"Ok"}

    def test_no_records_are_no_answers(self) -> None:
        assert invoke() == []

    def test_an_event_that_is_not_from_firehose_raises(self) -> None:
        with pytest.raises(KeyError, match="records"):
            lambda_handler({"Records": []}, None)

    @pytest.mark.parametrize("nameless", [{"data": ""}, {"recordId": 7, "data": ""}, None, "text"])
    def test_a_record_without_id_is_counted_and_the_others_are_answered(
        self, nameless: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (answer,) = invoke(nameless, record(json.dumps(order()).encode()))

        assert answer["result"] == "Ok"
        assert reasons(capsys) == [("no_record_id", "")]

    @pytest.mark.parametrize("arrival", [..., None, "1773480600250", True, 1.5, -1, 10**18])
    def test_a_record_without_arrival_time_fails(self, arrival: Any, capsys: pytest.CaptureFixture[str]) -> None:
        sent = record(json.dumps(order()).encode()) | {"approximateArrivalTimestamp": arrival}

        (answer,) = invoke({name: value for name, value in sent.items() if value is not ...})

        assert answer["result"] == "ProcessingFailed"
        assert reasons(capsys) == [("no_arrival_time", "approximateArrivalTimestamp")]

    def test_a_fault_of_the_transform_fails_one_record_and_not_the_batch(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        # Given a transform with a bug that shows up on one record
        def buggy(fields: dict[str, Any], arrival: str) -> dict[str, Any]:
            if fields["event_type"] == "return":
                raise ZeroDivisionError(fields["customer_id"])
            return conform(fields, arrival)

        monkeypatch.setattr(orders, "conform", buggy)
        # When it gets this record among others
        good = json.dumps(order()).encode()
        answers = invoke(
            record(good, "1"), record(json.dumps(order(event_type="return")).encode(), "2"), record(good, "3")
        )
        # Then the others come through, and the log holds the kind of fault without the record
        assert [answer["result"] for answer in answers] == ["Ok", "ProcessingFailed", "Ok"]
        log = capsys.readouterr().out
        assert json.loads(log.splitlines()[0])["detail"] == "ZeroDivisionError"
        assert "C-48213" not in log


class TestBytes:
    """A record that is not one JSON object fails, with its data as it came."""

    @pytest.mark.parametrize(
        ("payload", "reason"),
        [
            pytest.param(b"", Reason.EMPTY_RECORD, id="empty"),
            pytest.param(b" \r\n\t", Reason.EMPTY_RECORD, id="whitespace"),
            pytest.param(b"\xff\xfe\x00", Reason.NOT_UTF8, id="not UTF-8"),
            pytest.param('{"a": 1}'.encode("utf-16"), Reason.NOT_UTF8, id="UTF-16"),
            pytest.param(b"\xed\xa0\x80", Reason.NOT_UTF8, id="surrogate as bytes"),
            pytest.param(b"O-1,12.50", Reason.NOT_JSON, id="CSV"),
            pytest.param(b'{"event_id": ', Reason.NOT_JSON, id="cut off"),
            pytest.param(b'\xef\xbb\xbf{"a": 1}', Reason.NOT_JSON, id="byte order mark"),
            pytest.param(b'{"amount": NaN}', Reason.NOT_JSON, id="NaN"),
            pytest.param(b'{"amount": -Infinity}', Reason.NOT_JSON, id="Infinity"),
            pytest.param(b'{"coupon": "a\x00b"}', Reason.NOT_JSON, id="control character"),
            pytest.param(b'{"a": 1}{"a": 2}', Reason.EXTRA_DATA, id="two objects"),
            pytest.param(b'{"a": 1}\n{"a": 2}\n', Reason.EXTRA_DATA, id="two lines"),
            pytest.param(b'{"a": 1} and more', Reason.EXTRA_DATA, id="text after"),
            pytest.param(b"[" * 100_000, Reason.NESTED_TOO_DEEPLY, id="arrays, deep"),
            pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, Reason.NESTED_TOO_DEEPLY, id="objects, deep"),
            pytest.param(b'{"amount": ' + b"9" * 5_000 + b"}", Reason.NUMBER_TOO_LONG, id="5,000 digits"),
            pytest.param(b'{"amount": 1, "amount": 2}', Reason.DUPLICATE_KEY, id="a key twice"),
            pytest.param(b'{"amount": 1, "\\u0061mount": 1}', Reason.DUPLICATE_KEY, id="a key twice, escaped"),
            pytest.param(b"[]", Reason.NOT_AN_OBJECT, id="array"),
            pytest.param(b"null", Reason.NOT_AN_OBJECT, id="null"),
            pytest.param(b'"text"', Reason.NOT_AN_OBJECT, id="string"),
        ],
    )
    def test_is_rejected(self, payload: bytes, reason: Reason, capsys: pytest.CaptureFixture[str]) -> None:
        answer = invoke_with(payload)

        assert answer == {
            "recordId": "1",
            "result": "ProcessingFailed",
            "data": base64.b64encode(payload).decode(),
        }
        assert reasons(capsys) == [(reason, "")]

    @pytest.mark.parametrize("data", ["%%%", "e30", "e30=\n", "e30=e30=", "\u00e9\ud800", "e30=="])
    def test_data_that_is_not_base64_comes_back_unchanged(self, data: str, capsys: pytest.CaptureFixture[str]) -> None:
        (answer,) = invoke(record(b"") | {"data": data})

        assert answer == {"recordId": "1", "result": "ProcessingFailed", "data": data}
        assert reasons(capsys) == [("not_base64", "")]

    @pytest.mark.parametrize("data", [None, 7, {"a": 1}])
    def test_data_that_is_no_string_comes_back_empty(self, data: Any, capsys: pytest.CaptureFixture[str]) -> None:
        (answer,) = invoke(record(b"") | {"data": data})

        assert answer == {"recordId": "1", "result": "ProcessingFailed", "data": ""}
        assert reasons(capsys) == [("not_base64", "")]

    def test_missing_data_comes_back_empty(self, capsys: pytest.CaptureFixture[str]) -> None:
        (answer,) = invoke({"recordId": "1", "approximateArrivalTimestamp": ARRIVAL_MILLISECONDS})

        assert answer == {"recordId": "1", "result": "ProcessingFailed", "data": ""}
        assert reasons(capsys) == [("not_base64", "")]

    def test_whitespace_around_the_object_is_fine(self) -> None:
        assert invoke_with(b"\r\n " + json.dumps(order()).encode() + b"\r\n")["result"] == "Ok"


class TestContract:
    """A record that does not fit the contract fails, and the log names reason and field."""

    @pytest.mark.parametrize(
        ("changes", "reason", "field"),
        [
            *(({field.name: ...}, "missing_field", field.name) for field in ORDERS.fields if field.required),
            *(({field.name: None}, "wrong_type", field.name) for field in ORDERS.fields if not field.read_only),
            ({"loyalty_points": 7}, "unknown_field", "loyalty_points"),
            ({"Event_ID": "x"}, "unknown_field", ""),
            ({"arrival_time": "2026-03-14T09:30:00.000Z"}, "read_only_field", "arrival_time"),
            ({"event_id": "short"}, "invalid_value", "event_id"),
            ({"event_id": "6f1c9a52_7a3e"}, "invalid_value", "event_id"),
            ({"order_id": "O-1\u0661"}, "invalid_value", "order_id"),
            ({"order_id": "X O-1"}, "invalid_value", "order_id"),
            ({"customer_id": 48213}, "wrong_type", "customer_id"),
            ({"customer_id": ["C-1"]}, "wrong_type", "customer_id"),
            ({"event_type": "refund"}, "invalid_value", "event_type"),
            ({"category": {"name": "books"}}, "wrong_type", "category"),
            ({"category": "boo\u212as"}, "invalid_value", "category"),
            ({"currency": "EURO"}, "invalid_value", "currency"),
            ({"currency": "\u0131dr"}, "invalid_value", "currency"),
            ({"country": "\u00df"}, "invalid_value", "country"),
            ({"coupon": "  "}, "invalid_value", "coupon"),
            ({"coupon": "x" * 33}, "invalid_value", "coupon"),
            ({"coupon": "a\u0000b"}, "invalid_value", "coupon"),
            ({"coupon": "a\ud800b"}, "invalid_value", "coupon"),
            ({"coupon": "a\u2028b"}, "invalid_value", "coupon"),
            ({"quantity": 0}, "out_of_range", "quantity"),
            ({"quantity": 1001}, "out_of_range", "quantity"),
            ({"quantity": 10**4000}, "out_of_range", "quantity"),
            ({"quantity": 1.5}, "wrong_type", "quantity"),
            ({"quantity": "2"}, "wrong_type", "quantity"),
            ({"quantity": True}, "wrong_type", "quantity"),
            ({"amount": -0.01}, "out_of_range", "amount"),
            ({"amount": 100_000_000}, "out_of_range", "amount"),
            ({"amount": 10**400}, "out_of_range", "amount"),
            ({"amount": True}, "wrong_type", "amount"),
            ({"amount": 12.345}, "too_many_decimals", "amount"),
            ({"amount": "12.345"}, "too_many_decimals", "amount"),
            ({"amount": "12.3400000000000000000001"}, "too_many_decimals", "amount"),
            ({"amount": "1_000"}, "invalid_value", "amount"),
            ({"amount": "1e3"}, "invalid_value", "amount"),
            ({"amount": "12,50"}, "invalid_value", "amount"),
            ({"amount": "nan"}, "invalid_value", "amount"),
            ({"amount": "\u0661"}, "invalid_value", "amount"),
            ({"amount": ""}, "invalid_value", "amount"),
            ({"amount": "9" * 400}, "out_of_range", "amount"),
        ],
    )  # fmt: skip
    def test_is_enforced(
        self, changes: dict[str, Any], reason: str, field: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        payload = json.dumps(order(**changes)).encode()

        answer = invoke_with(payload)

        assert answer["result"] == "ProcessingFailed"
        assert answer["data"] == base64.b64encode(payload).decode()
        assert reasons(capsys) == [(reason, field)]

    @pytest.mark.parametrize(("field", "reason"), [("amount", "out_of_range"), ("quantity", "wrong_type")])
    def test_a_number_beyond_a_double_is_rejected(
        self, field: str, reason: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        payload = json.dumps(order(**{field: 1})).replace(f'"{field}": 1', f'"{field}": 1e400').encode()

        assert invoke_with(payload)["result"] == "ProcessingFailed"
        assert reasons(capsys) == [(reason, field)]

    def test_optional_fields_may_be_left_out(self) -> None:
        assert "coupon" not in transformed(coupon=...)

    def test_every_read_only_field_is_set_and_every_other_kept(self) -> None:
        assert list(transformed()) == [field.name for field in ORDERS.fields]


class TestTimes:
    @pytest.mark.parametrize("field", ["event_time", "sent_time"])
    @pytest.mark.parametrize(
        ("sent", "stored"),
        [
            ("2026-03-14T09:26:53.589Z", "2026-03-14T09:26:53.589Z"),
            (" 2026-03-14T09:26:53Z\n", "2026-03-14T09:26:53.000Z"),
            ("2026-03-14 09:26:53.5Z", "2026-03-14T09:26:53.500Z"),
            ("2026-03-14T09:26:53.589999+00:00", "2026-03-14T09:26:53.589Z"),
            ("2026-03-14T09:26:53.999999999Z", "2026-03-14T09:26:53.999Z"),
            ("2026-03-14T14:56:53.589+05:30", "2026-03-14T09:26:53.589Z"),
            ("2026-03-13T23:26:53.589-10:00", "2026-03-14T09:26:53.589Z"),
            ("2026-03-14t09:26:53z", "2026-03-14T09:26:53.000Z"),
            ("2026-03-14T09:26:53z", "2026-03-14T09:26:53.000Z"),
            ("2026-03-14t10:26:53.5+01:00", "2026-03-14T09:26:53.500Z"),
            ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00.000Z"),
            ("2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z"),
            ("2026-03-14T09:35:00.250Z", "2026-03-14T09:35:00.250Z"),
        ],
    )
    def test_are_stored_in_utc_with_milliseconds(self, field: str, sent: str, stored: str) -> None:
        assert transformed(**{field: sent})[field] == stored

    @pytest.mark.parametrize("field", ["event_time", "sent_time"])
    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            ("2026-03-14T09:26:53", "invalid_time"),
            ("2026-03-14", "invalid_time"),
            ("2026-02-29T09:26:53Z", "invalid_time"),
            ("2026-03-14T25:26:53Z", "invalid_time"),
            ("2026-03-14T24:00:00Z", "invalid_time"),
            ("2026-03-14T09:26:60Z", "invalid_time"),
            ("2025-12-31T23:59:60Z", "invalid_time"),
            ("2026-03-14T09:26:61Z", "invalid_time"),
            ("2026-03-14T09:26:53+24:00", "invalid_time"),
            ("2026-W11-6T09:26:53Z", "invalid_time"),
            ("20260314T092653Z", "invalid_time"),
            ("2026-03-14X09:26:53Z", "invalid_time"),
            ("yesterday", "invalid_time"),
            ("", "invalid_time"),
            (1773480413589, "wrong_type"),
            ("0001-01-01T00:00:00+23:59", "invalid_time"),
            ("9999-12-31T23:59:59-23:59", "invalid_time"),
            ("0999-12-31T23:59:59Z", "time_too_early"),
            ("2019-12-31T23:59:59.999Z", "time_too_early"),
            ("2020-01-01T00:00:00+00:01", "time_too_early"),
            ("2026-03-14T09:35:00.251Z", "time_in_future"),
            ("9999-12-31T23:59:59Z", "time_in_future"),
        ],
    )  # fmt: skip
    def test_are_rejected_where_they_cannot_be_told_or_queried(
        self, field: str, sent: Any, reason: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert invoke_with(json.dumps(order(**{field: sent})).encode())["result"] == "ProcessingFailed"
        assert reasons(capsys) == [(reason, field)]

    def test_of_arrival_is_set_from_firehose(self) -> None:
        assert transformed()["arrival_time"] == ARRIVAL

    def test_of_the_event_decides_the_partition_by_its_utc_date(self) -> None:
        answer = invoke_with(json.dumps(order(event_time="2026-03-12T20:00:00-05:00")).encode())

        assert answer["metadata"]["partitionKeys"] == {"order_date": "2026-03-13"}


class TestNormalisation:
    @pytest.mark.parametrize(
        ("field", "sent", "stored"),
        [
            ("event_id", " 6f1c9a52-7a3e\n", "6f1c9a52-7a3e"),
            ("order_id", " O-1 ", "O-1"),
            ("customer_id", "\tC-1", "C-1"),
            ("product_id", "P-1\u00a0", "P-1"),
            ("event_type", "Return ", "return"),
            ("category", " BOOKS", "books"),
            ("channel", "App", "app"),
            ("currency", " eur ", "EUR"),
            ("country", "de", "DE"),
            ("coupon", " spring_5 ", "spring_5"),
            ("quantity", 2.0, 2),
            ("amount", 12, 12.0),
            ("amount", "12.5", 12.5),
            ("amount", " 12.500 ", 12.5),
            ("amount", 0.07, 0.07),
            ("amount", 99_999_999.99, 99_999_999.99),
            ("amount", "0", 0.0),
        ],
    )
    def test_of_a_field(self, field: str, sent: Any, stored: Any) -> None:
        result = transformed(**{field: sent})[field]

        assert (result, type(result)) == (stored, type(stored))

    @pytest.mark.parametrize("sent", [-0.0, "-0.00"])
    def test_of_minus_zero(self, sent: Any) -> None:
        assert str(transformed(amount=sent)["amount"]) == "0.0"

    def test_of_what_is_normalised_already_changes_nothing(self) -> None:
        assert transformed() == order() | {"arrival_time": ARRIVAL}

    def test_writes_one_line_of_ascii(self) -> None:
        raw = base64.b64decode(invoke_with(json.dumps(order()).encode())["data"])

        assert raw.isascii()
        assert b"\n" not in raw


class TestResponseLimit:
    """Lambda returns at most 6 MB; a response past that would fail the whole batch, again and again."""

    @pytest.fixture
    def small_limit(self, monkeypatch: pytest.MonkeyPatch) -> int:
        limit = 20_000
        monkeypatch.setattr(batch, "RESPONSE_LIMIT", limit)
        return limit

    def size(self, answers: list[dict[str, Any]]) -> int:
        return len(json.dumps({"records": answers}))

    def test_is_lambdas(self) -> None:
        assert batch.RESPONSE_LIMIT == 6_291_456

    @pytest.mark.parametrize(
        "payload",
        [
            pytest.param(json.dumps(order()).encode(), id="orders"),
            pytest.param(b"x" * 700, id="garbage"),
        ],
    )
    def test_is_kept_and_the_rest_comes_back_empty(
        self, payload: bytes, small_limit: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        # Given more than the response can hold
        sent = [record(payload, f"{number:056}") for number in range(100)]
        # When they are transformed
        answers = invoke(*sent)
        # Then all come back, as many as fit with their data, and the response is within the limit
        assert [answer["recordId"] for answer in answers] == [one["recordId"] for one in sent]
        assert small_limit - 1_500 < self.size(answers) <= small_limit
        empty = [answer for answer in answers if answer["data"] == ""]
        assert empty
        assert {answer["result"] for answer in empty} == {"ProcessingFailed"}
        assert ("response_too_large", "") in reasons(capsys)

    def test_counts_characters_as_json_writes_them(self, small_limit: int) -> None:
        sent = [record(b"", '"\u00e9\U0001f600') | {"data": "\u00e9" * 100} for _ in range(100)]

        assert self.size(invoke(*sent)) <= small_limit

    def test_leaves_a_response_that_fits_exactly_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # Given a limit that is just the size of the response
        sent = [record(json.dumps(order()).encode(), "1"), record(b"bad", "2")]
        complete = invoke(*sent)
        separator = len(", ")
        monkeypatch.setattr(batch, "RESPONSE_LIMIT", self.size(complete) + separator)
        # When the same records come again, nothing is left out
        assert invoke(*sent) == complete
        # And with a byte less, the last one is
        monkeypatch.setattr(batch, "RESPONSE_LIMIT", self.size(complete) + separator - 1)
        assert [answer["data"] == "" for answer in invoke(*sent)] == [False, True]

    def test_is_kept_for_a_request_of_6_mb(self) -> None:
        # Given the largest request that Lambda takes, of orders that each come back longer than they came
        payload = json.dumps(order(), separators=(",", ":")).encode()
        one = len(json.dumps(record(payload, f"{0:056}"), separators=(",", ":"))) + 1
        sent = [record(payload, f"{number:056}") for number in range(batch.RESPONSE_LIMIT // one)]
        # When they are transformed
        answers = invoke(*sent)
        # Then the response is one that Lambda can return
        assert len(answers) == len(sent)
        assert self.size(answers) <= batch.RESPONSE_LIMIT
        assert {answer["result"] for answer in answers} == {"Ok", "ProcessingFailed"}


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (json.dumps(order(event_time="2025-12-31T23:59:60Z")).encode(), "is a leap second.*send the second before it"),
        (json.dumps(order()).encode("utf-16"), "is UTF-16; convert the file: iconv"),
        (json.dumps(order()).encode("utf-16-le"), "has NUL characters, as UTF-16 has; convert the file: iconv"),
        (b'{"coupon": "\xd6"}', "at byte 12; convert the file: iconv"),
        (b"\xef\xbb\xbf{}", "begins with a byte-order mark; save the file without"),
    ],
    ids=["leap second", "UTF-16", "UTF-16 without a mark", "Latin-1", "mark"],
)
def test_what_is_refused_says_what_it_is_and_what_to_do(
    payload: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke_with(payload)["result"] == "ProcessingFailed"
    (failure,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "record failed" in line]
    assert re.search(told, failure["detail"])
