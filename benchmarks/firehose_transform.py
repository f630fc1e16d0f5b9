"""How fast the Firehose transform is: ``python -m benchmarks.firehose_transform``.

The floor is what any transform in Python must do with a record: base64-decode, ``json.loads``,
``json.dumps``, base64-encode, each called the plain way. Transform and floor take turns on the same
records, so a busy machine slows both, and medians are compared.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "lambda")]

from firehose_transform.handler import lambda_handler  # noqa: E402 - the import root is set above

BATCH = 500
ROUNDS = 300
GOAL = 0.5

_ARRIVAL = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
_FAULTS: tuple[Callable[[dict[str, Any]], bytes], ...] = (
    lambda order: json.dumps(order).encode()[:-20],
    lambda order: json.dumps(order | {"quantity": 0}).encode(),
    lambda order: json.dumps({name: value for name, value in order.items() if name != "customer_id"}).encode(),
    lambda order: json.dumps(order | {"event_time": "yesterday"}).encode(),
    lambda order: b"\xff\xfe" + json.dumps(order).encode(),
)


def batch(*, bad_share: float) -> dict[str, Any]:
    """A Firehose event of orders as three kinds of producer write them: UTC, microseconds, local time."""
    chance = random.Random(42)  # noqa: S311 - sample data
    bad = set(chance.sample(range(BATCH), round(BATCH * bad_share)))
    records = []
    for number in range(BATCH):
        order = _order(chance)
        fault = _FAULTS[number % len(_FAULTS)] if number in bad else lambda order: json.dumps(order).encode()
        records.append(
            {
                "recordId": f"{49546986683135544286507457936321625675700192471156785154 + number}",
                "approximateArrivalTimestamp": int(_ARRIVAL.timestamp() * 1000) + chance.randrange(60_000),
                "data": base64.b64encode(fault(order) + b"\n").decode(),
            }
        )
    return {"records": records}


def _order(chance: random.Random) -> dict[str, Any]:
    happened = _ARRIVAL - timedelta(milliseconds=chance.randrange(1_000, 3_600_000))
    written: Callable[[datetime], str] = chance.choice(
        (
            lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z",
            lambda moment: moment.isoformat(timespec="microseconds"),
            lambda moment: moment.astimezone(timezone(timedelta(hours=2))).isoformat(timespec="seconds"),
        )
    )
    order = {
        "event_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "event_type": chance.choices(("purchase", "return"), (95, 5))[0],
        "event_time": written(happened),
        "sent_time": written(happened + timedelta(milliseconds=chance.randrange(20, 900))),
        "order_id": f"O-{chance.randrange(10**8)}",
        "customer_id": f"C-{chance.randrange(10**5)}",
        "product_id": f"P-{chance.randrange(10**4)}",
        "category": chance.choice(("books", "electronics", "fashion", "garden", "groceries", "home", "sports", "toys")),
        "channel": chance.choice(("app", "store", "web")),
        "quantity": chance.randint(1, 5),
        "amount": round(chance.uniform(1, 400), 2),
        "currency": chance.choice(("EUR", "USD", "GBP")),
        "country": chance.choice(("DE", "US", "GB", "FR")),
    }
    return order | {"coupon": "WELCOME10"} if chance.random() < 0.3 else order


def floor(event: dict[str, Any]) -> list[str]:
    results = []
    for record in event["records"]:
        order = json.loads(base64.b64decode(record["data"]))
        results.append(base64.b64encode(json.dumps(order).encode()).decode())
    return results


def transform(event: dict[str, Any]) -> dict[str, Any]:
    return lambda_handler(event, None)


def _seconds(work: Callable[[dict[str, Any]], object], event: dict[str, Any]) -> float:
    started = time.perf_counter()
    work(event)
    return time.perf_counter() - started


def measure(title: str, event: dict[str, Any], floor_event: dict[str, Any]) -> float:
    rounds = [(_seconds(floor, floor_event), _seconds(transform, event)) for _ in range(ROUNDS)]
    floor_rate, transform_rate = (BATCH / statistics.median(times) for times in zip(*rounds, strict=True))
    ratio = transform_rate / floor_rate
    sys.stderr.write(
        f"{title:12} floor {floor_rate:9,.0f} records/s   transform {transform_rate:9,.0f} records/s   "
        f"ratio {ratio:.2f} (goal {GOAL})\n"
    )
    return ratio


def main() -> None:
    valid = batch(bad_share=0)
    with Path(os.devnull).open("w") as devnull, contextlib.redirect_stdout(devnull):
        measure("all valid", valid, valid)
        # the floor cannot read the bad records, so it takes the valid batch of the same orders
        measure("5 % bad", batch(bad_share=0.05), valid)


if __name__ == "__main__":
    main()
