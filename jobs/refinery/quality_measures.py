"""What a gate measures of each row before it applies the rules.

A rule of DQDL compares a column with a constant. Where a field is to be compared with another one, with its partition
or with the day of the run, the difference becomes a column here. Days count from ``as_of`` rather than from the clock
(``now()`` and ``DataFreshness`` in DQDL), so that an old day judged again gets its old verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - as everyone calls it

from contracts import Contract, Field
from contracts.text import FORMATS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

Measure = Callable[["Column"], "Column"]
"""From ``as_of`` to a column."""


def _days_since(name: str) -> Measure:
    return lambda as_of: F.datediff(as_of, _day(name))


def _days_off_partition(partition: str, time: str) -> Measure:
    return lambda _: F.datediff(_day(partition), _day(time))


def _day(name: str) -> Column:
    return F.expr(f"try_cast(`{name}` AS DATE)")


def _number(name: str) -> Column:
    return F.expr(f"try_cast(`{name}` AS INT)")


def _day_number(name: str) -> Column:
    day = _day(name)
    return F.year(day) * 10_000 + F.month(day) * 100 + F.dayofmonth(day)


def _window_growth(feature: str) -> Measure:
    days_7, days_30, days_90 = (f"{feature}_{days}d" for days in (7, 30, 90))
    return lambda _: F.least(F.col(days_30) - F.col(days_7), F.col(days_90) - F.col(days_30))


def _seconds(later: str, earlier: str) -> Measure:
    return lambda _: F.unix_timestamp(F.col(later)) - F.unix_timestamp(F.col(earlier))


MEASURES: Mapping[str, Mapping[str, Measure]] = {
    "customers": {
        "age": lambda as_of: F.year(as_of) - _number("birth_year"),
        "days_since_signup": _days_since("signup_date"),
        "days_since_snapshot": _days_since("snapshot_date"),
    },
    "orders": {
        "days_off_partition": _days_off_partition("order_date", "event_time"),
        "days_since_event": _days_since("event_time"),
        "seconds_until_sent": _seconds("sent_time", "event_time"),
    },
    "customer_features": {
        "days_off_partition": _days_off_partition("cutoff_date", "event_time"),
        "days_since_cutoff": _days_since("cutoff_date"),
        "T_minus_recency": lambda _: F.col("T") - F.col("recency"),
        "orders_window_growth": _window_growth("orders"),
        "spend_window_growth": _window_growth("spend"),
    },
}
TEXT_DATA_SETS = frozenset({"customers"})
"""Those whose columns are all text, as CSV has them."""


def number_column(name: str) -> str:
    """The column with the number that a column of text holds, or with the number of a day, such as 20261122."""
    return f"{name}_number"


def is_numbered(data_set: str, field: Field) -> bool:
    """Whether the rules look at a field's number instead of its value."""
    return field.schema.get("format") in FORMATS or (data_set in TEXT_DATA_SETS and field.schema["type"] == "integer")


def measured(data_set: str, frame: DataFrame, as_of: date) -> DataFrame:
    """The rows with their measures. One whose fields the data does not have is left out; its rules say so."""
    measures = {name: measure(F.lit(as_of)) for name, measure in MEASURES[data_set].items()}
    for field in Contract.load(data_set).fields:
        if is_numbered(data_set, field):
            number = _number if field.schema["type"] == "integer" else _day_number
            measures[number_column(field.name)] = number(field.name)
    return frame.withColumns({name: column for name, column in measures.items() if _computable(frame, column)})


def _computable(frame: DataFrame, column: Column) -> bool:
    from pyspark.errors import AnalysisException

    try:
        frame.select(column)
    except AnalysisException as error:
        if error.getErrorClass() != "UNRESOLVED_COLUMN.WITH_SUGGESTION":
            raise
        return False
    return True
