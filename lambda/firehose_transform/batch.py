"""From the records of one invocation to those of its response: each recordId once, in order, within Lambda's limit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from firehose_transform.orders import transform
from firehose_transform.reasons import Reason, Rejected

RESPONSE_LIMIT = 6 * 1024 * 1024
"""Bytes that a synchronous invocation may return.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""


class Failure(NamedTuple):
    """A record that was not transformed, and why."""

    record_id: str | None
    reason: Reason
    field: str = ""
    detail: str = ""


class Batch(NamedTuple):
    """The response's records, and the failures among them."""

    records: list[dict[str, Any]]
    failures: list[Failure]


def transform_batch(records: Sequence[Any]) -> Batch:
    """Transform every record; never raise because of one.

    - A record that fits the contract comes back Ok, with its partition key.
    - One that does not comes back ProcessingFailed, with its data as it came.
    - One for which the response has no room comes back ProcessingFailed with empty data; the raw zone
      holds every record anyway. Room for this shortest answer is set aside for all records beforehand.
    - One without a recordId cannot come back. It is counted as a failure; Firehose sends none.

    Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
    """
    identified = [record for record in records if type(record) is dict and type(record.get("recordId")) is str]
    failures = [Failure(None, Reason.NO_RECORD_ID)] * (len(records) - len(identified))
    answers = []
    room = RESPONSE_LIMIT - len(_json({"records": []}))
    room -= sum([_SHORTEST + len(_json(record["recordId"])) for record in identified])
    for record in identified:
        answer, failure = _answer(record)
        needed = len(answer["data"]) + _OK if failure is None else len(_json(answer["data"])) - len('""')
        if needed > room:
            answer = _failed(record, "")
            failure = Failure(record["recordId"], Reason.RESPONSE_TOO_LARGE)
        else:
            room -= needed
        answers.append(answer)
        if failure is not None:
            failures.append(failure)
    return Batch(answers, failures)


def _answer(record: dict[str, Any]) -> tuple[dict[str, Any], Failure | None]:
    record_id, data = record["recordId"], record.get("data")
    try:
        encoded, order_date = transform(data, record.get("approximateArrivalTimestamp"))
    except Rejected as rejected:
        failure = Failure(record_id, rejected.reason, rejected.field, rejected.detail)
    except Exception as error:
        # A fault of ours must not fail the other records of the batch. The message stays out of the
        # log: it may quote the record.
        failure = Failure(record_id, Reason.INTERNAL_ERROR, detail=type(error).__name__)
    else:
        return (
            {
                "recordId": record_id,
                "result": "Ok",
                "data": encoded,
                "metadata": {"partitionKeys": {"order_date": order_date}},
            },
            None,
        )
    return _failed(record, data if type(data) is str else ""), failure


def _failed(record: dict[str, Any], data: str) -> dict[str, Any]:
    return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": data}


_json = json.JSONEncoder().encode  # as Lambda's runtime serializes a response

_SHORTEST = len(_json(_failed({"recordId": ""}, ""))) - len('""') + len(", ")
"""Bytes of a ProcessingFailed record besides its recordId (in quotes)."""

_OK = len(_json({"result": "Ok", "metadata": {"partitionKeys": {"order_date": "2026-03-14"}}}))
_OK -= len(_json({"result": "ProcessingFailed"}))
"""How much longer an Ok record is than the shortest one, besides its data."""
