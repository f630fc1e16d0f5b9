"""A processing job's input that Athena selects: the query's rows as Parquet in S3, with the types of its columns.

Run as CREATE TABLE AS, whose table is dropped again. Not in AWS's documentation: under which keys of OutputS3Uri
SageMaker has Athena write; here in a folder of the job and the input.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AthenaDatasetDefinition.html
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from practice.local_cloud.job_files import NoDataError, download_all, encryption, upload_all
from practice.local_cloud.loopback import client

_POLL_SECONDS = 0.05


class QueryError(Exception):
    """Athena did not answer the query."""


def complaint(definition: Mapping[str, Any]) -> str:
    """Why the local cloud cannot make this dataset, if it cannot."""
    if definition["OutputFormat"] != "PARQUET" or definition.get("OutputCompression", "SNAPPY") != "SNAPPY":
        return "the local cloud writes the rows of an AthenaDatasetDefinition as PARQUET with SNAPPY only."
    return ""


def make(definition: Mapping[str, Any], folder: str, directory: Path) -> None:
    """Run the query, and leave its rows in a folder of OutputS3Uri and in the directory."""
    target = f"{definition['OutputS3Uri'].rstrip('/')}/{folder}/"
    table = f"sagemaker_{uuid.uuid4().hex}"
    query = definition["QueryString"].strip().rstrip(";")
    created = f"CREATE TABLE {table} WITH (format = 'PARQUET', external_location = '{target}') AS {query}"
    _run(created, definition)
    client("glue").delete_table(DatabaseName=definition["Database"], Name=table)
    try:
        download_all(target, [directory])
    except NoDataError:
        raise QueryError(f"the query has no rows: {query}") from None
    if key := definition.get("KmsKeyId"):
        upload_all(directory, target, encryption(key))


def _run(query: str, definition: Mapping[str, Any]) -> None:
    athena = client("athena")
    started = athena.start_query_execution(
        QueryString=query,
        QueryExecutionContext={"Catalog": definition["Catalog"], "Database": definition["Database"]},
        ResultConfiguration={"OutputLocation": definition["OutputS3Uri"]},
        **({"WorkGroup": definition["WorkGroup"]} if "WorkGroup" in definition else {}),
    )
    while True:
        execution = athena.get_query_execution(QueryExecutionId=started["QueryExecutionId"])["QueryExecution"]
        status = execution["Status"]
        if status["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(_POLL_SECONDS)
    if status["State"] != "SUCCEEDED":
        raise QueryError(f"the Athena query is {status['State']}: {status.get('StateChangeReason')}")
