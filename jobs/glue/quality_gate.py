"""Lets a data set pass only if it keeps its ruleset (guide 3.6); Glue starts this script.

Ends with an error that names each failed rule and its number of rows. The rows that failed a rule lie in the
processed zone, for queries, and so does the verdict of every run, passed or not.

Composite rules are judged row by row, so that "NULL or a good value" means each value and not the whole column.

Sources: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-EvaluateDataQuality.html,
https://docs.aws.amazon.com/glue/latest/dg/dqdl.html#dqdl-syntax-composite-rules
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import boto3
from pyspark.sql import functions as F  # noqa: N812 - as everyone calls it
from pyspark.sql.types import StringType, StructField, StructType

from contracts import Contract
from jobs.refinery import storage
from jobs.refinery.arguments import ArgumentError, day, read_arguments, whole_number
from jobs.refinery.customers import newest_batch
from jobs.refinery.quality_measures import measured
from jobs.refinery.quality_verdict import Verdict, rejected_rows, verdict_of
from jobs.refinery.region import region
from jobs.refinery.schemas import features_schema, orders_schema
from jobs.refinery.session import spark_session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

REQUIRED = ("dataset", "ruleset", "raw_bucket", "processed_bucket", "curated_bucket", "as_of", "run_id")
OPTIONAL = {"lookback_days": "400"}


class Judged(NamedTuple):
    rows: DataFrame
    place: str


def main(argv: Sequence[str]) -> Verdict:
    arguments = read_arguments(argv, required=REQUIRED, optional=OPTIONAL)
    data_set, as_of, run_id = arguments["dataset"], day("as_of", arguments["as_of"]), arguments["run_id"]
    ruleset = arguments["ruleset"]
    spark = spark_session("quality_gate")
    judged = _read(spark, data_set, as_of, arguments)
    frame = measured(data_set, judged.rows, as_of).persist()
    outcomes, rows = _evaluate(spark, frame, _dqdl(ruleset), data_set)
    verdict = verdict_of(outcomes, rows, data_set=data_set, ruleset=ruleset, as_of=as_of, run_id=run_id)
    processed = f"s3://{arguments['processed_bucket']}"
    rejected_at, told_at = f"{processed}/rejected/{data_set}/", _verdict_uri(processed, verdict)
    storage.write_partitions(rejected_rows(rows, as_of), rejected_at, "as_of", covers=[as_of.isoformat()])
    storage.put_text(told_at, verdict.to_json())
    verdict.raise_if_failed(judged=judged.place, rejected=f"{rejected_at}as_of={as_of}/", verdict=told_at)
    return verdict


def _verdict_uri(processed: str, verdict: Verdict) -> str:
    return f"{processed}/quality/as_of={verdict.as_of}/{verdict.run_id}-{verdict.data_set}.json"


def _read(spark: SparkSession, data_set: str, as_of: date, arguments: dict[str, str]) -> Judged:
    if data_set == "customers":
        return _customers(spark, arguments["raw_bucket"], as_of)
    if data_set == "orders":
        back = whole_number("lookback_days", arguments["lookback_days"], 1, 3650)
        return _orders(spark, f"s3://{arguments['processed_bucket']}/orders/", as_of, back)
    if data_set == "customer_features":
        place = f"s3://{arguments['curated_bucket']}/staging/customer_features/"
        # as the files are, not as they should be: a column nobody declared is for the rules to find
        schema = None if storage.exists(place) else features_schema()
        return Judged(storage.read_parquet(spark, place, schema), place)
    raise ArgumentError(f"--dataset is {data_set!r}; allowed: customers, orders, customer_features.")


def _customers(spark: SparkSession, raw_bucket: str, as_of: date) -> Judged:
    """The newest batch until the day, as it came."""
    try:
        batch = newest_batch(spark, raw_bucket, as_of)
    except FileNotFoundError:
        names = [field.name for field in Contract.load("customers").given]
        columns = [StructField(name, StringType()) for name in [*names, storage.CORRUPT, "snapshot_date"]]
        return Judged(spark.createDataFrame([], StructType(columns)), f"s3://{raw_bucket}/customers/ until {as_of}")
    return Judged(batch.rows.withColumn("snapshot_date", F.lit(batch.day.isoformat())), batch.place)


def _orders(spark: SparkSession, place: str, as_of: date, lookback_days: int) -> Judged:
    first = as_of - timedelta(days=lookback_days - 1)
    orders = storage.read_parquet(spark, place, orders_schema())
    within = F.col("order_date").between(F.lit(first), F.lit(as_of))
    return Judged(orders.where(within), f"{place} from {first} to {as_of}")


def _dqdl(ruleset: str) -> str:
    return str(boto3.client("glue", region_name=region()).get_data_quality_ruleset(Name=ruleset)["Ruleset"])


def _evaluate(spark: SparkSession, frame: DataFrame, dqdl: str, context: str) -> tuple[DataFrame, DataFrame]:
    """Glue's outcomes of the rules and of the rows. Its library exists on Glue, and in the local cloud."""
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame
    from awsgluedq.transforms import EvaluateDataQuality

    evaluated: Any = EvaluateDataQuality().process_rows(
        frame=DynamicFrame.fromDF(frame, GlueContext(spark.sparkContext), context),
        ruleset=dqdl,
        publishing_options={
            "dataQualityEvaluationContext": context,
            "enableDataQualityCloudWatchMetrics": False,
            "enableDataQualityResultsPublishing": False,
        },
        additional_options={"compositeRuleEvaluation.method": "ROW"},
    )
    return evaluated.select("ruleOutcomes").toDF(), evaluated.select("rowLevelOutcomes").toDF()


if __name__ == "__main__":
    main(sys.argv[1:])
