"""What the gates said, and what they rejected, as tables."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import aws_glue as glue
from aws_cdk import aws_s3 as s3
from constructs import Construct

from contracts import Contract
from lakehouse.date_partitioned_table import JSON_LINES, PARQUET, DatePartitionedTable
from refinery.quality_rulesets import DATASETS

QUERIES = Path(__file__).parent / "queries"
VERDICTS_PREFIX = "quality/"
REJECTED_PREFIX = "rejected/"

_DAY = "as_of"
_VERDICT = {
    "data_set": "string",
    "ruleset": "string",
    "run_id": "string",
    "passed": "boolean",
    "score": "double",
    "rows": "bigint",
    "rejected_rows": "bigint",
    "rules": "array<struct<rule:string,passed:boolean,failed_rows:bigint,message:string>>",
}
_AS_JUDGED = {
    "customers": {
        "_corrupt_record": "string",
        "snapshot_date": "string",
        "age": "int",
        "days_since_signup": "int",
        "days_since_snapshot": "int",
        "signup_date_number": "int",
        "birth_year_number": "int",
    },
    "orders": {
        "order_date": "date",
        "days_off_partition": "int",
        "days_since_event": "int",
        "seconds_until_sent": "bigint",
        "event_time_number": "int",
        "sent_time_number": "int",
        "arrival_time_number": "int",
    },
    "customer_features": {
        "event_time": "string",
        "cutoff_date": "date",
        "days_off_partition": "int",
        "days_since_cutoff": "int",
        "T_minus_recency": "int",
        "orders_window_growth": "int",
        "spend_window_growth": "double",
        "event_time_number": "int",
    },
}
"""Where a gate's rows differ from the contract: the partition, and what jobs/refinery/quality_measures.py measures.

Told here, because there is no Spark at synth to ask for the types; a test compares them with what a gate writes.
"""


class QualityTables(Construct):
    """The verdicts of all gates, and the rows that each has rejected, by the day of the run.

    - ``quality_verdicts``: one row per run and data set, with how each rule came out.
    - ``rejected_<data set>``: one row per row that failed a rule, as it was judged, with what was measured of it and
      ``failed_rules``. Customers are text, because they are judged as they came.
    """

    def __init__(self, scope: Construct, construct_id: str, *, database: glue.CfnDatabase, bucket: s3.IBucket) -> None:
        super().__init__(scope, construct_id)
        DatePartitionedTable(
            self,
            "Verdicts",
            database=database,
            name="quality_verdicts",
            description="What the quality gates said, a row for each run and data set",
            bucket=bucket,
            prefix=VERDICTS_PREFIX,
            columns=_columns(_VERDICT),
            partition_key=_DAY,
            storage_format=JSON_LINES,
        )
        for data_set in DATASETS:
            DatePartitionedTable(
                self,
                f"Rejected{data_set.title().replace('_', '')}",
                database=database,
                name=f"rejected_{data_set}",
                description=f"The {data_set.replace('_', ' ')} that the gate rejected, with the rules each failed",
                bucket=bucket,
                prefix=f"{REJECTED_PREFIX}{data_set}/",
                columns=_columns(_rejected(data_set)),
                partition_key=_DAY,
                storage_format=PARQUET,
            )


def _rejected(data_set: str) -> Mapping[str, str]:
    fields = Contract.load(data_set).fields
    declared = {field.name: "string" if data_set == "customers" else field.glue_type for field in fields}
    return declared | _AS_JUDGED[data_set] | {"failed_rules": "array<string>"}


def _columns(types: Mapping[str, str]) -> list[glue.CfnTable.ColumnProperty]:
    """Athena knows lower-case names alone, and finds the column of a Parquet file in whatever case.

    Source: https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
    """
    return [glue.CfnTable.ColumnProperty(name=name.lower(), type=type_) for name, type_ in types.items()]
