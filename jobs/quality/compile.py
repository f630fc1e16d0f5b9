"""Writes the rulesets from the contracts and the rules below: ``python -m jobs.quality.compile``.

Every rule names one of the guide's five dimensions. What a contract says of a field becomes rules of completeness
and validity; accuracy, consistency and timeliness compare fields with each other, with other rows and with the day of
the run, and stand here. A test fails when a committed file is not what this gives.

A regular expression is told with both its ends: Glue looks for one among the names of the columns instead of matching
it, and to Java ``$`` is also the place before a last line end, so what no character follows stands in its place.

Two habits of DQDL decide the form. ``between`` leaves out both ends, so a range is two rules. NULL fails a rule on
values, so an optional field may also be NULL; such a composite rule needs Glue's evaluation by row. No ``where``:
what a rule says of no rows at all is not documented.

Source: https://docs.aws.amazon.com/glue/latest/dg/dqdl.html#dqdl-syntax-rule-expressions; how Glue applies regular
expressions: ``ColumnValuesRule`` and ``ColumnNamesMatchPatternExecutor`` of https://github.com/awslabs/deequ
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from contracts import Contract, ContractError, Field
from contracts.values import DATE, INTEGER
from jobs.refinery.quality_measures import MEASURES, is_numbered, number_column

DIRECTORY = Path(__file__).parent

DATE_TIME = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{3})?Z$"


class Dimension(StrEnum):
    """What a rule is about, as the guide lists it in 3.6."""

    COMPLETENESS = "completeness"
    ACCURACY = "accuracy"
    CONSISTENCY = "consistency"
    TIMELINESS = "timeliness"
    VALIDITY = "validity"


class Rule(NamedTuple):
    text: str
    dimension: Dimension
    reason: str = ""


@dataclass(frozen=True)
class Ruleset:
    """The rules of one data set: those of its contract, and its own."""

    name: str
    partition: str
    own: Sequence[Rule]
    as_text: bool = False
    """Whether every column is text, as in a CSV file."""
    besides: Sequence[str] = ()
    """Columns that are neither in the contract nor measured."""
    only_declared: bool = True
    """Whether reading keeps columns that nobody declared, so that a rule has to find them."""
    contract: Contract = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "contract", Contract.load(self.name))


RULESETS: tuple[Ruleset, ...] = (
    Ruleset(
        "customers",
        partition="snapshot_date",
        as_text=True,
        besides=("_corrupt_record",),
        own=(
            Rule('IsUnique "customer_id"', Dimension.ACCURACY, "one row is one customer"),
            Rule('(ColumnValues "age" = NULL) or (ColumnValues "age" >= 0)', Dimension.ACCURACY),
            Rule('(ColumnValues "age" = NULL) or (ColumnValues "age" <= 120)', Dimension.ACCURACY),
            Rule('ColumnValues "days_since_signup" >= 0', Dimension.CONSISTENCY, "a real day, and none to come"),
            Rule(
                'CustomSql "select min(days_since_snapshot) from primary" <= 7',
                Dimension.TIMELINESS,
                "the batch is daily",
            ),
            Rule('ColumnValues "_corrupt_record" = NULL', Dimension.VALIDITY, "as many values as the header has names"),
        ),
    ),
    Ruleset(
        "orders",
        partition="order_date",
        only_declared=False,
        own=(
            Rule(
                'CustomSql "select count(*) - 2 * count(distinct event_id) from primary" <= 0',
                Dimension.ACCURACY,
                "delivery repeats some events; more copies than events is a producer in a loop",
            ),
            Rule('ColumnValues "seconds_until_sent" >= 0', Dimension.CONSISTENCY, "sent after it happened"),
            Rule('ColumnValues "days_off_partition" = 0', Dimension.CONSISTENCY, "filed under its own day"),
            Rule(
                'CustomSql "select min(days_since_event) from primary" <= 7',
                Dimension.TIMELINESS,
                "a week without an order means a stream that stands still",
            ),
        ),
    ),
    Ruleset(
        "customer_features",
        partition="cutoff_date",
        own=(
            Rule('IsPrimaryKey "customer_id" "event_time"', Dimension.ACCURACY, "one record a customer and cutoff"),
            Rule('ColumnValues "T_minus_recency" >= 0', Dimension.CONSISTENCY),
            Rule('ColumnValues "orders_window_growth" >= 0', Dimension.CONSISTENCY, "a longer window holds no fewer"),
            Rule('ColumnValues "spend_window_growth" >= -0.005', Dimension.CONSISTENCY, "less than a cent of rounding"),
            Rule('ColumnValues "days_off_partition" = 0', Dimension.CONSISTENCY, "filed under its own cutoff"),
            Rule('ColumnValues "days_since_cutoff" >= 0', Dimension.TIMELINESS, "no features of a time to come"),
            Rule(
                'CustomSql "select min(days_since_cutoff) from primary" <= 100',
                Dimension.TIMELINESS,
                "a label takes 90 days to be known",
            ),
        ),
    ),
)


def rules(ruleset: Ruleset) -> Iterator[Rule]:
    """All rules of a data set, dimension by dimension."""
    found = [Rule("RowCount > 0", Dimension.COMPLETENESS), *_of_contract(ruleset), *ruleset.own]
    if ruleset.only_declared:
        names = _whole(f"^({'|'.join(_columns(ruleset))})$")
        found.append(Rule(f'ColumnNamesMatchPattern "{names}"', Dimension.VALIDITY))
    for dimension in Dimension:
        yield from (rule for rule in found if rule.dimension == dimension)


def dqdl(ruleset: Ruleset) -> str:
    """The ruleset as Glue takes it."""
    listed = list(rules(ruleset))
    lines = [
        f"# What {ruleset.name} has to pass. Written by `python -m jobs.quality.compile`; not to be edited.",
        "Rules = [",
    ]
    for number, rule in enumerate(listed, start=1):
        comma = "," if number < len(listed) else ""
        reason = f": {rule.reason}" if rule.reason else ""
        lines.append(f"    {rule.text}{comma}  # {rule.dimension}{reason}")
    return "\n".join([*lines, "]", ""])


def path(name: str) -> Path:
    return DIRECTORY / f"{name}.dqdl"


def _columns(ruleset: Ruleset) -> list[str]:
    declared = [each.name for each in ruleset.contract.fields if not (ruleset.as_text and each.read_only)]
    numbers = [number_column(each.name) for each in ruleset.contract.fields if is_numbered(ruleset.name, each)]
    return [*declared, ruleset.partition, *ruleset.besides, *MEASURES[ruleset.name], *numbers]


def _of_contract(ruleset: Ruleset) -> Iterator[Rule]:
    for each in ruleset.contract.fields:
        if ruleset.as_text and each.read_only:
            continue
        if each.required:
            yield Rule(f'IsComplete "{each.name}"', Dimension.COMPLETENESS)
        # the event time of features is text, as Feature Store keeps it
        is_text = ruleset.as_text or each.name == ruleset.contract.schema.get("x-event-time")
        for column, check in _checks(each, as_text=is_text):
            optional = "" if each.required else f'(ColumnValues "{column}" = NULL) or '
            yield Rule(f"{optional}({check})" if optional else check, Dimension.VALIDITY)


def _checks(each: Field, *, as_text: bool) -> Iterator[tuple[str, str]]:
    """What the contract says of a value: the column to look at, and the rule."""
    name, schema = each.name, each.schema
    match schema["type"], schema.get("format"):
        case "string", None:
            yield from ((name, check) for check in _text_checks(each))
        case "string", "date" if as_text:
            yield name, f'ColumnValues "{name}" matches "{_whole(DATE)}"'
            yield from _day_checks(each)
        case "string", "date-time" if as_text:
            yield name, f'ColumnValues "{name}" matches "{_whole(DATE_TIME)}"'
            yield from _day_checks(each)
        case "string", "date" | "date-time":
            yield from _day_checks(each)
        case "boolean", _:
            if as_text:
                yield name, f'ColumnValues "{name}" in ["false", "true"]'
        case "integer", _ if as_text:
            yield name, f'ColumnValues "{name}" matches "{_whole(INTEGER)}"'
            yield from (
                (number_column(name), f'ColumnValues "{number_column(name)}" {bound}') for bound in _bounds(each)
            )
        case "integer" | "number", _ if not as_text:
            yield from ((name, f'ColumnValues "{name}" {bound}') for bound in _bounds(each))
        case _:
            raise _unsupported(each)


def _day_checks(each: Field) -> Iterator[tuple[str, str]]:
    """The bounds of a day, or of the day of a moment, as numbers such as 20261122; no day has no number."""
    for sign, bound in ((">=", each.earliest), ("<=", each.latest)):
        yield each.name, f'ColumnValues "{number_column(each.name)}" {sign} {bound[:10].replace("-", "")}'


def _text_checks(each: Field) -> Iterator[str]:
    if values := each.schema.get("enum"):
        yield f'ColumnValues "{each.name}" in [{", ".join(_quoted(each, value) for value in values)}]'
    if pattern := each.schema.get("pattern"):
        if not (pattern.startswith("^") and pattern.endswith("$")):
            raise _unsupported(each)
        yield f'ColumnValues "{each.name}" matches {_quoted(each, _whole(pattern))}'


def _whole(pattern: str) -> str:
    """The pattern as one that no character follows."""
    return pattern.removesuffix("$") + "(?!(?s:.))"


def _bounds(each: Field) -> list[str]:
    limits = ((">=", each.schema.get("minimum")), ("<=", each.schema.get("maximum")))
    return [f"{sign} {limit}" for sign, limit in limits if limit is not None]


def _quoted(each: Field, value: str) -> str:
    if '"' in value or "\\" in value:
        raise _unsupported(each)
    return f'"{value}"'


def _unsupported(each: Field) -> ContractError:
    return ContractError(
        f"field {each.name!r} has {dict(each.schema)!r}, for which there are no quality rules; allowed: string with "
        "enum or pattern (from ^ to $, without quotes and backslashes); date; date-time; boolean; integer; and where "
        "columns have types, number. Declare the field so, or teach jobs/quality/compile.py."
    )


if __name__ == "__main__":
    for each in RULESETS:
        path(each.name).write_text(dqdl(each), encoding="utf-8")
