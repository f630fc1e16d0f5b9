"""The sample: derived from the contracts, reproducible, of any size, and what must come out of it is known."""

from __future__ import annotations

import csv
import json
import re
import tracemalloc
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts import Contract, ContractError
from firehose_transform.orders import transform
from firehose_transform.reasons import Rejected
from practice.reasons import REASONS, why_rejected
from practice.sample import shop
from practice.sample.customers import customers
from practice.sample.faults import Fault
from practice.sample.orders import Manifest, Record, orders
from practice.sample.plan import Plan, PlanError
from practice.sample.values import timestamp

END = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
PLAN = Plan(count=2_000, end=END)
ARRIVAL_MS = int(END.timestamp() * 1000)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(orders(PLAN))


@pytest.fixture(scope="module")
def processed(records: list[Record]) -> list[dict[str, Any]]:
    """What the transform makes of the records that must not fail."""
    return [transformed(record) for record in records if record.fault is None]


def transformed(record: Record) -> dict[str, Any]:
    encoded, _ = transform(b64encode(record.data).decode(), ARRIVAL_MS)
    order: dict[str, Any] = json.loads(b64decode(encoded))
    return order


def manifest_of(plan: Plan) -> Manifest:
    manifest = Manifest()
    for _ in manifest.counted(orders(plan)):
        pass
    return manifest


def with_field(contract_name: str, name: str, schema: dict[str, Any], *, required: bool) -> Contract:
    contract = Contract.load(contract_name)
    return Contract(
        contract.name,
        {
            **contract.schema,
            "properties": {**contract.schema["properties"], name: schema},
            "required": [*contract.schema["required"], *([name] if required else [])],
        },
    )


def batch(plan: Plan, contract: Contract | None = None) -> list[dict[str, str]]:
    return list(csv.DictReader(customers(plan, contract)))


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert [record.data for record in orders(PLAN)] == [record.data for record in orders(PLAN)]
    assert list(customers(PLAN)) == list(customers(PLAN))


@pytest.mark.parametrize("other", [replace(PLAN, seed=2), replace(PLAN, end=END + timedelta(seconds=1))])
def test_another_seed_or_end_gives_other_events(other: Plan, records: list[Record]) -> None:
    event_ids = {event_id(record) for record in records} & {event_id(record) for record in orders(other)}
    assert event_ids == {None}


def event_id(record: Record) -> str | None:
    found = re.search(rb'"event_id":"([^"]{36})"', record.data)
    return found[1].decode() if found else None


def test_a_later_end_tells_of_the_same_customers() -> None:
    later = replace(PLAN, end=END + timedelta(days=1))
    assert [(row["customer_id"], row["country"]) for row in batch(PLAN)] == [
        (row["customer_id"], row["country"]) for row in batch(later)
    ]


def test_every_record_is_one_line(records: list[Record]) -> None:
    assert all(record.data.count(b"\n") == 1 and record.data.endswith(b"\n") for record in records)


@pytest.mark.parametrize("count", [1, 7, 100, 2_000, 12_345])
def test_the_shares_hold_exactly(count: int) -> None:
    manifest = manifest_of(Plan(count, malformed=0.1, late=0.2, duplicates=0.3, messy=0.1, end=END))
    assert manifest.sent == count
    assert manifest.failed.total() == round(count * 0.1)
    assert manifest.processed == count - manifest.failed.total()
    assert manifest.duplicates == round(count * 0.3)


def test_every_fault_fails_for_its_reason(records: list[Record]) -> None:
    seen = Counter(record.fault for record in records if record.fault)
    assert set(seen) == set(Fault)
    for record in records:
        if record.fault:
            rejected = why_rejected(record.data, END)
            assert rejected is not None, record
            assert rejected.reason == REASONS[record.fault], record


def test_every_other_record_is_processed(records: list[Record]) -> None:
    for record in records:
        if record.fault is None:
            try:
                transform(b64encode(record.data).decode(), ARRIVAL_MS)
            except Rejected as rejected:
                pytest.fail(f"{record} was rejected: {rejected}")


def test_an_ordinary_record_fits_the_contract_as_it_is(records: list[Record]) -> None:
    for record in records:
        if record.fault is None and not record.messy:
            sent = json.loads(record.data)
            order = transformed(record)
            assert order.pop("arrival_time")
            assert sent == order


