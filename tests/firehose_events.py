"""Builds what Firehose sends to its transform, and reads what comes back."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from firehose_transform.handler import lambda_handler

EVENTS = Path(__file__).parent / "events"

ARRIVAL = "2026-03-14T09:30:00.250Z"
ARRIVAL_MILLISECONDS = 1_773_480_600_250


def order(**changes: Any) -> dict[str, Any]:
    """An order that the contract accepts as it stands, with changes; a field set to ... is left out."""
    fields = {
        "event_id": "6f1c9a52-7a3e-4d2b-9b51-0d9f4d1c2a77",
        "event_type": "purchase",
        "event_time": "2026-03-14T09:26:53.589Z",
        "sent_time": "2026-03-14T09:26:54.001Z",
        "order_id": "O-10000231",
        "customer_id": "C-48213",
        "product_id": "P-9931",
        "category": "books",
        "channel": "web",
        "quantity": 2,
        "amount": 37.98,
        "currency": "EUR",
        "country": "DE",
        "coupon": "WELCOME10",
    } | changes
    return {name: value for name, value in fields.items() if value is not ...}


def record(payload: bytes, record_id: str = "1") -> dict[str, Any]:
    return {
        "recordId": record_id,
        "approximateArrivalTimestamp": ARRIVAL_MILLISECONDS,
        "data": base64.b64encode(payload).decode(),
    }


def invoke(*records: Any) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = lambda_handler({"records": list(records)}, None)["records"]
    return answer


def invoke_with(payload: bytes) -> dict[str, Any]:
    (answer,) = invoke(record(payload))
    return answer


def decoded(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["result"] == "Ok", answer
    stored: dict[str, Any] = json.loads(base64.b64decode(answer["data"]))
    return stored


def transformed(**changes: Any) -> dict[str, Any]:
    """The order as stored, sent with these changes."""
    return decoded(invoke_with(json.dumps(order(**changes)).encode()))
