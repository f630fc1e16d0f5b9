"""Values that fit a field of a contract: what a new field gets before anyone tells a story about it."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Any

from contracts import Contract, ContractError, Field

OPTIONAL_SHARE = 0.3
_LONGEST_REPEAT = 8
_PATTERN_PART = re.compile(
    r"(?P<unit>\[(?:[^\]\\]|\\.)+\]|\\.|[^\\\[\](){}.*+?|^$])(?:\{(?P<least>\d+)(?:,(?P<most>\d+))?\}|(?P<sign>[+*?]))?"
)
_REPEATS = {None: (1, 1), "?": (0, 1), "*": (0, _LONGEST_REPEAT), "+": (1, _LONGEST_REPEAT)}


def seeded(*parts: object) -> Random:
    """The random numbers that belong to these parts, the same on every machine."""
    return Random("/".join(map(str, parts)))  # noqa: S311 - sample data, not secrets


def filled(contract: Contract, told: Mapping[str, Any], moment: datetime, rng: Random) -> dict[str, Any]:
    """The contract's fields in its order: the story's value, or any that fits; ``None`` leaves a field out."""
    values: dict[str, Any] = {}
    for field in contract.fields:
        if field.read_only:
            continue
        if field.name in told:
            if told[field.name] is not None:
                values[field.name] = told[field.name]
        elif field.required or rng.random() < OPTIONAL_SHARE:
            values[field.name] = any_value(field, moment, rng)
    return values


def any_value(field: Field, moment: datetime, rng: Random) -> Any:
    """Any value that the field's schema allows; a date or time is the given moment."""
    schema = field.schema
    if "enum" in schema:
        return rng.choice(schema["enum"])
    match schema.get("type"), schema.get("format"):
        case "string", "date-time":
            return timestamp(moment)
        case "string", "date":
            return moment.date().isoformat()
        case "string", _ if "pattern" in schema:
            return "".join(
                "".join(rng.choices(characters, k=rng.randint(least, most)))
                for characters, least, most in _parts(schema["pattern"])
            )
        case "string", _:
            least = schema.get("minLength", 1)
            most = min(schema.get("maxLength", least + _LONGEST_REPEAT), least + _LONGEST_REPEAT)
            return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(least, most)))
        case "boolean", _:
            return rng.random() < 0.5
        case "integer", _:
            least = schema.get("minimum", 0)
            return rng.randint(least, schema.get("maximum", least + 100))
        case "number", _:
            step = Decimal(str(schema.get("multipleOf", "0.01")))
            lowest = Decimal(str(schema.get("minimum", 0)))
            highest = Decimal(str(schema.get("maximum", lowest + 100)))
            return float(step * rng.randint(int(lowest / step), int(highest / step)))
        case other, _:
            raise ContractError(f"no sample value for field {field.name!r} of type {other!r}; add one to {__name__}.")


def identifier(field: Field, number: int) -> str:
    """A readable id for a number, by the field's pattern: its literal start, then the number, zeros where needed."""
    pattern = field.schema["pattern"]
    start = re.match(r"\^?([^\\\[(.]*)", pattern)
    for width in range(6, 65):
        candidate = f"{start[1] if start else ''}{number:0{width}d}"
        if re.search(pattern, candidate):
            return candidate
    raise ContractError(
        f"field {field.name!r}: pattern {pattern!r} must allow a literal start and then digits, as ^C-[0-9]{{6}}$ does."
    )


def within(field: Field, value: float) -> float:
    """The value, or the nearest that the field's bounds allow."""
    lowest, highest = field.schema.get("minimum", value), field.schema.get("maximum", value)
    return float(min(max(value, lowest), highest))


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache
def _parts(pattern: str) -> tuple[tuple[str, int, int], ...]:
    """A pattern of literals, character classes and repeats, as (characters, least, most) one after the other."""
    parts: list[tuple[str, int, int]] = []
    rest = pattern.removeprefix("^").removesuffix("$")
    while rest:
        part = _PATTERN_PART.match(rest)
        if part is None:
            raise ContractError(
                f"pattern {pattern!r}: no sample for {rest!r}; "
                "allowed: literals, character classes and the repeats ? * + {n} {n,m}."
            )
        least, most = _REPEATS[part["sign"]]
        if part["least"]:
            least = int(part["least"])
            most = min(int(part["most"] or least), least + _LONGEST_REPEAT)
        parts.append(("".join(c for c in string.printable[:95] if re.fullmatch(part["unit"], c)), least, most))
        rest = rest[part.end() :]
    return tuple(parts)
