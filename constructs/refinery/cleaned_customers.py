"""The cleaned customers, as a table."""

from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from contracts import Contract
from lakehouse.date_partitioned_table import PARQUET, DatePartitionedTable

CLEANED_CUSTOMERS_PREFIX = "cleaned_customers/"


class CleanedCustomersTable(DatePartitionedTable):
    """``processed.cleaned_customers``: what passed the gate, each customer once a batch, in the contract's types.

    The crawler's table of the raw customers shows the file as it came, by position and with whatever stands in it;
    queries that join customers use this one.
    """

    def __init__(self, scope: Construct, construct_id: str, *, database: glue.CfnDatabase, bucket: s3.IBucket) -> None:
        contract = Contract.load("customers")
        super().__init__(
            scope,
            construct_id,
            database=database,
            name="cleaned_customers",
            description=contract.description,
            bucket=bucket,
            prefix=CLEANED_CUSTOMERS_PREFIX,
            columns=[
                glue.CfnTable.ColumnProperty(name=field.name, type=field.glue_type, comment=field.description)
                for field in contract.fields
            ],
            partition_key="snapshot_date",
            storage_format=PARQUET,
        )
