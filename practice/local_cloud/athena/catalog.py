"""The Glue Data Catalog as a query sees it: databases, tables, partitions. Names are lower-case, as in Athena."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlparse

from sqlglot import exp

from practice.local_cloud.athena.errors import not_emulated, table_not_found
from practice.local_cloud.hooks import GLUE

_VIEW_PREFIX, _VIEW_SUFFIX = "/* Presto View: ", " */"
_ESCAPED = re.compile(r"""[\x00-\x1f"#%'*/:=?\\{\[\]^\x7f]""")
"""What Hive does not write into the name of a partition's folder as it is.

Source: ``escapePathName`` in https://github.com/apache/hive/blob/master/common/src/java/org/apache/hadoop/hive/common/FileUtils.java
"""


@dataclass(frozen=True)
class Column:
    """A column with its Hive type."""

    name: str
    hive_type: str

    @cached_property
    def type(self) -> exp.DataType:
        return exp.DataType.build(self.hive_type, dialect="hive")

    @property
    def duckdb_type(self) -> str:
        return self.type.sql("duckdb")


def hive_type(duckdb_type: str) -> str:
    """The Hive type of a column that DuckDB inferred or computed."""
    parsed = exp.DataType.build(duckdb_type, dialect="duckdb")
    if parsed.is_type("int128"):
        return "bigint"
    if parsed.is_type("timestamptz"):
        return "timestamp"
    return parsed.sql("hive").lower().replace(", ", ",").replace(": ", ":")


@dataclass(frozen=True)
class Location:
    """``s3://bucket/prefix/``; the prefix ends with a slash, or is empty."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, uri: str) -> Location:
        parsed = urlparse(uri)
        prefix = uri.split(parsed.netloc, 1)[1].lstrip("/")
        return cls(parsed.netloc, prefix if not prefix or prefix.endswith("/") else prefix + "/")


@dataclass(frozen=True)
class Partition:
    """One partition: its values in key order, and the folder that holds it."""

    values: tuple[str, ...]
    location: Location


class Table:
    """A table or view of the catalog."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self.definition = definition
        self.database = str(definition["DatabaseName"])
        self.name = str(definition["Name"])
        self.storage: Mapping[str, Any] = definition.get("StorageDescriptor") or {}
        self.serde: Mapping[str, Any] = self.storage.get("SerdeInfo") or {}
        self.parameters: Mapping[str, str] = definition.get("Parameters") or {}
        self.columns = _columns(self.storage.get("Columns"))
        self.partition_keys = _columns(definition.get("PartitionKeys"))

    @property
    def location(self) -> Location:
        return Location.parse(str(self.storage["Location"]))

    @property
    def view_sql(self) -> str | None:
        """The statement behind a view, None for a table."""
        text = str(self.definition.get("ViewOriginalText") or "")
        if self.definition.get("TableType") != "VIRTUAL_VIEW" or not text.startswith(_VIEW_PREFIX):
            return None
        encoded = text.removeprefix(_VIEW_PREFIX).removesuffix(_VIEW_SUFFIX)
        return str(json.loads(base64.b64decode(encoded))["originalSql"])

    @property
    def format(self) -> str:
        """``parquet``, ``json`` (either SerDe), ``opencsv`` or ``delimited``."""
        library = str(self.serde.get("SerializationLibrary") or "").lower()
        for fragment, name in (
            ("parquet", "parquet"),
            ("jsonserde", "json"),
            ("opencsvserde", "opencsv"),
            ("lazysimpleserde", "delimited"),
        ):
            if fragment in library:
                return name
        raise not_emulated(f"tables with the SerDe {library or 'none'} ({self.database}.{self.name})")

    def catalogued_partitions(self) -> Iterator[Partition]:
        for entry in GLUE._partitions.get(f"{self.database}/{self.name}") or []:
            location = (entry.get("StorageDescriptor") or {}).get("Location") or self.hive_location(entry["Values"])
            yield Partition(tuple(entry["Values"]), Location.parse(location))

    def hive_location(self, values: tuple[str, ...] | list[str]) -> str:
        pairs = zip(self.partition_keys, values, strict=True)
        folders = "/".join(f"{key.name}={_ESCAPED.sub(_escape, value)}" for key, value in pairs)
        return f"{str(self.storage['Location']).rstrip('/')}/{folders}/"


def _escape(found: re.Match[str]) -> str:
    return f"%{ord(found[0]):02X}"


def view_text(sql: str, database: str, columns: list[Column]) -> str:
    """What Athena stores in ``ViewOriginalText``."""
    view = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": database,
        "columns": [{"name": column.name, "type": column.type.sql("trino").lower()} for column in columns],
    }
    return _VIEW_PREFIX + base64.b64encode(json.dumps(view).encode()).decode() + _VIEW_SUFFIX


def find_table(database: str, name: str, line: int = 1, column: int = 1) -> Table:
    """The table, or Athena's TABLE_NOT_FOUND."""
    for key, definition in GLUE._tables.items():
        if key.lower() == f"{database}/{name}".lower():
            return Table(definition)
    raise table_not_found(database, name, line, column)


def hive_partition_values(relative_key: str, names: list[str]) -> tuple[str, ...] | None:
    """``('2024-01-01',)`` from ``order_date=2024-01-01/file``; None where a folder is missing."""
    folders = dict(part.split("=", 1) for part in relative_key.split("/")[:-1] if "=" in part)
    lowered = {name.lower(): unquote(value) for name, value in folders.items()}
    return tuple(lowered[name] for name in names) if all(name in lowered for name in names) else None


def _columns(entries: list[Mapping[str, str]] | None) -> tuple[Column, ...]:
    return tuple(Column(entry["Name"].lower(), entry.get("Type") or "string") for entry in entries or [])
