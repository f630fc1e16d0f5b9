"""Sends records to the sandbox's stream, and lands the daily batch of customers."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from contracts.csv_file import CsvFileError, Row, line, read, written
from practice.errors import PracticeError
from practice.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_firehose import FirehoseClient
    from types_boto3_kinesis import KinesisClient
    from types_boto3_s3 import S3Client

MOST_RECORDS = 500
MOST_BYTES = 4 * 1024 * 1024
LARGEST_RECORD = 1_000 * 1024
ATTEMPTS = 8
LONGEST_PAUSE = 5.0

TOO_LARGE = "RecordTooLarge"
_TRY_AGAIN = {
    "InternalFailure",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "ServiceUnavailableException",
    "ThrottlingException",
}

Put = Callable[[list[bytes]], list[str | None]]
"""Sends one batch; answers with an error code per record, None for one that was taken."""


def send(
    records: Iterable[bytes],
    put: Put,
    *,
    refused: Callable[[bytes, str], None],
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[int]:
    """Send all records, batch by batch; yields how many were taken since the last time.

    Every record is either counted or handed to ``refused`` with the service's error code. Only the records
    that failed are sent again, as the service asks; after an error of the service one may arrive twice.

    Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
    """
    for batch in _batches(records, refused):
        for attempt in range(ATTEMPTS):
            codes = put(batch)
            failed = [(record, code) for record, code in zip(batch, codes, strict=True) if code]
            yield len(batch) - len(failed)
            if not failed:
                break
            batch = [record for record, _ in failed]
            if attempt < ATTEMPTS - 1:
                pause(min(0.1 * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1))  # noqa: S311 - spreads retries
        else:
            for record, code in failed:
                refused(record, code)


def stream_of(sandbox: Sandbox) -> tuple[str, Put]:
    """Where this sandbox takes orders: its Kinesis stream if it has one, else its delivery stream."""
    if name := sandbox.outputs.get("OrderStream"):
        return f"Kinesis stream {name}", _kinesis(sandbox.client("kinesis"), name)
    name = sandbox["DeliveryStream"]
    return f"Firehose stream {name}", _firehose(sandbox.client("firehose"), name)


def land_customers(sandbox: Sandbox, lines: Iterable[str], snapshot: date) -> tuple[str, int]:
    """Put the batch where the shop's daily export would; returns the object's URL and how many rows it has then.

    The first line is the header, and its first name that of the customer's id. Rows of customers whom the day's batch
    holds already stay in it, so those of earlier orders are never lost; a row of the same id replaces them. A row that
    cannot be read stays the line that it is: the quality gate keeps it, with the reason.
    """
    s3: S3Client = sandbox.client("s3")
    bucket, key = sandbox["RawBucket"], f"customers/snapshot_date={snapshot.isoformat()}/customers.csv"
    url = f"s3://{bucket}/{key}"
    header, *given = lines
    names = header.strip().split(",")
    batch = read("".join((header, *given)).encode(), "the batch", names)
    try:
        earlier = read(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), url, names)
    except s3.exceptions.NoSuchKey:
        earlier = []
    except CsvFileError as error:
        raise PracticeError(f"{error} Nothing was landed; put that file right, or delete it.") from None
    rows = [row for alike in (_by_customer(earlier) | _by_customer(batch)).values() for row in alike]
    s3.put_object(Bucket=bucket, Key=key, Body="".join((line(names), *written(rows))).encode())
    return url, len(rows)


def _by_customer(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows by customer; one that has no id, or cannot be read, by its text."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault((row.values[0] if row.values else "") or f"\n{row.text}", []).append(row)
    return found


def _batches(records: Iterable[bytes], refused: Callable[[bytes, str], None]) -> Iterator[list[bytes]]:
    """The records in batches that one call takes, by Firehose's limits; those of Kinesis are wider.

    Source: https://docs.aws.amazon.com/firehose/latest/dev/limits.html
    """
    batch: list[bytes] = []
    size = 0
    for record in records:
        if len(record) > LARGEST_RECORD:
            refused(record, TOO_LARGE)
            continue
        if batch and (len(batch) == MOST_RECORDS or size + len(record) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield batch


def _firehose(client: FirehoseClient, name: str) -> Put:
    def put(batch: list[bytes]) -> list[str | None]:
        try:
            answer = client.put_record_batch(DeliveryStreamName=name, Records=[{"Data": data} for data in batch])
        except ClientError as error:
            return [_code_to_retry(error)] * len(batch)
        return [response.get("ErrorCode") for response in answer["RequestResponses"]]

    return put


def _kinesis(client: KinesisClient, name: str) -> Put:
    def put(batch: list[bytes]) -> list[str | None]:
        try:
            answer = client.put_records(
                StreamName=name, Records=[{"Data": data, "PartitionKey": str(zlib.crc32(data))} for data in batch]
            )
        except ClientError as error:
            return [_code_to_retry(error)] * len(batch)
        return [response.get("ErrorCode") for response in answer["Records"]]

    return put


def _code_to_retry(error: ClientError) -> str:
    code = error.response["Error"]["Code"]
    if code not in _TRY_AGAIN:
        raise error
    return code
