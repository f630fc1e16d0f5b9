"""Spark's Java classes, loaded and checked once and kept as Java can map them: a job starts some seconds earlier.

``make local`` and ``make test`` write the archive into the virtual environment, once. Java passes over an
archive that was written by another Java or from other jars, and one that is not there is not used: then a job starts
as slowly as without.

Source: https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from practice.local_cloud.spark.java import java_home

ARCHIVE = Path(sys.prefix) / "spark-classes.jsa"
QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
"""A Java that does not optimise for the long run: a local job takes seconds."""

_WORKLOAD = """
import sys
from pyspark.sql import SparkSession, Window, functions as F
builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
spark = builder.config("spark.driver.extraJavaOptions", sys.argv[1]).getOrCreate()
frame = spark.range(100).select("id", (F.col("id") % 3).alias("part"), F.current_timestamp().alias("time"))
frame.repartition("part").write.partitionBy("part").parquet(sys.argv[2] + "/table")
read = spark.read.schema(frame.schema).parquet(sys.argv[2] + "/table").where("id > 1")
window = Window.partitionBy("part").orderBy("id")
read.withColumn("n", F.row_number().over(window)).join(read, "id").groupBy("n").agg(F.sum("id")).collect()
frame.write.csv(sys.argv[2] + "/csv", header=True)
spark.read.csv(sys.argv[2] + "/csv", header=True).count()
spark.stop()
"""


def java_options() -> str:
    """What a local Spark passes to its Java."""
    return f'{QUICK_START} "-XX:SharedArchiveFile={ARCHIVE}"' if ARCHIVE.exists() else QUICK_START


def write(archive: Path = ARCHIVE) -> None:
    """Run a small job, and keep the classes that it loaded. It appears whole, or not at all."""
    partial = archive.with_suffix(f".{os.getpid()}.partial")
    with tempfile.TemporaryDirectory() as scratch:
        options = f'{QUICK_START} "-XX:ArchiveClassesAtExit={partial}" -Xlog:cds=off -Xlog:cds+dynamic=off'
        # the job's shell waits for its Java, which writes the archive while it ends
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-c", _WORKLOAD + _WAIT, options, scratch],
            env={**os.environ, "JAVA_HOME": str(java_home()), "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": ""},
            check=True,
            capture_output=True,
        )
    partial.replace(archive)


_WAIT = """
gateway = spark.sparkContext._gateway
gateway.shutdown()
gateway.proc.stdin.close()
gateway.proc.wait()
"""


if __name__ == "__main__":
    write()
