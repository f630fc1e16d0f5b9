"""Glue tables as DuckDB relations over the objects of their partitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from duckdb import DuckDBPyConnection
from sqlglot import exp

from practice.local_cloud.athena.catalog import Column, Location, Partition, Table, hive_partition_values
from practice.local_cloud.athena.errors import QueryFailedError
from practice.local_cloud.athena.projection import is_projected, projected_partitions
from practice.local_cloud.object_store import (
    LocalFile,
    S3Object,
    delimited_file,
    json_lines_file,
    list_objects,
    parquet_file,
)

PATH_COLUMN = "$path"
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_LAZY_DELIMITER, _LAZY_NULL = "\x01", "\\N"
_OPEN_ESCAPE = "\\"
_INTEGERS = ("tinyint", "smallint", "int", "bigint")


def table_objects(table: Table) -> list[S3Object]:
    """The objects of a table's partitions; of an unpartitioned table, the objects under its location."""
    if not table.partition_keys:
        return list(list_objects(table.location.bucket, table.location.prefix))
    partitions = projected_partitions(table) if is_projected(table) else table.catalogued_partitions()
    return list(_objects_of(partitions))


def _objects_of(partitions: Iterable[Partition]) -> Iterator[S3Object]:
    by_folder = {(p.location.bucket, p.location.prefix): p.values for p in partitions}
    for bucket in {bucket for bucket, _ in by_folder}:
        prefixes = [prefix for owner, prefix in by_folder if owner == bucket]
        shared = _shared_folder(prefixes)
        for item in list_objects(bucket, shared):
            folder = item.key[: item.key.rfind("/") + 1]
            while len(folder) >= len(shared):
                if (bucket, folder) in by_folder:
                    yield item.within(by_folder[bucket, folder])
                    break
                if not folder:
                    break
                folder = folder[: folder[:-1].rfind("/") + 1]


def _shared_folder(prefixes: list[str]) -> str:
    low, high = min(prefixes), max(prefixes)
    length = next((i for i, pair in enumerate(zip(low, high, strict=False)) if pair[0] != pair[1]), len(low))
    return low[: low.rfind("/", 0, length) + 1]


def literal(value: str | None) -> str:
    return exp.Literal.string(value).sql("duckdb") if value is not None else "NULL"


def quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def partition_rows(table: Table, items: list[S3Object], labels: Iterable[str]) -> str:
    """A relation of one row per object: a label, its ``$path`` and its typed partition values."""
    keys = table.partition_keys
    rows = [
        f"({literal(label)}, {literal(item.uri)}{''.join(f', {_partition_literal(v)}' for v in item.partition)})"
        for item, label in zip(items, labels, strict=True)
    ]
    names = "".join(f", {quoted('p' + str(i))}" for i in range(len(keys)))
    typed = "".join(f', CAST("p{i}" AS {key.duckdb_type}) AS {quoted(key.name)}' for i, key in enumerate(keys))
    return (
        f"(SELECT label, {quoted(PATH_COLUMN)}{typed} "  # noqa: S608
        f'FROM (VALUES {", ".join(rows)}) AS v(label, "$path"{names}))'
    )


def _partition_literal(value: str) -> str:
    return literal(None if value == _HIVE_NULL else value)


def create_relation(connection: DuckDBPyConnection, name: str, table: Table, items: list[S3Object]) -> None:
    """Create the view ``name`` with the table's columns, its partition keys and ``$path``."""
    if not items:
        columns = (*table.columns, *table.partition_keys, Column(PATH_COLUMN, "string"))
        empty = ", ".join(f"CAST(NULL AS {c.duckdb_type}) AS {quoted(c.name)}" for c in columns)
        connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS SELECT {empty} WHERE false")
        return
    files = [_local_file(table, item) for item in items]
    paths = "[" + ", ".join(literal(file.path) for file in files) + "]"
    if table.format == "parquet":
        data = _parquet_data(connection, table, paths)
    else:
        _check_malformed(table, items, files)
        data = _text_data(table, paths)
    keys = "".join(f", o.{quoted(key.name)}" for key in table.partition_keys)
    objects = partition_rows(table, items, (file.path for file in files))
    connection.execute(
        f"CREATE TEMP VIEW {quoted(name)} AS SELECT d.* EXCLUDE (filename){keys}, o.{quoted(PATH_COLUMN)} "  # noqa: S608
        f"FROM ({data}) AS d JOIN {objects} AS o ON o.label = d.filename"
    )


