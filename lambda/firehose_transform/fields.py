r"""What a producer may send for each kind of field, and the one form in which it is stored.

========================  ===============================================  ==============================
the contract says         a producer may send                              stored
========================  ===============================================  ==============================
string                    any case and spaces around it, where the         trimmed; upper or lower case
                          contract names a case (``x-case``, ASCII only)   where ``x-case`` says so
string, date-time         RFC 3339 with any offset and any number of       UTC, ``2026-03-14T09:26:53.589Z``
                          decimals of a second, ``T``, ``t`` or a space,   (further decimals are cut off)
                          ``Z`` or ``z``; no leap second
number, multipleOf        a number, or a decimal in a string               number; ``-0.0`` becomes ``0.0``
integer                   an integer, or a whole number such as ``2.0``    integer
boolean                   ``true`` or ``false``                            as it is
========================  ===============================================  ==============================

Nothing is guessed: a time without offset, an amount with more decimals than the contract has, ``true``
as a quantity and ``null`` are rejected.

Source: https://www.rfc-editor.org/rfc/rfc3339#section-5.6 (the letters, and second 60)

Why ``bool`` is ruled out by name: to Python, ``true`` is an int.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from firehose_transform.reasons import Reason, Rejected

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far a producer's clock may run ahead of Firehose's."""

_rfc_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}):([0-5][0-9]|60)(?:\.([0-9]+))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_is_decimal = re.compile(r"-?[0-9]+(\.[0-9]+)?").fullmatch
_is_field_name = re.compile(r"[a-z][a-z0-9_]{0,63}").fullmatch

Accepts = Callable[[str], object]


def text(field: str, value: Any, accepts: Accepts, rule: str) -> str:
    if isinstance(value, str) and accepts(trimmed := value.strip()):
        return trimmed
    raise _bad_text(field, value, rule)


def upper_text(field: str, value: Any, accepts: Accepts, rule: str) -> str:
    # beyond ASCII, upper() turns other letters into A to Z: the dotless i into "I"
    if isinstance(value, str) and value.isascii() and accepts(trimmed := value.strip().upper()):
        return trimmed
    raise _bad_text(field, value, rule)


def lower_text(field: str, value: Any, accepts: Accepts, rule: str) -> str:
    # beyond ASCII, lower() turns other letters into a to z: the Kelvin sign into "k"
    if isinstance(value, str) and value.isascii() and accepts(trimmed := value.strip().lower()):
        return trimmed
    raise _bad_text(field, value, rule)


def boolean(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Rejected(Reason.WRONG_TYPE, field, "must be true or false")
    return value


def integer(field: str, value: Any, minimum: int, maximum: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Rejected(Reason.WRONG_TYPE, field, "must be an integer")
    if not minimum <= value <= maximum:
        raise Rejected(Reason.OUT_OF_RANGE, field, f"must be from {minimum} to {maximum}")
    return value


def decimal_number(field: str, value: Any, minimum: float, maximum: float, decimals: int) -> float:
    """A number of at most ``decimals`` decimals; more are rejected, because rounding money changes it.

    ``round`` returns the double nearest to the rounded decimal, so a double equals its own rounding
    exactly when it is what such a decimal is read as.
    """
    if isinstance(value, str):
        value = value.strip()
        if not _is_decimal(value):
            raise Rejected(Reason.INVALID_VALUE, field, "must be a number, or a decimal such as 12.50 in a string")
        if len(value.partition(".")[2].rstrip("0")) > decimals:
            raise Rejected(Reason.TOO_MANY_DECIMALS, field, f"must have at most {decimals} decimals")
        value = float(value)
    elif not isinstance(value, float) and (not isinstance(value, int) or isinstance(value, bool)):
        raise Rejected(Reason.WRONG_TYPE, field, "must be a number, or a decimal such as 12.50 in a string")
    if not minimum <= value <= maximum:
        raise Rejected(Reason.OUT_OF_RANGE, field, f"must be from {minimum} to {maximum}")
    if round(value, decimals) != value:
        raise Rejected(Reason.TOO_MANY_DECIMALS, field, f"must have at most {decimals} decimals")
    return float(value) + 0.0  # an int becomes a float, and -0.0 becomes 0.0


def utc_time(field: str, value: Any, earliest: str, latest: str, arrival: str) -> str:
    """The time in UTC, within the contract's bounds, and not after the record arrived.

    Times of the stored form sort as text does, which is what the comparisons rely on.
    """
    if not isinstance(value, str):
        raise Rejected(Reason.WRONG_TYPE, field, "must be a string")
    parts = _rfc_3339(value.strip())
    if parts is None:
        raise Rejected(Reason.INVALID_TIME, field, "must be RFC 3339 with an offset, as 2026-03-14T09:26:53.589Z")
    minute, second, fraction, offset = parts.groups("")
    if second == "60":
        rule = "is a leap second, which RFC 3339 has and no timestamp of the lake; send the second before it, 59"
        raise Rejected(Reason.INVALID_TIME, field, rule)
    try:
        # an offset is whole minutes, so seconds and their decimals stay what they are
        time = f"{_utc_minute(minute, offset.upper())}:{second}.{(fraction + '000')[:3]}Z"
    except (ValueError, OverflowError):
        raise Rejected(Reason.INVALID_TIME, field, "must be a time that exists") from None
    if time < earliest:
        raise Rejected(Reason.TIME_TOO_EARLY, field, f"must not be before {earliest}")
    if time > arrival and datetime.fromisoformat(time) - datetime.fromisoformat(arrival) > CLOCK_TOLERANCE:
        raise Rejected(Reason.TIME_IN_FUTURE, field, f"must not be later than arrival plus {CLOCK_TOLERANCE}")
    if time > latest:
        raise Rejected(Reason.TIME_IN_FUTURE, field, f"must not be after {latest}")
    return time


def _bad_text(field: str, value: Any, rule: str) -> Rejected:
    if isinstance(value, str):
        return Rejected(Reason.INVALID_VALUE, field, rule)
    return Rejected(Reason.WRONG_TYPE, field, "must be a string")


def arrival_time(milliseconds: Any) -> str:
    """Firehose's ``approximateArrivalTimestamp`` (milliseconds since 1970) in the form the lake stores."""
    if type(milliseconds) is not int or not 0 <= milliseconds < 253_402_300_800_000:
        raise Rejected(Reason.NO_ARRIVAL_TIME, "approximateArrivalTimestamp", "must be milliseconds since 1970")
    return f"{_utc_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


def undeclared(record: dict[str, Any], declared: frozenset[str], read_only: frozenset[str]) -> Rejected:
    """The rejection of a record with fields that a producer may not send.

    A name is told only where it looks like one: anything may stand there, personal data too.
    """
    name = min(record.keys() - declared)
    if name in read_only:
        return Rejected(Reason.READ_ONLY_FIELD, name, "is set by the pipeline")
    if _is_field_name(name):
        return Rejected(Reason.UNKNOWN_FIELD, name, "is not in the contract")
    return Rejected(Reason.UNKNOWN_FIELD, "", "a field that is not in the contract, with a name not fit for a log")


@lru_cache(maxsize=4096)
def _utc_minute(minute: str, offset: str) -> str:
    """Cached, because the times of one batch lie close together."""
    return datetime.fromisoformat(minute + offset).astimezone(UTC).isoformat()[:16]


@lru_cache(maxsize=1024)
def _utc_second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).isoformat()[:19]
