"""Guide 4.2, binning: a continuous feature becomes the number of the bin it falls into, counted from 0.

A bin holds its lower edge, not its upper one. The first and the last are open, so a later value beyond what the
training window knew falls into the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from pyspark.ml.feature import Bucketizer, QuantileDiscretizer
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from jobs.refinery.transformations.quantiles import EXACT
from jobs.refinery.transformations.transformation import Stage, Transformation, TransformationError


@dataclass(frozen=True)
class EqualWidthBinning(Transformation):
    """Bins of the same width from the smallest to the largest value of the training window."""

    columns: tuple[str, ...]
    bins: int = 10

    def stages(self, training: DataFrame) -> list[Stage]:
        ends = [F.struct(F.min(column).alias("low"), F.max(column).alias("high")) for column in self.columns]
        found = training.agg(*(end.alias(column) for end, column in zip(ends, self.columns))).first()
        return [
            Bucketizer(
                splitsArray=[
                    self._edges(column, *(found[column] if found else (None, None))) for column in self.columns
                ],
                inputCols=list(self.columns),
                outputCols=[f"{column}_equal_width_bin" for column in self.columns],
                handleInvalid="error",
            )
        ]

    def _edges(self, column: str, low: float | None, high: float | None) -> list[float]:
        if low is None or high is None:
            raise TransformationError(
                f"feature {column!r} has no value in the training window, so it has no bins; expected one at least. "
                "Let the window end later, or take the feature out of the plan."
            )
        width = (float(high) - float(low)) / self.bins
        inner = {float(low) + width * number for number in range(1, self.bins)}
        return [-inf, *sorted(inner), inf]


@dataclass(frozen=True)
class EqualFrequencyBinning(Transformation):
    """Bins of about the same number of rows. Where many rows have one value, bins merge and there are fewer."""

    columns: tuple[str, ...]
    bins: int = 10

    def stages(self, training: DataFrame) -> list[Stage]:
        return [
            QuantileDiscretizer(
                numBucketsArray=[self.bins] * len(self.columns),
                inputCols=list(self.columns),
                outputCols=[f"{column}_equal_frequency_bin" for column in self.columns],
                relativeError=EXACT,
                handleInvalid="error",
            )
        ]
