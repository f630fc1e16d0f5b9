"""Where Trino (Athena engine version 3) and DuckDB disagree on a function or operator, and what takes its place.

sqlglot translates syntax and most functions. What stands here is what it translates to something that answers
differently: the differences were found by running both readings of Trino's documentation on DuckDB.

Source: https://trino.io/docs/current/functions.html
"""

from __future__ import annotations

import re

from duckdb import DuckDBPyConnection
from sqlglot import exp, parse_one
from sqlglot.helper import seq_get

from practice.local_cloud.athena.errors import not_emulated

MACROS = {
    # DuckDB's parser also takes NaN, Infinity and trailing commas, which are not JSON. Casting text that is no JSON
    # fails, which TRY can catch; error() could not be caught.
    "trino_json_parse(x)": r"""
        CAST(CASE WHEN regexp_matches(regexp_replace(x, '"(\\.|[^"\\])*"', '""', 'g'), '(?i)nan|inf|,\s*[\]}]')
             THEN concat('not JSON: ', x) ELSE x END AS JSON)""",
    "trino_json_extract_scalar(x, path)": """
        CASE WHEN json_valid(x) AND json_type(x, path) NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string(x, path) END
        """,
    "trino_json_extract(x, path)": "CASE WHEN json_valid(x) THEN json_extract(x, path) END",
    "trino_json_to_varchar(x)": "json_extract_string(x, '$')",
    # Replaces invalid bytes by a question mark, where Trino takes U+FFFD.
    "trino_from_utf8(x)": "decode(x, 'replace')",
    "trino_divide_integers(a, b)": """
        CASE WHEN b = 0 THEN CAST(concat('Division by zero: ', a) AS BIGINT) ELSE a // b END""",
    "trino_slice(x, start, count)": "list_slice(x, start, start + count - 1)",
    "json_size(x, path)": """
        CASE json_type(x, path) WHEN 'ARRAY' THEN json_array_length(x, path)
             WHEN 'OBJECT' THEN len(json_keys(x, path)) ELSE 0 END""",
    "json_format(x)": "CAST(x AS VARCHAR)",
    "json_array_contains(x, value)": "list_contains(json_extract_string(x, '$[*]'), CAST(value AS VARCHAR))",
    "json_array_get(x, i)": "json_extract(x, CAST(i AS BIGINT))",
    "to_utf8(x)": "encode(x)",
    "from_iso8601_date(x)": "CAST(x AS DATE)",
    "at_timezone(x, zone)": "timezone(zone, CAST(x AS TIMESTAMPTZ))",
    "last_day_of_month(x)": "last_day(x)",
    "is_nan(x)": "isnan(x)",
    "is_infinite(x)": "isinf(x)",
    "is_finite(x)": "isfinite(x)",
    "infinity()": "CAST('inf' AS DOUBLE)",
    "nan()": "CAST('nan' AS DOUBLE)",
    "codepoint(x)": "unicode(x)",
    "array_average(x)": "list_avg(x)",
    "array_union(a, b)": "list_distinct(list_concat(a, b))",
    "arrays_overlap(a, b)": "list_has_any(a, b)",
    "every(x)": "bool_and(x)",
    "geometric_mean(x)": "geomean(x)",
    "map_agg(k, v)": "map(list(k), list(v))",
}
_SAME_IN_DUCKDB = frozenset(
    {"array_sum", "bit_count", "cbrt", "chr", "gcd", "histogram", "json_array_length", "lcm"}
    | {"map_concat", "map_entries", "map_values", "url_decode", "uuid"}
)
_MATCHES = {"any_match": "{0} > 0", "all_match": "{0} = len({1})", "none_match": "{0} = 0"}
_KNOWN = frozenset(signature.split("(")[0] for signature in MACROS) | _SAME_IN_DUCKDB | frozenset(_MATCHES)
_OTHERWISE_IN_DUCKDB: dict[type[exp.Expr], str] = {
    exp.JSONValue: "json_value",
    exp.ParseDatetime: "parse_datetime",
    exp.StrToMap: "split_to_map",
}


def create_macros(connection: DuckDBPyConnection) -> None:
    for signature, body in MACROS.items():
        connection.execute(f"CREATE TEMP MACRO {signature} AS {body}")


def to_duckdb(typed: exp.Expr) -> str:
    """DuckDB SQL of a Trino expression whose nodes carry their types."""
    holder = exp.Paren(this=typed.copy())
    for node in list(holder.find_all(exp.Expr, bfs=True))[:0:-1]:
        replacement = _rewrite(node)
        if replacement is not None:
            replacement.type = replacement.type or node.type
            node.replace(replacement)
    return str(holder.this.sql("duckdb"))


def _rewrite(node: exp.Expr) -> exp.Expr | None:
    for rewrite in (_refuse, _rewrite_function, _rewrite_unnest, _rewrite_time, _rewrite_number):
        if (replacement := rewrite(node)) is not None:
            return replacement
    return None


def _refuse(node: exp.Expr) -> None:
    """What would answer wrongly, or fail with words that do not help."""
    match node:
        case exp.Anonymous() if node.name.lower() not in _KNOWN:
            raise not_emulated(f"the function {node.name}()")
        case exp.JSONExtract() if node.args.get("json_query"):
            raise not_emulated("the function json_query(); use json_extract()")
        case exp.Format() if not isinstance(node.this, exp.Literal) or re.search(r"%[^sd]", node.this.name):
            raise not_emulated("format() with anything but %s and %d")
        case _ if name := _OTHERWISE_IN_DUCKDB.get(type(node)):
            raise not_emulated(f"the function {name}()")


