"""Amazon Data Firehose: MiniStack's control plane with a data plane of our own.

MiniStack writes an object per record at once. Here records are buffered, transformed, partitioned, converted,
compressed and backed up as the stream is configured. ``POST /_sandbox/firehose/flush`` delivers at once what would
otherwise wait for its buffer.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from practice.local_cloud.firehose.configuration import complaints
from practice.local_cloud.firehose.delivery import DEFAULT_HINTS, MEBIBYTE, Delivery
from practice.local_cloud.firehose.kinesis_source import KinesisSource
from practice.local_cloud.firehose.transform import PAYLOAD_LIMIT, FunctionError, Record
from practice.local_cloud.hooks import FIREHOSE, PROVISIONERS, RESPONSES
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route

LOG = logging.getLogger("firehose")

LARGEST_RECORD = 1000 * 1024
LARGEST_BATCH = 4 * MEBIBYTE
MOST_RECORDS = 500
_TICK_SECONDS = 1.0

Answer = tuple[int, dict[str, str], bytes]


class ServerServices:
    """The AWS services that delivery uses: this very server's."""

    def invoke(self, function_arn: str, payload: bytes) -> bytes:
        try:
            answer = client("lambda").invoke(FunctionName=function_arn, Payload=payload)
        except ClientError as error:
            raise FunctionError(str(error)) from error
        result: bytes = answer["Payload"].read()
        if "FunctionError" in answer:
            raise FunctionError(result[:500].decode(errors="replace"))
        if len(result) > PAYLOAD_LIMIT:
            raise FunctionError(f"The response has {len(result)} bytes; Lambda's limit is {PAYLOAD_LIMIT}.")
        return result

    def put_object(self, bucket: str, key: str, body: bytes, kms_key: str | None) -> None:
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        client("s3").put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/octet-stream", **encryption)

    def columns(self, schema: Mapping[str, str]) -> dict[str, str]:
        table = client("glue").get_table(DatabaseName=schema["DatabaseName"], Name=schema["TableName"])["Table"]
        return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}

    def log_error(self, options: Mapping[str, Any], code: str, message: str) -> None:
        LOG.warning("%s: %s", code, message)
        if not options.get("Enabled"):
            return
        event = {
            "timestamp": int(time.time() * 1000),
            "message": json.dumps({"errorCode": code, "errorMessage": message}),
        }
        try:
            client("logs").put_log_events(
                logGroupName=options["LogGroupName"], logStreamName=options["LogStreamName"], logEvents=[event]
            )
        except ClientError as error:
            LOG.warning("cannot log to %s: %s", options["LogGroupName"], error)


class RunningStream:
    """A delivery stream that works in the background until it is deleted."""

    def __init__(self, stream: Mapping[str, Any]) -> None:
        self.delivery = Delivery(stream, ServerServices())
        self.wake = threading.Event()
        source = stream.get("kinesis_source")
        self._source = KinesisSource(source["KinesisStreamARN"], source["DeliveryStartTimestamp"]) if source else None
        self._reading = threading.Lock()
        threading.Thread(target=self._run, name=f"firehose-{stream['name']}", daemon=True).start()

    @property
    def stream(self) -> Mapping[str, Any]:
        return self.delivery.stream

    def deliver(self, *, everything: bool) -> int:
        if self._source and (everything or self.wake.is_set()):
            with self._reading:
                self.wake.clear()
                self.delivery.accept(list(self._source.records()))
        return self.delivery.work(everything=everything)

    def _run(self) -> None:
        while FIREHOSE._streams.get(self.stream["name"]) is self.stream:
            self.wake.wait(_TICK_SECONDS)
            try:
                self.deliver(everything=False)
            except Exception:
                LOG.exception("delivery stream %s: delivery failed and will be tried again", self.stream["name"])
                time.sleep(_TICK_SECONDS)


_running: dict[str, RunningStream] = {}
_starting = threading.Lock()


def _running_stream(name: str) -> RunningStream | None:
    """The running stream of that name; one that was created since the last call is started."""
    with _starting:
        stream = FIREHOSE._streams.get(name)
        if stream is None:
            _running.pop(name, None)
        elif name not in _running or _running[name].stream is not stream:
            _running[name] = RunningStream(stream)
        return _running.get(name)


def _put_record(request: Mapping[str, Any]) -> Answer:
    return _put(request, [request.get("Record", {})], lambda answers, encrypted: answers[0] | encrypted)


def _put_record_batch(request: Mapping[str, Any]) -> Answer:
    return _put(
        request,
        request.get("Records", []),
        lambda answers, encrypted: {"FailedPutCount": 0, "RequestResponses": answers} | encrypted,
    )


