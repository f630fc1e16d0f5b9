"""Whether a customer bought again: what a model learns to foresee, in a table apart from what it may see.

A cutoff has labels only once its 90 days are over. Before that, who has not bought yet may still do so, and a label
made of it would call loyal customers lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's documentation has it

from jobs.refinery.schemas import LABEL, labels_schema

HORIZON = timedelta(days=90)


def labelled_cutoffs(cutoffs: Iterable[date], as_of: date) -> list[date]:
    """The cutoffs whose 90 days are over when the day ``as_of`` begins, the oldest first."""
    return sorted(cutoff for cutoff in set(cutoffs) if cutoff + HORIZON <= as_of)


def customer_labels(orders: DataFrame, cutoffs: Sequence[date], as_of: date) -> DataFrame:
    """One row per customer with a purchase before a cutoff: 1 when the 90 days from it on bring none, else 0.

    Has no row for a cutoff whose 90 days are not over by ``as_of``.
    """
    labelled = labelled_cutoffs(cutoffs, as_of)
    if not labelled:
        return orders.sparkSession.createDataFrame([], labels_schema())
    day = F.to_date("event_time")
    seen = F.filter(F.array(*map(F.lit, labelled)), lambda cutoff: F.date_add(cutoff, HORIZON.days) > F.col("day"))
    return (
        orders.where(F.col("customer_id").isNotNull() & (F.col("event_type") == "purchase"))
        .select("customer_id", day.alias("day"))
        .withColumn("cutoff_date", F.explode(seen))
        .groupBy("customer_id", "cutoff_date")
        .agg(F.min("day").alias("first_day"), F.max("day").alias("last_day"))
        .where("first_day < cutoff_date")
        .select(
            "customer_id",
            F.date_format("cutoff_date", "yyyy-MM-dd'T'00:00:00'Z'").alias("event_time"),
            (F.col("last_day") < F.col("cutoff_date")).cast("int").alias(LABEL),
            "cutoff_date",
        )
    )
