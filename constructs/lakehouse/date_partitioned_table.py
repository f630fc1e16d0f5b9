"""A table that is partitioned by day and never needs a crawler."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from contracts import Contract

FIRST_DAY = next(field for field in Contract.load("orders").fields if field.name == "event_time").earliest[:10]
"""The first day that tables know. The transform refuses older events: no query would find them."""


@dataclass(frozen=True)
class StorageFormat:
    """How Athena reads the files of a table."""

    classification: str
    serde: str
    serde_parameters: Mapping[str, str]
    input_format: str
    output_format: str


PARQUET = StorageFormat(
    classification="parquet",
    serde="org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    serde_parameters={"serialization.format": "1"},
    input_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    output_format="org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
)

JSON_LINES = StorageFormat(
    classification="json",
    serde="org.openx.data.jsonserde.JsonSerDe",
    # a line that is not JSON becomes a row of NULLs instead of an error for the whole query
    serde_parameters={"ignore.malformed.json": "true"},
    input_format="org.apache.hadoop.mapred.TextInputFormat",
    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
)


class DatePartitionedTable(glue.CfnTable):
    """A table over ``<prefix><partition key>=<day>/`` whose partitions Athena computes instead of looking up.

    With partition projection a day is queryable the moment its first object lands: there is no crawler to
    run, no ``MSCK REPAIR TABLE`` and no partition in the catalog to pay for or to forget.

    Source: https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: glue.CfnDatabase,
        name: str,
        description: str,
        bucket: s3.IBucket,
        prefix: str,
        columns: Sequence[glue.CfnTable.ColumnProperty],
        partition_key: str,
        storage_format: StorageFormat,
    ) -> None:
        location = bucket.s3_url_for_object(prefix)
        super().__init__(
            scope,
            construct_id,
            catalog_id=Aws.ACCOUNT_ID,
            database_name=database.ref,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=description,
                table_type="EXTERNAL_TABLE",
                parameters={
                    "classification": storage_format.classification,
                    "projection.enabled": "true",
                    f"projection.{partition_key}.type": "date",
                    f"projection.{partition_key}.format": "yyyy-MM-dd",
                    f"projection.{partition_key}.range": f"{FIRST_DAY},NOW",
                    "storage.location.template": f"{location}{partition_key}=${{{partition_key}}}/",
                },
                partition_keys=[glue.CfnTable.ColumnProperty(name=partition_key, type="date")],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=columns,
                    location=location,
                    input_format=storage_format.input_format,
                    output_format=storage_format.output_format,
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library=storage_format.serde, parameters=storage_format.serde_parameters
                    ),
                ),
            ),
        )
