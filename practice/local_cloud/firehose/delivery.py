"""Takes a delivery stream's records through buffering, transformation and conversion into S3.

Records wait for the processor's buffer, are transformed, then wait in a buffer per partition, per kind of error and,
untouched, in the backup's buffer, until that buffer's size or age is reached, or a flush is asked for.

Source: https://docs.aws.amazon.com/firehose/latest/dev/basic-deliver.html and
https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html
Not in AWS's documentation, but seen in objects that Firehose wrote: a record without its partition key has the error
type ``metadata-extraction-failed`` and the code ``DynamicPartitioning.MetadataExtractionFailed``.
"""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from practice.local_cloud.firehose import prefix as firehose_prefix
from practice.local_cloud.firehose.errors import (
    conversion_failure,
    error_document,
    partition_failure,
    too_many_partitions,
)
from practice.local_cloud.firehose.transform import Failure, Invoke, LambdaProcessor, Outcome, Record
from practice.local_cloud.hive_json import DeserializationError, reader
from practice.local_cloud.parquet import write_parquet

MEBIBYTE = 1024 * 1024
DEFAULT_HINTS = {"SizeInMBs": 5, "IntervalInSeconds": 300}


class Services(Protocol):
    """The AWS services that delivery uses."""

    @property
    def invoke(self) -> Invoke: ...

    def put_object(self, bucket: str, key: str, body: bytes, kms_key: str | None) -> None: ...

    def columns(self, schema: Mapping[str, str]) -> dict[str, str]: ...

    def log_error(self, options: Mapping[str, Any], code: str, message: str) -> None: ...


@dataclass
class Buffer:
    """Records that go into one object: each as it arrived, and the bytes to write for it."""

    since: float
    items: list[tuple[Record, bytes]] = field(default_factory=list)
    size: int = 0

    def add(self, record: Record, data: bytes) -> None:
        self.items.append((record, data))
        self.size += len(data)

    def is_due(self, hints: Mapping[str, int], now: float) -> bool:
        return self.size >= hints["SizeInMBs"] * MEBIBYTE or now - self.since >= hints["IntervalInSeconds"]

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.items)

    @property
    def oldest(self) -> datetime:
        return datetime.fromtimestamp(min(record.arrived for record, _ in self.items) / 1000, UTC)


Partition = tuple[tuple[str, str], ...]


