"""Firehose's Lambda processor: batches, retries, and what becomes of each record.

Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html and its section on failure
handling; codes and messages from https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html
Not in AWS's documentation, but seen in objects that Firehose wrote: ``Lambda.FunctionError`` and
``Lambda.ProcessingFailedStatus``. Unlike Firehose, the local cloud does not wait between retries.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

PAYLOAD_LIMIT = 6 * 1024 * 1024
"""Lambda's limit for a synchronous invocation, both ways."""

_EVENT_OVERHEAD = 1024
_RECORD_OVERHEAD = 512

Invoke = Callable[[str, bytes], bytes]
"""Invokes a function with a payload; raises :class:`FunctionError` if it does not return a result."""


class FunctionError(RuntimeError):
    """The function failed, timed out, or could not be invoked."""


@dataclass(frozen=True)
class Record:
    """A record as it arrived. ``kinesis`` holds the metadata of one that was read from a Kinesis stream."""

    id: str
    data: bytes
    arrived: int
    kinesis: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Failure:
    """Why a record goes to the error prefix: the type names the place, the fields its error document."""

    error_type: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a record: new data with partition keys, a failure, or nothing if it was dropped."""

    record: Record
    data: bytes | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    failure: Failure | None = None


@dataclass(frozen=True)
class LambdaProcessor:
    """The one processor that the local cloud knows."""

    function_arn: str
    buffer_bytes: int
    buffer_seconds: int
    retries: int

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> LambdaProcessor | None:
        """The processor of a destination's configuration, if it has one and it is switched on."""
        processing = configuration.get("ProcessingConfiguration", {})
        if not processing.get("Enabled") or not processing.get("Processors"):
            return None
        (processor,) = processing["Processors"]
        values = {item["ParameterName"]: item["ParameterValue"] for item in processor["Parameters"]}
        return cls(
            function_arn=values["LambdaArn"],
            buffer_bytes=int(float(values.get("BufferSizeInMBs", 1)) * 1024 * 1024),
            buffer_seconds=int(values.get("BufferIntervalInSeconds", 60)),
            retries=int(values.get("NumberOfRetries", 3)),
        )

    def batches(self, records: Sequence[Record]) -> Iterator[list[Record]]:
        """Split into batches that fit the buffer size and, encoded, an invocation's payload."""
        batch: list[Record] = []
        size = payload = 0
        for record in records:
            encoded = len(record.data) * 4 // 3 + _RECORD_OVERHEAD
            full = size + len(record.data) > self.buffer_bytes or payload + encoded > PAYLOAD_LIMIT - _EVENT_OVERHEAD
            if batch and full:
                yield batch
                batch, size, payload = [], 0, 0
            batch.append(record)
            size += len(record.data)
            payload += encoded
        if batch:
            yield batch

    def transform(self, batch: Sequence[Record], source: Mapping[str, str], invoke: Invoke) -> list[Outcome]:
        """Invoke the function with a batch; one outcome per record, whatever the function answers.

        A failed invocation is repeated; an answer is final, however malformed.
        """
        for attempt in range(1, self.retries + 2):
            try:
                answer = invoke(self.function_arn, _event(batch, source))
            except FunctionError as error:
                reason = str(error)
                continue
            return self._outcomes(batch, answer, attempt)
        return [Outcome(record, failure=self._failure("FunctionError", record, attempt, reason)) for record in batch]

    def _outcomes(self, batch: Sequence[Record], answer: bytes, attempt: int) -> list[Outcome]:
        try:
            results = [(str(result["recordId"]), result) for result in json.loads(answer)["records"]]
        except (ValueError, LookupError, TypeError):
            return [
                Outcome(record, failure=self._failure("JsonProcessingException", record, attempt)) for record in batch
            ]
        by_id = dict(results)
        times = Counter(record_id for record_id, _ in results)
        return [self._outcome(record, by_id.get(record.id), times[record.id], attempt) for record in batch]

    def _outcome(self, record: Record, result: Mapping[str, Any] | None, times: int, attempt: int) -> Outcome:
        if result is None:
            return Outcome(record, failure=self._failure("MissingRecordId", record, attempt))
        if times > 1:
            return Outcome(record, failure=self._failure("DuplicatedRecordId", record, attempt))
        match result.get("result"):
            case "Dropped":
                return Outcome(record)
            case "ProcessingFailed":
                return Outcome(record, failure=self._failure("ProcessingFailedStatus", record, attempt))
            case "Ok":
                try:
                    data = base64.b64decode(result["data"], validate=True)
                    keys = {str(k): str(v) for k, v in result.get("metadata", {}).get("partitionKeys", {}).items()}
                except (binascii.Error, LookupError, TypeError, ValueError, AttributeError):
                    pass
                else:
                    return Outcome(record, data=data, keys=keys)
        return Outcome(record, failure=self._failure("JsonProcessingException", record, attempt))

    def _failure(self, code: str, record: Record, attempts: int, reason: str = "") -> Failure:
        fields = {
            "attemptsMade": attempts,
            "arrivalTimestamp": record.arrived,
            "errorCode": f"Lambda.{code}",
            "errorMessage": " ".join(filter(None, (_MESSAGES[code], reason))),
            "attemptEndingTimestamp": int(time.time() * 1000),
            "rawData": base64.b64encode(record.data).decode(),
            "lambdaArn": self.function_arn,
        }
        return Failure("processing-failed", fields)


_MESSAGES = {
    "FunctionError": "The Lambda function was invoked but returned an error result.",
    "ProcessingFailedStatus": "ProcessingFailed status set for record",
    "MissingRecordId": (
        "One or more record IDs were not returned. Ensure that the Lambda function returns all received record IDs."
    ),
    "DuplicatedRecordId": (
        "Multiple records were returned with the same record ID. "
        "Ensure that the Lambda function returns unique record IDs for each record."
    ),
    "JsonProcessingException": (
        "There was an error parsing returned records from the Lambda function. "
        "Ensure that the returned records follow the status model required by Firehose."
    ),
}


def _event(batch: Sequence[Record], source: Mapping[str, str]) -> bytes:
    """The event of one invocation.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesisfirehose.html
    """
    return json.dumps(
        {
            "invocationId": str(uuid4()),
            **source,
            "records": [
                {
                    "recordId": record.id,
                    "approximateArrivalTimestamp": record.arrived,
                    "data": base64.b64encode(record.data).decode(),
                    **({"kinesisRecordMetadata": record.kinesis} if record.kinesis else {}),
                }
                for record in batch
            ],
        }
    ).encode()
