"""The tables of the order stream, from raw to failed."""

from collections.abc import Mapping

from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from contracts import Contract
from guardrails.guide import illustrates
from lakehouse.date_partitioned_table import JSON_LINES, PARQUET, DatePartitionedTable
from lakehouse.zone import Zone

RAW_PREFIX = "orders/"
PROCESSED_PREFIX = "orders/"
ERRORS_PREFIX = "errors/"
_FAILED_RECORD = {
    "attemptsMade": "int",
    "arrivalTimestamp": "bigint",
    "errorCode": "string",
    "errorMessage": "string",
    "attemptEndingTimestamp": "bigint",
    "rawData": "string",
    "lambdaArn": "string",
}


class OrdersTables(Construct):
    """Orders as they came, as they were accepted, and as they were refused.

    - ``raw.orders``: every record, untouched. All columns are strings, because raw data may hold anything.
    - ``processed.orders``: what fits the contract, in the contract's types. Firehose converts to Parquet
      against this very table, so the table and its files cannot drift apart.
    - ``processed.orders_failed``: what the transform refused, as Firehose's error records, the original in
      ``rawData`` (base64). Firehose writes errors to its destination, so they lie in the processed bucket.

    Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-failure-handling.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        databases: Mapping[Zone, glue.CfnDatabase],
        zones: Mapping[Zone, s3.IBucket],
    ) -> None:
        super().__init__(scope, construct_id)
        illustrates(self, "3.3")
        contract = Contract.load("orders")
        self.raw = DatePartitionedTable(
            self,
            "Raw",
            database=databases[Zone.RAW],
            name="orders",
            description=f"As it came: {contract.description}",
            bucket=zones[Zone.RAW],
            prefix=RAW_PREFIX,
            columns=[
                glue.CfnTable.ColumnProperty(name=field.name, type="string", comment=field.description)
                for field in contract.fields
                if not field.read_only
            ],
            partition_key="ingest_date",
            storage_format=JSON_LINES,
        )
        self.processed = DatePartitionedTable(
            self,
            "Processed",
            database=databases[Zone.PROCESSED],
            name="orders",
            description=contract.description,
            bucket=zones[Zone.PROCESSED],
            prefix=PROCESSED_PREFIX,
            columns=[
                glue.CfnTable.ColumnProperty(name=field.name, type=field.glue_type, comment=field.description)
                for field in contract.fields
            ],
            partition_key="order_date",
            storage_format=PARQUET,
        )
        self.failed = DatePartitionedTable(
            self,
            "Failed",
            database=databases[Zone.PROCESSED],
            name="orders_failed",
            description="Orders that the transform refused, with the original record in rawData",
            bucket=zones[Zone.PROCESSED],
            prefix=f"{ERRORS_PREFIX}processing-failed/",
            columns=[
                glue.CfnTable.ColumnProperty(name=name.lower(), type=type_) for name, type_ in _FAILED_RECORD.items()
            ],
            partition_key="failed_date",
            storage_format=JSON_LINES,
        )
