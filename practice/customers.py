"""A person's own file of customers: its rows, and what the quality gate would say of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from contracts import Contract
from contracts.csv_file import CsvFileError, Row, line, read, written
from contracts.values import objection
from practice.errors import PracticeError

WHOLE_ROW = "the whole row"
_LONGEST_VALUE = 40
OLDEST = 120
"""Years, as the ruleset of the customers has it; a test puts the same rows through both."""


@dataclass(frozen=True)
class Objection:
    """Why the gate would refuse a row: the column, its value, and the reason."""

    row: int
    column: str
    value: str
    why: str


def read_file(path: Path) -> list[Row]:
    """The rows of a person's file; a PracticeError says what is wrong with it, and how to put it right."""
    try:
        rows = read(path.read_bytes(), str(path), _names())
    except CsvFileError as error:
        raise PracticeError(str(error)) from None
    if not rows:
        raise PracticeError(f"{path}: has a header and no customer below it.")
    return rows


def to_land(rows: Sequence[Row]) -> Iterator[str]:
    """The file as it lands: a header in the contract's order, then each row."""
    yield line(_names())
    yield from written(rows)


def objections(rows: Sequence[Row], today: date) -> Iterator[Objection]:
    """What the gate would say of each row that it refuses, in the order of the file."""
    fields = Contract.load("customers").given
    names = [field.name for field in fields]
    times = Counter(row.values[names.index("customer_id")] for row in rows if row.values)
    for row in rows:
        if not row.values:
            yield Objection(row.number, WHOLE_ROW, _shortened(row.text), row.problem)
            continue
        for field, value in zip(fields, row.values, strict=True):
            why = objection(field, value) or _of_the_shop(field.name, value, today, times)
            if why:
                yield Objection(row.number, field.name, _shortened(value), why)


def alike(found: Sequence[Objection]) -> list[tuple[Objection, int]]:
    """Of each column and reason the first objection, and how many there are; the most frequent first."""
    firsts: dict[tuple[str, str], Objection] = {}
    for one in found:
        firsts.setdefault((one.column, one.why), one)
    numbers = Counter((one.column, one.why) for one in found)
    return [(firsts[kind], number) for kind, number in numbers.most_common()]


def _names() -> list[str]:
    return [field.name for field in Contract.load("customers").given]


def _of_the_shop(name: str, value: str, today: date, times: Counter[str]) -> str:
    """What no contract of a field can say: rules about other rows, and about the day."""
    if name == "customer_id" and times[value] > 1:
        return f"stands in {times[value]} rows; one row is one customer"
    if name == "signup_date" and date.fromisoformat(value) > today:
        return f"is after today, {today}"
    if name == "birth_year" and value and not 0 <= today.year - int(value) <= OLDEST:
        return f"is an age of {today.year - int(value)} years, must be from 0 to {OLDEST}"
    return ""


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
