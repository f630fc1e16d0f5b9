"""What the named queries of the feature store answer, worked out by hand over a few versions of features.

The table is shaped as Feature Store shapes it.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts import Contract
from lakehouse.named_queries import NamedQuery, named_queries
from lakehouse.query_workgroup import QUERIES as LAKE_QUERIES
from lakehouse.zone import Zone
from machine_learning.customer_features import QUERIES
from practice.local_cloud.athena.sql import parse
from practice.local_cloud.lifecycle import LocalCloud
from tests.local_lake import PARQUET_SERDE, Answer, Lake
from tests.test_named_queries import LONGEST_DESCRIPTION

NAMES = ("feature_history", "point_in_time_features")
HIVE_TYPES = {"String": "string", "Integral": "bigint", "Fractional": "double"}
COLUMNS = {
    **{field.name: HIVE_TYPES[field.feature_type] for field in Contract.load("customer_features").fields},
    "write_time": "timestamp",
    "api_invocation_time": "timestamp",
    "is_deleted": "boolean",
}
PARTITIONS = ("year", "month", "day", "hour")
NOW = datetime.now(UTC).replace(microsecond=0)

# customer, days ago that it is of, days ago it was put, days ago it was written, frequency, spend_30d, deleted
VERSIONS = (
    ("C-1", 60, 60, 60, 1, "10", False),
    ("C-1", 31, 31, 31, 2, "20", False),
    ("C-1", 29, 29, 29, 3, "30", False),  # not known 30 days ago
    ("C-2", 31, 31, 31, 5, "50", False),
    ("C-2", 60, 2, 2, 4, "40", False),  # came late, and is older
    ("C-3", 40, 40, 40, 7, "70", False),
    ("C-3", 40, 39, 38, 8, "80", False),  # the same moment, put again
    ("C-4", 50, 50, 50, 9, "90", False),
    ("C-4", 45, 45, 45, None, None, True),  # deleted by then
    ("C-5", 50, 50, 50, 6, "60", False),
    ("C-5", 20, 20, 20, None, None, True),  # deleted, but not yet
    ("C-6", 10, 10, 10, 1, "10", False),  # not yet a customer
    ("C-7", 40, 40, 39, 2, "20", False),
    ("C-7", 40, 40, 38, 3, "30", False),  # put at the same moment, written later
)


def moment(days_ago: float) -> datetime:
    return NOW - timedelta(days=days_ago)


def event_time(days_ago: float) -> str:
    return moment(days_ago).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def lake(local_cloud: LocalCloud) -> Lake:
    lake = Lake(local_cloud)
    lake.create_table("customer_features", COLUMNS, prefix="data/", keys=dict.fromkeys(PARTITIONS, "string"))
    hours = defaultdict(list)
    for customer, of, put, written, frequency, spend, deleted in VERSIONS:
        values = {
            "customer_id": customer,
            "event_time": event_time(of),
            "frequency": frequency,
            "orders_30d": frequency,
            "recency": None if deleted else 100,
            "T": None if deleted else 200,
            "spend_30d": spend,
            "api_invocation_time": moment(put).replace(tzinfo=None),
            "write_time": moment(written).replace(tzinfo=None),
            "is_deleted": deleted,
        }
        hours[moment(of).strftime("%Y/%m/%d/%H")].append([values.get(name) for name in COLUMNS])
    for hour, rows in hours.items():
        keys = hour.split("/")
        folder = "/".join(f"{name}={value}" for name, value in zip(PARTITIONS, keys, strict=True))
        lake.put_parquet(f"data/{folder}/part.parquet", COLUMNS, rows)
        lake.glue.create_partition(
            DatabaseName=lake.database,
            TableName="customer_features",
            PartitionInput={
                "Values": keys,
                "StorageDescriptor": {
                    "Location": f"s3://{lake.bucket}/data/{folder}/",
                    "SerdeInfo": {"SerializationLibrary": PARQUET_SERDE},
                },
            },
        )
    return lake


def named(name: str, database: str) -> NamedQuery:
    (query,) = [query for query in named_queries(QUERIES, {"features": database}) if query.name == name]
    return query


def answer(lake: Lake, sql: str) -> Answer:
    answer = lake.query(sql)
    assert answer.state == "SUCCEEDED", answer.reason
    return answer


def test_every_query_is_known_and_no_name_is_taken_twice() -> None:
    assert tuple(query.name for query in named_queries(QUERIES, {"features": "db"})) == NAMES
    assert not {query.name for query in named_queries(LAKE_QUERIES, dict.fromkeys(Zone, "db"))} & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_query_is_one_statement_that_opens_with_what_it_teaches(name: str) -> None:
    query = named(name, "db")
    parse(query.sql)
    title, *description = [line.removeprefix("-- ") for line in query.sql.splitlines() if line.startswith("--")]
    assert title.lower().replace("-", "_").replace(" ", "_") == name
    assert query.description == " ".join(description)
    assert re.search(r"Guide \d\.\d", query.description)
    assert len(query.description) <= LONGEST_DESCRIPTION


def test_point_in_time_features_are_the_newest_that_were_known_30_days_ago(lake: Lake) -> None:
    rows = answer(lake, named("point_in_time_features", lake.database).sql).rows
    assert [row[:3] for row in rows] == [
        ["C-3", event_time(40), "8"],
        ["C-5", event_time(50), "6"],
        ["C-2", event_time(31), "5"],
        ["C-7", event_time(40), "3"],
        ["C-1", event_time(31), "2"],
    ]
    assert rows[0][3:] == ["100", "200", "80.0"]


@pytest.mark.parametrize(
    ("days", "known"),
    [(70, {}), (55, {"C-1": "1", "C-2": "4"}), (0, {"C-1": "3", "C-2": "5", "C-3": "8", "C-6": "1", "C-7": "3"})],
)
def test_the_moment_can_be_any(lake: Lake, days: int, known: dict[str, str]) -> None:
    sql = named("point_in_time_features", lake.database).sql.replace("INTERVAL '30' DAY", f"INTERVAL '{days}' DAY")
    assert {row[0]: row[2] for row in answer(lake, sql).rows} == known


def test_the_moment_itself_counts(lake: Lake) -> None:
    sql = named("point_in_time_features", lake.database).sql
    at_the_moment = f"from_iso8601_timestamp('{event_time(60)}') AS known_at"
    sql = sql.replace("current_timestamp - INTERVAL '30' DAY AS known_at", at_the_moment)
    assert {row[0]: row[2] for row in answer(lake, sql).rows} == {"C-1": "1", "C-2": "4"}


def test_feature_history_shows_the_most_frequent_customer_version_by_version(lake: Lake) -> None:
    assert answer(lake, named("feature_history", lake.database).sql).rows == [
        ["C-4", event_time(50), "9", None, "9", "90.0"]
    ]


def test_feature_history_shows_how_a_customer_changed_with_a_repeated_write_once(lake: Lake) -> None:
    def history(customer: str) -> list[list[Any]]:
        sql = named("feature_history", lake.database).sql
        return answer(lake, sql.replace("WHERE age = 1 AND", f"WHERE customer_id = '{customer}' AND age = 1 AND")).rows

    assert [row[1:] for row in history("C-1")] == [
        [event_time(60), "1", None, "1", "10.0"],
        [event_time(31), "2", "1", "2", "20.0"],
        [event_time(29), "3", "1", "3", "30.0"],
    ]
    assert [row[1:4] for row in history("C-3")] == [[event_time(40), "8", None]]
    assert [row[1:4] for row in history("C-7")] == [[event_time(40), "3", None]]
