"""The order stream as bytes, and the account of what must come out of it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import cycle
from random import Random

from practice.sample.faults import Fault, faulty, to_json
from practice.sample.messy import messy
from practice.sample.plan import Plan
from practice.sample.shop import Event
from practice.sample.values import seeded, timestamp

LATE_AFTER = timedelta(hours=1)
PRODUCER_MEMORY = 50


@dataclass(frozen=True, slots=True)
class Record:
    """One record to send: a line of bytes that ends in its only newline, and what is special about it."""

    data: bytes
    fault: Fault | None = None
    late: bool = False
    messy: bool = False
    duplicate: bool = False


@dataclass
class Manifest:
    """What went in, so what must come out: ``sent == processed + failed``, exactly."""

    sent: int = 0
    processed: int = 0
    late: int = 0
    messy: int = 0
    duplicates: int = 0
    failed: Counter[Fault] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        self.sent += 1
        self.late += record.late
        self.messy += record.messy
        self.duplicates += record.duplicate
        if record.fault is None:
            self.processed += 1
        else:
            self.failed[record.fault] += 1

    def counted(self, records: Iterator[Record]) -> Iterator[bytes]:
        """The records' bytes, each added to the manifest as it passes."""
        for record in records:
            self.add(record)
            yield record.data


class _Mark(Enum):
    PLAIN = auto()
    LATE = auto()
    MESSY = auto()
    MALFORMED = auto()


def orders(plan: Plan) -> Iterator[Record]:
    """The plan's records, in the order a shop would send them, made one by one in constant memory.

    The same plan gives the same bytes. More than a wave of the shop (5,000 events) comes wave after wave,
    each from the oldest to the newest.
    """
    rng = seeded(plan.seed, plan.end.isoformat(), "records")
    return _with_duplicates(_records(plan, rng), plan, rng)


def _records(plan: Plan, rng: Random) -> Iterator[Record]:
    faults = cycle(Fault)
    left = Counter(
        {
            _Mark.LATE: plan.share_of_count(plan.late),
            _Mark.MESSY: plan.share_of_count(plan.messy),
            _Mark.MALFORMED: plan.share_of_count(plan.malformed),
        }
    )
    left[_Mark.PLAIN] = plan.events - left.total()
    for wave in plan.shop.waves(plan.events):
        marked = []
        for event in wave:
            mark = rng.choices(tuple(left), tuple(left.values()))[0]
            left[mark] -= 1
            marked.append((*_moments(event, mark, plan.end, rng), event, mark))
        for event_time, sent_time, event, mark in sorted(marked, key=lambda item: item[1]):
            values = event.values | {"event_time": timestamp(event_time), "sent_time": timestamp(sent_time)}
            match mark:
                case _Mark.MALFORMED:
                    fault = next(faults)
                    yield Record(faulty(fault, values, plan.contract, rng) + b"\n", fault=fault)
                case _Mark.MESSY:
                    yield Record(to_json(messy(values, plan.contract, rng)) + b"\n", messy=True)
                case _:
                    yield Record(to_json(values) + b"\n", late=mark is _Mark.LATE)


def _moments(event: Event, mark: _Mark, end: datetime, rng: Random) -> tuple[datetime, datetime]:
    """When it happened and when it was sent; nothing is sent after the end."""
    if mark is _Mark.LATE:
        delay = LATE_AFTER + timedelta(minutes=rng.uniform(1, 48 * 60))
        return min(event.time, end - delay), min(event.time, end - delay) + delay
    return event.time, min(event.time + timedelta(seconds=rng.expovariate(1 / 20) % 300), end)


def _with_duplicates(records: Iterator[Record], plan: Plan, rng: Random) -> Iterator[Record]:
    """Repeats valid records soon after they were sent, as a producer does that saw no answer."""
    recent: deque[Record] = deque(maxlen=PRODUCER_MEMORY)
    originals, repeats = plan.events, plan.repeats
    for record in records:
        yield record
        originals -= 1
        if record.fault is None:
            recent.append(record)
        while repeats and recent and rng.random() < repeats / (repeats + originals):
            yield replace(rng.choice(recent), duplicate=True)
            repeats -= 1
