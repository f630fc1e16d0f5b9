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
    """What can be wrong with a record's bytes."""

    EMPTY = "empty"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    SEVERAL_OBJECTS = "several_objects"
    NESTED_DEEPLY = "nested_deeply"
    NAN = "nan"
    HUGE_NUMBER = "huge_number"
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    NOT_IN_ENUM = "not_in_enum"
    BAD_PATTERN = "bad_pattern"
    BAD_TIME = "bad_time"
    TIME_IN_THE_FUTURE = "time_in_the_future"


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


def _number(field: Field) -> bool:
    return field.schema["type"] in ("integer", "number")


def _time(field: Field) -> bool:
    return field.schema.get("format") == "date-time"


_MAKERS: dict[Fault, Callable[[Values, Contract, Random], bytes]] = {
    Fault.EMPTY: lambda values, contract, rng: b"",
    Fault.NOT_UTF8: lambda values, contract, rng: to_json(values).replace(b'":"', b'":"\xff\xfe', 1),
    Fault.NOT_JSON: lambda values, contract, rng: to_json(values)[: rng.randint(20, 120)],
    Fault.NOT_AN_OBJECT: lambda values, contract, rng: b"[" + to_json(values) + b"]",
    Fault.SEVERAL_OBJECTS: lambda values, contract, rng: to_json(values) * 2,
    Fault.NESTED_DEEPLY: lambda values, contract, rng: b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    Fault.NAN: _with_value(lambda field: float("nan"), _number),
    Fault.HUGE_NUMBER: _with_value(lambda field: 10**400, _number),
    Fault.MISSING_FIELD: _without_a_required_field,
    Fault.UNKNOWN_FIELD: lambda values, contract, rng: to_json(values | {"discount_code_v2": "X"}),
    Fault.WRONG_TYPE: _with_value(lambda field: [], lambda field: True),
    Fault.OUT_OF_RANGE: _with_value(
        lambda field: field.schema["maximum"] + 1 if "maximum" in field.schema else field.schema["minimum"] - 1,
        lambda field: "maximum" in field.schema or "minimum" in field.schema,
    ),
    Fault.NOT_IN_ENUM: _with_value(lambda field: "something-else", lambda field: "enum" in field.schema),
    Fault.BAD_PATTERN: _with_value(lambda field: "?", lambda field: "pattern" in field.schema),
    Fault.BAD_TIME: _with_value(lambda field: "2026-01-31T12:00:00", _time),
    Fault.TIME_IN_THE_FUTURE: _with_value(lambda field: "2999-12-31T23:59:59.000Z", _time),
}
