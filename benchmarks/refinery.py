"""How fast the refinery's jobs are, and how they grow: ``python -m benchmarks.refinery``.

Each job runs whole, from its arguments to its last write, in a process and a local Spark of its own. The floor is a
plain read and write of the same rows into the same partitions. Job and floor take turns on the same disk, and so do
the rows and ten times as many, so a busy machine slows all of them; of the ratios within a turn the median counts.

The disk is seen by Spark and by the jobs as ``s3://``: what is measured is the jobs, not a network.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psutil
from pyspark.sql import SparkSession

from contracts import Contract
from jobs.glue import build_customer_features, clean_orders
from jobs.refinery import storage
from jobs.refinery.schemas import cleaned_orders_schema, orders_schema
from jobs.refinery.session import SETTINGS
from practice.local_cloud.spark.java import java_home
from practice.paths import path_of

ROWS = 50_000
TIMES = 10
ROUNDS = 3
GOALS = {"clean": 3.0}
"""How many times as long as the floor a job may take. No goal for the features: they are another table."""

AS_OF = date(2026, 11, 22)
DAYS = 200
ORDERS_PER_CUSTOMER = 8
REPEATED = 0.02
JAVA_HEAP = "2g"

_AT = f"TIMESTAMP '{AS_OF + timedelta(days=1)}' - to_seconds(1 + floor(pow(u, 0.9) * {DAYS * 86_400 - 3_600})::BIGINT)"
_ORDER = {
    "event_id": "uuid()::VARCHAR",
    "event_type": "if(random() < 0.05, 'return', 'purchase')",
    "event_time": _AT,
    "sent_time": f"{_AT} + to_milliseconds(300)",
    "order_id": "'O-' || i",
    "customer_id": "'C-' || (1 + floor(pow(random(), 2) * $customers))::BIGINT",
    "product_id": "'P-' || floor(random() * 10000)::BIGINT",
    "category": "['books', 'electronics', 'fashion', 'garden', 'groceries', 'home', 'sports', 'toys'][1 + i % 8]",
    "channel": "['app', 'store', 'web'][1 + i % 3]",
    "quantity": "1 + i % 5",
    "amount": "round(1 + random() * 400, 2)",
    "currency": "if(random() < 0.9, 'EUR', 'USD')",
    "country": "['DE', 'US', 'GB', 'FR'][1 + i % 4]",
    "coupon": "if(random() < 0.3, 'WELCOME10', NULL)",
    "arrival_time": f"{_AT} + to_seconds((2 + random() * 60)::BIGINT)",
}


def generate(folder: Path, rows: int) -> None:
    """A bucket of the raw zone with customers, and one of the processed zone with orders, a few of them repeated."""
    customers = rows // ORDERS_PER_CUSTOMER
    columns = ", ".join(
        f"({_ORDER[field.name]})::{'VARCHAR' if field.glue_type == 'string' else field.glue_type} AS {field.name}"
        for field in Contract.load("orders").fields
    )
    batch, orders = folder / f"raw-{rows}/customers/snapshot_date={AS_OF}", folder / f"processed-{rows}/orders"
    for made in (batch, orders, folder / f"curated-{rows}"):
        made.mkdir(parents=True)
    with duckdb.connect() as shop:
        shop.execute("SET threads = 1")
        shop.execute("SELECT setseed(0.5)")
        numbers = f"SELECT i, random() AS u FROM range({round(rows * (1 - REPEATED))}) AS t(i)"  # noqa: S608
        shop.execute(
            f"CREATE TABLE orders AS SELECT {columns} FROM ({numbers})".replace("$customers", f"{customers}")  # noqa: S608
        )
        shop.execute(
            "INSERT INTO orders SELECT * REPLACE (arrival_time + INTERVAL 5 SECOND AS arrival_time) "  # noqa: S608
            f"FROM orders ORDER BY event_id LIMIT {round(rows * REPEATED)}"
        )
        shop.execute(
            f"COPY (SELECT *, event_time::DATE AS order_date FROM orders) TO '{orders}' "  # noqa: S608
            "(FORMAT parquet, COMPRESSION snappy, PARTITION_BY (order_date), OVERWRITE_OR_IGNORE)"
        )
        shop.execute(
            "COPY (SELECT 'C-' || (i + 1) AS customer_id, DATE '2026-01-01' + (i % 90)::INT AS signup_date, "  # noqa: S608
            "'DE' AS country, 'social' AS acquisition_channel, 'true' AS marketing_opt_in, 1950 + i % 50 AS birth_year "
            f"FROM range({customers}) AS t(i)) TO '{batch / 'customers.csv'}' (HEADER)"
        )


class Disk:
    """As much of an S3 client as the jobs use, over folders that Spark reads and writes as buckets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_paginator(self, _: str) -> Disk:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - of boto3
        bucket = self._folder / Bucket
        keys = (f"{path.relative_to(bucket)}" for path in sorted(bucket.rglob("*")) if path.is_file())
        yield {"Contents": [{"Key": key} for key in keys if key.startswith(Prefix)]}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": path_of(self._folder / Bucket, Key).open("rb")}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        path_of(self._folder / Bucket, Key).write_bytes(Body)

    def delete_objects(self, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        for item in Delete["Objects"]:
            path = path_of(self._folder / Bucket, item["Key"])
            path.unlink(missing_ok=True)
            path.with_name(f".{path.name}.crc").unlink(missing_ok=True)
        return {}


def start_spark(folder: Path) -> SparkSession:
    os.environ |= {"JAVA_HOME": str(java_home()), "SPARK_LOCAL_IP": "127.0.0.1"}
    view = "spark.hadoop.fs.viewfs"
    settings = SETTINGS | {
        "spark.driver.memory": JAVA_HEAP,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": str(folder),
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        f"{view}.overload.scheme.target.file.impl": "org.apache.hadoop.fs.LocalFileSystem",
        **{f"{view}.mounttable.{bucket.name}.linkFallback": bucket.as_uri() for bucket in folder.glob("*-*")},
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def clean(rows: int) -> None:
    buckets = ["--raw_bucket", f"raw-{rows}", "--processed_bucket", f"processed-{rows}"]
    clean_orders.main([*buckets, "--as_of", f"{AS_OF}"])


def features(rows: int) -> None:
    buckets = ["--processed_bucket", f"processed-{rows}", "--curated_bucket", f"curated-{rows}"]
    cutoffs = f"{AS_OF - timedelta(days=90)},{AS_OF}"
    build_customer_features.main([*buckets, "--as_of", f"{AS_OF}", "--cutoffs", cutoffs])


JOBS = {
    "clean": (clean, "orders", orders_schema()),
    "features": (features, "cleaned_orders", cleaned_orders_schema()),
}


def measure(name: str, folder: Path) -> bool:
    """Print what one job takes; returns whether it keeps its goals."""
    spark = start_spark(folder)
    storage._s3 = lambda: Disk(folder)
    job, table, schema = JOBS[name]

    def floor(rows: int) -> None:
        read = spark.read.schema(schema).parquet(f"s3://processed-{rows}/{table}/")
        read.write.mode("overwrite").partitionBy("order_date").parquet(f"s3://curated-{rows}/floor/")

    few, many = ROWS, ROWS * TIMES
    for warm_up in (floor, job, floor, job):
        warm_up(few)
    memory = Memory()
    seconds = [
        [_seconds(floor, few), _seconds(job, few, memory), _seconds(floor, many), _seconds(job, many, memory)]
        for _ in range(ROUNDS)
    ]
    floor_seconds, job_seconds = (statistics.median(turn[i] for turn in seconds) for i in (2, 3))
    ratio = statistics.median(turn[3] / turn[2] for turn in seconds)
    growth = statistics.median(turn[3] / turn[1] for turn in seconds)
    goal = GOALS.get(name)
    sys.stderr.write(
        f"{name:9} floor {many / floor_seconds:8,.0f} rows/s   job {many / job_seconds:8,.0f} rows/s   "
        f"{ratio:.2f} times as long{f' (goal {goal})' if goal else ''}   "
        f"{TIMES} times the rows: {growth:.1f} times as long (goal {TIMES})   "
        f"peak memory {memory.peak / 2**20:,.0f} MiB, with a Java heap of up to {JAVA_HEAP}\n"
    )
    return growth <= TIMES and (goal is None or ratio <= goal)


class Memory:
    """The most memory that this process and its Java have held at once while it was watched."""

    def __init__(self) -> None:
        self.peak = 0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        done = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(done,))
        watcher.start()
        try:
            yield
        finally:
            done.set()
            watcher.join()

    def _watch(self, done: threading.Event) -> None:
        me = psutil.Process()
        while not done.wait(0.05):
            # Java, and no child of it: what it forks to start a program counts all of its memory again
            held = [process.memory_info().rss for process in (me, *me.children())]
            self.peak = max(self.peak, sum(held))


def _seconds(work: Callable[[int], None], rows: int, memory: Memory | None = None) -> float:
    with memory.watched() if memory else contextlib.nullcontext():
        started = time.perf_counter()
        with Path(os.devnull).open("w") as devnull, contextlib.redirect_stdout(devnull):
            work(rows)
        return time.perf_counter() - started


def main() -> int:
    if len(sys.argv) == 3:
        return 0 if measure(sys.argv[1], Path(sys.argv[2])) else 1
    with tempfile.TemporaryDirectory() as folder:
        for rows in (ROWS, ROWS * TIMES):
            generate(Path(folder), rows)
        command = [sys.executable, "-m", "benchmarks.refinery"]
        return max([subprocess.run([*command, job, folder], check=False).returncode for job in JOBS])  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
