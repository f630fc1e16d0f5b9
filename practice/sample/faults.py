"""Records that the transform must refuse, one kind of fault each."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import Any

from contracts import Contract, Field

Values = dict[str, Any]


class Fault(StrEnum):
    """What can be wrong with a record."""

    EMPTY = "empty"
    NOT_UTF8 = "not_utf8"
    TRUNCATED = "truncated"
    NOT_AN_OBJECT = "not_an_object"
    SEVERAL_OBJECTS = "several_objects"
    SAME_KEY_TWICE = "same_key_twice"
    NESTED_DEEPLY = "nested_deeply"
    NAN = "nan"
    HUGE_NUMBER = "huge_number"
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    READ_ONLY_FIELD = "read_only_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    TOO_MANY_DECIMALS = "too_many_decimals"
    NOT_IN_ENUM = "not_in_enum"
    BAD_PATTERN = "bad_pattern"
    TIME_WITHOUT_OFFSET = "time_without_offset"
    TIME_IN_THE_FUTURE = "time_in_the_future"
    TIME_BEFORE_THE_SHOP = "time_before_the_shop"


def faulty(fault: Fault, values: Values, contract: Contract, rng: Random) -> bytes:
    """A valid order's bytes, made wrong in one way; never a newline in them."""
    return _MAKERS[fault](values, contract, rng)


def to_json(values: Values) -> bytes:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def _with_value(make_value: Callable[[Field], Any], applies: Callable[[Field], bool]) -> Callable[..., bytes]:
    def make(values: Values, contract: Contract, rng: Random) -> bytes:
        field = rng.choice([field for field in contract.fields if field.name in values and applies(field)])
        return to_json(values | {field.name: make_value(field)})

    return make


def _without_a_required_field(values: Values, contract: Contract, rng: Random) -> bytes:
    missing = rng.choice([field.name for field in contract.fields if field.required])
    return to_json({name: value for name, value in values.items() if name != missing})


def _with_a_read_only_field(values: Values, contract: Contract, rng: Random) -> bytes:
    return to_json(values | {rng.choice([field.name for field in contract.fields if field.read_only]): "mine"})


def _appended(values: Values, member: bytes) -> bytes:
    return to_json(values)[:-1] + b"," + member + b"}"


def _beyond_range(field: Field) -> float:
    schema = field.schema
    return float(schema["maximum"]) + 1 if "maximum" in schema else float(schema["minimum"]) - 1


def _has(*keywords: str) -> Callable[[Field], bool]:
    return lambda field: any(keyword in field.schema for keyword in keywords)


def _is_number(field: Field) -> bool:
    return field.schema["type"] in ("integer", "number")


def _is_time(field: Field) -> bool:
    return field.schema.get("format") == "date-time"


_MAKERS: dict[Fault, Callable[[Values, Contract, Random], bytes]] = {
    Fault.EMPTY: lambda values, contract, rng: b"",
    Fault.NOT_UTF8: lambda values, contract, rng: to_json(values).replace(b'":"', b'":"\xff\xfe', 1),
    Fault.TRUNCATED: lambda values, contract, rng: to_json(values)[: rng.randint(20, 120)],
    Fault.NOT_AN_OBJECT: lambda values, contract, rng: b"[" + to_json(values) + b"]",
    Fault.SEVERAL_OBJECTS: lambda values, contract, rng: to_json(values) * 2,
    Fault.SAME_KEY_TWICE: lambda values, contract, rng: _appended(
        values, to_json(dict([rng.choice([*values.items()])]))[1:-1]
    ),
    Fault.NESTED_DEEPLY: lambda values, contract, rng: _appended(values, b'"a":' + b"[" * 20_000 + b"]" * 20_000),
    Fault.NAN: _with_value(lambda field: float("nan"), _is_number),
    Fault.HUGE_NUMBER: lambda values, contract, rng: _appended(values, b'"a":' + b"9" * 5_000),
    Fault.MISSING_FIELD: _without_a_required_field,
    Fault.UNKNOWN_FIELD: lambda values, contract, rng: _appended(values, b'"favourite_colour":"green"'),
    Fault.READ_ONLY_FIELD: _with_a_read_only_field,
    Fault.WRONG_TYPE: _with_value(lambda field: [], lambda field: True),
    Fault.OUT_OF_RANGE: _with_value(_beyond_range, _has("minimum", "maximum")),
    Fault.TOO_MANY_DECIMALS: _with_value(lambda field: field.schema["multipleOf"] * 1.5, _has("multipleOf")),
    Fault.NOT_IN_ENUM: _with_value(lambda field: "something-else", _has("enum")),
    Fault.BAD_PATTERN: _with_value(lambda field: "?", _has("pattern")),
    Fault.TIME_WITHOUT_OFFSET: _with_value(lambda field: "2026-01-31T12:00:00", _is_time),
    Fault.TIME_IN_THE_FUTURE: _with_value(lambda field: "2999-12-31T23:59:59.000Z", _is_time),
    Fault.TIME_BEFORE_THE_SHOP: _with_value(lambda field: "1999-12-31T23:59:59.000Z", _is_time),
}
