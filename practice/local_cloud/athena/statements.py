"""The statements of Athena that the local cloud runs: queries, what they create, and the catalog's own."""

from __future__ import annotations

import fnmatch
import re
import shlex
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
from sqlglot import exp

from practice.local_cloud.athena.catalog import Column, Location, Table, find_table, hive_type, view_text
from practice.local_cloud.athena.engine import Engine
from practice.local_cloud.athena.errors import QueryFailedError, not_emulated
from practice.local_cloud.athena.projection import is_projected
from practice.local_cloud.athena.results import Result, ResultColumn
from practice.local_cloud.athena.show import describe, lines, show_create_table, show_partitions
from practice.local_cloud.athena.sql import parse
from practice.local_cloud.athena.tables import literal, quoted, registered_folders
from practice.local_cloud.hooks import ATHENA, GLUE, S3

PARQUET_STORAGE = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
}


_UNLOAD = re.compile(
    r"\s*\((?P<query>.*)\)\s*TO\s*'(?P<place>s3://[^']+)'\s*WITH\s*\(\s*format\s*=\s*'PARQUET'\s*\)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)


@dataclass
class Statement:
    """A parsed statement on its way: where it runs, and where it may write."""

    expression: exp.Expr
    text: str
    database: str
    engine: Engine
    query_id: str
    output_location: str

    def run(self) -> Result:
        match self.expression:
            case exp.Query():
                return self.engine.query(self.expression, self.database)
            case exp.Create(kind="VIEW") if isinstance(self.expression.expression, exp.Query):
                return self._create_view(self.expression)
            case exp.Create(kind="TABLE") if isinstance(self.expression.expression, exp.Query):
                return self._create_table_as(self.expression)
            case exp.Insert():
                return self._insert(self.expression)
            case exp.Drop(kind="VIEW"):
                return self._drop_view(self.expression)
            case exp.Create(kind="TABLE") | exp.Drop(kind="TABLE"):
                return self._table_definition()
            case exp.Describe() if isinstance(self.expression.this, exp.Table):
                return describe(self._table(self.expression.this))
            case exp.Command(this="UNLOAD"):
                return self._unload(self.expression.expression.name)
            case exp.Command():
                return self._command(f"{self.expression.name} {self.expression.expression.name}")
            case _:
                raise not_emulated(f"statements of the kind {self.expression.key.upper()}")

    def _names(self, table: exp.Table) -> tuple[str, str]:
        return table.db.lower() or self.database, table.name.lower()

    def _table(self, table: exp.Table) -> Table:
        return find_table(*self._names(table))

    def _create_view(self, create: exp.Create) -> Result:
        if not isinstance(create.this, exp.Table):
            raise not_emulated("CREATE VIEW with a list of columns; name the columns in its query")
        database, name = self._names(create.this)
        columns = [_column(*entry) for entry in self.engine.describe(create.expression, self.database)]
        sql = re.sub(r"(?is)^.*?\bas\b\s*", "", self.text, count=1).rstrip().rstrip(";")
        definition = {
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "Parameters": {"presto_view": "true", "comment": "Presto View"},
            "PartitionKeys": [],
            "StorageDescriptor": {"Columns": _glue_columns(columns), "Location": "", "SerdeInfo": {}},
            "ViewOriginalText": view_text(sql, self.database, columns),
            "ViewExpandedText": "/* Presto View */",
        }
        if f"{database}/{name}" in GLUE._tables and create.args.get("replace"):
            _glue(GLUE._update_table, {"DatabaseName": database, "TableInput": definition})
        else:
            _glue(GLUE._create_table, {"DatabaseName": database, "TableInput": definition})
        return Result()

    def _drop_view(self, drop: exp.Drop) -> Result:
        for table in drop.find_all(exp.Table):
            database, name = self._names(table)
            if f"{database}/{name}" in GLUE._tables or not drop.args.get("exists"):
                find_table(database, name)
                _glue(GLUE._delete_table, {"DatabaseName": database, "Name": name})
        return Result()

    def _create_table_as(self, create: exp.Create) -> Result:
        """Writes Parquet, one file per partition, and adds the table with its partitions to the catalog.

        Source of the refusal's text: https://github.com/dbt-labs/dbt-athena/issues/58
        """
        database, name = self._names(create.this)
        properties = _properties(create)
        unknown = set(properties) - {"format", "external_location", "partitioned_by", "write_compression"}
        if unknown or properties.get("format", "PARQUET").upper() != "PARQUET":
            raise not_emulated(f"CREATE TABLE AS with {', '.join(sorted(unknown)) or 'a format other than PARQUET'}")
        if f"{database}/{name}" in GLUE._tables:
            raise QueryFailedError("TABLE_ALREADY_EXISTS", f"Table 'awsdatacatalog.{database}.{name}' already exists")
        location = properties.get("external_location") or f"{self.output_location}tables/{self.query_id}/"
        columns = [_column(*entry) for entry in self.engine.describe(create.expression, self.database)]
        keys = [key.lower() for key in properties.get("partitioned_by", [])]
        if keys != [column.name for column in columns[len(columns) - len(keys) :]]:
            raise QueryFailedError(
                "INVALID_TABLE_PROPERTY", f"Partition columns must be the last columns in the table: {', '.join(keys)}"
            )
        data, partitioned = columns[: len(columns) - len(keys)], columns[len(columns) - len(keys) :]
        definition = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
            "StorageDescriptor": {**PARQUET_STORAGE, "Columns": _glue_columns(data), "Location": location},
            "PartitionKeys": _glue_columns(partitioned),
        }
        if holds_objects(location):
            raise QueryFailedError(
                "HIVE_PATH_ALREADY_EXISTS",
                f"Target directory for table '{database}.{name}' already exists: {location}. You may need to manually "
                f"clean the data at location '{self.output_location}tables/{self.query_id}' before retrying. Athena "
                "will not delete data in your account.",
            )
        engine = Engine(self.engine.limit)
        self._write(engine, create.expression, Table({**definition, "DatabaseName": database}))
        _glue(GLUE._create_table, {"DatabaseName": database, "TableInput": definition})
        return Result(scanned_bytes=engine.scanned_bytes)

    def _unload(self, rest: str) -> Result:
        """Writes Parquet to a place without data, and leaves the catalog alone.

        Source: https://docs.aws.amazon.com/athena/latest/ug/unload.html and, for the refusal's text,
        https://github.com/aws/aws-sdk-pandas/issues/1200
        """
        parts = _UNLOAD.fullmatch(rest)
        if parts is None:
            raise not_emulated("this form of UNLOAD; write UNLOAD (SELECT ...) TO 's3://...' WITH (format = 'PARQUET')")
        query = parse(parts["query"])
        if not isinstance(query, exp.Query):
            raise QueryFailedError("SYNTAX_ERROR", "UNLOAD takes a SELECT statement")
        if holds_objects(parts["place"]):
            raise QueryFailedError("HIVE_PATH_ALREADY_EXISTS", "Target directory already exists")
        columns = [_column(*entry) for entry in self.engine.describe(query, self.database)]
        storage = {**PARQUET_STORAGE, "Columns": _glue_columns(columns), "Location": parts["place"]}
        engine = Engine(self.engine.limit)
        rows = self._write(engine, query, Table({"Name": "", "DatabaseName": "", "StorageDescriptor": storage}))
        return Result([ResultColumn("rows", "bigint")], [[rows]], scanned_bytes=engine.scanned_bytes)

    def _insert(self, insert: exp.Insert) -> Result:
        if not isinstance(insert.this, exp.Table):
            raise not_emulated("INSERT INTO with a list of columns; select all columns in the table's order")
        table = self._table(insert.this)
        if table.format != "parquet" or not isinstance(insert.expression, exp.Query):
            raise not_emulated("INSERT INTO a table that is not Parquet")
        rows = self._write(self.engine, insert.expression, table)
        return Result(
            [ResultColumn("rows", "bigint")], [[rows]], scanned_bytes=self.engine.scanned_bytes, updated_rows=rows
        )

    def _write(self, engine: Engine, query: exp.Query, table: Table) -> int:
        columns = (*table.columns, *table.partition_keys)
        try:
            sql = engine.prepare(query, self.database)
            typed = ", ".join(f"CAST({quoted(c.name)} AS {c.duckdb_type}) AS {quoted(c.name)}" for c in columns)
            names = ", ".join(quoted(c.name) for c in columns)
            keys = ", ".join(quoted(key.name) for key in table.partition_keys)
            with tempfile.TemporaryDirectory() as directory:
                target = directory if keys else f"{directory}/data.parquet"
                options = f", PARTITION_BY ({keys})" if keys else ""
                row = engine.connection.execute(
                    f"COPY (SELECT {typed} FROM ({sql}) AS t({names})) "  # noqa: S608
                    f"TO {literal(target)} (FORMAT parquet, COMPRESSION snappy{options})"
                ).fetchone()
                for file in sorted(Path(directory).rglob("*.parquet")):
                    folders = file.relative_to(directory).parts[:-1]
                    self._upload(table, [unquote(folder.split("=", 1)[1]) for folder in folders], file)
        except duckdb.Error as error:
            raise QueryFailedError("GENERIC_USER_ERROR", str(error).split("\n")[0]) from error
        return int(row[0]) if row else 0

    def _upload(self, table: Table, values: list[str], file: Path) -> None:
        uri = table.hive_location(values) if values else str(table.storage["Location"])
        location = Location.parse(uri)
        put_object(location.bucket, f"{location.prefix}{self.query_id}_{file.name}", file.read_bytes(), {})
        if values and not is_projected(table):
            _add_partition(table, values, uri)

    def _table_definition(self) -> Result:
        parsed = ATHENA._parse_ddl(self.text)
        if parsed is None:
            raise not_emulated("this form of CREATE or DROP TABLE")
        try:
            ATHENA._run_ddl(parsed, self.database)
        except ValueError as error:
            raise QueryFailedError("FAILED", f"SemanticException {error}") from error
        return Result()

    def _command(self, command: str) -> Result:
        words = shlex.split(command.replace("`", "").rstrip(";"))
        upper = [word.upper() for word in words]
        match upper:
            case ["SHOW", "DATABASES" | "SCHEMAS", *_]:
                pattern = _pattern(words[2:])
                return lines("database_name", sorted(n for n in GLUE._databases if fnmatch.fnmatch(n, pattern)))
            case ["SHOW", "TABLES" | "VIEWS" as kind, "IN" | "FROM", _, *_]:
                return self._show_tables(kind, words[3].lower(), _pattern(words[4:]))
            case ["SHOW", "TABLES" | "VIEWS" as kind, *_]:
                return self._show_tables(kind, self.database, _pattern(words[2:]))
            case ["SHOW", "PARTITIONS", _]:
                return show_partitions(self._named(words[2]))
            case ["SHOW", "COLUMNS", "IN" | "FROM", _]:
                table = self._named(words[3])
                return lines("field", [c.name for c in (*table.columns, *table.partition_keys)])
            case ["SHOW", "CREATE", "TABLE", _]:
                return show_create_table(self._named(words[3]))
            case ["MSCK", "REPAIR", "TABLE", _]:
                return self._repair(self._named(words[3]))
            case _:
                raise not_emulated(f"{' '.join(upper[:2])} statements")

    def _named(self, dotted: str) -> Table:
        database, _, name = dotted.lower().rpartition(".")
        return find_table(database or self.database, name)

    def _show_tables(self, kind: str, database: str, pattern: str) -> Result:
        if database not in GLUE._databases:
            raise QueryFailedError("FAILED", f"SemanticException [Error 10072]: Database does not exist: {database}")
        tables = [t for key, t in GLUE._tables.items() if key.startswith(f"{database}/")]
        views_only = kind == "VIEWS"
        names = [t["Name"] for t in tables if not views_only or t.get("TableType") == "VIRTUAL_VIEW"]
        return lines("tab_name", sorted(name for name in names if fnmatch.fnmatch(name, pattern)))

    def _repair(self, table: Table) -> Result:
        known = {partition.values for partition in table.catalogued_partitions()}
        added = []
        for values, location in registered_folders(table):
            if values not in known:
                known.add(values)
                folders = "/".join(f"{k.name}={v}" for k, v in zip(table.partition_keys, values, strict=True))
                _add_partition(table, list(values), f"s3://{location.bucket}/{location.prefix}")
                added.append(f"Repair: Added partition to metastore {table.name}:{folders}")
        return lines("result", added)


