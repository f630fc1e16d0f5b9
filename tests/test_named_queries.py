"""What each named query answers, worked out by hand over a few events."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from contracts import Contract
from firehose_transform.fields import CLOCK_TOLERANCE
from lakehouse.named_queries import NamedQuery, named_queries
from lakehouse.query_workgroup import QUERIES
from lakehouse.zone import Zone
from practice.local_cloud.athena.sql import parse
from practice.local_cloud.lifecycle import LocalCloud
from tests.local_lake import OPENX_SERDE, ORDERS, Answer, Lake

NAMES = (
    "daily_revenue",
    "failures_by_reason",
    "first_look",
    "late_and_duplicate_events",
    "partition_pruning",
    "point_in_time_spend",
    "top_categories",
)
LONGEST_DESCRIPTION = 1024
"""Source: https://docs.aws.amazon.com/athena/latest/APIReference/API_CreateNamedQuery.html"""

# id, type, days ago, happened, sent (days ago, time), order, customer, category, channel, quantity, amount, currency
EVENTS = (
    ("e1", "purchase", 40, "10:00", (40, "10:01"), "O-1", "C-1", "books", "web", 1, "100.00", "EUR"),
    ("e2", "purchase", 40, "11:00", (40, "11:00"), "O-2", "C-2", "toys", "app", 2, "50.00", "EUR"),
    ("e2", "purchase", 40, "11:00", (40, "11:00"), "O-2", "C-2", "toys", "app", 2, "50.00", "EUR"),
    ("e3", "return", 35, "09:00", (35, "09:01"), "O-1", "C-1", "books", "web", 1, "30.00", "EUR"),
    ("e4", "purchase", 33, "10:00", (20, "10:00"), "O-3", "C-1", "books", "store", 1, "200.00", "EUR"),
    ("e5", "purchase", 1, "12:00", (1, "12:00"), "O-4", "C-2", "toys", "web", 3, "60.00", "EUR"),
    ("e6", "purchase", 1, "13:00", (1, "14:30"), "O-5", "C-3", "garden", "app", 1, "20.00", "USD"),
)
FAILED_COLUMNS = {
    "attemptsmade": "int",
    "arrivaltimestamp": "bigint",
    "errorcode": "string",
    "errormessage": "string",
    "attemptendingtimestamp": "bigint",
    "rawdata": "string",
    "lambdaarn": "string",
}
VALID = {
    **{field.name: "x" for field in Contract.load("orders").fields if field.required},
    "event_time": "2024-01-01T00:00:00Z",
}
FAILED = {
    "empty": [b"\n"],
    "not_json": [b'{"a"', b'{"a": NaN}', b"{} {}", b"\xff\xfe"],
    "not_an_object": [b"[1]", b"null"],
    "missing_field": [json.dumps({k: v for k, v in VALID.items() if k != "amount"}).encode()],
    "unknown_field": [json.dumps({**VALID, "arrival_time": "x"}).encode()],
    "time_in_the_future": [json.dumps({**VALID, "event_time": "2999-01-01T00:00:00Z"}).encode()],
    "breaks_the_contract": [json.dumps(VALID).encode()],
}


def day(ago: int) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).strftime("%Y-%m-%d")


@pytest.fixture(scope="module")
def lake(local_cloud: LocalCloud) -> Lake:
    lake = Lake(local_cloud)
    lake.create_table(
        "orders", ORDERS, prefix="orders/", keys={"order_date": "date"},
        parameters=lake.date_projection("order_date", "orders/"),
    )  # fmt: skip
    days = defaultdict(list)
    for i, (event, kind, ago, at, sent, order, customer, category, channel, quantity, amount, currency) in enumerate(
        EVENTS
    ):
        values = {
            "event_id": event,
            "event_type": kind,
            "event_time": f"{day(ago)}T{at}:00.000Z",
            "sent_time": f"{day(sent[0])}T{sent[1]}:00.000Z",
            "order_id": order,
            "customer_id": customer,
            "product_id": "P-1",
            "category": category,
            "channel": channel,
            "quantity": quantity,
            "amount": amount,
            "currency": currency,
            "country": "DE",
            "arrival_time": f"{day(sent[0])}T{sent[1]}:0{i}.000Z",
        }
        days[day(ago)].append([values.get(name) for name in ORDERS])
    for date, rows in days.items():
        lake.put_parquet(f"orders/order_date={date}/part.parquet", ORDERS, rows)

    errors = "errors/processing-failed/"
    lake.create_table(
        "orders_failed", FAILED_COLUMNS, prefix=errors, serde=OPENX_SERDE, keys={"failed_date": "date"},
        parameters=lake.date_projection("failed_date", errors),
    )  # fmt: skip
    now = int(datetime.now(UTC).timestamp() * 1000)
    lake.put_json_lines(
        f"{errors}failed_date={day(0)}/errors",
        [
            {"attemptsMade": 1, "arrivalTimestamp": now, "rawData": b64encode(record).decode()}
            for records in FAILED.values()
            for record in records
        ],
    )
    return lake


def sql(name: str, database: str) -> str:
    return named(name, database).sql