def _local_file(table: Table, item: S3Object) -> LocalFile:
    match table.format:
        case "parquet":
            return parquet_file(item)
        case "json":
            return json_lines_file(item)
        case _:
            return delimited_file(item, *_delimited_options(table))


def _delimited_options(table: Table) -> tuple[str, str | None, str | None, int]:
    parameters = table.serde.get("Parameters") or {}
    skip = parameters.get("skip.header.line.count") or table.parameters.get("skip.header.line.count") or "0"
    if table.format == "opencsv":
        separator, quote, escape = (
            (parameters.get(name) or default)[0]
            for name, default in (("separatorChar", ","), ("quoteChar", '"'), ("escapeChar", _OPEN_ESCAPE))
        )
        return separator, quote, _OPEN_ESCAPE if escape == quote else escape, int(skip)
    delimiter = parameters.get("field.delim") or parameters.get("serialization.format") or _LAZY_DELIMITER
    return (_LAZY_DELIMITER if delimiter == "1" else delimiter[0]), None, parameters.get("escape.delim"), int(skip)


def _check_malformed(table: Table, items: list[S3Object], files: list[LocalFile]) -> None:
    ignored = str((table.serde.get("Parameters") or {}).get("ignore.malformed.json", "false")).lower() == "true"
    for item, file in zip(items, files, strict=True):
        if file.malformed and not ignored:
            raise QueryFailedError(
                "HIVE_CURSOR_ERROR",
                f"Row is not a valid JSON Object - {file.malformed} lines of {item.uri}. "
                "To read such lines as NULL, set the SerDe property ignore.malformed.json to true.",
            )


def _parquet_data(connection: DuckDBPyConnection, table: Table, paths: str) -> str:
    present = {
        row[0].lower(): row[0]
        for row in connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({paths}, union_by_name=true)"  # noqa: S608
        ).fetchall()
    }
    columns = ", ".join(
        f"CAST({quoted(present[c.name]) if c.name in present else 'NULL'} AS {c.duckdb_type}) AS {quoted(c.name)}"
        for c in table.columns
    )
    return f"SELECT {columns}, filename FROM read_parquet({paths}, union_by_name=true, filename=true)"  # noqa: S608


def _text_data(table: Table, paths: str) -> str:
    names = [c.name if table.format == "json" else str(i) for i, c in enumerate(table.columns)]
    schema = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    columns = ", ".join(
        f"{_text_cast(table, quoted(n), c, i)} AS {quoted(c.name)}"
        for i, (n, c) in enumerate(zip(names, table.columns, strict=True))
    )
    return (
        f"SELECT {columns}, filename FROM read_json({paths}, format='newline_delimited', filename=true, "  # noqa: S608
        f"maximum_object_size=268435456, columns={{{schema}}})"
    )


def _text_cast(table: Table, value: str, column: Column, index: int) -> str:
    """Text to the column's type, as the table's SerDe does it.

    LazySimpleSerDe makes NULL of what does not fit. The others fail the query, unless the table says
    ``use.null.for.invalid.data``: https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html and
    https://repost.aws/knowledge-center/athena-hive-bad-data-parsing-field-value. Not documented: what OpenCSVSerDe does
    with a BOOLEAN that is neither true nor false, and with types other than the page's; here they fail alike.
    """
    if column.type.is_type(*exp.DataType.TEXT_TYPES):
        return f"nullif({value}, {_lazy_null(table)})" if table.format == "delimited" else value
    if table.format == "json" and column.type.is_type(*exp.DataType.NESTED_TYPES):
        return f"CAST(CAST({value} AS JSON) AS {column.duckdb_type})"
    if table.format == "json" and not column.type.is_type(*exp.DataType.NUMERIC_TYPES):
        return f"CAST({value} AS {column.duckdb_type})"
    if table.format == "delimited":
        return _lazy_value(f"nullif({value}, {_lazy_null(table)})", column)
    found = _strict_value(value, column, is_open_csv=table.format == "opencsv")
    if table.parameters.get("use.null.for.invalid.data", "").lower() == "true":
        return found
    before, between = (
        literal("HIVE_BAD_DATA: Error parsing field value '"),
        f"' for field {index}: For input string: \"",
    )
    message = f"{before} || {value} || {literal(between)} || {value} || '\"'"
    return f"CASE WHEN {value} IS NOT NULL THEN coalesce({found}, CAST(error({message}) AS {column.duckdb_type})) END"