def _rewrite_function(node: exp.Expr) -> exp.Expr | None:
    match node:
        case exp.ParseJSON():
            return exp.func("trino_json_parse", node.this)
        case exp.JSONExtractScalar() | exp.JSONExtract():
            kind = "extract_scalar" if isinstance(node, exp.JSONExtractScalar) else "extract"
            path = exp.Literal.string(node.expression.sql("duckdb").strip("'"))
            return exp.func(f"trino_json_{kind}", node.this, path)
        case exp.Decode():
            return exp.func("trino_from_utf8", node.this)
        case exp.Cast() if node.this.is_type("json") and node.to.is_type(*exp.DataType.TEXT_TYPES):
            return exp.func("trino_json_to_varchar", node.this)
        case exp.ArraySlice():
            return exp.func("trino_slice", node.this, node.args["start"], node.args["end"])
        case exp.Reverse() if node.this.is_type("array"):
            return exp.Anonymous(this="list_reverse", expressions=[node.this])
        case exp.ArraySize() if node.this.is_type("map"):
            return exp.Anonymous(this="cardinality", expressions=[node.this])
        case exp.Format():
            pattern = exp.Literal.string(re.sub(r"%[sd]", "{}", node.this.name))
            return exp.Anonymous(this="format", expressions=[pattern, *node.expressions])
        case exp.Anonymous() if comparison := _MATCHES.get(node.name.lower()):
            items, condition = node.expressions
            kept = f"len(list_filter({items.sql('duckdb')}, {condition.sql('duckdb')}))"
            return exp.paren(parse_one(comparison.format(kept, items.sql("duckdb")), read="duckdb"))
        case _:
            return None


def _rewrite_unnest(node: exp.Expr) -> exp.Expr | None:
    """Of an array of rows, Trino makes a column for each field."""
    match node:
        case exp.Unnest(expressions=[items]) if items.is_type("array") and items.type.expressions[0].is_type("struct"):
            rows = parse_one(f"(SELECT unnest({items.sql('duckdb')}, max_depth := 2))", read="duckdb")
            rows.set("alias", node.args.get("alias"))
            return rows
        case _:
            return None


def _rewrite_time(node: exp.Expr) -> exp.Expr | None:
    match node:
        case exp.DateDiff():
            # Trino counts whole units, as DuckDB's date_sub does; its date_diff counts the boundaries crossed.
            whole = exp.Anonymous(this="date_sub", expressions=[_unit(node), node.expression, node.this])
            return _typed(whole, "bigint")
        case exp.DateAdd() | exp.DateSub() | exp.Add() | exp.Sub() | exp.DateTrunc() | exp.TimestampTrunc():
            return _date_stays_date(node)
        case exp.GenerateSeries() if node.args["start"].is_type("date"):
            return exp.cast(node.copy(), exp.DataType.build("array<date>"))
        case exp.AtTimeZone():
            return exp.func("at_timezone", node.this, node.args["zone"])
        case _:
            return None


def _rewrite_number(node: exp.Expr) -> exp.Expr | None:
    match node:
        case exp.Avg() | exp.Filter() | exp.Window() if not isinstance(node.parent, (exp.Filter, exp.Window)):
            return _decimal_average(node)
        case exp.Div():
            return _divide(node)
        case exp.Cast() if node.to.is_type(*exp.DataType.INTEGER_TYPES) and node.this.is_type("double", "float"):
            # DuckDB rounds a half to the even neighbour
            return type(node)(this=exp.func("round", node.this), to=node.to.copy())
        case _:
            return None


def _typed(node: exp.Expr, type_name: str) -> exp.Expr:
    node.type = exp.DataType.build(type_name)
    return node


def _unit(node: exp.DateDiff) -> exp.Expr:
    return exp.Literal.string(node.text("unit").lower() or "day")


def _date_stays_date(node: exp.Expr) -> exp.Expr | None:
    """Trino keeps a date a date where DuckDB makes it a timestamp."""
    truncates = isinstance(node, (exp.DateTrunc, exp.TimestampTrunc))
    moves = isinstance(node, (exp.DateAdd, exp.DateSub)) or isinstance(node.args.get("expression"), exp.Interval)
    if node.this.is_type("date") and (truncates or moves):
        return exp.cast(node.copy(), "date")
    return None


def _decimal_average(node: exp.Expr) -> exp.Expr | None:
    """The average of decimals is a decimal of their scale, rounded half up; in DuckDB it is a double."""
    average = node
    while isinstance(average, (exp.Filter, exp.Window)):
        average = average.this
    if isinstance(average, exp.Avg) and average.this.is_type("decimal"):
        return exp.cast(node.copy(), exp.DataType.build(f"decimal(38,{_scale(average.this)})"))
    return None


def _divide(node: exp.Div) -> exp.Expr | None:
    """Integers divide to an integer, decimals to a decimal of the larger scale."""
    both = [node.this, node.expression]
    if all(side.is_type(*exp.DataType.INTEGER_TYPES) for side in both):
        return _typed(exp.func("trino_divide_integers", *both), "bigint")
    exact = (*exp.DataType.INTEGER_TYPES, exp.DataType.Type.DECIMAL)
    if all(side.is_type(*exact) for side in both):
        scale = max(_scale(side) for side in both)
        return exp.cast(node.copy(), exp.DataType.build(f"decimal(38,{scale})"))
    return None


def _scale(side: exp.Expr) -> int:
    parameter = seq_get(side.type.expressions if side.type else [], 1)
    return int(parameter.name) if parameter is not None else 0
