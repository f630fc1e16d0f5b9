"""Guide 4.4, target encoding (mean encoding): a category becomes the mean of the label among those who are in it.

The risk is that a row's own label is in that mean, and a model then learns from the answer. So the training rows are
dealt into folds, and each is encoded by the rows of the other folds alone (out of fold). The fold comes from the
customer, so no label of the same customer at another cutoff is in it either. A row after the training window is encoded
by all of the window.

The mean is drawn towards a prior, so that a category of few rows does not stand for their labels::

    (sum of the labels + PRIOR_WEIGHT * prior) / (number of rows + PRIOR_WEIGHT)

The prior is the mean label of all the rows that count (of the other folds, for a training row), and what an unseen
category gets. What is fitted is a table: feature, fold, category, target mean; the prior stands beside category null.

Spark 3.5 has no target encoder, and that of Spark 4 knows no folds.

Source: Micci-Barreca, A Preprocessing Scheme for High-Cardinality Categorical Attributes, 2001,
https://doi.org/10.1145/507533.507538; folds:
https://scikit-learn.org/stable/modules/preprocessing.html#target-encoder
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import reduce
from itertools import groupby
from operator import itemgetter

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from jobs.refinery.transformations.missing_data import or_unknown
from jobs.refinery.transformations.transformation import TransformationError

SCHEMA = "feature string, fold int, category string, target_mean double"

FOLDS = 5

ALL_FOLDS = -1
"""The fold of a row after the training window: nothing is left out for it."""

PRIOR_WEIGHT = 20.0
"""As many rows with the mean label as the prior counts for."""


def fold() -> Column:
    """The fold of a customer: the same on every run and whatever other customers there are."""
    return F.pmod(F.crc32(F.col("customer_id").cast("binary")), F.lit(FOLDS)).cast("int")


def fit(labelled: DataFrame, columns: Sequence[str], label: str) -> DataFrame:
    """The means to encode each fold with, from the training rows that have a label (0 or 1)."""
    means = [mean for column in columns for mean in _means(_by_fold(labelled, column, label), column)]
    return labelled.sparkSession.createDataFrame(means, SCHEMA)


def encode(frame: DataFrame, fitted: DataFrame, columns: Sequence[str], training_until: date) -> DataFrame:
    """The frame with ``<feature>_target_mean`` for each of the columns."""
    in_window = F.col("cutoff_date").cast("date") <= F.lit(training_until)
    own_fold = F.when(in_window, fold()).otherwise(ALL_FOLDS)
    return reduce(lambda encoded, column: _encoded(encoded, fitted, column, own_fold), columns, frame)


def _by_fold(labelled: DataFrame, column: str, label: str) -> list[Row]:
    by_fold = labelled.where(F.col(label).isNotNull()).groupBy(
        fold().alias("fold"), F.expr(or_unknown(column)).alias("category")
    )
    found = by_fold.agg(F.sum(label).alias("labels"), F.count("*").alias("rows")).orderBy("category", "fold").collect()
    if len({row["fold"] for row in found}) < 2:
        raise TransformationError(
            f"the labelled rows of the training window lie in fewer than 2 of the {FOLDS} folds, so there is nothing "
            "to encode one from outside of it. Let the window begin earlier or end later, with more customers."
        )
    return found


def _means(by_fold: Sequence[Row], column: str) -> Iterator[tuple[str, int, str | None, float]]:
    for own_fold in (ALL_FOLDS, *range(FOLDS)):
        others = [row for row in by_fold if row["fold"] != own_fold]
        prior = sum(row["labels"] for row in others) / sum(row["rows"] for row in others)
        yield column, own_fold, None, prior
        for category, rows in groupby(others, key=itemgetter("category")):
            labels, count = map(sum, zip(*((row["labels"], row["rows"]) for row in rows)))
            yield column, own_fold, category, (labels + PRIOR_WEIGHT * prior) / (count + PRIOR_WEIGHT)


def _encoded(frame: DataFrame, fitted: DataFrame, column: str, own_fold: Column) -> DataFrame:
    of_feature = fitted.where(F.col("feature") == column).withColumnRenamed("fold", "__of_fold")
    means = of_feature.where("category IS NOT NULL").select(
        "__of_fold", F.col("category").alias("__category"), F.col("target_mean").alias("__mean")
    )
    priors = of_feature.where("category IS NULL").select("__of_fold", F.col("target_mean").alias("__prior"))
    same_fold = own_fold == F.col("__of_fold")
    same_category = F.expr(or_unknown(column)) == F.col("__category")
    with_mean = frame.join(F.broadcast(means), same_fold & same_category, "left").drop("__of_fold", "__category")
    with_prior = with_mean.join(F.broadcast(priors), same_fold, "left").drop("__of_fold")
    return with_prior.withColumn(f"{column}_target_mean", F.coalesce("__mean", "__prior")).drop("__mean", "__prior")
