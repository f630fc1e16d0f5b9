"""Fits the plan's transformations on the training window, stores what was fitted, and applies it to any features.

A row belongs to the training window if its ``cutoff_date`` is ``training_until`` or before; nothing after it changes
what is fitted. Labels tell the 90 days after their cutoff, so judge a model on cutoffs at least 90 days after
``training_until``: target encoding has seen what happened until then.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from jobs.refinery.schemas import LABEL
from jobs.refinery.transformations import frequency_encoding, target_encoding
from jobs.refinery.transformations.plan import KEYS, PLAN, Plan
from jobs.refinery.transformations.transformation import INTERMEDIATE, TransformationError


@dataclass(frozen=True)
class Manifest:
    """What is not in Spark's own files."""

    training_until: str
    elements: dict[str, list[str]]
    """The vector columns of the pipeline, and the feature that each of their elements is."""
    frequency_encoding: list[str]
    target_encoding: list[str]


@dataclass(frozen=True)
class FittedTransformations:
    """What was fitted on a training window."""

    manifest: Manifest
    pipeline: PipelineModel
    """A pipeline of pipelines: one for each transformation of the plan, in its order."""
    frequencies: DataFrame
    target_means: DataFrame

    def transform(self, features: DataFrame) -> DataFrame:
        """The features with all transformed ones beside them, each a column of numbers; a row for each row."""
        transformed = self.pipeline.transform(features)
        encoded = frequency_encoding.encode(transformed, self.frequencies, self.manifest.frequency_encoding)
        until = date.fromisoformat(self.manifest.training_until)
        encoded = target_encoding.encode(encoded, self.target_means, self.manifest.target_encoding, until)
        plain = [name for name in encoded.columns if not name.startswith(INTERMEDIATE)]
        elements = [
            F.col(vector)[position].alias(name)
            for vector, names in self.manifest.elements.items()
            for position, name in enumerate(names)
        ]
        arrays = {vector: vector_to_array(F.col(vector)) for vector in self.manifest.elements}
        return encoded.withColumns(arrays).select(*plain, *elements)

    def save(self, uri: str) -> None:
        """Replace what is stored at a place that Spark's workers can write: ``s3://`` in a job, a directory in a test.

        Not a local directory to be uploaded: Spark ML's own ``save`` writes from the workers, and on a cluster the
        driver does not see their disks. The manifest is emptied first and written last, so what a killed run leaves is
        refused by ``load`` and never taken for whole.
        """
        _write_text(f"{uri}/manifest", "")
        self.pipeline.write().overwrite().save(f"{uri}/pipeline")
        self.frequencies.coalesce(1).write.mode("overwrite").parquet(f"{uri}/frequency_encoding")
        self.target_means.coalesce(1).write.mode("overwrite").parquet(f"{uri}/target_encoding")
        _write_text(f"{uri}/manifest", json.dumps(asdict(self.manifest)))

    @classmethod
    def load(cls, uri: str) -> FittedTransformations:
        spark = SparkSession.active()
        first = spark.read.text(f"{uri}/manifest").first()
        if not (first and first["value"]):
            raise TransformationError(
                f"the transformations at {uri} have an empty manifest: they were not stored to the end. "
                "Fit and save them again."
            )
        return cls(
            manifest=Manifest(**json.loads(first["value"])),
            pipeline=PipelineModel.load(f"{uri}/pipeline"),
            frequencies=spark.read.schema(frequency_encoding.SCHEMA).parquet(f"{uri}/frequency_encoding"),
            target_means=spark.read.schema(target_encoding.SCHEMA).parquet(f"{uri}/target_encoding"),
        )


def fit(features: DataFrame, labels: DataFrame, training_until: date, plan: Plan = PLAN) -> FittedTransformations:
    """Fit every transformation of the plan on the features, and target encoding on their labels too.

    Both are the tables of the curated zone. A training row without a label is encoded too, from the labels of others.
    """
    window = features.where(F.col("cutoff_date").cast("date") <= F.lit(training_until)).persist()
    try:
        if window.isEmpty():
            raise TransformationError(
                f"no row has a cutoff_date of {training_until} or before, so there is nothing to fit on. "
                "Choose a training_until on or after the first cutoff."
            )
        fitted: list[Any] = []
        elements: dict[str, list[str]] = {}
        training = window
        for transformation in plan.transformations:
            model = transformation.fit(training)
            training = model.transform(training)
            fitted.append(model)
            elements |= transformation.elements(model)
        labelled = window.join(labels.select(*KEYS, LABEL), [*KEYS])
        return FittedTransformations(
            manifest=Manifest(
                training_until.isoformat(), elements, list(plan.frequency_encoding), list(plan.target_encoding)
            ),
            pipeline=PipelineModel(stages=fitted),
            frequencies=frequency_encoding.fit(window, plan.frequency_encoding),
            target_means=target_encoding.fit(labelled, plan.target_encoding, LABEL),
        )
    finally:
        window.unpersist()


def _write_text(uri: str, text: str) -> None:
    SparkSession.active().createDataFrame([(text,)], "value string").coalesce(1).write.mode("overwrite").text(uri)
