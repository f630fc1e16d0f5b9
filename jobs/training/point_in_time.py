"""The data set of training: labels, and what was known of their customers at the cutoff.

Guide 4.8: a feature counts for a label only if it is not newer than the label's cutoff, or the model learns from the
future. The offline store keeps every write: the newest event time that is not after the cutoff counts, of several
writes of that the last, and a customer deleted by then is left out.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Any

import boto3

from contracts import Contract
from jobs.training.dataset import CUTOFF, TARGET

_LOOK_EVERY_SECONDS = 0.5
_NOT_ENDED = ("QUEUED", "RUNNING")

_QUERY = """\
WITH versions AS (
    SELECT
        features.*,
        CAST(labels.{cutoff} AS date) AS {cutoff},
        labels.{target},
        row_number() OVER (
            PARTITION BY labels.customer_id, labels.{cutoff}
            ORDER BY
                from_iso8601_timestamp(features.event_time) DESC,
                features.api_invocation_time DESC,
                features.write_time DESC
        ) AS age
    FROM {labels_table} AS labels
    INNER JOIN {features_table} AS features
        ON features.customer_id = labels.customer_id
        AND from_iso8601_timestamp(features.event_time) <= CAST(CAST(labels.{cutoff} AS date) AS timestamp)
)

SELECT {columns}, {cutoff}, {target}
FROM versions
WHERE age = 1 AND NOT is_deleted"""


class QueryError(RuntimeError):
    """A query that Athena did not finish."""


def query(features_table: str, labels_table: str) -> str:
    """The rows of :data:`dataset.COLUMNS`, from tables named ``database.table``."""
    columns = ", ".join(field.name for field in Contract.load("customer_features").fields)
    return _QUERY.format(
        columns=columns, cutoff=CUTOFF, target=TARGET, features_table=features_table, labels_table=labels_table
    )


def unload(sql: str, to: str, *, workgroup: str, directory: Path) -> None:
    """Have Athena write the query's rows as Parquet to a new folder of a place in S3, and fetch them.

    A folder of its own for each attempt, since UNLOAD refuses one that holds data, as an earlier attempt may have left.

    UNLOAD, because the usual result is one CSV file without types. A data set definition of SageMaker's would run the
    query too, but as a table with a location of its own, which a workgroup that enforces its settings refuses.

    Sources: https://docs.aws.amazon.com/athena/latest/ug/unload.html,
    https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html (external_location)
    """
    # SageMaker sets AWS_REGION, which botocore does not read
    region = os.environ.get("AWS_REGION")
    athena = boto3.client("athena", region_name=region)
    place = f"{to.rstrip('/')}/{uuid.uuid4()}/"
    started = athena.start_query_execution(
        QueryString=f"UNLOAD ({sql}) TO '{place}' WITH (format = 'PARQUET')", WorkGroup=workgroup
    )
    status = _ended(athena, started["QueryExecutionId"])
    if status["State"] != "SUCCEEDED":
        raise QueryError(f"the query for the data set ended as {status['State']}: {status.get('StateChangeReason')}")
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    s3 = boto3.client("s3", region_name=region)
    directory.mkdir(parents=True, exist_ok=True)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    for number, key in enumerate(keys):
        s3.download_file(bucket, key, str(directory / f"{number}.parquet"))


def _ended(athena: Any, query_id: str) -> Any:
    while (status := athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"])[
        "State"
    ] in _NOT_ENDED:
        time.sleep(_LOOK_EVERY_SECONDS)
    return status
