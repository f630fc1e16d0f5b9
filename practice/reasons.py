"""Why a record fails, told by the very code that AWS Lambda runs."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "lambda"))  # an import root, see pyproject.toml

from firehose_transform.orders import transform
from firehose_transform.reasons import Reason, Rejected
from practice.sample.faults import Fault

REASONS: dict[Fault, Reason] = {
    Fault.EMPTY: Reason.EMPTY_RECORD,
    Fault.NOT_UTF8: Reason.NOT_UTF8,
    Fault.TRUNCATED: Reason.NOT_JSON,
    Fault.NOT_AN_OBJECT: Reason.NOT_AN_OBJECT,
    Fault.SEVERAL_OBJECTS: Reason.EXTRA_DATA,
    Fault.SAME_KEY_TWICE: Reason.DUPLICATE_KEY,
    Fault.NESTED_DEEPLY: Reason.NESTED_TOO_DEEPLY,
    Fault.NAN: Reason.NOT_JSON,
    Fault.HUGE_NUMBER: Reason.NUMBER_TOO_LONG,
    Fault.MISSING_FIELD: Reason.MISSING_FIELD,
    Fault.UNKNOWN_FIELD: Reason.UNKNOWN_FIELD,
    Fault.READ_ONLY_FIELD: Reason.READ_ONLY_FIELD,
    Fault.WRONG_TYPE: Reason.WRONG_TYPE,
    Fault.OUT_OF_RANGE: Reason.OUT_OF_RANGE,
    Fault.TOO_MANY_DECIMALS: Reason.TOO_MANY_DECIMALS,
    Fault.NOT_IN_ENUM: Reason.INVALID_VALUE,
    Fault.BAD_PATTERN: Reason.INVALID_VALUE,
    Fault.TIME_WITHOUT_OFFSET: Reason.INVALID_TIME,
    Fault.TIME_IN_THE_FUTURE: Reason.TIME_IN_FUTURE,
    Fault.TIME_BEFORE_THE_SHOP: Reason.TIME_TOO_EARLY,
}
"""What the transform says about each fault of the sample."""


def why_rejected(data: bytes, arrival: datetime) -> Rejected | None:
    """The transform's objection to a record that arrives then, or None if it fits the contract."""
    outcome = _transformed(data, arrival)
    return outcome if isinstance(outcome, Rejected) else None


def _transformed(data: bytes, arrival: datetime) -> str | Rejected:
    """The order date, by which the record is partitioned, or the transform's objection."""
    try:
        return transform(b64encode(data).decode("ascii"), int(arrival.timestamp() * 1000))[1]
    except Rejected as rejected:
        return rejected


@dataclass
class Finding:
    """A reason for which records of a file will fail."""

    count: int
    first_line: int
    example: str


@dataclass
class Validation:
    """What the transform will say about the records of a file."""

    records: int = 0
    dates: set[str] = field(default_factory=set)
    """The order dates of those that fit."""
    findings: dict[str, Finding] = field(default_factory=dict)

    @property
    def reasons(self) -> Counter[str]:
        return Counter({reason: finding.count for reason, finding in self.findings.items()})


def validate(lines: Iterable[bytes]) -> Validation:
    """Put every line through the transform, as if it arrived now."""
    validation, arrival = Validation(), datetime.now(UTC)
    for number, line in enumerate(lines, start=1):
        validation.records += 1
        match _transformed(line, arrival):
            case Rejected() as rejected:
                example = " ".join(filter(None, (rejected.field, rejected.detail)))
                finding = validation.findings.setdefault(rejected.reason, Finding(0, number, example))
                finding.count += 1
            case date:
                validation.dates.add(date)
    return validation
