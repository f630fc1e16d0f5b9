"""What DESCRIBE and SHOW print, as Athena's Hive side prints it."""

from __future__ import annotations

from collections.abc import Mapping

from practice.local_cloud.athena.catalog import Column, Table
from practice.local_cloud.athena.errors import QueryFailedError
from practice.local_cloud.athena.results import Result, ResultColumn


def lines(name: str, texts: list[str]) -> Result:
    """One column of text lines."""
    return Result([ResultColumn(name, "string")], [[text] for text in texts])


def describe(table: Table) -> Result:
    """One tab-separated line per column, then the partition keys, as Hive prints them."""

    def line(*parts: str) -> list[str]:
        return ["\t".join(part.ljust(20) for part in parts)]

    rows = [line(c.name, c.hive_type, "") for c in (*table.columns, *table.partition_keys)]
    if table.partition_keys:
        rows += [line("", "", ""), line("# Partition Information", "", ""), line("# col_name", "data_type", "comment")]
        rows += [line("", "", "")] + [line(key.name, key.hive_type, "") for key in table.partition_keys]
    return Result([ResultColumn("col_name"), ResultColumn("data_type"), ResultColumn("comment")], rows)


def show_partitions(table: Table) -> Result:
    """Catalogued partitions alone: Athena does not list projected ones."""
    if not table.partition_keys:
        raise QueryFailedError("FAILED", f"SemanticException Table {table.name} is not a partitioned table")

    def folders(values: tuple[str, ...]) -> str:
        return "/".join(f"{key.name}={value}" for key, value in zip(table.partition_keys, values, strict=True))

    return lines("partition", sorted(folders(partition.values) for partition in table.catalogued_partitions()))


def show_create_table(table: Table) -> Result:
    def block(columns: tuple[Column, ...]) -> list[str]:
        return [f"  `{c.name}` {c.hive_type}{',' if c is not columns[-1] else ')'}" for c in columns]

    texts = [f"CREATE EXTERNAL TABLE `{table.database}.{table.name}`(", *block(table.columns)]
    if table.partition_keys:
        texts += ["PARTITIONED BY ( ", *block(table.partition_keys)]
    texts += ["ROW FORMAT SERDE ", f"  '{table.serde.get('SerializationLibrary', '')}' "]
    if parameters := table.serde.get("Parameters"):
        texts += ["WITH SERDEPROPERTIES ( ", *_property_lines(parameters)]
    texts += ["STORED AS INPUTFORMAT ", f"  '{table.storage.get('InputFormat', '')}' "]
    texts += ["OUTPUTFORMAT ", f"  '{table.storage.get('OutputFormat', '')}'", "LOCATION"]
    texts += [f"  '{table.storage.get('Location', '')}'", "TBLPROPERTIES (", *_property_lines(table.parameters)]
    return lines("createtab_stmt", texts)


def _property_lines(properties: Mapping[str, str]) -> list[str]:
    entries = sorted(properties.items())
    return [f"  '{k}'='{v}'{', ' if i < len(entries) - 1 else ')'}" for i, (k, v) in enumerate(entries)]
