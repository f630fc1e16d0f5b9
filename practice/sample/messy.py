"""Orders written as a careless producer writes them, which the transform must put right."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from random import Random
from typing import Any

from contracts import Contract, Field


def messy(values: dict[str, Any], contract: Contract, rng: Random) -> dict[str, Any]:
    """The same order with codes in the wrong case, padded ids, numbers as text and times at other offsets."""
    fields = [field for field in contract.fields if field.name in values and _can_be_messy(field)]
    changed = rng.sample(fields, rng.randint(1, len(fields)))
    return values | {field.name: _careless(field, values[field.name], rng) for field in changed}


def _can_be_messy(field: Field) -> bool:
    schema = field.schema
    return "x-case" in schema or "format" in schema or schema["type"] == "number" or field.name.endswith("_id")


def _careless(field: Field, value: Any, rng: Random) -> Any:
    if "x-case" in field.schema:
        return str(value).swapcase()
    if field.schema["type"] == "number":
        return str(value)
    if field.schema.get("format") == "date-time":
        zone = timezone(timedelta(minutes=rng.choice((-480, -180, 60, 120, 330))))
        return datetime.fromisoformat(value).astimezone(zone).isoformat(timespec="milliseconds")
    return f" {value}  "
