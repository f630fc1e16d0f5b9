"""A crawl: finds the tables and partitions in the folders of S3 targets, and writes them to the catalog.

A folder is a table when all that lies below it is of one format and has mostly the same columns; the folders between
the table and its objects are its partitions, named by ``key=value`` or ``partition_0``. Glue decides by the majority
of an undisclosed measure, so a border case may come out differently on AWS.

Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-folder-table-partition.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from practice.local_cloud.athena.catalog import Location, Table
from practice.local_cloud.athena.statements import PARQUET_STORAGE
from practice.local_cloud.glue.crawler_schema import Schema, classify, same_columns
from practice.local_cloud.hooks import GLUE, S3
from practice.local_cloud.object_store import S3Object, list_objects

NEW_FOLDERS_ONLY = "CRAWL_NEW_FOLDERS_ONLY"
_TEXT_STORAGE = {
    "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
}


class CrawlError(Exception):
    """The crawl ends as FAILED with this message."""


class CrawlStoppedError(Exception):
    """StopCrawler was called."""


@dataclass
class Found:
    """A table that the folders hold: by partition values the folder of the partition."""

    location: Location
    schema: Schema
    keys: list[str]
    partitions: dict[tuple[str, ...], Location] = field(default_factory=dict)


@dataclass
class Crawl:
    """One run of a crawler. ``seen`` are the folders of earlier runs; the run adds its own."""

    crawler: Mapping[str, Any]
    seen: set[str]
    stopped: Callable[[], bool]
    _known: list[Table] = field(default_factory=list)

    def run(self) -> None:
        targets = self.crawler["Targets"]
        if other := sorted(kind for kind, entries in targets.items() if kind != "S3Targets" and entries):
            raise CrawlError(f"the local cloud crawls S3Targets alone, not {', '.join(other)}")
        if self.crawler["DatabaseName"] not in GLUE._databases:
            raise CrawlError(f"Database {self.crawler['DatabaseName']} does not exist")
        incremental = self._behavior == NEW_FOLDERS_ONLY and bool(self.seen)
        self._known = self._known_tables() if incremental else []
        folders: set[str] = set()
        for target in targets.get("S3Targets") or []:
            include = Location.parse(target["Path"])
            if include.bucket not in S3._buckets:
                raise CrawlError(f"The specified bucket does not exist: {include.bucket}")
            items = [item for item in list_objects(include.bucket, include.prefix) if not _excluded(item, target)]
            folders |= {_folder(item) for item in items}
            if incremental:
                items = [item for item in items if _folder(item) not in self.seen]
            content = self._classified(items)
            for found in self._tables_below(include, self._without_known_partitions(content)):
                self._write(found)
        if not incremental:
            self._handle_deleted()
        self.seen |= folders

    @property
    def _behavior(self) -> str:
        return str((self.crawler.get("RecrawlPolicy") or {}).get("RecrawlBehavior") or "CRAWL_EVERYTHING")

    @property
    def _configuration(self) -> Mapping[str, Any]:
        return json.loads(self.crawler.get("Configuration") or "{}") or {}

    def _policy(self, kind: str, default: str) -> str:
        return str((self.crawler.get("SchemaChangePolicy") or {}).get(kind) or default)

    def _classified(self, items: Iterable[S3Object]) -> list[tuple[S3Object, Schema]]:
        classified = []
        for item in items:
            if self.stopped():
                raise CrawlStoppedError
            if (schema := classify(item)) is not None:
                classified.append((item, schema))
        return classified

    def _tables_below(self, folder: Location, content: list[tuple[S3Object, Schema]]) -> list[Found]:
        if not content:
            return []
        children: dict[str, list[tuple[S3Object, Schema]]] = {}
        for item, schema in content:
            child, slash, _ = item.key[len(folder.prefix) :].partition("/")
            children.setdefault(child + slash, []).append((item, schema))
        if self._is_table(folder, [schema for _, schema in content], list(children)):
            return [_table(folder, content)]
        found = []
        for child, below in children.items():
            inner = Location(folder.bucket, folder.prefix + child)
            found += self._tables_below(inner, below) if child.endswith("/") else [_table(inner, below)]
        return found

    def _is_table(self, folder: Location, schemas: list[Schema], children: list[str]) -> bool:
        if any(t.location.bucket == folder.bucket and t.location.prefix.startswith(folder.prefix) for t in self._known):
            return False
        grouping = self._configuration.get("Grouping") or {}
        if level := grouping.get("TableLevelConfiguration"):
            return folder.prefix.count("/") + 1 >= int(level)
        if all("=" in child and child.endswith("/") for child in children) or (
            grouping.get("TableGroupingPolicy") == "CombineCompatibleSchemas"
        ):
            return all(schemas[0].compatible(schema) for schema in schemas)
        return all(schemas[0].similar(schema) for schema in schemas)

    def _known_tables(self) -> list[Table]:
        definitions = [d for key, d in GLUE._tables.items() if key.startswith(f"{self.crawler['DatabaseName']}/")]
        return [table for table in map(Table, definitions) if table.storage.get("Location")]

    def _without_known_partitions(self, content: list[tuple[S3Object, Schema]]) -> list[tuple[S3Object, Schema]]:
        """Add what is a new partition of a known table to it; return the rest."""
        rest = []
        for item, schema in content:
            owner = next((table for table in self._known if _is_partition_of(item, schema, table)), None)
            if owner is None:
                rest.append((item, schema))
            else:
                folders = item.key[len(owner.location.prefix) :].split("/")[:-1]
                values = tuple(folder.split("=", 1)[-1] for folder in folders)
                _add_partitions(owner.database, owner.name, {values: Location.parse(_folder(item))}, owner.storage)
        return rest

    def _write(self, found: Found) -> None:
        database = self.crawler["DatabaseName"]
        uri = f"s3://{found.location.bucket}/{found.location.prefix}"
        parts = found.location.prefix.rstrip("/").split("/")
        name = f"{self.crawler.get('TablePrefix') or ''}{_table_name(parts[-1] or found.location.bucket)}"
        known = GLUE._tables.get(f"{database}/{name}")
        if known and str(known["StorageDescriptor"].get("Location", "")).rstrip("/") != uri.rstrip("/"):
            name = f"{name}_{hashlib.md5(uri.encode(), usedforsecurity=False).hexdigest()}"
            known = GLUE._tables.get(f"{database}/{name}")
        storage = _storage(found.schema, uri)
        definition = {
            "Name": name,
            "Owner": "owner",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {**_parameters(found.schema), "UPDATED_BY_CRAWLER": self.crawler["Name"]},
            "StorageDescriptor": storage,
            "PartitionKeys": [{"Name": key, "Type": "string"} for key in found.keys],
        }
        request = {"DatabaseName": database, "TableInput": definition}
        if known is None:
            GLUE._create_table(request)
        elif self._policy("UpdateBehavior", "UPDATE_IN_DATABASE") == "UPDATE_IN_DATABASE":
            GLUE._update_table(request)
        else:
            storage = known["StorageDescriptor"]
        _add_partitions(database, name, found.partitions, storage)

    def _handle_deleted(self) -> None:
        """Tables of this crawler whose objects are gone, as DeleteBehavior says."""
        behavior = self._policy("DeleteBehavior", "DEPRECATE_IN_DATABASE")
        database = self.crawler["DatabaseName"]
        for key, definition in GLUE._tables.items():
            table = Table(definition)
            if not key.startswith(f"{database}/") or table.parameters.get("UPDATED_BY_CRAWLER") != self.crawler["Name"]:
                continue
            if next(list_objects(table.location.bucket, table.location.prefix.rstrip("/")), None) is None:
                if behavior == "DELETE_FROM_DATABASE":
                    GLUE._delete_table({"DatabaseName": database, "Name": table.name})
                elif behavior == "DEPRECATE_IN_DATABASE":
                    definition["Parameters"] = {**table.parameters, "DEPRECATED_BY_CRAWLER": self.crawler["Name"]}


def _folder(item: S3Object) -> str:
    return item.uri[: item.uri.rfind("/") + 1]


def _is_partition_of(item: S3Object, schema: Schema, table: Table) -> bool:
    """Whether the object lies as deep below the table as its partitions do, and looks like one of them."""
    location = table.location
    if not table.partition_keys or location.bucket != item.bucket or not item.key.startswith(location.prefix):
        return False
    folders = item.key[len(location.prefix) :].split("/")[:-1]
    named = all("=" in folder for folder in folders)
    return len(folders) == len(table.partition_keys) and (named or same_columns(schema.columns, table.columns))


_GLOB = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def _excluded(item: S3Object, target: Mapping[str, Any]) -> bool:
    """Whether one of the target's glob patterns, relative to its path, matches.

    Source: https://docs.aws.amazon.com/glue/latest/dg/define-crawler-choose-data-sources.html
    """
    relative = item.key[len(Location.parse(target["Path"]).prefix) :]
    return any(re.fullmatch(_regular_expression(glob), relative) for glob in target.get("Exclusions") or [])


def _regular_expression(glob: str) -> str:
    def translate(part: re.Match[str]) -> str:
        if part[0].startswith("{"):
            return f"(?:{'|'.join(map(_regular_expression, part[0][1:-1].split(',')))})"
        return _GLOB.get(part[0]) or (part[0] if part[0].startswith("[") else re.escape(part[0]))

    return re.sub(r"\*\*|[*?]|\{[^}]*\}|\[[^\]]*\]|[^*?{\[]+", translate, glob)


def _table(folder: Location, content: list[tuple[S3Object, Schema]]) -> Found:
    schema = reduce(Schema.merged, (schema for _, schema in content))
    depths = {item.key[len(folder.prefix) :].count("/") for item, _ in content}
    found = Found(folder, schema, [])
    if len(depths) == 1 and depths != {0}:
        for item, _ in content:
            folders = item.key[len(folder.prefix) :].split("/")[:-1]
            found.keys = [
                name.split("=")[0].lower() if "=" in name else f"partition_{i}" for i, name in enumerate(folders)
            ]
            values = tuple(name.split("=", 1)[-1] for name in folders)
            found.partitions[values] = Location.parse(_folder(item))
    return found


def _table_name(folder: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", folder.lower())


def _storage(schema: Schema, uri: str) -> dict[str, Any]:
    columns = [{"Name": column.name, "Type": column.hive_type} for column in schema.columns]
    shared = {"Columns": columns, "Location": uri, "Compressed": schema.compressed, "NumberOfBuckets": -1}
    match schema.classification:
        case "parquet":
            return {**PARQUET_STORAGE, **shared}
        case "json":
            library = "org.openx.data.jsonserde.JsonSerDe"
            parameters = {"paths": ",".join(column.name for column in schema.columns)}
        case _:
            library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
            parameters = {"field.delim": schema.delimiter}
    return {**_TEXT_STORAGE, **shared, "SerdeInfo": {"SerializationLibrary": library, "Parameters": parameters}}


def _parameters(schema: Schema) -> dict[str, str]:
    parameters = {
        "classification": schema.classification,
        "compressionType": "gzip" if schema.compressed else "none",
        "typeOfData": "file",
    }
    if schema.classification == "csv":
        parameters |= {"delimiter": schema.delimiter, "columnsOrdered": "true", "areColumnsQuoted": "false"}
        if schema.header:
            parameters["skip.header.line.count"] = "1"
    return parameters


def _add_partitions(
    database: str, table: str, partitions: Mapping[tuple[str, ...], Location], storage: Mapping[str, Any]
) -> None:
    known = {tuple(entry["Values"]) for entry in GLUE._partitions.get(f"{database}/{table}") or []}
    entries = [
        {
            "Values": list(values),
            "StorageDescriptor": {**storage, "Location": f"s3://{location.bucket}/{location.prefix}"},
        }
        for values, location in partitions.items()
        if values not in known
    ]
    GLUE._batch_create_partition({"DatabaseName": database, "TableName": table, "PartitionInputList": entries})