def test_messy_records_need_every_kind_of_normalising(records: list[Record]) -> None:
    text = b"".join(record.data for record in records if record.messy).decode()
    assert re.search(r'"currency":"[a-z]{3}"', text)
    assert re.search(r'"country":"[a-z]{2}"', text)
    assert re.search(r'"customer_id":" C-\d+ +"', text)
    assert re.search(r'"amount":"[\d.]+"', text)
    assert re.search(r'"event_time":"[^"]+[+-]\d\d:\d\d"', text)


def test_late_and_repeated_events_are_as_the_manifest_says(processed: list[dict[str, Any]]) -> None:
    manifest = manifest_of(PLAN)
    late = [
        order
        for order in processed
        if datetime.fromisoformat(order["sent_time"]) - datetime.fromisoformat(order["event_time"]) > timedelta(hours=1)
    ]
    repeats = Counter(order["event_id"] for order in processed)
    assert len(late) == manifest.late >= round(PLAN.count * PLAN.late)
    assert sum(times - 1 for times in repeats.values()) == manifest.duplicates == round(PLAN.count * PLAN.duplicates)


def test_a_repeated_event_repeats_its_content(records: list[Record]) -> None:
    contents: dict[str | None, set[bytes]] = {}
    for record in records:
        if record.fault is None:
            contents.setdefault(event_id(record), set()).add(record.data)
    contents.pop(None, None)
    assert all(len(content) == 1 for content in contents.values())


def test_orders_span_the_days_up_to_the_end(processed: list[dict[str, Any]]) -> None:
    times = sorted(datetime.fromisoformat(order["event_time"]) for order in processed)
    assert END - timedelta(days=PLAN.days + 3) <= times[0] < END - timedelta(days=PLAN.days - 20)
    assert END - timedelta(days=2) < times[-1] <= END
    assert max(order["sent_time"] for order in processed) <= END.isoformat()


def test_the_days_stay_under_the_partitions_that_firehose_keeps_active(processed: list[dict[str, Any]]) -> None:
    assert len({order["event_time"][:10] for order in processed}) < 500


def test_nothing_is_sent_after_the_end_however_late_it_is() -> None:
    late_only = Plan(1_000, malformed=0, late=1, duplicates=0, messy=0, end=END)
    assert all(json.loads(record.data)["sent_time"] <= timestamp(END) for record in orders(late_only))


def test_returns_give_back_earlier_purchases() -> None:
    events = [json.loads(r.data) for r in orders(Plan(2_000, malformed=0, late=0, duplicates=0, messy=0, end=END))]
    purchases = {order["order_id"]: order for order in events if order["event_type"] == "purchase"}
    returns = [order for order in events if order["event_type"] == "return"]
    assert 0.03 < len(returns) / len(events) < 0.08
    changes = dict.fromkeys(("event_id", "event_type", "event_time", "sent_time"))
    for given_back in returns:
        purchase = purchases[given_back["order_id"]]
        assert given_back["event_time"] > purchase["event_time"]
        assert given_back | changes == purchase | changes


def test_a_customer_keeps_country_and_currency(processed: list[dict[str, Any]]) -> None:
    seen: dict[str, set[tuple[str, str]]] = {}
    for order in processed:
        seen.setdefault(order["customer_id"], set()).add((order["country"], order["currency"]))
    assert all(len(places) == 1 for places in seen.values())
    assert len({currency for ((_, currency),) in seen.values()}) > 5


def test_some_customers_leave_and_some_stay(processed: list[dict[str, Any]]) -> None:
    """Else no model could learn who will not buy again within 90 days."""
    cut = (END - timedelta(days=90)).isoformat()
    before = {order["customer_id"] for order in processed if order["event_time"] < cut}
    after = {order["customer_id"] for order in processed if order["event_time"] >= cut}
    assert 0.2 < len(before - after) / len(before) < 0.8


def test_two_seeds_tell_of_different_customers() -> None:
    """Else one customer would have two countries in the lake-house."""
    first, second = (batch(replace(PLAN, seed=seed)) for seed in (0, 1))
    assert not {row["customer_id"] for row in first} & {row["customer_id"] for row in second}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_customer_in_the_orders_is_in_the_batch(seed: int) -> None:
    plan = replace(PLAN, count=500, seed=seed)
    known = {row["customer_id"] for row in batch(plan)}
    ordering = {transformed(record)["customer_id"] for record in orders(plan) if record.fault is None}
    assert ordering <= known
    assert len(known) < plan.count


