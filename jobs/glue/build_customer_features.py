"""The job ``build_customer_features``: cleaned orders to features and labels per customer and cutoff, into staging.

What is staged by earlier runs is gone afterwards: the gate judges what lies in staging, and all that lies there is
published.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's documentation has it

from jobs.refinery import storage
from jobs.refinery.arguments import ArgumentError, day, days, read_arguments
from jobs.refinery.features import customer_features
from jobs.refinery.labels import HORIZON, customer_labels, labelled_cutoffs
from jobs.refinery.schemas import cleaned_orders_schema
from jobs.refinery.session import spark_session
from jobs.refinery.staging import FEATURES, LABELS, Staged, StagingError, begin, finish, staging

REQUIRED = ("processed_bucket", "curated_bucket", "as_of")
OPTIONAL = {"cutoffs": ""}


def main(argv: Sequence[str]) -> None:
    """Stage the features of all cutoffs, and the labels of those whose 90 days are over."""
    arguments = read_arguments(argv, required=REQUIRED, optional=OPTIONAL)
    as_of = day("as_of", arguments["as_of"])
    cutoffs = days("cutoffs", arguments["cutoffs"]) if arguments["cutoffs"] else [as_of]
    if cutoffs[-1] > as_of:
        raise ArgumentError(
            f"--cutoffs has {cutoffs[-1]}, after --as_of {as_of}; allowed: up to {as_of}, since nobody knows yet what "
            "customers will do until then. Take it out, or run as of a later day."
        )
    processed, bucket = arguments["processed_bucket"], arguments["curated_bucket"]
    spark = spark_session("build_customer_features")
    orders = storage.read_parquet(spark, f"s3://{processed}/cleaned_orders/", cleaned_orders_schema())

    begin(bucket)
    known = orders.where(F.col("order_date") < F.lit(cutoffs[-1]))
    _stage(customer_features(known, cutoffs), staging(bucket, FEATURES), cutoffs)
    labelled = labelled_cutoffs(cutoffs, as_of)
    known = orders.where(F.col("order_date") < F.lit(labelled[-1] + HORIZON)) if labelled else orders
    _stage(customer_labels(known, cutoffs, as_of), staging(bucket, LABELS), labelled)
    finish(bucket, Staged(as_of, cutoffs, labelled))
    unlabelled = [cutoff for cutoff in cutoffs if cutoff not in labelled]
    why = f"since the {HORIZON.days} days from it on are not over by {as_of}"
    print(  # noqa: T201 - a job's output is its log
        f"Staged the features at {_listed(cutoffs)}, and the labels at {_listed(labelled)}."
        + (f" Without labels: {_listed(unlabelled)}, {why}." if unlabelled else "")
    )


def _stage(frame: DataFrame, uri: str, cutoffs: Sequence[date]) -> None:
    """Make the frame all that lies under the prefix.

    Raises:
        StagingError: when a cutoff has no row, so that nothing empty ever replaces what is published.
    """
    earlier = storage.partition_values(uri, "cutoff_date")
    wanted = [cutoff.isoformat() for cutoff in cutoffs]
    storage.write_partitions(frame, uri, "cutoff_date", [*earlier, *wanted])
    if empty := sorted(set(wanted) - set(storage.partition_values(uri, "cutoff_date"))):
        raise StagingError(
            f"nobody had bought anything before {', '.join(empty)}, so {uri} has no row of it. Allowed: cutoffs after "
            "the day of the first cleaned order. Run clean_orders if that should be earlier, or take the cutoff out."
        )


def _listed(cutoffs: Sequence[date]) -> str:
    return ", ".join(map(str, cutoffs)) or "none"


if __name__ == "__main__":
    main(sys.argv[1:])