def _put(request: Mapping[str, Any], entries: Sequence[Mapping[str, str]], answer: Any) -> Answer:
    """Accept records within the limits of the API.

    Source: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html
    """
    name = request.get("DeliveryStreamName", "")
    running = _running_stream(name)
    if running is None:
        return _error("ResourceNotFoundException", f"Firehose {name} under account {_account()} not found.")
    if running.stream["type"] == "KinesisStreamAsSource":
        return _error(
            "InvalidArgumentException", "This operation is not permitted on KinesisStreamAsSource delivery stream type."
        )
    if not 1 <= len(entries) <= MOST_RECORDS:
        return _error("InvalidArgumentException", f"{len(entries)} records; allowed are 1 to {MOST_RECORDS}.")
    try:
        blobs = [base64.b64decode(entry["Data"], validate=True) for entry in entries]
    except (binascii.Error, LookupError, TypeError):
        return _error("SerializationException", "Data must be a base64-encoded blob.")
    if (largest := max(map(len, blobs))) > LARGEST_RECORD:
        return _error("InvalidArgumentException", f"a record has {largest} bytes; allowed are {LARGEST_RECORD}.")
    if (total := sum(map(len, blobs))) > LARGEST_BATCH:
        return _error("InvalidArgumentException", f"the records have {total} bytes; allowed are {LARGEST_BATCH}.")
    now = int(time.time() * 1000)
    records = [Record(_record_id(), blob, now) for blob in blobs]
    running.delivery.accept(records)
    encrypted = (running.stream.get("encryption") or {}).get("Status") == "ENABLED"
    return _ok(answer([{"RecordId": record.id} for record in records], {"Encrypted": encrypted}))


def _record_id() -> str:
    return f"{time.time_ns():020d}{uuid4().hex}"


def _account() -> str:
    return str(RESPONSES.get_account_id())


def _ok(body: Mapping[str, Any]) -> Answer:
    answer: Answer = RESPONSES.json_response(body)
    return answer


def _error(code: str, message: str) -> Answer:
    answer: Answer = RESPONSES.error_response_json(code, message, 400)
    return answer


def _wake_readers(stream_arn: str, _records: Any) -> None:
    """MiniStack calls this when records reach a Kinesis stream."""
    for name, stream in FIREHOSE._streams.items():
        if (stream.get("kinesis_source") or {}).get("KinesisStreamARN") == stream_arn and (
            running := _running_stream(name)
        ):
            running.wake.set()


async def flush(_: Mapping[str, str]) -> dict[str, int]:
    """Deliver everything that waits in a buffer, and answer when it is in S3: objects written, by stream."""
    return await asyncio.to_thread(_flush)


def _flush() -> dict[str, int]:
    written, problems = {}, []
    for name in list(FIREHOSE._streams):
        if running := _running_stream(name):
            try:
                written[name] = running.deliver(everything=True)
            except Exception as error:
                LOG.exception("delivery stream %s could not be flushed", name)
                problems.append(f"delivery stream {name}: {error}")
    if problems:
        raise RuntimeError("; ".join(problems))
    return written


def _checked(request: Mapping[str, Any], create: Any) -> Answer:
    if found := complaints(request):
        return _error("InvalidArgumentException", " ".join(found))
    answer: Answer = create(request)
    return answer


def _refuse_update(_request: Mapping[str, Any]) -> Answer:
    return _error(
        "InvalidArgumentException", "the local cloud does not emulate UpdateDestination; change the stack instead."
    )


def _describe_destination(destination: Mapping[str, Any], describe: Any) -> dict[str, Any]:
    """MiniStack's description, with the source-record backup that it leaves out."""
    description: dict[str, Any] = describe(destination)
    backup = destination["config"].get("S3BackupConfiguration")
    if backup:
        description["ExtendedS3DestinationDescription"]["S3BackupDescription"] = {
            "BufferingHints": DEFAULT_HINTS,
            "CompressionFormat": "UNCOMPRESSED",
            "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
            **backup,
        }
    return description


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Attributes]:
    if found := complaints(new):
        raise ValueError(" ".join(found))
    updated: tuple[str, Attributes] = PROVISIONERS._firehose_delivery_stream_update(physical_id, old, new, stack_name)
    return updated


RESOURCE_HANDLERS: Mapping[str, Operations] = {"AWS::KinesisFirehose::DeliveryStream": {"update": _update}}
ROUTES: Mapping[tuple[str, str], Route] = {("POST", "/_sandbox/firehose/flush"): flush}


def install() -> None:
    """Put the data plane in place of MiniStack's, and check what is created."""
    FIREHOSE._create_delivery_stream = partial(_checked, create=FIREHOSE._create_delivery_stream)
    FIREHOSE._dest_description = partial(_describe_destination, describe=FIREHOSE._dest_description)
    FIREHOSE.ingest_from_kinesis_source = _wake_readers
    FIREHOSE._HANDLERS.update(
        CreateDeliveryStream=FIREHOSE._create_delivery_stream,
        PutRecord=_put_record,
        PutRecordBatch=_put_record_batch,
        UpdateDestination=_refuse_update,
    )
