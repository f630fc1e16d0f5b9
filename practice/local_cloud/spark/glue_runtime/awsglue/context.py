"""Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-glue-context.html"""

from __future__ import annotations

from pyspark import SparkContext
from pyspark.sql import SparkSession


class GlueContext:
    """Where a job gets its Spark session."""

    def __init__(self, spark_context: SparkContext) -> None:
        self.spark_session = SparkSession(spark_context)
