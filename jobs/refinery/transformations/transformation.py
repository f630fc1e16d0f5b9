"""What every transformation that Spark ML can hold has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from pyspark.ml import Estimator, Pipeline, PipelineModel, Transformer
from pyspark.ml.feature import SQLTransformer
from pyspark.sql import DataFrame

INTERMEDIATE = "__"
"""How the name of a column begins that is there for the next stage alone, and dropped at the end."""

Stage = Estimator[Any] | Transformer


class TransformationError(ValueError):
    """Rows that no transformation can be fitted on."""


class Transformation(ABC):
    """One transformation of the guide, for the features it applies to: the stages of a Spark ML pipeline."""

    columns: tuple[str, ...]
    """The features it applies to."""

    @abstractmethod
    def stages(self, training: DataFrame) -> list[Stage]:
        """What is fitted on the training rows, in order."""

    def fit(self, training: DataFrame) -> PipelineModel:
        return Pipeline(stages=self.stages(training)).fit(training)

    def elements(self, fitted: PipelineModel) -> dict[str, list[str]]:
        """The vector columns that the stages write, and the feature that each of their elements is."""
        return {}


def with_columns(expressions: dict[str, str]) -> SQLTransformer:
    """A stage that adds columns by their SQL."""
    added = ", ".join(f"{sql} AS `{name}`" for name, sql in expressions.items())
    return SQLTransformer(statement=f"SELECT *, {added} FROM __THIS__")  # noqa: S608 - all of it is the plan's
