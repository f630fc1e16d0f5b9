"""Guide 4.4: a category becomes numbers that do not depend on any label. A missing one is the category "Unknown"."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.ml import PipelineModel
from pyspark.ml.feature import FeatureHasher, OneHotEncoder, StringIndexer, StringIndexerModel
from pyspark.sql import DataFrame

from jobs.refinery.transformations.missing_data import UNKNOWN, or_unknown
from jobs.refinery.transformations.transformation import INTERMEDIATE, Stage, Transformation, with_columns


@dataclass(frozen=True)
class LabelEncoding(Transformation):
    """A number per category, for categories that have an order. Nothing is fitted: the order is told.

    1 is the first of the order; 0 is a missing category, or one that the order does not have.
    """

    columns: tuple[str, ...]
    order: tuple[str, ...]

    def stages(self, training: DataFrame) -> list[Stage]:
        order = ", ".join(f"'{category}'" for category in self.order)
        in_order = {
            f"{INTERMEDIATE}{column}_in_order": f"IF(`{column}` IN ({order}), `{column}`, '{UNKNOWN}')"
            for column in self.columns
        }
        return [
            with_columns(in_order),
            StringIndexerModel.from_arrays_of_labels(
                [[UNKNOWN, *self.order]] * len(self.columns),
                inputCols=list(in_order),
                outputCols=[f"{column}_label" for column in self.columns],
                handleInvalid="error",
            ),
        ]


@dataclass(frozen=True)
class OneHotEncoding(Transformation):
    """A column of 0 and 1 per category of the training window; in a category it has not seen, all of them are 0.

    The numbers that StringIndexer gives the categories on the way are dropped: they would imply an order.
    """

    columns: tuple[str, ...]

    def stages(self, training: DataFrame) -> list[Stage]:
        labels, vectors = self._intermediate("label"), self._intermediate("one_hot")
        categories = self._intermediate("category")
        return [
            with_columns(dict(zip(categories, map(or_unknown, self.columns)))),
            StringIndexer(inputCols=categories, outputCols=labels, stringOrderType="alphabetAsc", handleInvalid="keep"),
            # the last category, which is dropped, is what StringIndexer keeps the unseen ones in
            OneHotEncoder(inputCols=labels, outputCols=vectors, dropLast=True, handleInvalid="error"),
        ]

    def elements(self, fitted: PipelineModel) -> dict[str, list[str]]:
        indexer = next(stage for stage in fitted.stages if isinstance(stage, StringIndexerModel))
        return {
            vector: [f"{column}_{category}" for category in categories]
            for vector, column, categories in zip(
                self._intermediate("one_hot"), self.columns, indexer.labelsArray, strict=True
            )
        }

    def _intermediate(self, kind: str) -> list[str]:
        return [f"{INTERMEDIATE}{column}_{kind}" for column in self.columns]


@dataclass(frozen=True)
class Hashing(Transformation):
    """A category becomes 1 in the bucket its hash points to, so a new one has a place without anything being fitted.

    Two categories can share a bucket: the more buckets, the fewer do.
    """

    columns: tuple[str, ...]
    buckets: int = 16

    def stages(self, training: DataFrame) -> list[Stage]:
        stages: list[Stage] = []
        for column in self.columns:
            category = f"{INTERMEDIATE}{column}_hashed_category"
            stages.append(with_columns({category: or_unknown(column)}))
            stages.append(FeatureHasher(inputCols=[category], outputCol=self._vector(column), numFeatures=self.buckets))
        return stages

    def elements(self, fitted: PipelineModel) -> dict[str, list[str]]:
        return {
            self._vector(column): [f"{column}_hash_{bucket}" for bucket in range(self.buckets)]
            for column in self.columns
        }

    def _vector(self, column: str) -> str:
        return f"{INTERMEDIATE}{column}_hash"
