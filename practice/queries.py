"""Asks Athena: the workgroup's named queries, or SQL of one's own."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from practice.errors import PracticeError
from practice.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_athena import AthenaClient
    from types_boto3_athena.type_defs import QueryExecutionTypeDef

_MOST_IDS = 50
_PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class Query:
    """A query to run; its name and description are empty for SQL of one's own."""

    sql: str
    database: str
    name: str = ""
    description: str = ""

    @property
    def summary(self) -> str:
        """The first sentence of the description."""
        sentence, stop, _ = self.description.partition(". ")
        return sentence + stop.strip()


@dataclass(frozen=True)
class Column:
    name: str
    type: str


@dataclass(frozen=True)
class Answer:
    """The first rows of a result, and what the query cost."""

    columns: list[Column]
    rows: list[list[str | None]]
    more: bool
    bytes_scanned: int
    seconds: float


def named_queries(sandbox: Sandbox) -> list[Query]:
    """The workgroup's named queries, by name."""
    athena: AthenaClient = sandbox.client("athena")
    pages = athena.get_paginator("list_named_queries").paginate(WorkGroup=sandbox["WorkGroup"])
    ids = [query_id for page in pages for query_id in page["NamedQueryIds"]]
    queries = []
    for start in range(0, len(ids), _MOST_IDS):
        found = athena.batch_get_named_query(NamedQueryIds=ids[start : start + _MOST_IDS])
        queries += [
            Query(query["QueryString"], query["Database"], query["Name"], query.get("Description", ""))
            for query in found["NamedQueries"]
        ]
    return sorted(queries, key=lambda query: query.name)


def find(sandbox: Sandbox, name_or_sql: str) -> Query:
    """The named query of that name; text of several words is SQL, on the processed database."""
    if len(name_or_sql.split()) > 1:
        return Query(name_or_sql, sandbox["ProcessedDatabase"])
    queries = {query.name: query for query in named_queries(sandbox)}
    if name_or_sql in queries:
        return queries[name_or_sql]
    close = difflib.get_close_matches(name_or_sql, queries, n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(queries) or 'none'}."
    raise PracticeError(f"There is no named query {name_or_sql!r} in the workgroup {sandbox['WorkGroup']}. {hint}")


def run(sandbox: Sandbox, query: Query, *, rows: int, pause: Callable[[float], None] = time.sleep) -> Answer:
    """Run a query in the workgroup, wait for it, and fetch its first rows.

    The result of a SELECT starts with a row of column names; that of SHOW or DESCRIBE does not.
    """
    athena: AthenaClient = sandbox.client("athena")
    execution_id = athena.start_query_execution(
        QueryString=query.sql,
        QueryExecutionContext={"Database": query.database},
        WorkGroup=sandbox["WorkGroup"],
    )["QueryExecutionId"]
    execution = _wait(athena, execution_id, pause)
    header = 1 if execution.get("StatementType") == "DML" else 0
    wanted = header + rows + 1
    pages = athena.get_paginator("get_query_results").paginate(
        QueryExecutionId=execution_id, PaginationConfig={"PageSize": min(wanted, 1000)}
    )
    columns: list[Column] = []
    found: list[list[str | None]] = []
    for page in pages:
        result = page["ResultSet"]
        columns = columns or [Column(info["Name"], info["Type"]) for info in result["ResultSetMetadata"]["ColumnInfo"]]
        found += [[value.get("VarCharValue") for value in row["Data"]] for row in result["Rows"]]
        if len(found) >= wanted:
            break
    statistics = execution.get("Statistics", {})
    return Answer(
        columns=columns,
        rows=found[header : header + rows],
        more=len(found) >= wanted,
        bytes_scanned=statistics.get("DataScannedInBytes", 0),
        seconds=statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
    )


def _wait(athena: AthenaClient, execution_id: str, pause: Callable[[float], None]) -> QueryExecutionTypeDef:
    while True:
        execution = athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        status = execution["Status"]
        if status["State"] == "SUCCEEDED":
            return execution
        if status["State"] in ("FAILED", "CANCELLED"):
            raise PracticeError(
                f"Athena: the query is {status['State']}: {status.get('StateChangeReason', 'no reason')}"
            )
        pause(_PAUSE_SECONDS)
