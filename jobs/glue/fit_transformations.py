"""The job ``fit_transformations``: the plan of transformations (guide 4.2-4.6), fitted on curated features and stored.

It fits on all published cutoffs up to ``training_until``: by default the newest one whose labels were known on the day
``as_of``. A lake-house that is too young to have such a cutoff, or features enough before it, has nothing to fit on,
which is no failure; that a window asked for by name cannot be fitted on is one.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date

from jobs.refinery import storage
from jobs.refinery.arguments import day, read_arguments
from jobs.refinery.labels import HORIZON, labelled_cutoffs
from jobs.refinery.schemas import features_schema, labels_schema
from jobs.refinery.session import spark_session
from jobs.refinery.staging import FEATURES, LABELS, curated
from jobs.refinery.transformations.pipeline import fit
from jobs.refinery.transformations.transformation import TransformationError

REQUIRED = ("curated_bucket", "as_of")
OPTIONAL = {"training_until": ""}


def main(argv: Sequence[str]) -> None:
    """Fit on the training window, and store what was fitted; without a window, say why and write nothing."""
    arguments = read_arguments(argv, required=REQUIRED, optional=OPTIONAL)
    bucket, asked = arguments["curated_bucket"], arguments["training_until"]
    if asked:
        print(_fit(bucket, day("training_until", asked)))  # noqa: T201 - a job's output is its log
        return
    as_of = day("as_of", arguments["as_of"])
    published = storage.day_folders(curated(bucket, LABELS), "cutoff_date").days
    labelled = labelled_cutoffs(published, as_of)
    if not labelled:
        why = f"no published cutoff has labels on {as_of}, since none is {HORIZON.days} days old by then"
        print(f"Nothing to fit on: {why}. Let --cutoffs of the pipeline have an earlier one.")  # noqa: T201
        return
    try:
        print(_fit(bucket, labelled[-1]))  # noqa: T201
    except TransformationError as error:
        print(f"Nothing to fit on until {labelled[-1]}: {error}")  # noqa: T201


def _fit(bucket: str, training_until: date) -> str:
    spark = spark_session("fit_transformations")
    features = storage.read_parquet(spark, curated(bucket, FEATURES), features_schema())
    labels = storage.read_parquet(spark, curated(bucket, LABELS), labels_schema())
    place = f"s3://{bucket}/transformations/training_until={training_until}"
    fit(features, labels, training_until).save(place)
    return f"Fitted on the cutoffs until {training_until}, and stored at {place}/."


if __name__ == "__main__":
    main(sys.argv[1:])
