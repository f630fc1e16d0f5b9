"""Partition projection: the partitions of a table computed from its properties, so that none is catalogued.

Source: https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from string import Template

from practice.local_cloud.athena.catalog import Location, Partition, Table
from practice.local_cloud.athena.errors import QueryFailedError, not_emulated

_UNITS = {"YEARS": 0, "MONTHS": 0, "WEEKS": 7 * 86400, "DAYS": 86400, "HOURS": 3600, "MINUTES": 60, "SECONDS": 1}
_JAVA_FORMAT = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def is_projected(table: Table) -> bool:
    return table.parameters.get("projection.enabled", "").strip().lower() == "true"


def projected_partitions(table: Table) -> Iterator[Partition]:
    """Every partition that the properties describe, whether or not it holds an object."""
    names = [key.name for key in table.partition_keys]
    template = table.parameters.get("storage.location.template")
    for values in itertools.product(*(projected_values(table, name) for name in names)):
        if template:
            location = Template(template).substitute(dict(zip(names, values, strict=True)))
        else:
            location = table.hive_location(values)
        yield Partition(values, Location.parse(location))


def projected_values(table: Table, name: str) -> list[str]:
    """The values of one projected column, as text."""
    properties = {key: value.strip() for key, value in table.parameters.items() if key != f"projection.{name}.values"}
    prefix = f"projection.{name}."
    match properties.get(f"{prefix}type", "").lower():
        case "enum":
            return table.parameters[f"{prefix}values"].split(",")
        case "integer":
            low, high = (int(part) for part in properties[f"{prefix}range"].split(","))
            digits = int(properties.get(f"{prefix}digits", "0"))
            step = int(properties.get(f"{prefix}interval", "1"))
            return [str(value).zfill(digits) for value in range(low, high + 1, step)]
        case "date":
            return _dates(
                properties[f"{prefix}format"],
                properties[f"{prefix}range"],
                int(properties.get(f"{prefix}interval", "1")),
                properties.get(f"{prefix}interval.unit"),
            )
        case "injected":
            raise not_emulated(f"partition projection of type injected ({table.name}.{name})")
        case other:
            raise QueryFailedError(
                "INVALID_TABLE_PROPERTY",
                f"table {table.name} has {prefix}type={other!r}; allowed: enum, integer, date. Fix the table.",
            )


def _dates(java_format: str, boundaries: str, step: int, unit: str | None) -> list[str]:
    python_format = re.sub("|".join(_JAVA_FORMAT), lambda match: _JAVA_FORMAT[match[0]], java_format.replace("'", ""))
    if unit is None:
        unit = next(name for code, name in (("s", "SECONDS"), ("m", "MINUTES"), ("H", "HOURS"), ("d", "DAYS"),
                                            ("M", "MONTHS"), ("y", "YEARS")) if code in java_format)  # fmt: skip
    low, high = (_boundary(text.strip(), python_format) for text in boundaries.split(","))
    values, current = [], low
    while current <= high:
        values.append(current.strftime(python_format))
        current = _advance(current, step, unit.upper())
    return values


def _boundary(text: str, python_format: str) -> datetime:
    match = re.fullmatch(r"NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+?)S?)?", text)
    if not match:
        return datetime.strptime(text, python_format).replace(tzinfo=UTC)
    now = datetime.now(UTC)
    sign, amount, unit = match.groups()
    return _advance(now, int(f"{sign}{amount}"), f"{unit}S") if amount else now


def _advance(moment: datetime, amount: int, unit: str) -> datetime:
    if unit in ("MONTHS", "YEARS"):
        months = moment.year * 12 + moment.month - 1 + amount * (12 if unit == "YEARS" else 1)
        return moment.replace(year=months // 12, month=months % 12 + 1, day=min(moment.day, 28))
    return moment + timedelta(seconds=amount * _UNITS[unit])