class Delivery:
    """The data plane of one delivery stream, whose description is MiniStack's own record of it."""

    def __init__(
        self, stream: Mapping[str, Any], services: Services, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.stream = stream
        self._services = services
        self._clock = clock
        self._accepting = threading.Lock()
        self._working = threading.Lock()
        self._inbox: list[Record] = []
        self._inbox_since = 0.0
        self._backup: Buffer | None = None
        self._partitions: dict[Partition, Buffer] = {}
        self._errors: dict[str, Buffer] = {}

    def accept(self, records: Sequence[Record]) -> None:
        """Take records in; delivery happens later. A stream that is read may have none."""
        if not records:
            return
        with self._accepting:
            if not self._inbox:
                self._inbox_since = self._clock()
            self._inbox.extend(records)
            if self._configuration.get("S3BackupMode") == "Enabled":
                self._backup = self._backup or Buffer(self._clock())
                for record in records:
                    self._backup.add(record, record.data)

    def work(self, *, everything: bool = False) -> int:
        """Do what is due, or everything; return the number of objects written.

        A failure of S3 raises, and what was to be written stays for the next call.
        """
        with self._working:
            self._transform_inbox(everything)
            return self._deliver(everything)

    @property
    def _configuration(self) -> Mapping[str, Any]:
        configuration: Mapping[str, Any] = self.stream["destinations"][0]["config"]
        return configuration

    def _transform_inbox(self, everything: bool) -> None:
        with self._accepting:
            waiting = list(self._inbox)
            age = self._clock() - self._inbox_since
        processor = LambdaProcessor.of(self._configuration)
        if processor is None:
            self._route([Outcome(record, data=record.data) for record in waiting])
            self._take(len(waiting))
            return
        size = sum(len(record.data) for record in waiting)
        if not everything and size < processor.buffer_bytes and age < processor.buffer_seconds:
            return
        source = {"deliveryStreamArn": self.stream["arn"], "region": self.stream["arn"].split(":")[3]}
        if kinesis := self.stream.get("kinesis_source"):
            source["sourceKinesisStreamArn"] = kinesis["KinesisStreamARN"]
        for batch in processor.batches(waiting):
            outcomes = processor.transform(batch, source, self._services.invoke)
            self._log_function_errors(outcomes)
            self._route(outcomes)
            self._take(len(batch))

    def _take(self, count: int) -> None:
        with self._accepting:
            del self._inbox[:count]
            self._inbox_since = self._clock()

    def _log_function_errors(self, outcomes: Sequence[Outcome]) -> None:
        """Log what is wrong with the function, once per kind; a failure that it reported itself is not."""
        errors = {
            outcome.failure.fields["errorCode"]: outcome.failure.fields["errorMessage"]
            for outcome in outcomes
            if outcome.failure and outcome.failure.fields["errorCode"] != "Lambda.ProcessingFailedStatus"
        }
        for code, message in errors.items():
            self._services.log_error(self._configuration.get("CloudWatchLoggingOptions", {}), code, message)

    def _route(self, outcomes: Sequence[Outcome]) -> None:
        wanted = firehose_prefix.partition_keys(self._configuration.get("Prefix", ""))
        for outcome in outcomes:
            if outcome.failure:
                self._fail(outcome.record, outcome.failure)
            elif outcome.data is None:
                continue
            elif missing := [key for key in wanted if not outcome.keys.get(key)]:
                self._fail(outcome.record, partition_failure(outcome.record, missing))
            else:
                self._sort_in(outcome.record, outcome.data, tuple((key, outcome.keys[key]) for key in wanted))

    def _sort_in(self, record: Record, data: bytes, partition: Partition) -> None:
        """Into the partition's buffer; a partition is active from its first record to its delivery."""
        if partition not in self._partitions:
            if len(self._partitions) >= firehose_prefix.MOST_ACTIVE_PARTITIONS:
                self._fail(record, too_many_partitions(record))
                return
            self._partitions[partition] = Buffer(self._clock())
        self._partitions[partition].add(record, data)

    def _fail(self, record: Record, failure: Failure) -> None:
        buffer = self._errors.setdefault(failure.error_type, Buffer(self._clock()))
        buffer.add(record, error_document(failure))

    def _deliver(self, everything: bool) -> int:
        """Write each buffer that is due; one that cannot be written does not keep the others back."""
        objects, errors = 0, []
        for write in self._due(everything):
            try:
                objects += write()
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return objects

    def _due(self, everything: bool) -> Iterator[Callable[[], int]]:
        """The writing of what is due. Errors come after partitions, since a conversion makes errors."""
        hints = self._configuration.get("BufferingHints") or DEFAULT_HINTS
        for partition, buffer in list(self._partitions.items()):
            if everything or buffer.is_due(hints, self._clock()):
                yield partial(self._deliver_partition, partition)
        for error_type, buffer in list(self._errors.items()):
            if everything or buffer.is_due(hints, self._clock()):
                yield partial(self._deliver_errors, error_type)
        yield partial(self._deliver_backup, everything)

    def _deliver_errors(self, error_type: str) -> int:
        configuration, buffer = self._configuration, self._errors[error_type]
        prefix = firehose_prefix.error_prefix(
            configuration.get("ErrorOutputPrefix"), configuration.get("Prefix", ""), buffer.oldest, error_type
        )
        self._write(configuration, prefix, buffer.oldest, buffer.body)
        del self._errors[error_type]
        return 1

    def _deliver_partition(self, partition: Partition) -> int:
        configuration, buffer = self._configuration, self._partitions[partition]
        prefix = firehose_prefix.success_prefix(configuration.get("Prefix", ""), buffer.oldest, dict(partition))
        conversion = configuration.get("DataFormatConversionConfiguration") or {}
        if not conversion or not conversion.get("Enabled", True):
            self._write(configuration, prefix, buffer.oldest, buffer.body)
            del self._partitions[partition]
            return 1
        schema = conversion["SchemaConfiguration"]
        columns = self._services.columns(schema)
        read = reader(columns)
        rows, failures = [], []
        for record, data in buffer.items:
            try:
                rows.append(read(data))
            except DeserializationError as error:
                failures.append((record, conversion_failure(record, error, schema)))
        if rows:
            serializer = conversion["OutputFormatConfiguration"]["Serializer"]["ParquetSerDe"]
            body = write_parquet(columns, rows, serializer.get("Compression", "SNAPPY"))
            self._write(configuration, prefix, buffer.oldest, body, ".parquet")
        del self._partitions[partition]
        for record, failure in failures:
            self._fail(record, failure)
        return 1 if rows else 0

    def _deliver_backup(self, everything: bool) -> int:
        backup = self._configuration.get("S3BackupConfiguration") or {}
        hints = backup.get("BufferingHints") or DEFAULT_HINTS
        with self._accepting:
            buffer = self._backup
            if buffer is None or not (everything or buffer.is_due(hints, self._clock())):
                return 0
            self._backup = None
        prefix = firehose_prefix.success_prefix(backup.get("Prefix", ""), buffer.oldest, {})
        try:
            self._write(backup, prefix, buffer.oldest, buffer.body)
        except Exception:
            with self._accepting:
                if self._backup:
                    for item in self._backup.items:
                        buffer.add(*item)
                self._backup = buffer
            raise
        return 1

    def _write(
        self, destination: Mapping[str, Any], prefix: str, oldest: datetime, body: bytes, extension: str = ""
    ) -> None:
        if destination.get("CompressionFormat", "UNCOMPRESSED") == "GZIP":
            body, extension = gzip.compress(body), ".gz"
        extension = destination.get("FileExtension", extension)
        name = firehose_prefix.object_name(self.stream["name"], self.stream["version"], oldest, extension)
        bucket = destination["BucketARN"].rpartition(":")[2]
        kms = destination.get("EncryptionConfiguration", {}).get("KMSEncryptionConfig", {})
        self._services.put_object(bucket, prefix + name, body, kms.get("AWSKMSKeyARN"))
