"""Guide 4.4, frequency encoding: a category becomes how frequent it was in the training window.

A share, not a count, so that it means the same whatever the window's length; an unseen category has 0.
What is fitted is a table: feature, category, frequency.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from jobs.refinery.transformations.missing_data import or_unknown

SCHEMA = "feature string, category string, frequency double"


def fit(training: DataFrame, columns: Sequence[str]) -> DataFrame:
    """The share of the training rows that each category has."""
    shares = [share for column in columns for share in _shares(training, column)]
    return training.sparkSession.createDataFrame(shares, SCHEMA)


def encode(frame: DataFrame, fitted: DataFrame, columns: Sequence[str]) -> DataFrame:
    """The frame with ``<feature>_frequency`` for each of the columns."""
    return reduce(lambda encoded, column: _encoded(encoded, fitted, column), columns, frame)


def _shares(training: DataFrame, column: str) -> list[tuple[str, str, float]]:
    counts = training.groupBy(F.expr(or_unknown(column)).alias("category")).agg(F.count("*").alias("rows")).collect()
    all_rows = sum(row["rows"] for row in counts)
    return sorted((column, row["category"], row["rows"] / all_rows) for row in counts)


def _encoded(frame: DataFrame, fitted: DataFrame, column: str) -> DataFrame:
    found = fitted.where(F.col("feature") == column).select(
        F.col("category").alias("__category"), F.col("frequency").alias("__frequency")
    )
    joined = frame.join(F.broadcast(found), F.expr(or_unknown(column)) == F.col("__category"), "left")
    encoded = joined.withColumn(f"{column}_frequency", F.coalesce("__frequency", F.lit(0.0)))
    return encoded.drop("__category", "__frequency")
