"""What holds for the Firehose transform whatever comes in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import fastjsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import Contract
from firehose_transform.batch import Batch, transform_batch
from firehose_transform.reasons import Reason
from tests.firehose_events import ARRIVAL, decoded, order, record

settings.register_profile("any speed", deadline=None)
settings.load_profile("any speed")

fits_contract = fastjsonschema.compile(dict(Contract.load("orders").schema))
"""The oracle: the same contract, read by another implementation."""

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def assert_answered(records: list[Any], batch: Batch) -> None:
    assert [answer["recordId"] for answer in batch.records] == [sent["recordId"] for sent in records]
    failed = [answer for answer in batch.records if answer["result"] == "ProcessingFailed"]
    assert len(failed) == len(batch.failures)
    assert Reason.INTERNAL_ERROR not in {failure.reason for failure in batch.failures}
    for answer in batch.records:
        if answer["result"] == "Ok":
            fits_contract(decoded(answer))


@given(st.lists(st.binary()))
def test_any_bytes_in_the_same_ids_out_each_once_in_order(payloads: list[bytes]) -> None:
    records = [record(payload, str(number)) for number, payload in enumerate(payloads)]

    batch = transform_batch(records)

    assert_answered(records, batch)
    for sent, answer in zip(records, batch.records, strict=True):
        assert answer["result"] == "Ok" or answer["data"] == sent["data"]


@given(st.lists(anything))
def test_any_json_in_the_same_ids_out_each_once_in_order(values: list[Any]) -> None:
    records = [record(json.dumps(value).encode(), str(number)) for number, value in enumerate(values)]

    assert_answered(records, transform_batch(records))


@given(st.dictionaries(st.sampled_from([*order(), "arrival_time"]), anything, min_size=1))
def test_an_order_with_anything_in_its_fields_is_answered(changes: dict[str, Any]) -> None:
    records = [record(json.dumps(order() | changes).encode())]

    assert_answered(records, transform_batch(records))


@given(
    st.lists(
        st.fixed_dictionaries(
            {"recordId": st.text()}, optional={"data": anything, "approximateArrivalTimestamp": anything}
        )
    )
)
def test_any_envelope_in_the_same_ids_out_each_once_in_order(records: list[dict[str, Any]]) -> None:
    assert_answered(records, transform_batch(records))


@given(st.lists(anything))
def test_any_list_of_records_is_answered_or_counted(records: list[Any]) -> None:
    batch = transform_batch(records)

    assert len(batch.records) + sum(failure.record_id is None for failure in batch.failures) == len(records)


def spaced(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    spaces = st.sampled_from(["", " ", "\t", "\n "])
    return st.tuples(spaces, texts, spaces).map("".join)


def any_case(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return spaced(texts.flatmap(lambda text: st.sampled_from([text, text.lower(), text.upper(), text.title()])))


times = st.builds(
    lambda moment, zone, precision: moment.astimezone(zone).isoformat(timespec=precision),
    st.datetimes(datetime(2020, 1, 1), datetime(2026, 3, 14, 9, 35)).map(lambda moment: moment.replace(tzinfo=UTC)),  # noqa: DTZ001
    st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
cents = st.integers(0, 9_999_999_999)
orders = st.fixed_dictionaries(
    {
        "event_id": spaced(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9-]{7,63}\Z")),
        "event_type": any_case(st.sampled_from(["purchase", "return"])),
        "event_time": spaced(times),
        "sent_time": spaced(times),
        "order_id": spaced(st.from_regex(r"\AO-[0-9]{1,18}\Z")),
        "customer_id": spaced(st.from_regex(r"\AC-[0-9]{1,18}\Z")),
        "product_id": spaced(st.from_regex(r"\AP-[0-9]{1,18}\Z")),
        "category": any_case(st.sampled_from(["books", "electronics", "toys"])),
        "channel": any_case(st.sampled_from(["app", "store", "web"])),
        "quantity": st.integers(1, 1000) | st.integers(1, 1000).map(float),
        "amount": cents.map(lambda value: value / 100) | cents.map(lambda value: f"{value // 100}.{value % 100:02}"),
        "currency": any_case(st.from_regex(r"\A[A-Z]{3}\Z")),
        "country": any_case(st.from_regex(r"\A[A-Z]{2}\Z")),
    },
    optional={"coupon": spaced(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z"))},
)


@given(orders)
def test_every_valid_order_comes_out_ok_and_fits_the_contract(sent: dict[str, Any]) -> None:
    batch = transform_batch([record(json.dumps(sent).encode())])

    assert batch.failures == []
    stored = decoded(batch.records[0])
    fits_contract(stored)
    for field in ("event_time", "sent_time"):
        exact = datetime.fromisoformat(sent[field].strip())
        assert timedelta(0) <= exact - datetime.fromisoformat(stored[field]) < timedelta(milliseconds=1)
    assert stored["amount"] == float(sent["amount"])
    assert batch.records[0]["metadata"]["partitionKeys"] == {"order_date": stored["event_time"][:10]}


@given(orders)
def test_a_stored_order_sent_again_is_stored_the_same(sent: dict[str, Any]) -> None:
    stored = decoded(transform_batch([record(json.dumps(sent).encode())]).records[0])

    again = {name: value for name, value in stored.items() if name != "arrival_time"}

    assert decoded(transform_batch([record(json.dumps(again).encode())]).records[0]) == stored


@pytest.mark.parametrize(
    "wrong", [{"customer_id": None}, {"amount": 1.234}, {"loyalty_points": 1}, {"event_id": "short"}]
)
def test_the_oracle_rejects(wrong: dict[str, Any]) -> None:
    """A canary: an oracle that accepted everything would prove nothing."""
    with pytest.raises(fastjsonschema.JsonSchemaException):
        fits_contract(order(arrival_time=ARRIVAL) | wrong)
