"""What a crawler makes of one object: its classification and its columns, as Glue's built-in classifiers infer them.

Recognised are Parquet, JSON lines and CSV; GZIP is read by its suffix. Anything else is UNKNOWN and makes no table.

Source: https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from practice.local_cloud.athena.catalog import Column, hive_type
from practice.local_cloud.object_store import S3Object, UnreadableObjectError, parquet_file

_DELIMITERS = (",", "|", "\t", ";", "\x01")
_SAMPLED_LINES = 1000
_LONGEST_HEADER = 150
_COLUMN_NAME = re.compile(r"[\w .\-/()#:]+")
_WIDER = {("int", "bigint"): "bigint", ("int", "double"): "double", ("bigint", "double"): "double"}
_SIMILAR = 0.7


@dataclass(frozen=True)
class Schema:
    """The inferred schema of an object or of a table."""

    classification: str
    columns: tuple[Column, ...]
    delimiter: str = ""
    header: bool = False
    compressed: bool = False

    def compatible(self, other: Schema) -> bool:
        """Of the same format, so that one table can hold both."""
        mine, others = ((s.classification, s.delimiter, s.header, s.compressed) for s in (self, other))
        return mine == others

    def similar(self, other: Schema) -> bool:
        """Compatible, and most columns are the same."""
        return self.compatible(other) and same_columns(self.columns, other.columns)

    def merged(self, other: Schema) -> Schema:
        """All columns of both; a column that differs gets the wider type."""
        types = {column.name: column.hive_type for column in self.columns}
        for column in other.columns:
            known = types.get(column.name)
            types[column.name] = column.hive_type if known is None else wider(known, column.hive_type)
        return Schema(
            self.classification,
            tuple(Column(name, hive_type) for name, hive_type in types.items()),
            self.delimiter,
            self.header,
            self.compressed,
        )


def same_columns(some: Sequence[Column], others: Sequence[Column]) -> bool:
    """Whether most names are the same."""
    mine, theirs = ({column.name for column in columns} for columns in (some, others))
    return len(mine & theirs) >= _SIMILAR * max(len(mine), len(theirs))


def wider(one: str, other: str) -> str:
    """The Hive type that holds both; text, if nothing else does."""
    if one == other or other == "":
        return one
    if one == "":
        return other
    return _WIDER.get((one, other)) or _WIDER.get((other, one)) or "string"


def classify(item: S3Object) -> Schema | None:
    """The first built-in classifier that recognises the object, in Glue's order: Parquet, JSON, CSV."""
    if item.body()[:4] == b"PAR1":
        return _parquet(item)
    try:
        lines = [line for line in item.lines()[:_SAMPLED_LINES] if line.strip()]
    except UnreadableObjectError:
        return None
    compressed = item.key.endswith((".gz", ".gzip"))
    return _json(lines, compressed) or _csv(lines, compressed)


def _parquet(item: S3Object) -> Schema:
    rows = duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [parquet_file(item).path]).fetchall()
    return Schema("parquet", tuple(Column(name.lower(), hive_type(kind)) for name, kind, *_ in rows))


def _json(lines: list[str], compressed: bool) -> Schema | None:
    types: dict[str, str] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            return None
        if not isinstance(record, dict):
            return None
        for name, value in record.items():
            types[name.lower()] = wider(types.get(name.lower(), ""), _json_type(value))
    columns = tuple(Column(name, hive_type or "string") for name, hive_type in types.items())
    return Schema("json", columns, compressed=compressed) if columns else None


def _json_type(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "boolean"
        case int():
            return "int" if -(2**31) <= value < 2**31 else "bigint"
        case float():
            return "double"
        case dict():
            fields = (f"{name.lower()}:{_json_type(inner) or 'string'}" for name, inner in value.items())
            return f"struct<{','.join(fields)}>"
        case [*items]:
            inner = ""
            for entry in items:
                inner = wider(inner, _json_type(entry))
            return f"array<{inner or 'string'}>"
        case _:
            return "string"


def _csv(lines: list[str], compressed: bool) -> Schema | None:
    """At least two columns and two rows, by the first delimiter that splits every line alike."""
    for delimiter in _DELIMITERS:
        rows = list(csv.reader(lines, delimiter=delimiter))
        width = len(rows[0]) if rows else 0
        if width >= 2 and len(rows) >= 2 and all(len(row) == width for row in rows):
            header = _has_header(rows)
            types = [_csv_type(values) for values in zip(*rows[header:], strict=True)]
            names = [name.strip().lower() for name in rows[0]] if header else [f"col{i}" for i in range(width)]
            columns = tuple(Column(name, kind) for name, kind in zip(names, types, strict=True))
            return Schema("csv", columns, delimiter, header, compressed)
    return None


def _has_header(rows: list[list[str]]) -> bool:
    """Every name is text, short and a legal column name, and some row below is not text alone."""
    first = rows[0]
    names = (
        all(_csv_type([value]) == "string" and _COLUMN_NAME.fullmatch(value) for value in first[:-1])
        and all(len(value) < _LONGEST_HEADER for value in first[:-1])
        and (not first[-1] or _csv_type([first[-1]]) == "string")
    )
    return names and any(_csv_type([value]) != "string" for row in rows[1:] for value in row if value)


def _csv_type(values: Iterable[str]) -> str:
    filled: Sequence[str] = [value.strip() for value in values if value.strip()]
    for pattern, kind in ((r"[+-]?\d{1,18}", "bigint"), (r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", "double")):
        if filled and all(re.fullmatch(pattern, value) for value in filled):
            return kind
    if filled and all(value.lower() in ("true", "false") for value in filled):
        return "boolean"
    return "string"
