"""Reads JSON into the columns of a Glue table, as Firehose does with the OpenX JSON SerDe.

Source: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
Fields that are no column are ignored, an absent field is null, names are matched without regard to case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any


class UnsupportedTypeError(ValueError):
    """A column type that the local cloud cannot convert to."""


class DeserializationError(ValueError):
    """A record that does not fit the table; ``code`` is what Firehose calls the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


Read = Callable[[Any], str]
"""Turns a JSON value into the text that a column's type parses exactly; raises ValueError if it does not fit."""


def reader(columns: Mapping[str, str]) -> Callable[[bytes], list[str | None]]:
    """A function that reads one record into the columns, given by name and Hive type."""
    reads = [(name.lower(), hive_type, _read_as(hive_type)) for name, hive_type in columns.items()]

    def read(data: bytes) -> list[str | None]:
        fields = _fields(data)
        row: list[str | None] = []
        for name, hive_type, as_text in reads:
            value = fields.get(name)
            try:
                row.append(None if value is None else as_text(value))
            except (ValueError, InvalidOperation, OverflowError) as error:
                raise DeserializationError(
                    "DataFormatConversion.MalformedData",
                    f"Data does not match the schema. {name}: {str(value)[:80]!r} is no {hive_type}.",
                ) from error
        return row

    return read


def _fields(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DeserializationError("DataFormatConversion.ParseError", f"Encountered malformed JSON. {error}") from error
    if not isinstance(document, dict):
        raise DeserializationError("DataFormatConversion.MalformedData", "The top level of the JSON must be an object.")
    return {name.lower(): value for name, value in document.items()}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _read_as(hive_type: str) -> Read:
    if decimal := re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", hive_type):
        return _decimal(int(decimal[1]), int(decimal[2]))
    if bits := _INTEGER_BITS.get(hive_type):
        return _integer(bits)
    if hive_type in _READS:
        return _READS[hive_type]
    raise UnsupportedTypeError(
        f"the local cloud cannot convert to the column type {hive_type!r}; "
        f"it knows {', '.join(sorted(_READS | _INTEGER_BITS))} and decimal(p,s)."
    )


def _string(value: Any) -> str:
    text = str(value) if isinstance(value, str | Decimal) else json.dumps(value, default=float)
    text.encode()  # a lone surrogate is no text
    return text


def _boolean(value: Any) -> str:
    if str(value).lower() in {"true", "false"}:
        return str(value).lower()
    raise ValueError(value)


def _integer(bits: int) -> Read:
    def read(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ValueError(value)
        number = int(value)
        if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
            raise ValueError(value)
        return str(number)

    return read


def _decimal(precision: int, scale: int) -> Read:
    def read(value: Any) -> str:
        rounded = _number(value).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
        if abs(rounded) >= 10 ** (precision - scale):
            raise ValueError(value)
        return f"{rounded:f}"

    return read


def _double(value: Any) -> str:
    return repr(float(_number(value)))


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError(value)
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(value)
    return number


def _date(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return date.fromisoformat(value).isoformat()


_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_SQL_TIME = re.compile(r"(\d{4}-\d\d?-\d\d?) (\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?")
_FIRST_MILLISECONDS = 10**11


def _timestamp(value: Any) -> str:
    """The formats that Firehose documents for the OpenX SerDe; finer than microseconds is cut off."""
    if isinstance(value, str) and (match := _ISO_TIME.fullmatch(value) or _SQL_TIME.fullmatch(value)):
        year, month, day = map(int, match[1].split("-"))
        clock = datetime.strptime(match[2], "%H:%M:%S").replace(tzinfo=UTC)
        microsecond = int((match[3] or "").ljust(9, "0")[:6])
        return clock.replace(year=year, month=month, day=day, microsecond=microsecond).strftime(_TIME_TEXT)
    number = _number(value)
    seconds = number / 1000 if number >= _FIRST_MILLISECONDS else number
    return datetime.fromtimestamp(float(seconds), UTC).strftime(_TIME_TEXT)


_TIME_TEXT = "%Y-%m-%d %H:%M:%S.%f"
_INTEGER_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "integer": 32, "bigint": 64}
_READS: dict[str, Read] = {
    "string": _string,
    "boolean": _boolean,
    "float": _double,
    "double": _double,
    "date": _date,
    "timestamp": _timestamp,
}
