"""A statement in Athena's SQL, bound to the catalog: what it reads, of which partitions, and the DuckDB SQL of it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.pushdown_predicates import pushdown_predicates
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from practice.local_cloud.athena.catalog import Table, find_table
from practice.local_cloud.athena.errors import InvalidRequestError, QueryFailedError, not_emulated
from practice.local_cloud.athena.functions import to_duckdb
from practice.local_cloud.athena.tables import PATH_COLUMN

logging.getLogger("sqlglot").setLevel(logging.ERROR)
_DEEPEST_VIEW = 16
_COMPARISONS = {exp.EQ: "=", exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}


def parse(sql: str, parameters: list[str] | None = None) -> exp.Expr:
    """The one statement of a query string, with execution parameters in place of ``?``."""
    try:
        statements = [s for s in sqlglot.parse(sql, read="athena") if s and not isinstance(s, exp.Semicolon)]
    except ParseError as error:
        first = error.errors[0]
        raise InvalidRequestError(
            f"line {first['line']}:{first['col']}: {first['description']}", "MALFORMED_QUERY"
        ) from error
    except TokenError as error:
        raise InvalidRequestError(f"line 1:1: {error}", "MALFORMED_QUERY") from error
    if len(statements) != 1:
        raise InvalidRequestError(f"Only one sql statement is allowed. Got: {sql}", "MALFORMED_QUERY")
    statement = statements[0]
    placeholders = list(statement.find_all(exp.Placeholder))
    if len(placeholders) != len(parameters or []):
        raise InvalidRequestError(
            f"the statement has {len(placeholders)} parameters (?) and ExecutionParameters {len(parameters or [])}"
        )
    for placeholder, value in zip(placeholders, parameters or [], strict=True):
        placeholder.replace(sqlglot.parse_one(value, read="trino"))
    return statement


@dataclass
class Scan:
    """One reference to a table: the columns it reads, and the predicates that decide which partitions."""

    name: str
    table: Table
    columns: set[str] = field(default_factory=set)
    predicates: list[exp.Expr] = field(default_factory=list)

    @property
    def partition_filter(self) -> str | None:
        """DuckDB SQL over the partition keys, None where no predicate names them alone."""
        return to_duckdb(exp.and_(*self.predicates)) if self.predicates else None


@dataclass
class BoundQuery:
    """A query whose tables are named by its scans."""

    statement: exp.Query
    scans: list[Scan]

    @property
    def duckdb_sql(self) -> str:
        return to_duckdb(self.statement)


def bind(query: exp.Query, database: str) -> BoundQuery:
    """Resolve tables, views and columns; find what is read. Fails as Athena does when a name is unknown."""
    scans: list[Scan] = []
    bound = _replace_tables(query.copy(), database, scans, 0)
    schema = MappingSchema(dialect="trino", normalize=False)
    for scan in scans:
        columns = {c.name: c.type for c in (*scan.table.columns, *scan.table.partition_keys)}
        schema.add_table(scan.name, columns, match_depth=False)
    _name_unnamed(bound)
    try:
        qualified = qualify(bound, schema=schema, dialect="trino", validate_qualify_columns=False)
        _check_columns(qualified, scans)
        typed = annotate_types(qualified, schema=schema, dialect="trino")
    except SqlglotError as error:
        if unknown := re.match(r"Unknown column: (\S+)", str(error)):
            raise _column_not_found(next(c for c in query.find_all(exp.Column) if c.name == unknown[1])) from error
        raise QueryFailedError("SYNTAX_ERROR", str(error)) from error
    _check_comparisons(typed)
    _find_reads(typed.copy(), scans)
    return BoundQuery(typed, scans)


def _replace_tables(query: exp.Query, database: str, scans: list[Scan], depth: int) -> exp.Query:
    if depth > _DEEPEST_VIEW:
        raise QueryFailedError("INVALID_VIEW", f"views are nested more than {_DEEPEST_VIEW} deep")
    for scope in traverse_scope(query):
        for alias, (_, source) in list(scope.selected_sources.items()):
            if isinstance(source, exp.Table):
                source.replace(_scan_or_view(source, alias, database, scans, depth))
        for column in scope.columns:
            column.set("db", None)
            column.set("catalog", None)
    return query


def _scan_or_view(source: exp.Table, alias: str, database: str, scans: list[Scan], depth: int) -> exp.Expr:
    if not isinstance(source.this, exp.Identifier):
        raise not_emulated(f"the table function {source.this.sql('trino')}")
    if source.catalog and source.catalog.lower() != "awsdatacatalog":
        raise not_emulated(f"the data catalog {source.catalog}; use AwsDataCatalog")
    line, column = _position(source)
    table = find_table(source.db.lower() or database, source.name.lower(), line, column)
    if table.view_sql is not None:
        statement = parse(table.view_sql)
        if not isinstance(statement, exp.Query):
            raise QueryFailedError("INVALID_VIEW", f"view {table.database}.{table.name} is not a query")
        inner = _replace_tables(statement, table.database, scans, depth + 1)
        return exp.Subquery(this=inner, alias=source.args.get("alias") or exp.TableAlias(this=exp.to_identifier(alias)))
    scan = Scan(f"scan_{len(scans)}", table)
    scans.append(scan)
    replaced = source.copy()
    replaced.set("this", exp.to_identifier(scan.name))
    replaced.set("db", None)
    replaced.set("catalog", None)
    if not replaced.args.get("alias"):
        replaced.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
    return replaced


def _position(node: exp.Expr) -> tuple[int, int]:
    """Where a name starts in the query text."""
    starts = [
        (identifier.meta["line"], identifier.meta["col"] - len(identifier.name) + 1)
        for identifier in node.find_all(exp.Identifier)
        if "line" in identifier.meta
    ]
    return min(starts, default=(1, 1))


def _name_unnamed(query: exp.Query) -> None:
    """Trino calls the unnamed column at position i ``_col{i}``."""
    for select in list(query.find_all(exp.Select)):
        for i, projection in enumerate(select.expressions):
            if not isinstance(projection, (exp.Alias, exp.Column, exp.Star, exp.Dot)):
                projection.replace(exp.alias_(projection.copy(), f"_col{i}"))


def _check_columns(query: exp.Expr, scans: list[Scan]) -> None:
    tables = {scan.name: scan.table for scan in scans}
    for scope in traverse_scope(query):
        for column in scope.columns:
            if column.name == PATH_COLUMN and not column.table and len(scope.selected_sources) == 1:
                column.set("table", exp.to_identifier(next(iter(scope.selected_sources))))
                continue
            if column.name == PATH_COLUMN or _is_known(column, scope, tables):
                continue
            raise _column_not_found(column)


def _column_not_found(column: exp.Column) -> QueryFailedError:
    line, position = _position(column)
    name = f"{column.table}.{column.name}" if column.table and "line" in column.args["table"].meta else column.name
    return QueryFailedError(
        "COLUMN_NOT_FOUND",
        f"line {line}:{position}: Column '{name}' cannot be resolved or requester is not authorized "
        "to access requested resources",
    )


def _is_known(column: exp.Column, scope: Scope, tables: dict[str, Table]) -> bool:
    if not column.table:
        ordered = isinstance(column.find_ancestor(exp.Ordered, exp.Query), exp.Ordered)
        return ordered and isinstance(scope.expression, exp.Query) and column.name in scope.expression.named_selects
    holder: Scope | None = scope
    while holder and column.table not in holder.sources:
        holder = holder.parent
    if holder is None:
        return False
    source = holder.sources[column.table]
    if isinstance(source, exp.Table) and source.name in tables:
        table = tables[source.name]
        return any(column.name == known.name for known in (*table.columns, *table.partition_keys))
    if isinstance(source, Scope) and isinstance(source.expression, exp.Query) and not source.is_udtf:
        return column.name in source.expression.named_selects
    return True


def _kind(node: exp.Expr) -> str | None:
    if node.is_type(*exp.DataType.TEXT_TYPES):
        return "text"
    if node.is_type(*exp.DataType.TEMPORAL_TYPES, *exp.DataType.NUMERIC_TYPES, "boolean"):
        return "other"
    return None


def _check_comparisons(query: exp.Expr) -> None:
    """Trino compares text with nothing but text, where DuckDB would convert it."""
    for node in query.find_all(*_COMPARISONS, exp.Between):
        others = [node.args["low"], node.args["high"]] if isinstance(node, exp.Between) else [node.expression]
        for other in others:
            if {_kind(node.this), _kind(other)} == {"text", "other"}:
                left, right = (_trino_type(side) for side in (node.this, other))
                line, column = _position(node)
                if isinstance(node, exp.Between):
                    what = f"Cannot check if {left} is BETWEEN {right} and {right}"
                else:
                    what = f"Cannot apply operator: {left} {_operator(node)} {right}"
                raise QueryFailedError("TYPE_MISMATCH", f"line {line}:{column}: {what}")


def _operator(node: exp.Expr) -> str:
    return next(symbol for kind, symbol in _COMPARISONS.items() if isinstance(node, kind))


def _trino_type(node: exp.Expr) -> str:
    if isinstance(node, exp.Literal) and node.is_string:
        return f"varchar({len(node.name)})"
    return node.type.sql("trino").lower() if node.type else "unknown"


def _find_reads(query: exp.Expr, scans: list[Scan]) -> None:
    """Fill in the columns and partition predicates of the scans, after moving predicates down to them."""
    try:
        query = pushdown_predicates(pushdown_projections(query), dialect="trino")
    except SqlglotError:
        for scan in scans:
            scan.columns = {column.name for column in scan.table.columns}
        return
    by_name = {scan.name: scan for scan in scans}
    for scope in traverse_scope(query):
        for alias, (_, source) in scope.selected_sources.items():
            if isinstance(source, exp.Table) and source.name in by_name:
                scan = by_name[source.name]
                keys = {key.name for key in scan.table.partition_keys}
                scan.columns |= {column.name for column in scope.source_columns(alias)} - keys - {PATH_COLUMN}
                scan.predicates += [p for p in _filters(scope.expression, source) if _names_only(p, alias, keys)]


def _filters(select: exp.Expr, source: exp.Table) -> Iterator[exp.Expr]:
    """The conditions that every row a scan contributes must meet.

    A condition after an outer join says nothing about the side that the join may fill with NULLs.
    """
    joins: list[exp.Join] = select.args.get("joins") or []
    own = next((join for join in joins if join.this is source), None)
    sides = {join.side for join in joins}
    if (where := select.args.get("where")) and not sides & {"RIGHT", "FULL"} and (own is None or not own.side):
        yield from _conjuncts(where.this)
    if own is not None and own.side in ("", "LEFT") and own.args.get("on"):
        yield from _conjuncts(own.args["on"])


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _names_only(condition: exp.Expr, alias: str, keys: set[str]) -> bool:
    columns = list(condition.find_all(exp.Column))
    unfit = condition.find(exp.Query, exp.AggFunc, exp.Window, exp.Rand)
    return bool(columns) and not unfit and all(c.table == alias and c.name in keys for c in columns)
