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

FIRST_ARRIVAL = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
FAULTS: tuple[Callable[[dict[str, Any]], bytes], ...] = (
    lambda order: json.dumps(order).encode()[:-20],
    lambda order: json.dumps(order | {"quantity": 0}).encode(),
    lambda order: json.dumps({name: value for name, value in order.items() if name != "customer_id"}).encode(),
    lambda order: json.dumps(order | {"event_time": "yesterday"}).encode(),
    lambda order: b"\xff\xfe" + json.dumps(order).encode(),
)


def batch(number: int, *, bad_share: float) -> dict[str, Any]:
    """The Firehose event of one minute, with orders of up to an hour before.

    Three kinds of producer write them: UTC with milliseconds, UTC with microseconds, local time.
    """
    chance = random.Random(number)  # noqa: S311 - sample data
    arrival = FIRST_ARRIVAL + timedelta(minutes=number)
    bad = frozenset(chance.sample(range(BATCH), round(BATCH * bad_share)))
    records = []
    for position in range(BATCH):
        order = _order(chance, arrival)
        raw = FAULTS[position % len(FAULTS)](order) if position in bad else json.dumps(order).encode()
        records.append(
            {
                "recordId": f"{49546986683135544286507457936321625675700192471156785154 + position}",
                "approximateArrivalTimestamp": int(arrival.timestamp() * 1000) + chance.randrange(60_000),
                "data": base64.b64encode(raw + b"\n").decode(),
            }
        )
    return {"records": records}


def _order(chance: random.Random, arrival: datetime) -> dict[str, Any]:
    happened = arrival - timedelta(milliseconds=chance.randrange(1_000, 3_600_000))
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


def measure(title: str, *, bad_share: float) -> None:
    floor_seconds, transform_seconds = [], []
    for number in range(ROUNDS):
        # The floor cannot read the bad records: it takes the valid batch. Every round has new times, so
        # that nothing is found in a cache which a real batch would not find there.
        floor_seconds.append(_seconds(floor, batch(number, bad_share=0)))
        transform_seconds.append(_seconds(transform, batch(number, bad_share=bad_share)))
    floor_rate = BATCH / statistics.median(floor_seconds)
    transform_rate = BATCH / statistics.median(transform_seconds)
    sys.stderr.write(
        f"{title:10} floor {floor_rate:8,.0f} records/s   transform {transform_rate:8,.0f} records/s   "
        f"ratio {transform_rate / floor_rate:.2f} (goal {GOAL})\n"
    )


def _seconds(work: Callable[[dict[str, Any]], object], event: dict[str, Any]) -> float:
    started = time.perf_counter()
    work(event)
    return time.perf_counter() - started


def main() -> None:
    with Path(os.devnull).open("w") as devnull, contextlib.redirect_stdout(devnull):
        measure("all valid", bad_share=0)
        measure("5 % bad", bad_share=0.05)


if __name__ == "__main__":
    main()