def named(name: str, database: str) -> NamedQuery:
    (query,) = [query for query in named_queries(QUERIES, dict.fromkeys(Zone, database)) if query.name == name]
    return query


def answer(lake: Lake, name: str) -> Answer:
    answer = lake.query(sql(name, lake.database))
    assert answer.state == "SUCCEEDED", answer.reason
    return answer


def test_every_query_is_known() -> None:
    assert tuple(query.name for query in named_queries(QUERIES, dict.fromkeys(Zone, "db"))) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_query_is_one_statement_that_opens_with_what_it_teaches(name: str) -> None:
    text = sql(name, "db")
    parse(text)
    lines = text.splitlines()
    comment = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    assert lines[: len(comment)] == [line for line in lines if line.startswith("--")]
    assert comment[0].lower().replace("-", "_").replace(" ", "_").startswith(name[:5])
    assert 1 <= len(comment[1:]) <= 4
    assert re.search(r"Guide \d\.\d", " ".join(comment))
    assert named(name, "db").description == " ".join(comment[1:])
    assert len(" ".join(comment)) <= LONGEST_DESCRIPTION


def test_first_look_shows_the_newest_orders(lake: Lake) -> None:
    rows = answer(lake, "first_look").rows
    assert [row[0] for row in rows] == [
        f"{day(ago)} {at}:00.000"
        for ago, at in (
            (1, "13:00"),
            (1, "12:00"),
            (33, "10:00"),
            (35, "09:00"),
            (40, "11:00"),
            (40, "11:00"),
            (40, "10:00"),
        )
    ]
    assert rows[0][1:] == ["purchase", "O-5", "C-3", "garden", "1", "20.00", "USD", "DE", "app"]


def test_partition_pruning_reads_one_day_and_costs_less_than_all(lake: Lake) -> None:
    yesterday = answer(lake, "partition_pruning")
    assert yesterday.rows == [["1", "1", "2", "2", "4"]]
    text = sql("partition_pruning", lake.database)
    everything = lake.query("\n".join(line for line in text.splitlines() if not line.startswith("WHERE")))
    assert everything.rows == [["4", "4", "7", "3", "11"]]
    assert yesterday.scanned < everything.scanned / 2


def test_top_categories_are_ranked_per_currency_by_net_revenue(lake: Lake) -> None:
    assert answer(lake, "top_categories").rows == [
        ["EUR", "1", "books", "2", "2", "270.00"],
        ["EUR", "2", "toys", "2", "5", "110.00"],
        ["USD", "1", "garden", "1", "1", "20.00"],
    ]


def test_daily_revenue_averages_over_seven_days_not_seven_rows(lake: Lake) -> None:
    assert answer(lake, "daily_revenue").rows == [
        ["EUR", day(40), "2", "150.00", "150.00", "150.00"],
        ["EUR", day(35), "1", "-30.00", "60.00", "120.00"],
        ["EUR", day(33), "1", "200.00", "85.00", "320.00"],
        ["EUR", day(1), "1", "60.00", "60.00", "380.00"],
        ["USD", day(1), "1", "20.00", "20.00", "20.00"],
    ]


def test_late_and_duplicate_events_are_counted_per_channel(lake: Lake) -> None:
    assert answer(lake, "late_and_duplicate_events").rows == [
        ["app", "2", "1", "1", "1", "50.0", "90"],
        ["store", "1", "0", "0", "1", "100.0", str(13 * 24 * 60)],
        ["web", "3", "0", "0", "0", "0.0", "1"],
    ]


def test_failures_have_the_first_reason_that_matches_and_an_example(lake: Lake) -> None:
    rows = answer(lake, "failures_by_reason").rows
    assert [row[:3] for row in rows] == [
        [reason, str(len(FAILED[reason])), day(0)]
        for reason in sorted(FAILED, key=lambda reason: (-len(FAILED[reason]), reason))
    ]
    examples = {row[0]: row[3] for row in rows}
    assert examples["not_an_object"] == "[1]"
    assert examples["breaks_the_contract"] == FAILED["breaks_the_contract"][0].decode()[:200]


def test_failures_are_judged_by_the_fields_of_the_contract() -> None:
    text = sql("failures_by_reason", "db")
    lists = [re.findall(r"'(\w+)'", names) for names in re.findall(r"ARRAY\[([^\]]*)\]", text)]
    fields = Contract.load("orders").fields
    assert lists == [
        [field.name for field in fields if field.required],
        [field.name for field in fields if not field.read_only],
    ]


def test_point_in_time_spend_knows_only_what_was_sent_by_the_cutoff(lake: Lake) -> None:
    as_of = f"{day(31)} 00:00:00.000"
    assert answer(lake, "point_in_time_spend").rows == [
        [as_of, "C-1", "EUR", "1", "1", "70.00", "8"],
        [as_of, "C-2", "EUR", "1", "0", "50.00", "8"],
    ]


def test_the_query_of_failures_allows_the_same_lead_of_a_producers_clock_as_the_transform() -> None:
    assert f"INTERVAL '{CLOCK_TOLERANCE // timedelta(minutes=1)}' MINUTE" in sql("failures_by_reason", "db")
