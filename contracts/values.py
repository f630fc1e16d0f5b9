"""Whether a text is a value of a field, as a CSV file has it: said once for the gate's rules and the command line."""

from __future__ import annotations

import re
from datetime import date

from contracts import ContractError, Field

DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
INTEGER = "^-?[0-9]{1,9}$"


def objection(field: Field, text: str) -> str:
    """Why the text is none of the field's values; nothing if it is one."""
    schema = field.schema
    if not text:
        return "is missing" if field.required else ""
    if "enum" in schema:
        return "" if text in schema["enum"] else f"must be one of {', '.join(schema['enum'])}"
    if "pattern" in schema:
        return "" if _fits(schema["pattern"], text) else f"must match {schema['pattern']}"
    kind = schema.get("format", schema["type"])
    if kind == "boolean":
        return "" if text in ("false", "true") else "must be true or false"
    if kind == "integer":
        if not _fits(INTEGER, text):
            return "must be a whole number"
        lowest, highest = schema["minimum"], schema["maximum"]
        return "" if lowest <= int(text) <= highest else f"must be from {lowest} to {highest}"
    if kind == "date":
        return _objection_to_date(field, text)
    raise ContractError(
        f"field {field.name!r} has {dict(schema)!r}, for which nothing says how it is written in CSV; allowed: string "
        "with enum or pattern, date, boolean, integer. Declare the field so, or teach contracts/values.py."
    )


def _objection_to_date(field: Field, text: str) -> str:
    if not _fits(DATE, text):
        return "must be a day as 2026-03-14"
    try:
        date.fromisoformat(text)
    except ValueError:
        return "is no day of the calendar"
    earliest, latest = field.earliest, field.latest
    return "" if earliest <= text <= latest else f"must be from {earliest} to {latest}"


def _fits(pattern: str, text: str) -> bool:
    """As the gate has it: ``$`` is the very end, and no line end may follow."""
    return re.fullmatch(pattern.removeprefix("^").removesuffix("$"), text) is not None