def names_a_place(expression: exp.Expr) -> bool:
    """Whether a statement makes a table of a query at an ``external_location``."""
    return (
        isinstance(expression, exp.Create)
        and expression.kind == "TABLE"
        and (isinstance(expression.expression, exp.Query) and "external_location" in _properties(expression))
    )


def holds_objects(uri: str) -> bool:
    """Whether anything lies under a place: also what a query would not read, such as ``_SUCCESS`` or an empty object.

    Source: https://docs.aws.amazon.com/athena/latest/ug/ctas-considerations-limitations.html ("checks that the path
    location (prefix) in the bucket is empty")
    """
    place = Location.parse(uri)
    return any(key.startswith(place.prefix) for key in list((S3._buckets.get(place.bucket) or {}).get("objects") or ()))


def put_object(bucket: str, key: str, body: bytes, headers: dict[str, str]) -> None:
    status, _, answer = S3._put_object(bucket, key, body, {"content-length": str(len(body)), **headers})
    if status >= 300:
        raise QueryFailedError("GENERIC_USER_ERROR", f"cannot write s3://{bucket}/{key}: {answer.decode()}")


def _pattern(words: list[str]) -> str:
    return words[-1].strip("'") if words else "*"


def _properties(create: exp.Create) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for entry in create.args["properties"].expressions if create.args.get("properties") else []:
        match entry:
            case exp.FileFormatProperty():
                values["format"] = entry.name
            case exp.PartitionedByProperty():
                values["partitioned_by"] = [item.name for item in entry.this.expressions]
            case exp.Property():
                values[entry.name.lower()] = entry.text("value")
            case _:
                values[entry.key] = entry.sql("trino")
    return values


def _column(name: str, duckdb_type: str) -> Column:
    return Column(name.lower(), hive_type(duckdb_type))


def _glue_columns(columns: list[Column]) -> list[dict[str, str]]:
    return [{"Name": column.name, "Type": column.hive_type} for column in columns]


def _glue(call: Any, request: dict[str, Any]) -> None:
    status, _, body = call(request)
    if status >= 300:
        raise QueryFailedError("GENERIC_USER_ERROR", body.decode() if isinstance(body, bytes) else str(body))


def _add_partition(table: Table, values: list[str], uri: str) -> None:
    storage = {**table.storage, "Location": uri}
    entry = {"Values": values, "StorageDescriptor": storage}
    _glue(
        GLUE._batch_create_partition,
        {"DatabaseName": table.database, "TableName": table.name, "PartitionInputList": [entry]},
    )
