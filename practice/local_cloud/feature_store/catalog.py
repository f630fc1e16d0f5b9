"""The Glue table over a feature group's offline store.

Columns are the features, then what the service adds to a row. A table of the format Glue is partitioned by the hour
of the event time. A table of the format Iceberg is an approximation: it says ``table_type`` ICEBERG, but is read as
plain Parquet files, without Iceberg's metadata, snapshots, or deletion of rows.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
Not in AWS's documentation: the types of the partition keys (text, here), and what happens when there is a table of
that name already. Here the group is not created, as Glue would create no second table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from practice.local_cloud.loopback import client

DEFAULT_CATALOG, DEFAULT_DATABASE = "AwsDataCatalog", "sagemaker_featurestore"
PARTITION_KEYS = ("year", "month", "day", "hour")
ADDED_COLUMNS = {"write_time": "timestamp", "api_invocation_time": "timestamp", "is_deleted": "boolean"}
_HIVE_TYPES = {"String": "string", "Integral": "bigint", "Fractional": "double"}
_PARQUET = "org.apache.hadoop.hive.ql.io.parquet"
_MOST_PARTITIONS = 100

Group = Mapping[str, Any]


def columns(group: Group) -> dict[str, str]:
    """The columns of a row, with their Hive types."""
    features = {d["FeatureName"]: _HIVE_TYPES[d["FeatureType"]] for d in group["FeatureDefinitions"]}
    return features | ADDED_COLUMNS


def is_iceberg(group: Group) -> bool:
    return bool(group["OfflineStoreConfig"].get("TableFormat") == "Iceberg")


def has_own_table(group: Group) -> bool:
    return not group["OfflineStoreConfig"].get("DisableGlueTableCreation")


def create_table(group: Group) -> None:
    database = group["OfflineStoreConfig"]["DataCatalogConfig"]["Database"]
    glue = client("glue")
    if database == DEFAULT_DATABASE:
        with suppress(glue.exceptions.AlreadyExistsException):
            glue.create_database(DatabaseInput={"Name": database})
    glue.get_database(Name=database)
    glue.create_table(DatabaseName=database, TableInput=_table(group))


def update_table(group: Group) -> None:
    """Give the table the columns of features that were added."""
    database = group["OfflineStoreConfig"]["DataCatalogConfig"]["Database"]
    client("glue").update_table(DatabaseName=database, TableInput=_table(group))


def register_partitions(group: Group, partitions: Sequence[tuple[str, ...]]) -> None:
    """Let the table know of folders that hold rows."""
    catalog, storage = group["OfflineStoreConfig"]["DataCatalogConfig"], _storage(group)
    for batch in _batches(partitions):
        answer = client("glue").batch_create_partition(
            DatabaseName=catalog["Database"],
            TableName=catalog["TableName"],
            PartitionInputList=[
                {
                    "Values": list(values),
                    "StorageDescriptor": storage | {"Location": f"{storage['Location']}/{folder(values)}"},
                }
                for values in batch
            ],
        )
        for error in answer.get("Errors", ()):
            detail = error["ErrorDetail"]
            if detail["ErrorCode"] != "AlreadyExistsException":
                raise ClientError({"Error": {"Code": detail["ErrorCode"], "Message": detail["ErrorMessage"]}}, "Glue")


def folder(values: Sequence[str]) -> str:
    return "/".join(f"{key}={value}" for key, value in zip(PARTITION_KEYS, values, strict=True))


def _batches(partitions: Sequence[tuple[str, ...]]) -> Iterator[Sequence[tuple[str, ...]]]:
    for start in range(0, len(partitions), _MOST_PARTITIONS):
        yield partitions[start : start + _MOST_PARTITIONS]


def _table(group: Group) -> dict[str, Any]:
    iceberg = is_iceberg(group)
    keys = [] if iceberg else [{"Name": key, "Type": "string"} for key in PARTITION_KEYS]
    return {
        "Name": group["OfflineStoreConfig"]["DataCatalogConfig"]["TableName"],
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"table_type": "ICEBERG"} if iceberg else {"EXTERNAL": "TRUE", "parquet.compress": "SNAPPY"},
        "PartitionKeys": keys,
        "StorageDescriptor": _storage(group),
    }


def _storage(group: Group) -> dict[str, Any]:
    return {
        "Columns": [{"Name": name.lower(), "Type": hive_type} for name, hive_type in columns(group).items()],
        "Location": group["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"],
        "InputFormat": f"{_PARQUET}.MapredParquetInputFormat",
        "OutputFormat": f"{_PARQUET}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{_PARQUET}.serde.ParquetHiveSerDe"},
    }
