"""From the processed orders and the raw customers to tables one can count on: each event once, each customer once."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's documentation has it
from pyspark.sql.types import BooleanType, DataType, DateType, StringType

from contracts import Contract
from jobs.refinery.schemas import FROM_CUSTOMERS, spark_type
from jobs.refinery.storage import CORRUPT


class ColumnsMissingError(ValueError):
    """A file without the columns that its contract requires."""


def clean_orders(orders: DataFrame, customers: DataFrame) -> DataFrame:
    """Each event once, in the contract's types, with what its customer's row tells and the day it belongs to.

    Of several copies of an event the one that arrived last is kept. Copies that arrived in the same moment are told
    apart by all their other fields, so that whatever the order of the rows in the files, the result is the same.
    ``order_date`` is the day of the event itself in UTC: a late event is in the partition of its own day, not of its
    arrival. An order whose customer is not in the batch stays, with ``is_known_customer`` false.

    An event without an id, or without a time, cannot be told from others or be dated: see ``can_be_cleaned``.
    """
    contract = Contract.load("orders")
    fields = [F.col(field.name).cast(spark_type(field)).alias(field.name) for field in contract.fields]
    newest = _newest_first("arrival_time", "sent_time", "event_time", *(field.name for field in contract.fields))
    events = (
        orders.where(can_be_cleaned())
        .select(*fields)
        .withColumn("_copy", F.row_number().over(Window.partitionBy("event_id").orderBy(*newest)))
        .where("_copy = 1")
    )
    known = customers.select(
        "customer_id",
        F.col("country").alias("customer_country"),
        "signup_date",
        "acquisition_channel",
        F.lit(True).alias("_known"),
    )
    return events.join(known, "customer_id", "left").select(
        *(field.name for field in contract.fields),
        *(name for name in FROM_CUSTOMERS if name != "is_known_customer"),
        F.coalesce("_known", F.lit(False)).alias("is_known_customer"),
        F.to_date("event_time").alias("order_date"),
    )


def can_be_cleaned() -> Column:
    """Whether an event has what tells it from others, and what dates it."""
    return F.col("event_id").isNotNull() & F.col("event_time").isNotNull()


def clean_customers(customers: DataFrame, snapshot: date) -> DataFrame:
    """Each customer of a batch once, in the contract's types: of several rows the last one of the file.

    The columns are found by name, in whatever order; further ones are left out. A value that is not of its type
    becomes NULL, and one that is of its type but not in the contract stays as it is: whether a batch is good enough
    is for the quality gate to say, which judges the file itself. A row that does not fit its header, or has no
    customer, is left out, because nobody knows whose values it has.

    Raises:
        ColumnsMissingError: when the batch lacks a column that the contract requires.
    """
    contract = Contract.load("customers")
    missing = [field.name for field in contract.fields if field.required and field.name not in customers.columns]
    if missing:
        raise ColumnsMissingError(
            f"the customers of {snapshot} have the columns {', '.join(customers.columns)}, without "
            f"{', '.join(missing)}; needed: {', '.join(field.name for field in contract.fields if field.required)}. "
            "Land the file with a header of these names."
        )
    whole = F.col(CORRUPT).isNull() if CORRUPT in customers.columns else F.lit(True)
    last = Window.partitionBy("customer_id").orderBy(F.col("_line").desc())
    return (
        # the number of a line, before anything moves the lines
        customers.withColumn("_line", F.monotonically_increasing_id())
        .where(whole & (F.trim("customer_id") != ""))
        .withColumn("_copy", F.row_number().over(last))
        .where("_copy = 1")
        .select(
            *(
                (_typed(field.name, spark_type(field)) if field.name in customers.columns else F.lit(None))
                .cast(spark_type(field))
                .alias(field.name)
                for field in contract.fields
            ),
            F.lit(snapshot).alias("snapshot_date"),
        )
    )


def _newest_first(*names: str) -> list[Column]:
    return [F.col(name).desc_nulls_last() for name in dict.fromkeys(names)]


def _typed(name: str, type_: DataType) -> Column:
    """Text as its type, NULL where it is none. Spark by itself would take ``2026`` for a date and ``y`` for true."""
    if isinstance(type_, StringType):
        return F.when(F.col(name) != "", F.col(name))
    is_one = F.lit(True)
    if isinstance(type_, DateType):
        is_one = F.col(name).rlike("^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    elif isinstance(type_, BooleanType):
        is_one = F.lower(name).isin("true", "false")
    return F.when(is_one, F.expr(f"try_cast(`{name}` AS {type_.simpleString()})"))
