"""The job ``ingest_features``: curated features into the feature store, written by the Spark workers.

Run again it writes again: online the newest event_time stays, offline every write is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's documentation has it

from contracts import Contract
from jobs.refinery import storage
from jobs.refinery.arguments import days, read_arguments
from jobs.refinery.ingest import ingest
from jobs.refinery.schemas import features_schema
from jobs.refinery.session import spark_session
from jobs.refinery.staging import FEATURES, curated

REQUIRED = ("curated_bucket", "feature_group", "as_of")
OPTIONAL = {"cutoffs": ""}


def main(argv: Sequence[str]) -> None:
    """Put the features of the cutoffs into the group, and fail if it refuses any."""
    arguments = read_arguments(argv, required=REQUIRED, optional=OPTIONAL)
    cutoffs = days("cutoffs", arguments["cutoffs"] or arguments["as_of"])
    group = arguments["feature_group"]
    spark = spark_session("ingest_features")
    features = storage.read_parquet(spark, curated(arguments["curated_bucket"], FEATURES), features_schema())
    names = [field.name for field in Contract.load("customer_features").fields]
    outcome = ingest(features.where(F.col("cutoff_date").isin(cutoffs)), group, names)
    print(f"{group} took {outcome.written} records and refused {outcome.refused.total()}.")  # noqa: T201 - a job's log
    outcome.require_all_written(group)


if __name__ == "__main__":
    main(sys.argv[1:])
