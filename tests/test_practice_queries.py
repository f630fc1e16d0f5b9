"""Asking Athena: by name or in SQL, the first rows, what it cost, and errors that help."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from practice.errors import PracticeError
from practice.queries import Answer, Column, Query, find, named_queries, run
from practice.sandbox import Sandbox, Target

OUTPUTS = {"WorkGroup": "sandbox", "ProcessedDatabase": "processed"}
TOP = {"Name": "top_categories", "Description": "What sells", "Database": "processed", "QueryString": "SELECT 1"}
LATE = {"Name": "late_events", "Database": "processed", "QueryString": "SELECT 2"}
SQL = Query("SELECT a, b FROM t", "processed")


@pytest.fixture
def athena() -> tuple[Sandbox, Stubber]:
    client = boto3.client(
        "athena",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )
    return Sandbox("test", Target("test account", lambda service_name: client, None), OUTPUTS), Stubber(client)


def add_named_queries(stubber: Stubber) -> None:
    stubber.add_response("list_named_queries", {"NamedQueryIds": ["1", "2"]}, {"WorkGroup": "sandbox"})
    stubber.add_response("batch_get_named_query", {"NamedQueries": [TOP, LATE]}, {"NamedQueryIds": ["1", "2"]})


def add_execution(stubber: Stubber, *states: dict[str, Any], statement: str = "DML") -> None:
    stubber.add_response(
        "start_query_execution",
        {"QueryExecutionId": "e"},
        {"QueryString": SQL.sql, "QueryExecutionContext": {"Database": "processed"}, "WorkGroup": "sandbox"},
    )
    for state in states:
        execution = {
            "Status": state,
            "StatementType": statement,
            "Statistics": {"DataScannedInBytes": 1234, "TotalExecutionTimeInMillis": 500},
        }
        stubber.add_response("get_query_execution", {"QueryExecution": execution}, {"QueryExecutionId": "e"})


def add_result(stubber: Stubber, *rows: list[str | None]) -> None:
    columns = [
        {"Name": "a", "Type": "varchar"},
        {"Name": "b", "Type": "bigint"},
    ]
    data = [{"Data": [{} if value is None else {"VarCharValue": value} for value in row]} for row in rows]
    stubber.add_response(
        "get_query_results", {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": columns}}}
    )


def test_named_queries_come_sorted_with_what_they_answer(athena: tuple[Sandbox, Stubber]) -> None:
    sandbox, stubber = athena
    add_named_queries(stubber)
    with stubber:
        assert [query.name for query in named_queries(sandbox)] == ["late_events", "top_categories"]


def test_a_query_is_found_by_its_name(athena: tuple[Sandbox, Stubber]) -> None:
    sandbox, stubber = athena
    add_named_queries(stubber)
    with stubber:
        assert find(sandbox, "top_categories") == Query("SELECT 1", "processed", "top_categories", "What sells")


def test_several_words_are_sql(athena: tuple[Sandbox, Stubber]) -> None:
    assert find(athena[0], "SHOW TABLES") == Query("SHOW TABLES", "processed")


def test_an_unknown_name_is_answered_with_close_ones(athena: tuple[Sandbox, Stubber]) -> None:
    sandbox, stubber = athena
    add_named_queries(stubber)
    with stubber, pytest.raises(PracticeError, match=r"no named query 'top_category'.*Did you mean top_categories"):
        find(sandbox, "top_category")


def test_an_answer_has_types_rows_and_cost(athena: tuple[Sandbox, Stubber]) -> None:
    sandbox, stubber = athena
    add_execution(stubber, {"State": "QUEUED"}, {"State": "RUNNING"}, {"State": "SUCCEEDED"})
    add_result(stubber, ["a", "b"], ["x", "1"], [None, "2"])
    pauses: list[float] = []
    with stubber:
        answer = run(sandbox, SQL, rows=5, pause=pauses.append)
    assert answer == Answer(
        [Column("a", "varchar"), Column("b", "bigint")], [["x", "1"], [None, "2"]], False, 1234, 0.5
    )
    assert len(pauses) == 2


def test_only_the_rows_asked_for_come_and_more_is_told(athena: tuple[Sandbox, Stubber]) -> None:
    sandbox, stubber = athena
    add_execution(stubber, {"State": "SUCCEEDED"})
    add_result(stubber, ["a", "b"], ["x", "1"], ["y", "2"], ["z", "3"])
    with stubber:
        answer = run(sandbox, SQL, rows=2)
    assert (answer.rows, answer.more) == ([["x", "1"], ["y", "2"]], True)


def test_a_statement_other_than_select_has_no_header_row(athena: tuple[Sandbox, Stubber]) -> None:
    sandbox, stubber = athena
    add_execution(stubber, {"State": "SUCCEEDED"}, statement="UTILITY")
    add_result(stubber, ["orders", None])
    with stubber:
        assert run(sandbox, SQL, rows=2).rows == [["orders", None]]


def test_a_failed_query_tells_athenas_reason(athena: tuple[Sandbox, Stubber]) -> None:
    sandbox, stubber = athena
    add_execution(stubber, {"State": "FAILED", "StateChangeReason": "COLUMN_NOT_FOUND: line 1:8"})
    with stubber, pytest.raises(PracticeError, match="FAILED: COLUMN_NOT_FOUND: line 1:8"):
        run(sandbox, SQL, rows=2)
