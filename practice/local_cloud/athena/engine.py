"""Runs a query of Athena's SQL on DuckDB, over the objects of the local cloud's S3."""

from __future__ import annotations

import re
import tempfile

import duckdb
from sqlglot import exp

from practice.local_cloud.athena.errors import BytesScannedLimitError, QueryFailedError, not_emulated
from practice.local_cloud.athena.functions import create_macros
from practice.local_cloud.athena.results import Result, ResultColumn, is_zoned, result_column
from practice.local_cloud.athena.sql import BoundQuery, Scan, bind
from practice.local_cloud.athena.tables import (
    create_relation,
    literal,
    partition_rows,
    quoted,
    scanned_bytes,
    table_objects,
)
from practice.local_cloud.object_store import S3Object, UnreadableObjectError

_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 2,
}
_PROBLEMS = (
    (r"Division by zero", "DIVISION_BY_ZERO"),
    (r"not JSON|Malformed JSON", "INVALID_FUNCTION_ARGUMENT"),
    (r"Could not convert|Could not cast|Conversion Error", "INVALID_CAST_ARGUMENT"),
    (r"must appear in the GROUP BY", "EXPRESSION_NOT_AGGREGATE"),
    (r"more than one row returned by a subquery|More than one row", "SUBQUERY_MULTIPLE_ROWS"),
)


class Engine:
    """One query's engine: its own DuckDB, the scans it made, the bytes they read.

    ``DataScannedInBytes`` counts, as Athena bills: of Parquet the compressed chunks of the columns that the query
    names, of text formats whole objects, and nothing of a partition that a predicate excludes. It is approximate in
    that a LIMIT that would stop early does not lower it, and that a table read in a WITH query counts once even where
    Trino would read it per reference.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.connection = duckdb.connect(":memory:", config=_CONFIGURATION)
        self.connection.execute("SET TimeZone = 'UTC'")
        # SQL may come from anyone, and DuckDB's reads any file of the user's
        self.connection.execute(f"SET allowed_directories = [{literal(tempfile.gettempdir())}]")
        self.connection.execute("SET enable_external_access = false")
        create_macros(self.connection)
        self.limit = limit
        self.scanned_bytes = 0
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True
        self.connection.interrupt()

    def prepare(self, query: exp.Query, database: str) -> str:
        """The DuckDB SQL of a query, its scans being ready as relations."""
        bound = bind(query, database)
        selected = [(scan, self._selected_objects(scan)) for scan in bound.scans]
        self.scanned_bytes += sum(scanned_bytes(self.connection, s.table, items, s.columns) for s, items in selected)
        if self.limit is not None and self.scanned_bytes > self.limit:
            raise BytesScannedLimitError(self.limit)
        for scan, items in selected:
            create_relation(self.connection, scan.name, scan.table, items)
        if self.stopped:
            raise QueryFailedError("USER_CANCELED", "Query was cancelled by user")
        return self._printable(bound)

    def query(self, query: exp.Query, database: str) -> Result:
        try:
            cursor = self.connection.execute(self.prepare(query, database))
            columns = [result_column(entry[0], str(entry[1])) for entry in cursor.description or []]
            return Result(self._named(columns), cursor.fetchall(), header=True, scanned_bytes=self.scanned_bytes)
        except duckdb.Error as error:
            raise _failure(error) from error
        except UnreadableObjectError as error:
            raise QueryFailedError("HIVE_CURSOR_ERROR", str(error)) from error

    def describe(self, query: exp.Query, database: str) -> list[tuple[str, str]]:
        """Name and DuckDB type of each column, without running the query."""
        try:
            rows = self.connection.execute(f"DESCRIBE {self.prepare(query, database)}").fetchall()
        except duckdb.Error as error:
            raise _failure(error) from error
        return [(row[0], row[1]) for row in rows]

    def _selected_objects(self, scan: Scan) -> list[S3Object]:
        """The objects of the partitions that the predicates leave."""
        items = table_objects(scan.table)
        condition = scan.partition_filter
        if condition is None or not items:
            return items
        samples = {item.partition: item for item in items}
        rows = partition_rows(scan.table, list(samples.values()), (str(i) for i in range(len(samples))))
        alias = quoted(next(iter(scan.predicates[0].find_all(exp.Column))).table)
        try:
            kept = self.connection.execute(f"SELECT label FROM {rows} AS {alias} WHERE {condition}").fetchall()  # noqa: S608
        except duckdb.Error:
            return items
        partitions = list(samples)
        left = {partitions[int(row[0])] for row in kept}
        return [item for item in items if item.partition in left]

    def _printable(self, bound: BoundQuery) -> str:
        """DuckDB's Python client needs another package for times with a zone; print them as Athena does."""
        sql = bound.duckdb_sql
        columns = self.connection.execute(f"DESCRIBE {sql}").fetchall()
        self._zoned = [i for i, column in enumerate(columns) if is_zoned(column[1])]
        if not self._zoned:
            return sql
        names = [quoted(f"c{i}") for i in range(len(columns))]
        printed = ", ".join(
            f"strftime({name}, '%Y-%m-%d %H:%M:%S.%g UTC') AS {quoted(column[0])}"
            if i in self._zoned
            else f"{name} AS {quoted(column[0])}"
            for i, (name, column) in enumerate(zip(names, columns, strict=True))
        )
        return f"SELECT {printed} FROM ({sql}) AS result({', '.join(names)})"  # noqa: S608

    def _named(self, columns: list[ResultColumn]) -> list[ResultColumn]:
        return [
            ResultColumn(column.name, "timestamp with time zone") if i in self._zoned else column
            for i, column in enumerate(columns)
        ]


def _failure(error: duckdb.Error) -> Exception:
    message = str(error).split("\n")[0]
    if unread := re.search(r"HIVE_BAD_DATA: (.*)", message):
        return QueryFailedError("HIVE_BAD_DATA", unread[1])
    if missing := re.search(r"Function with name (\w+) does not exist", message):
        return not_emulated(f"the function {missing[1].lower()}()")
    code = next((code for pattern, code in _PROBLEMS if re.search(pattern, message)), None)
    if code is None and isinstance(error, (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException)):
        code = "SYNTAX_ERROR"
    return QueryFailedError(code or "GENERIC_USER_ERROR", f"{message} (said by DuckDB, which runs the query locally)")
