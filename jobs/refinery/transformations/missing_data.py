"""Guide 4.3, missing data: imputed where that can be told from what was known."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Literal

from pyspark.ml import PipelineModel
from pyspark.ml.feature import Imputer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from jobs.refinery.transformations.quantiles import EXACT
from jobs.refinery.transformations.transformation import (
    Stage,
    Transformation,
    TransformationError,
    with_columns,
)

UNKNOWN = "Unknown"
"""The category of what has none. Where the training window misses none, it is as unseen as any new category."""


@dataclass(frozen=True)
class Imputation(Transformation):
    """A missing value becomes the mean, median or mode of the training window, in ``<feature>_imputed``.

    The indicator variable ``<feature>_missing`` is 1 where that happened, else 0. Null is missing, and so is
    ``missing_value`` where a data set has one.
    """

    columns: tuple[str, ...]
    strategy: Literal["mean", "median", "mode"] = "median"
    missing_value: float = nan

    def stages(self, training: DataFrame) -> list[Stage]:
        return [
            with_columns({f"{column}_missing": f"int({self._is_missing(column)})" for column in self.columns}),
            Imputer(
                inputCols=list(self.columns),
                outputCols=[f"{column}_imputed" for column in self.columns],
                strategy=self.strategy,
                missingValue=self.missing_value,
                relativeError=EXACT,
            ),
        ]

    def fit(self, training: DataFrame) -> PipelineModel:
        present = [F.count_if(~F.expr(self._is_missing(column))).alias(column) for column in self.columns]
        found = training.agg(*present).first()
        for column in self.columns:
            if not (found and found[column]):
                raise TransformationError(
                    f"feature {column!r} is missing in every row of the training window, so it has no "
                    f"{self.strategy}; expected a value in one row at least. Let the window end later, or take the "
                    "feature out of the plan."
                )
        return super().fit(training)

    def _is_missing(self, column: str) -> str:
        return f"(`{column}` IS NULL OR `{column}` = double('{self.missing_value}'))"  # in Spark, NaN equals NaN


def or_unknown(column: str) -> str:
    """The category, and for a missing one a special category, as SQL."""
    return f"coalesce(`{column}`, '{UNKNOWN}')"
