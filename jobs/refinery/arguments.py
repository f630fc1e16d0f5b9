"""Reads what Glue passes a script: ``--NAME value``, among arguments of Glue's own.

Glue's library does the same, but is installed in Glue alone; this runs wherever a job does. As that library does, it
passes over what it does not know, since nobody has written down every word that Glue adds.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-get-resolved-options.html,
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from difflib import get_close_matches

_SIMILAR = 0.8


class ArgumentError(ValueError):
    """Arguments that a job cannot run with."""


def read_arguments(
    argv: Sequence[str], *, required: Sequence[str], optional: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The values of a job's arguments by name, the default where an optional one is not given or is empty.

    Of an argument that is given twice the last one counts, as in Glue. A name that is nearly one of the job's is an
    error, because it is that one misspelt; any other that the job does not know is passed over.
    """
    values = dict(optional or {})
    allowed = [*required, *values]
    for name, value in _pairs(argv):
        if name in allowed:
            if value or name in required:
                values[name] = value
        elif close := get_close_matches(name.lower().replace("-", "_"), allowed, 1, _SIMILAR):
            raise ArgumentError(f"argument --{name} is unknown; allowed: {_names(allowed)}. Did you mean --{close[0]}?")
    if missing := [name for name in required if not values.get(name)]:
        raise ArgumentError(f"no value for {_names(missing)}; needed: {_names(required)}. Pass --{missing[0]} VALUE.")
    return values


def day(name: str, text: str) -> date:
    """The day in UTC of an ISO date or timestamp."""
    try:
        if len(text) == len("2026-11-22"):
            return date.fromisoformat(text)
        # Python knows the Z, which Step Functions writes, from 3.11 on
        moment = datetime.fromisoformat(re.sub("Z$", "+00:00", text))
        if moment.tzinfo:
            return moment.astimezone(timezone.utc).date()
    except ValueError:
        pass
    raise ArgumentError(
        f"--{name} is {text!r}; allowed: a date such as 2026-11-22, or a time with its offset such as "
        "2026-11-22T10:00:00Z, whose day in UTC counts."
    )


def days(name: str, text: str) -> list[date]:
    """Different days of a list with commas, the oldest first."""
    return sorted({day(name, part.strip()) for part in text.split(",")})


def whole_number(name: str, text: str, least: int, most: int) -> int:
    """A whole number within bounds, both of them allowed."""
    if re.fullmatch("[0-9]{1,9}", text) and least <= int(text) <= most:
        return int(text)
    raise ArgumentError(f"--{name} is {text!r}; allowed: a whole number from {least} to {most}.")


def _pairs(argv: Sequence[str]) -> list[tuple[str, str]]:
    """The arguments with their values, empty where none is given. A word that follows no name is no argument."""
    pairs: list[tuple[str, str]] = []
    for word in argv:
        if word.startswith("--"):
            name, _, value = word[2:].partition("=")
            pairs.append((name, value))
        elif pairs and not pairs[-1][1]:
            pairs[-1] = (pairs[-1][0], word)
    return pairs


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"--{name}" for name in names)
