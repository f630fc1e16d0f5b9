"""Trino SQL, as Athena takes it, means on DuckDB what it means in Trino."""

from __future__ import annotations

import re

import pytest
from sqlglot import exp

from practice.local_cloud.athena import sql as athena_sql
from practice.local_cloud.athena.catalog import Table
from practice.local_cloud.athena.engine import Engine
from practice.local_cloud.athena.errors import InvalidRequestError, QueryFailedError
from practice.local_cloud.athena.results import Result
from practice.local_cloud.athena.sql import BoundQuery, bind, parse

ORDERS = Table(
    {
        "DatabaseName": "shop",
        "Name": "orders",
        "StorageDescriptor": {
            "Columns": [
                {"Name": "event_id", "Type": "string"},
                {"Name": "amount", "Type": "decimal(10,2)"},
                {"Name": "quantity", "Type": "int"},
                {"Name": "event_time", "Type": "timestamp"},
            ]
        },
        "PartitionKeys": [{"Name": "order_date", "Type": "date"}],
    }
)


@pytest.fixture(autouse=True)
def _catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is that of the one table."""
    monkeypatch.setattr(athena_sql, "find_table", lambda *_: ORDERS)


def query(sql: str) -> exp.Query:
    parsed = parse(sql)
    assert isinstance(parsed, exp.Query)
    return parsed


def bound(sql: str) -> BoundQuery:
    return bind(query(sql), "shop")


def result(sql: str) -> Result:
    return Engine().query(query(sql), "shop")


def filters(sql: str) -> list[str | None]:
    """What decides the partitions of each scan."""
    return [scan.partition_filter for scan in bound(sql).scans]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("CAST(10.00 AS decimal(10,2)) / 3", "3.33"),
        ("7 / 2e0", "3.5"),
        ("date_add('day', 1, DATE '2024-02-28')", "2024-02-29"),
        ("DATE '2024-03-01' - INTERVAL '1' DAY", "2024-02-29"),
        ("date_trunc('month', DATE '2024-02-28')", "2024-02-01"),
        ("date_diff('month', DATE '2024-01-31', DATE '2024-02-28')", "0"),
        ("date_diff('hour', TIMESTAMP '2024-01-01 10:59:00', TIMESTAMP '2024-01-01 11:01:00')", "0"),
        ("date_format(TIMESTAMP '2024-01-02 03:04:05', '%Y-%m-%d %H:%i:%s')", "2024-01-02 03:04:05"),
        ("from_iso8601_timestamp('2024-01-02T03:04:05.678+02:00')", "2024-01-02 01:04:05.678 UTC"),
        ("from_unixtime(1.5e0)", "1970-01-01 00:00:01.500 UTC"),
        ("from_utf8(from_base64('eyJhIjoxfQ=='))", '{"a":1}'),
        ("json_extract_scalar('{\"a\": {\"b\": 7}}', '$.a.b')", "7"),
        ("json_extract_scalar('{\"a\": {\"b\": 7}}', '$.a')", None),
        ("json_extract_scalar('not json', '$.a')", None),
        ("try(json_parse('{\"a\": NaN}'))", None),
        ("try(json_parse('{\"a\": 1,}'))", None),
        ("try(json_parse('{} {}'))", None),
        ('json_parse(\'{"a": "NaN,}"}\') IS NOT NULL', "true"),
        ("try(CAST('x' AS integer))", None),
        ("try_cast('7' AS integer)", "7"),
        ("element_at(ARRAY['a', 'b'], 2)", "b"),
        ("ARRAY[1, 2]", "[1, 2]"),
        ("CAST(ROW(1, 'a') AS row(x integer, y varchar))", "{x=1, y=a}"),
        ("map(ARRAY['a'], ARRAY[1])", "{a=1}"),
        ("cardinality(array_except(ARRAY['a', 'b'], ARRAY['b']))", "1"),
        ("transform(ARRAY[1, 2], x -> x * 10)", "[10, 20]"),
        ("regexp_like('2024-01', '^[0-9]{4}')", "true"),
        ("slice(ARRAY[1, 2, 3], 2, 2)", "[2, 3]"),
        ("reverse(ARRAY[1, 2])", "[2, 1]"),
        ("any_match(ARRAY[1, 2], x -> x > 1)", "true"),
        ("sequence(DATE '2024-01-31', DATE '2024-02-01', INTERVAL '1' DAY)", "[2024-01-31, 2024-02-01]"),
        ("CAST(2.5e0 AS integer)", "3"),
        ("format('%s-%d', 'a', 1)", "a-1"),
        ("TIMESTAMP '2024-01-02 13:00:00' AT TIME ZONE 'America/New_York'", "2024-01-02 08:00:00.000"),
        ("to_utf8('hi')", "68 69"),
        ("1e10", "1.0E10"),
        ("CAST(NULL AS varchar)", None),
    ],
)
def test_an_expression_has_trinos_value(expression: str, expected: str | None) -> None:
    assert result(f"SELECT {expression} AS x").texts == [[expected]]


@pytest.mark.parametrize("suffix", ["", " FILTER (WHERE x > 0)", " OVER ()"])
def test_the_average_of_decimals_is_a_decimal_of_their_scale(suffix: str) -> None:
    values = "(VALUES CAST(1.00 AS decimal(10,2)), CAST(1.00 AS decimal(10,2)), CAST(2.00 AS decimal(10,2))) AS t(x)"
    assert result(f"SELECT avg(x){suffix} AS mean FROM {values}").texts[0] == ["1.33"]  # noqa: S608


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT 1 / 0 AS x", "DIVISION_BY_ZERO"),
        ("SELECT CAST('x' AS integer) AS y", "INVALID_CAST_ARGUMENT"),
        ("SELECT json_parse('{') AS y", "INVALID_FUNCTION_ARGUMENT"),
    ],
)
def test_a_value_that_cannot_be_computed_fails_the_query(sql: str, code: str) -> None:
    with pytest.raises(QueryFailedError, match=f"^{code}: "):
        result(sql)


@pytest.mark.parametrize("call", ["geometry_union(1)", "json_value('{}', 'lax $.a')", "width_bucket(1e0, 0e0, 2e0, 3)"])
def test_a_function_that_is_not_emulated_is_named(call: str) -> None:
    name = re.escape(call.split("(")[0])
    with pytest.raises(QueryFailedError, match=rf"the local cloud does not emulate the function {name}\(\)"):
        result(f"SELECT {call} AS x")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT nope FROM orders", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
        ("SELECT orders.nope FROM orders", "COLUMN_NOT_FOUND: line 1:8: Column 'orders.nope' cannot be resolved"),
        ("SELECT o.event_id FROM orders", "COLUMN_NOT_FOUND: line 1:8: Column 'o.event_id' cannot be resolved"),
        ("SELECT event_id\nFROM orders\nWHERE nope = 1", "COLUMN_NOT_FOUND: line 3:7: Column 'nope'"),
    ],
)
def test_an_unknown_column_is_reported_where_it_stands(sql: str, message: str) -> None:
    with pytest.raises(QueryFailedError) as failure:
        bound(sql)
    assert str(failure.value).startswith(message)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("order_date = '2024-01-01'", "Cannot apply operator: date = varchar(10)"),
        ("quantity > '1'", "Cannot apply operator: integer > varchar(1)"),
        ("order_date BETWEEN '2024-01-01' AND '2024-01-31'", "Cannot check if date is BETWEEN varchar(10)"),
    ],
)
def test_text_is_not_compared_with_another_type(condition: str, message: str) -> None:
    with pytest.raises(QueryFailedError, match=r"^TYPE_MISMATCH: ") as failure:
        bound(f"SELECT 1 FROM orders WHERE {condition}")  # noqa: S608
    assert message in str(failure.value)


def test_unnamed_columns_are_called_by_their_position() -> None:
    assert [column.name for column in result("SELECT 1, 2 AS two, 3").columns] == ["_col0", "two", "_col2"]


def test_types_have_athenas_names() -> None:
    columns = result(
        "SELECT 1 AS a, count(*) AS b, sum(1) AS c, 1e0 AS d, CAST(1 AS decimal(5,2)) AS e, 'x' AS f, true AS g, "
        "current_date AS h, current_timestamp AS i, ARRAY[1] AS j, to_utf8('x') AS k, "
        "CAST(ROW(1) AS row(n integer)) AS l, map(ARRAY['a'], ARRAY[1]) AS m, TIMESTAMP '2024-01-01 00:00:00' AS n"
    ).columns
    assert [column.type for column in columns] == [
        "integer", "bigint", "bigint", "double", "decimal", "varchar", "boolean",
        "date", "timestamp with time zone", "array", "varbinary",
        "row", "map", "timestamp",
    ]  # fmt: skip
    assert (columns[4].precision, columns[4].scale) == (5, 2)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT event_id FROM orders WHERE order_date = DATE '2024-01-01' AND quantity > 1",
        "SELECT event_id FROM (SELECT * FROM orders) AS o WHERE o.order_date = DATE '2024-01-01'",
        "WITH o AS (SELECT event_id, order_date AS d FROM orders) SELECT event_id FROM o WHERE d = DATE '2024-01-01'",
        "SELECT a.event_id FROM (VALUES 'x') AS v(id) LEFT JOIN orders AS a "
        "ON a.event_id = v.id AND a.order_date = DATE '2024-01-01'",
    ],
)
def test_a_predicate_on_a_partition_key_reaches_the_scan(sql: str) -> None:
    (condition,) = filters(sql)
    assert condition is not None
    assert condition.endswith("\"order_date\" = CAST('2024-01-01' AS DATE)")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT event_id FROM orders WHERE quantity > 1",
        "SELECT event_id FROM orders WHERE order_date = DATE '2024-01-01' OR quantity > 1",
        "SELECT event_id FROM (SELECT * FROM orders LIMIT 10) AS o WHERE o.order_date = DATE '2024-01-01'",
        # rows without a match have no order_date: pruning would make a match of those that have one
        "SELECT v.id FROM (VALUES 'x') AS v(id) LEFT JOIN orders AS a ON a.event_id = v.id WHERE a.order_date IS NULL",
        "SELECT v.id FROM orders AS a RIGHT JOIN (VALUES 'x') AS v(id) ON a.event_id = v.id WHERE a.order_date IS NULL",
    ],
)
def test_a_predicate_that_does_not_decide_the_partition_prunes_nothing(sql: str) -> None:
    assert filters(sql) == [None]


def test_a_scan_reads_the_columns_that_the_answer_needs() -> None:
    (scan,) = bound("SELECT event_id FROM (SELECT * FROM orders) AS o WHERE quantity > 1").scans
    assert scan.columns == {"event_id", "quantity"}


def test_execution_parameters_take_the_place_of_question_marks() -> None:
    parsed = parse("SELECT ? AS a, ? AS b", ["7", "'x'"])
    assert isinstance(parsed, exp.Query)
    assert Engine().query(parsed, "shop").texts == [["7", "x"]]


@pytest.mark.parametrize(
    ("sql", "parameters", "message"),
    [
        ("SELECT FROM WHERE", None, "line 1:"),
        ("SELECT 1; SELECT 2", None, "Only one sql statement is allowed"),
        ("SELECT ?", None, r"1 parameters \(\?\) and ExecutionParameters 0"),
    ],
)
def test_a_malformed_request_is_refused(sql: str, parameters: list[str] | None, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        parse(sql, parameters)