def test_a_batch_for_more_orders_holds_every_customer_of_a_smaller_one() -> None:
    assert batch(replace(PLAN, count=1_000))[: len(batch(PLAN)) // 4] == batch(PLAN)[: len(batch(PLAN)) // 4]


def test_customers_fit_their_contract() -> None:
    contract = Contract.load("customers")
    for row in batch(PLAN):
        assert list(row) == [field.name for field in contract.fields]
        for field in contract.fields:
            value, schema = row[field.name], field.schema
            assert value or not field.required
            if value and "pattern" in schema:
                assert re.search(schema["pattern"], value)
            if "enum" in schema:
                assert value in schema["enum"]
            if value and schema["type"] == "integer":
                assert schema["minimum"] <= int(value) <= schema["maximum"]
            if schema["type"] == "boolean":
                assert value in ("true", "false")


NEW_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"type": "string", "enum": ["gift", "own use"]}, r"gift|own use"),
    ({"type": "string", "pattern": "^W-[A-F0-9]{4}$"}, r"W-[A-F0-9]{4}"),
    ({"type": "string", "minLength": 3, "maxLength": 5}, r"\w{3,5}"),
    ({"type": "string", "format": "date"}, r"\d{4}-\d\d-\d\d"),
    ({"type": "string", "format": "date-time"}, r"\d{4}-\d\d-\d\dT.*Z"),
    ({"type": "boolean"}, r"True|False"),
    ({"type": "integer", "minimum": 5, "maximum": 9}, r"[5-9]"),
    ({"type": "number", "minimum": 0, "maximum": 1, "multipleOf": 0.1}, r"0\.\d|1\.0"),
]


@pytest.mark.parametrize(("schema", "expected"), NEW_FIELDS)
@pytest.mark.parametrize("required", [True, False])
def test_a_field_added_to_a_contract_is_in_the_sample(schema: dict[str, Any], expected: str, required: bool) -> None:
    contract = with_field("orders", "new_field", schema, required=required)
    plan = Plan(200, malformed=0, messy=0, end=END, contract=contract)
    values = [json.loads(record.data).get("new_field") for record in orders(plan)]
    found = [value for value in values if value is not None]
    assert all(re.fullmatch(expected, str(value)) for value in found)
    assert len(found) == 200 if required else 20 < len(found) < 180


def test_a_field_added_to_the_customers_is_in_the_batch() -> None:
    contract = with_field("customers", "newsletter", {"type": "string", "enum": ["daily", "weekly"]}, required=True)
    assert {row["newsletter"] for row in batch(PLAN, contract)} == {"daily", "weekly"}


def test_a_pattern_without_sample_says_what_is_allowed() -> None:
    contract = with_field("orders", "new_field", {"type": "string", "pattern": "^(a|b)$"}, required=True)
    with pytest.raises(ContractError, match="allowed: literals, character classes"):
        next(orders(replace(PLAN, contract=contract)))


def peak_memory(stream: Iterator[Any]) -> int:
    tracemalloc.start()
    for _ in stream:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "WAVE", 200)
    assert peak_memory(orders(replace(PLAN, count=5_000))) < 1.2 * peak_memory(orders(replace(PLAN, count=1_000)))


def test_memory_does_not_grow_with_the_number_of_customers() -> None:
    assert peak_memory(customers(replace(PLAN, count=5_000))) < 1.2 * peak_memory(customers(replace(PLAN, count=500)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": 0}, "count is 0; allowed: 1 or more"),
        ({"seed": -1}, "seed is -1; allowed: 0 or more"),
        ({"days": 500}, "days is 500; allowed: 8 to 400"),
        ({"late": -0.1}, "late is -0.1; allowed: a share from 0 to 1"),
        ({"malformed": 0.6, "messy": 0.6}, "malformed 0.6, .* do not fit into 100 records"),
        ({"malformed": 0.5, "duplicates": 0.5, "late": 0, "messy": 0}, "with one valid to repeat"),
    ],
)
def test_a_plan_that_cannot_be_fulfilled_says_so(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Plan(**{"count": 100, **wrong})
