"""The settings under which every job computes, in Glue as on a laptop."""

from __future__ import annotations

from pyspark.sql import SparkSession

SETTINGS = {
    # a day is a day in UTC, wherever the machine stands
    "spark.sql.session.timeZone": "UTC",
    # an overflow or a bad cast ends the job instead of becoming NULL; where NULL is meant, the code says try_cast
    "spark.sql.ansi.enabled": "true",
    # should anything overwrite a table, it loses the partitions that are written and no other
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    # the same type in a file whoever reads it, where Hive's INT96 has no order and no statistics
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
}
"""Settings of the session, not of the cluster: they hold in a session that Glue has already started, too.

Source: https://spark.apache.org/docs/3.5.6/sql-ref-ansi-compliance.html
"""


def spark_session(job: str) -> SparkSession:
    """The session of a job: the one that runs here, or a new one, with these settings."""
    builder = SparkSession.builder.appName(job)
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()
