"""Guide 4.2, scaling: features of different sizes become comparable.

A feature without spread has no scale. Standardization and robust scaling then give 0, min-max normalization 0.5.

Source: https://spark.apache.org/docs/3.5.6/ml-features.html#standardscaler
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from pyspark.ml import Estimator, PipelineModel
from pyspark.ml.feature import MinMaxScaler, RobustScaler, StandardScaler, VectorAssembler
from pyspark.sql import DataFrame

from jobs.refinery.transformations.quantiles import EXACT
from jobs.refinery.transformations.transformation import INTERMEDIATE, Stage, Transformation


@dataclass(frozen=True)
class Scaling(Transformation):
    """Each feature is scaled by itself; a missing value is an error, since imputation comes first."""

    columns: tuple[str, ...]

    suffix: ClassVar[str]
    """What is appended to a feature's name."""

    @abstractmethod
    def scaler(self, unscaled: str, scaled: str) -> Estimator[Any]:
        """Spark's own stage, from a vector to a vector."""

    def stages(self, training: DataFrame) -> list[Stage]:
        unscaled = f"{INTERMEDIATE}not_{self.suffix}"
        return [
            VectorAssembler(inputCols=list(self.columns), outputCol=unscaled),
            self.scaler(unscaled, f"{INTERMEDIATE}{self.suffix}"),
        ]

    def elements(self, fitted: PipelineModel) -> dict[str, list[str]]:
        return {f"{INTERMEDIATE}{self.suffix}": [f"{column}_{self.suffix}" for column in self.columns]}


class Standardization(Scaling):
    """Z-score normalization: z = (x - mean) / standard deviation, that of a sample (n - 1), as Spark takes it."""

    suffix = "standardized"

    def scaler(self, unscaled: str, scaled: str) -> Estimator[Any]:
        return StandardScaler(inputCol=unscaled, outputCol=scaled, withMean=True, withStd=True)


class MinMaxNormalization(Scaling):
    """(x - min) / (max - min): 0 to 1 in the training window; a later value beyond it lies outside of 0 to 1."""

    suffix = "min_max"

    def scaler(self, unscaled: str, scaled: str) -> Estimator[Any]:
        return MinMaxScaler(inputCol=unscaled, outputCol=scaled)


class RobustScaling(Scaling):
    """(x - median) / (third quartile - first quartile): one outlier moves nothing."""

    suffix = "robust"

    def scaler(self, unscaled: str, scaled: str) -> Estimator[Any]:
        return RobustScaler(
            inputCol=unscaled, outputCol=scaled, withCentering=True, withScaling=True, relativeError=EXACT
        )
