"""Rows and types as Athena gives them: in GetQueryResults, and in the result file.

Source: https://docs.aws.amazon.com/athena/latest/APIReference/API_ColumnInfo.html and, for the file,
https://docs.aws.amazon.com/athena/latest/ug/querying-finding-output-files.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlglot import exp

_ATHENA_TYPES = {"int": "integer", "hugeint": "bigint", "text": "varchar", "list": "array", "struct": "row"}
_PRECISION = {
    "tinyint": 3,
    "smallint": 5,
    "integer": 10,
    "bigint": 19,
    "float": 17,
    "double": 17,
    "varchar": 2147483647,
    "varbinary": 1073741824,
    "timestamp": 3,
    "timestamp with time zone": 3,
}


@dataclass(frozen=True)
class ResultColumn:
    """A column of a result, with Athena's name of its type."""

    name: str
    type: str = "varchar"
    precision: int = 0
    scale: int = 0

    def info(self) -> dict[str, Any]:
        return {
            "CatalogName": "hive",
            "SchemaName": "",
            "TableName": "",
            "Name": self.name,
            "Label": self.name,
            "Type": self.type,
            "Precision": self.precision or _PRECISION.get(self.type, 0),
            "Scale": self.scale,
            "Nullable": "UNKNOWN",
            "CaseSensitive": self.type == "varchar",
        }


def is_zoned(duckdb_type: str) -> bool:
    return duckdb_type.startswith("TIMESTAMP") and duckdb_type.endswith("TIME ZONE")


def result_column(name: str, duckdb_type: str) -> ResultColumn:
    """The column of a DuckDB result."""
    if duckdb_type.startswith("TIMESTAMP"):
        return ResultColumn(name, "timestamp with time zone" if is_zoned(duckdb_type) else "timestamp")
    parsed = exp.DataType.build(duckdb_type, dialect="duckdb")
    match parsed.this:
        case exp.DataType.Type.DECIMAL:
            precision, scale = (int(parameter.name) for parameter in parsed.expressions)
            return ResultColumn(name, "decimal", precision, scale)
        case exp.DataType.Type.INT128:
            return ResultColumn(name, "bigint")
        case _:
            kind = parsed.sql("trino").lower().split("(")[0]
            return ResultColumn(name, _ATHENA_TYPES.get(kind, kind))


@dataclass
class Result:
    """What a statement answers with. ``header`` says that the first row of the answer names the columns."""

    columns: Sequence[ResultColumn] = ()
    rows: Sequence[Sequence[Any]] = ()
    header: bool = False
    scanned_bytes: int = 0
    updated_rows: int | None = None
    texts: list[list[str | None]] = field(init=False)

    def __post_init__(self) -> None:
        self.texts = [[text(value) for value in row] for row in self.rows]

    def file(self) -> bytes:
        """A query's CSV: every value quoted, NULL as nothing. Of other statements the plain lines."""
        if not self.header:
            return "".join("\t".join(value or "" for value in row) + "\n" for row in self.texts).encode()
        lines: list[list[str | None]] = [[column.name for column in self.columns], *self.texts]
        return "".join(",".join(_csv_value(value) for value in line) + "\n" for line in lines).encode()

    def page(self, start: int, size: int) -> tuple[list[dict[str, Any]], int | None]:
        """Rows of one page as the API has them, and where the next page starts. The header row counts."""
        shift, end = int(self.header), start + size
        rows = self.texts[max(start - shift, 0) : end - shift]
        if self.header and start == 0:
            rows = [[column.name for column in self.columns], *rows]
        data = [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows]
        return data, end if end < len(self.texts) + shift else None


def _csv_value(value: str | None) -> str:
    return "" if value is None else '"' + value.replace('"', '""') + '"'


def text(value: Any) -> str | None:
    """A value as Athena prints it."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return _double(value)
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat(sep=" ", timespec="milliseconds")
        case date():
            return value.isoformat()
        case bytes() | bytearray():
            return value.hex(" ")
        case [*items]:
            return "[" + ", ".join(text(item) or "null" for item in items) + "]"
        case dict():
            return "{" + ", ".join(f"{text(k)}={text(v) or 'null'}" for k, v in value.items()) + "}"
        case _:
            return str(value)


def _double(value: float) -> str:
    """As Java prints a double: plain from 1e-3 to 1e7, else in scientific notation."""
    if value != value or value in (float("inf"), float("-inf")):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = format(Decimal(repr(value)), "f")
        return plain if "." in plain else f"{plain}.0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    mantissa = f"{digits[0]}.{''.join(map(str, digits[1:])) or '0'}"
    return f"{'-' if sign else ''}{mantissa}E{int(exponent) + len(digits) - 1}"
