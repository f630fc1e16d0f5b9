"""Writes rows as a Parquet file with the columns of a Glue table.

Approximate in one respect: DuckDB writes timestamps as 64-bit microseconds, Firehose as Hive's INT96. Athena and
Spark read both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from practice.local_cloud.athena.catalog import Column
from practice.local_cloud.athena.tables import quoted


def write_parquet(columns: Mapping[str, str], rows: Iterable[Sequence[str | None]], compression: str) -> bytes:
    """Return a Parquet file. The columns are given by name and Hive type, the values as text."""
    with TemporaryDirectory() as directory:
        source, target = Path(directory, "rows.json"), Path(directory, "rows.parquet")
        with source.open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows)
        texts = dict.fromkeys(columns, "VARCHAR")
        casts = ", ".join(
            f"CAST({quoted(name)} AS {Column(name, hive_type).duckdb_type}) AS {quoted(name)}"
            for name, hive_type in columns.items()
        )
        with _database().cursor() as connection:
            rows_read = connection.read_json(str(source), format="newline_delimited", columns=texts)
            rows_read.select(casts).write_parquet(str(target), compression=compression)
        return target.read_bytes()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """One for all files: to start one takes longer than to write a file."""
    return duckdb.connect()
