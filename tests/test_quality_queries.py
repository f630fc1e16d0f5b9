"""What is asked of the gates' verdicts and rejected rows, worked out by hand over a few of them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from jobs.refinery.quality_verdict import RuleVerdict, Verdict
from lakehouse.named_queries import NamedQuery, named_queries
from lakehouse.query_workgroup import QUERIES as LAKE_QUERIES
from lakehouse.zone import Zone
from machine_learning.customer_features import QUERIES as FEATURE_QUERIES
from practice.local_cloud.athena.sql import parse
from practice.local_cloud.lifecycle import LocalCloud
from refinery.quality_tables import QUERIES, QualityTables
from tests.local_lake import Lake
from tests.test_named_queries import LONGEST_DESCRIPTION

BUCKET = "bucket-of-the-declaration"
NAMES = ("failed_rules", "rejected_orders")
TODAY = datetime.now(UTC).date()

COMPLETE = RuleVerdict('IsComplete "customer_id"', False, 1, "Value: 0.9")
POSITIVE = RuleVerdict('ColumnValues "amount" > 0', False, 2, "Value: 0.8")
ROWS = RuleVerdict("RowCount > 99", False, None, "Value: 10.0")
KEPT = RuleVerdict("RowCount > 0", True, None, None)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


ORDERS = Verdict("orders", "rules", ago(1), "run-2", 10, 2, [KEPT, COMPLETE, ROWS, POSITIVE])
VERDICTS = (
    ORDERS,
    replace(ORDERS, data_set="customers", rejected_rows=0, rules=[KEPT]),
    replace(ORDERS, as_of=ago(3), run_id="run-1", rejected_rows=1, rules=[COMPLETE]),
    replace(ORDERS, data_set="customers", as_of=TODAY, run_id="run-3", rejected_rows=1, rules=[COMPLETE]),
    replace(ORDERS, as_of=ago(40), run_id="run-0", rules=[COMPLETE]),
)
# as of, id, happened, customer, amount, failed rules
REJECTED = (
    (1, "e1", "2026-01-01 10:00:00", None, "-1.00", [COMPLETE.rule, POSITIVE.rule]),
    (1, "e2", "2026-01-02 10:00:00", "C-2", "0.00", [POSITIVE.rule]),
    (3, "e3", "2026-01-03 10:00:00", None, "1.00", [COMPLETE.rule]),
    (40, "e4", "2026-01-04 10:00:00", None, "1.00", [COMPLETE.rule]),
)


def parquet(event_id: str, at: str, customer: str | None, amount: str, rules: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as directory, duckdb.connect() as connection:
        file = Path(directory) / "rejected.parquet"
        order = (
            "SELECT ? AS event_id, ?::TIMESTAMP AS event_time, ?::VARCHAR AS customer_id, 1::INTEGER AS quantity, "
            "?::DECIMAL(10, 2) AS amount, 'EUR' AS currency, ?::VARCHAR[] AS failed_rules"
        )
        connection.execute(f"COPY ({order}) TO '{file}' (FORMAT parquet)", [event_id, at, customer, amount, rules])
        return file.read_bytes()


@cache
def declared() -> Mapping[str, Mapping[str, Any]]:
    """The tables by name, each as its construct declares it."""
    stack = Stack(App(), "Tables")
    database = glue.CfnDatabase(stack, "Database", catalog_id="1", database_input={"name": "quality"})
    QualityTables(stack, "QualityTables", database=database, bucket=s3.Bucket.from_bucket_name(stack, "Bucket", BUCKET))
    found = Template.from_stack(stack).find_resources("AWS::Glue::Table").values()
    return {table["Properties"]["TableInput"]["Name"]: table["Properties"]["TableInput"] for table in found}


def columns(name: str) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in declared()[name]["StorageDescriptor"]["Columns"]}


def create_table(lake: Lake, name: str) -> None:
    """The table as it is declared, over the lake's bucket."""
    storage = declared()[name]["StorageDescriptor"]
    lake.create_table(
        name,
        columns(name),
        prefix=storage["Location"].removeprefix(f"s3://{BUCKET}/"),
        serde=storage["SerdeInfo"]["SerializationLibrary"],
        serde_parameters=storage["SerdeInfo"]["Parameters"],
        keys={key["Name"]: key["Type"] for key in declared()[name]["PartitionKeys"]},
        parameters={key: value.replace(BUCKET, lake.bucket) for key, value in declared()[name]["Parameters"].items()},
    )


@pytest.fixture(scope="module")
def lake(local_cloud: LocalCloud) -> Lake:
    lake = Lake(local_cloud)
    for name in ("quality_verdicts", "rejected_orders"):
        create_table(lake, name)
    for verdict in VERDICTS:
        lake.put(f"quality/as_of={verdict.as_of}/{verdict.run_id}-{verdict.data_set}.json", verdict.to_json())
    for days, event_id, *values in REJECTED:
        lake.put(f"rejected/orders/as_of={ago(days)}/{event_id}.parquet", parquet(event_id, *values))
    return lake


def named(name: str, database: str) -> NamedQuery:
    queries = named_queries(QUERIES, {"processed": database})
    assert tuple(query.name for query in queries) == NAMES
    return queries[NAMES.index(name)]


@pytest.mark.parametrize("name", NAMES)
def test_a_query_is_one_statement_that_opens_with_what_it_teaches(name: str) -> None:
    query = named(name, "db")
    parse(query.sql)
    assert re.search(r"Guide \d\.\d", query.description)
    assert len(query.description) <= LONGEST_DESCRIPTION


def test_no_name_is_taken_twice() -> None:
    others = named_queries(LAKE_QUERIES, dict.fromkeys(Zone, "db")) + named_queries(FEATURE_QUERIES, {"features": "db"})
    assert not {query.name for query in others} & set(NAMES)


def test_failed_rules_are_those_of_the_last_30_days_the_newest_first(lake: Lake) -> None:
    assert lake.rows(named("failed_rules", lake.database).sql) == [
        [str(TODAY), "run-3", "customers", COMPLETE.rule, "1", "10", "Value: 0.9"],
        [str(ago(1)), "run-2", "orders", POSITIVE.rule, "2", "10", "Value: 0.8"],
        [str(ago(1)), "run-2", "orders", COMPLETE.rule, "1", "10", "Value: 0.9"],
        [str(ago(1)), "run-2", "orders", ROWS.rule, None, "10", "Value: 10.0"],
        [str(ago(3)), "run-1", "orders", COMPLETE.rule, "1", "10", "Value: 0.9"],
    ]


def test_rejected_orders_are_those_of_the_last_run_with_the_rules_they_failed(lake: Lake) -> None:
    sql = named("rejected_orders", lake.database).sql
    assert rejected(lake, sql) == [
        ["e2", "2026-01-02 10:00:00.000", "C-2", "0.00", POSITIVE.rule],
        ["e1", "2026-01-01 10:00:00.000", None, "-1.00", f"{COMPLETE.rule}; {POSITIVE.rule}"],
    ]


def test_after_a_run_that_rejects_no_order_there_is_none(lake: Lake) -> None:
    fine = replace(ORDERS, as_of=TODAY, run_id="run-4", rejected_rows=0, rules=[KEPT])
    key = f"quality/as_of={TODAY}/run-4-orders.json"
    lake.put(key, fine.to_json())
    try:
        assert rejected(lake, named("rejected_orders", lake.database).sql) == []
    finally:
        lake.s3.delete_object(Bucket=lake.bucket, Key=key)


def rejected(lake: Lake, sql: str) -> list[Any]:
    return [[row[1], row[2], row[4], row[6], row[8]] for row in lake.rows(sql)]