def _lazy_null(table: Table) -> str:
    return literal((table.serde.get("Parameters") or {}).get("serialization.null.format", _LAZY_NULL))


def _lazy_value(value: str, column: Column) -> str:
    """A value of LazySimpleSerDe, or NULL: a whole number loses its decimals, a boolean is true or false.

    Source: LongEncoding.java and BooleanEncoding.java in
    https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats/src/main/java/io/trino/hive/formats/encodings/text
    """
    if column.type.is_type(*_INTEGERS):
        sign, digits = (f"regexp_extract({value}, '^([+-]?)([0-9]*)', {group})" for group in (1, 2))
        fits = f"regexp_full_match({value}, '[+-]?([0-9]+|[0-9]*[.][0-9]*)')"
        value = f"CASE WHEN {fits} THEN {sign} || '0' || {digits} END"
    if column.type.is_type("boolean"):
        value = f"CASE WHEN lower({value}) IN ('true', 'false') THEN {value} END"
    return f"TRY_CAST({value} AS {column.duckdb_type})"


def _strict_value(value: str, column: Column, *, is_open_csv: bool) -> str:
    """A value that is spelled as its type asks, else NULL. OpenCSVSerDe counts days and milliseconds from 1970."""
    whole = f"CASE WHEN regexp_full_match({value}, '[+-]?[0-9]+') THEN {value} END"
    if column.type.is_type(*_INTEGERS):
        return f"TRY_CAST({whole} AS {column.duckdb_type})"
    if column.type.is_type("boolean"):
        return f"TRY_CAST(CASE WHEN lower({value}) IN ('true', 'false') THEN {value} END AS BOOLEAN)"
    if is_open_csv and column.type.is_type("date"):
        return f"DATE '1970-01-01' + TRY_CAST({whole} AS INTEGER)"
    if is_open_csv and column.type.is_type("timestamp"):
        return f"make_timestamp(TRY_CAST({whole} AS BIGINT) * 1000)"
    return f"TRY_CAST({value} AS {column.duckdb_type})"


def scanned_bytes(connection: DuckDBPyConnection, table: Table, items: list[S3Object], columns: set[str]) -> int:
    """What Athena bills: of Parquet the compressed chunks of the columns read, of text formats whole objects."""
    if table.format != "parquet" or not items:
        return sum(item.size for item in items)
    paths = "[" + ", ".join(literal(parquet_file(item).path) for item in items) + "]"
    names = "[" + ", ".join(literal(name) for name in sorted(columns)) + "]"
    row = connection.execute(
        f"SELECT sum(total_compressed_size) FROM parquet_metadata({paths}) "  # noqa: S608
        f"WHERE list_contains({names}::VARCHAR[], lower(string_split(path_in_schema, ', ')[1]))"
    ).fetchone()
    return int(row[0] or 0) if row else 0


def registered_folders(table: Table) -> Iterator[tuple[tuple[str, ...], Location]]:
    """The ``key=value`` folders under a table's location, which MSCK REPAIR TABLE registers."""
    names = [key.name for key in table.partition_keys]
    for item in list_objects(table.location.bucket, table.location.prefix):
        values = hive_partition_values(item.key[len(table.location.prefix) :], names)
        if values is not None:
            yield values, Location(item.bucket, item.key[: item.key.rfind("/") + 1])
