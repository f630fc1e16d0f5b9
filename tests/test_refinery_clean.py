"""Cleaning: each event once, each customer once, typed, in the partition of its own day."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from contracts import Contract
from jobs.refinery.clean import ColumnsMissingError, clean_customers, clean_orders
from jobs.refinery.schemas import cleaned_customers_schema, cleaned_orders_schema, orders_schema
from jobs.refinery.storage import CORRUPT
from practice.local_cloud.parquet import write_parquet

SNAPSHOT = date(2026, 6, 30)
NOBODY: list[list[str | None]] = []
CUSTOMER_COLUMNS = [field.name for field in Contract.load("customers").fields]

Row = dict[str, Any]


def order(event_id: str = "event-01", **values: Any) -> Row:
    told: Row = {
        "event_id": event_id,
        "event_type": "purchase",
        "event_time": "2026-06-01T10:00:00.123Z",
        "sent_time": "2026-06-01T10:00:01Z",
        "order_id": "O-1",
        "customer_id": "C-1",
        "product_id": "P-1",
        "category": "books",
        "channel": "web",
        "quantity": 1,
        "amount": "10.10",
        "currency": "EUR",
        "country": "DE",
        "coupon": None,
        "arrival_time": "2026-06-01T10:00:02Z",
        "order_date": "2026-06-01",
    } | values
    for name in ("event_time", "sent_time", "arrival_time"):
        told[name] = told[name] and datetime.fromisoformat(told[name])
    told["amount"] = Decimal(told["amount"])
    told["order_date"] = date.fromisoformat(told["order_date"])
    return told


def orders(spark: SparkSession, rows: Sequence[Row]) -> DataFrame:
    schema = orders_schema()
    return spark.createDataFrame([tuple(row[name] for name in schema.names) for row in rows], schema)


def raw_customers(spark: SparkSession, rows: Sequence[Sequence[str | None]], columns: Sequence[str] = ()) -> DataFrame:
    fields = [StructField(name, StringType()) for name in columns or CUSTOMER_COLUMNS]
    return spark.createDataFrame([tuple(row) for row in rows], StructType(fields)).coalesce(1)


def batch(spark: SparkSession, rows: Sequence[Sequence[str | None]], columns: Sequence[str] = ()) -> DataFrame:
    return clean_customers(raw_customers(spark, rows, columns), SNAPSHOT)


def as_text(frame: DataFrame) -> list[Row]:
    """The rows in an order of their own, all values as text, so that no time zone of this machine gets in."""
    found = frame.select(*(frame[name].cast("string").alias(name) for name in frame.columns)).collect()
    return sorted((row.asDict() for row in found), key=repr)


def cleaned(spark: SparkSession, *rows: Row, customers: Sequence[Sequence[str | None]] = NOBODY) -> list[Row]:
    return as_text(clean_orders(orders(spark, rows), batch(spark, customers)))


class TestOrders:
    def test_the_copy_that_arrived_last_is_kept(self, spark: SparkSession) -> None:
        found = cleaned(
            spark,
            order("event-01", amount="3.00", arrival_time="2026-06-03T00:00:00Z"),
            order("event-01", amount="5.00", arrival_time="2026-06-01T00:00:00Z"),
            order("event-01", amount="4.00", arrival_time=None),
            order("event-02", amount="1.00", arrival_time=None),
        )
        assert [(row["event_id"], row["amount"]) for row in found] == [("event-01", "3.00"), ("event-02", "1.00")]

    def test_copies_of_one_moment_give_the_same_whatever_the_order_of_the_rows(self, spark: SparkSession) -> None:
        copies = [order(channel=channel, amount=amount) for channel in ("app", "web") for amount in ("1.00", "2.00")]
        copies += [order(sent_time="2026-06-01T10:00:00Z", category="toys"), order(coupon="LOYAL15")] * 3
        outcomes = set()
        for seed in range(4):
            random.Random(seed).shuffle(copies)  # noqa: S311 - files have no order
            (found,) = cleaned(spark, *copies)
            outcomes.add(repr(found))
        assert len(outcomes) == 1

    def test_a_late_event_is_in_the_partition_of_its_own_day(self, spark: SparkSession) -> None:
        late = order(event_time="2026-05-31T23:59:59.999Z", order_date="2026-06-03", arrival_time="2026-06-03T08:00Z")
        (found,) = cleaned(spark, late)
        assert found["order_date"] == "2026-05-31"

    def test_what_its_customer_tells_is_joined_and_an_unknown_one_is_kept_and_marked(self, spark: SparkSession) -> None:
        known, unknown = cleaned(
            spark,
            order("event-01", customer_id="C-1"),
            order("event-02", customer_id="C-2"),
            customers=[["C-1", "2026-01-31", "AT", "social", "true", "1990"]],
        )
        joined = ("customer_country", "signup_date", "acquisition_channel", "is_known_customer")
        assert [known[name] for name in joined] == ["AT", "2026-01-31", "social", "true"]
        assert [unknown[name] for name in joined] == [None, None, None, "false"]
        assert (known["country"], unknown["country"]) == ("DE", "DE")  # where the order went

    def test_an_order_without_a_customer_is_kept_too(self, spark: SparkSession) -> None:
        (found,) = cleaned(
            spark, order(customer_id=None), customers=[["C-1", "2026-01-31", "AT", "social", "true", None]]
        )
        assert found["is_known_customer"] == "false"

    def test_customers_listed_twice_double_no_order(self, spark: SparkSession) -> None:
        twice = [["C-1", "2026-01-31", country, "social", "true", None] for country in ("AT", "CH")]
        (found,) = cleaned(spark, order(), customers=twice)
        assert found["customer_country"] == "CH"

    def test_an_event_without_an_id_or_a_time_is_left_out(self, spark: SparkSession) -> None:
        assert cleaned(spark, order(event_id=None), order(event_time=None)) == []  # type: ignore[arg-type]

    def test_cleaning_what_is_clean_changes_nothing(self, spark: SparkSession) -> None:
        rows = [
            order(f"event-{n % 7:02}", amount=f"{n}.50", arrival_time=f"2026-06-0{1 + n % 3}T00:00Z") for n in range(20)
        ]
        nobody = batch(spark, NOBODY)
        once = clean_orders(orders(spark, rows), nobody)
        twice = clean_orders(once.union(once), nobody)
        assert as_text(twice) == as_text(once)
        assert len(as_text(once)) == 7

    def test_the_columns_are_those_of_the_contract_and_the_customer_with_the_partition_last(
        self, spark: SparkSession
    ) -> None:
        found = clean_orders(orders(spark, [order()]), batch(spark, NOBODY)).schema
        assert [(f.name, f.dataType) for f in found] == [(f.name, f.dataType) for f in cleaned_orders_schema()]

    def test_files_as_the_delivery_writes_them_are_read_in_the_contracts_types(
        self, spark: SparkSession, tmp_path: Path
    ) -> None:
        columns = {field.name: field.glue_type for field in Contract.load("orders").fields}
        told = order(coupon="LOYAL15")
        row = [str(told[name]).replace("+00:00", "") for name in columns]
        day = tmp_path / "order_date=2026-06-01"
        day.mkdir()
        (day / "orders.parquet").write_bytes(write_parquet(columns, [row], "snappy"))
        read = spark.read.schema(orders_schema()).parquet(str(tmp_path))
        assert as_text(clean_orders(read, batch(spark, NOBODY))) == cleaned(spark, told)
        (found,) = as_text(read)
        assert found["event_time"] == "2026-06-01 10:00:00.123"
        assert found["amount"] == "10.10"


class TestCustomers:
    def test_the_last_row_of_a_customer_is_kept(self, spark: SparkSession) -> None:
        countries = ["AT", "ZZ", "CH", "AA"]
        rows = [["C-1", "2026-01-31", country, "social", "true", "1990"] for country in countries]
        (found,) = as_text(batch(spark, rows))
        assert found["country"] == "AA"

    def test_values_have_the_contracts_types_and_the_snapshot_is_the_partition(self, spark: SparkSession) -> None:
        found = batch(spark, [["C-1", "2026-01-31", "AT", "social", "True", "1990"]])
        assert [(f.name, f.dataType) for f in found.schema] == [
            (f.name, f.dataType) for f in cleaned_customers_schema()
        ]
        (row,) = found.collect()
        assert tuple(row) == ("C-1", date(2026, 1, 31), "AT", "social", True, 1990, SNAPSHOT)

    @pytest.mark.parametrize(
        ("column", "text"),
        [
            ("signup_date", "2026"), ("signup_date", "31.01.2026"), ("signup_date", "2026-02-30"),
            ("marketing_opt_in", "y"), ("birth_year", "old"), ("birth_year", "99999999999"), ("country", ""),
        ],
    )  # fmt: skip
    def test_a_value_that_is_not_of_its_type_becomes_null(self, spark: SparkSession, column: str, text: str) -> None:
        row = dict(zip(CUSTOMER_COLUMNS, ["C-1", "2026-01-31", "AT", "social", "true", "1990"], strict=True))
        (found,) = as_text(batch(spark, [list((row | {column: text}).values())]))
        assert [name for name, value in found.items() if value is None] == [column]

    def test_a_value_that_the_contract_does_not_allow_stays_to_be_seen(self, spark: SparkSession) -> None:
        (found,) = as_text(batch(spark, [["customer 1", "1870-01-31", "Austria", "radio", "true", "1850"]]))
        stays = ("customer_id", "signup_date", "country", "acquisition_channel", "birth_year")
        assert [found[name] for name in stays] == ["customer 1", "1870-01-31", "Austria", "radio", "1850"]

    def test_columns_are_found_by_name_and_others_left_out(self, spark: SparkSession) -> None:
        columns = ["shoe_size", *reversed(CUSTOMER_COLUMNS)]
        (found,) = as_text(batch(spark, [["43", "1990", "true", "social", "AT", "2026-01-31", "C-1"]], columns))
        assert list(found) == [*CUSTOMER_COLUMNS, "snapshot_date"]
        assert (found["customer_id"], found["country"], found["birth_year"]) == ("C-1", "AT", "1990")

    def test_an_optional_column_may_be_missing(self, spark: SparkSession) -> None:
        (found,) = as_text(batch(spark, [["C-1", "2026-01-31", "AT", "social", "true"]], CUSTOMER_COLUMNS[:-1]))
        assert found["birth_year"] is None

    def test_a_required_column_that_is_missing_is_an_error_that_names_it(self, spark: SparkSession) -> None:
        renamed = ["customer", *CUSTOMER_COLUMNS[1:]]
        with pytest.raises(
            ColumnsMissingError, match=r"the columns customer, signup_date.* without customer_id; needed"
        ):
            batch(spark, NOBODY, renamed)

    def test_a_row_that_fits_no_header_or_names_nobody_is_left_out(self, spark: SparkSession) -> None:
        good = ["C-1", "2026-01-31", "AT", "social", "true", "1990"]
        rows: list[list[str | None]] = [
            [*good, None],
            [*good[:2], "shifted", *good[2:5], "a,whole,line"],
            ["", *good[1:], None],
            [" ", *good[1:], None],
        ]
        (found,) = as_text(batch(spark, [*rows, [None, *good[1:], None]], [*CUSTOMER_COLUMNS, CORRUPT]))
        assert (found["customer_id"], found["country"]) == ("C-1", "AT")


def test_times_of_the_tests_are_utc() -> None:
    assert order()["event_time"] == datetime(2026, 6, 1, 10, 0, 0, 123000, tzinfo=UTC)
