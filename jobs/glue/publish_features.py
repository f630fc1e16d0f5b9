"""The job ``publish_features``: what passed the gate, from staging to the curated tables.

It replaces the partitions of the staged cutoffs and touches no other. Killed between its writes and run again, it
leaves what one whole run leaves.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date

from jobs.refinery import storage
from jobs.refinery.arguments import day, read_arguments
from jobs.refinery.schemas import features_schema, labels_schema
from jobs.refinery.session import spark_session
from jobs.refinery.staging import FEATURES, LABELS, curated, staged_by, staging

REQUIRED = ("curated_bucket", "as_of")


def main(argv: Sequence[str]) -> None:
    """Publish what the run of ``as_of`` has staged."""
    arguments = read_arguments(argv, required=REQUIRED)
    bucket = arguments["curated_bucket"]
    staged = staged_by(bucket, day("as_of", arguments["as_of"]))
    spark = spark_session("publish_features")
    for data_set, schema, cutoffs in (
        (FEATURES, features_schema(), staged.cutoffs),
        (LABELS, labels_schema(), staged.labelled),
    ):
        if cutoffs:
            rows = storage.read_parquet(spark, staging(bucket, data_set), schema)
            covered = map(date.isoformat, cutoffs)
            storage.write_partitions(rows, curated(bucket, data_set), "cutoff_date", covered)
            print(f"Published {data_set} at {', '.join(map(str, cutoffs))}.")  # noqa: T201 - a job's output is its log


if __name__ == "__main__":
    main(sys.argv[1:])
