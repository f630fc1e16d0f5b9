"""The JSON documents that Firehose writes for the records it could not deliver, one per line.

Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html and
https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from practice.local_cloud.firehose.transform import Failure, Record
from practice.local_cloud.hive_json import DeserializationError


def error_document(failure: Failure) -> bytes:
    return json.dumps(failure.fields).encode() + b"\n"


def partition_failure(record: Record, missing: Sequence[str]) -> Failure:
    """The failure of a record for which the function returned no partition key."""
    code = {
        "errorCode": "DynamicPartitioning.MetadataExtractionFailed",
        "errorMessage": f"partitionKeys values must not be null or empty: {', '.join(missing)}",
    }
    return Failure("metadata-extraction-failed", _common(record) | code)


def too_many_partitions(record: Record) -> Failure:
    """The failure of a record that would open one partition more than a stream may have.

    Source of the error type: https://docs.aws.amazon.com/firehose/latest/dev/buffering.html. Not in AWS's
    documentation, but told by who met it: the message, https://blog.serverworks.co.jp/2022/04/01/192443, and the code.
    """
    code = {
        "errorCode": "DynamicPartitioning.ActivePartitionsLimitExceeded",
        "errorMessage": "The number of active partitions has exceeded the configured limit",
    }
    return Failure("activePartitionExceeded", _common(record) | code)


def conversion_failure(record: Record, error: DeserializationError, schema: Mapping[str, str]) -> Failure:
    """The failure of a record that does not fit the table's columns."""
    table = {
        "catalogId": schema.get("CatalogId"),
        "databaseName": schema.get("DatabaseName"),
        "tableName": schema.get("TableName"),
        "region": schema.get("Region"),
        "versionId": schema.get("VersionId", "LATEST"),
    }
    code = {
        "ErrorCode": error.code,
        "ErrorMessage": str(error),
        "sequenceNumber": record.kinesis["sequenceNumber"] if record.kinesis else None,
        "subSequenceNumber": record.kinesis["subsequenceNumber"] if record.kinesis else None,
        "dataCatalogTable": table,
    }
    return Failure("format-conversion-failed", _common(record) | code)


def _common(record: Record) -> dict[str, Any]:
    return {
        "attemptsMade": 1,
        "arrivalTimestamp": record.arrived,
        "attemptEndingTimestamp": int(time.time() * 1000),
        "rawData": base64.b64encode(record.data).decode(),
    }
