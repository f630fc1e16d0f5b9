"""A lake of three buckets on the local cloud, and the refinery's jobs over it, in the Spark of the tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts import Contract
from jobs.glue import build_customer_features, clean_orders, fit_transformations, publish_features
from jobs.refinery import storage
from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.parquet import write_parquet
from practice.local_cloud.spark.s3 import mounted

COLUMNS = {field.name: field.glue_type for field in Contract.load("orders").fields}
HEADER = "customer_id,signup_date,country,acquisition_channel,marketing_opt_in,birth_year"
AS_OF = "2026-11-22"
ZONES = ("raw", "processed", "curated")

Mount = Callable[[], None]


@pytest.fixture(scope="module")
def mount(local_cloud: LocalCloud, spark: SparkSession) -> Iterator[Mount]:
    """Lets Spark see the buckets there are, and boto3 the local cloud."""
    hadoop = spark._jsc.hadoopConfiguration()
    with mounted(local_cloud.client("s3")) as settings, pytest.MonkeyPatch.context() as environment:
        for name, value in local_cloud.environment.items():
            environment.setenv(name, value)

        def mount_all() -> None:
            for name, value in settings().items():
                hadoop.set(name.removeprefix("spark.hadoop."), value)

        yield mount_all


@dataclass
class Lake:
    """Three buckets, the jobs over them, and what lies in them."""

    spark: SparkSession
    s3: Any
    name: str

    def put_orders(self, day: str, *orders: Mapping[str, Any], file: str = "orders") -> None:
        rows = [[order[name] for name in COLUMNS] for order in orders]
        key = f"orders/order_date={day}/{file}.parquet"
        self.s3.put_object(Bucket=f"processed-{self.name}", Key=key, Body=write_parquet(COLUMNS, rows, "snappy"))

    def put_customers(self, snapshot: str, *lines: str) -> None:
        key = f"customers/snapshot_date={snapshot}/customers.csv"
        self.s3.put_object(Bucket=f"raw-{self.name}", Key=key, Body="\n".join([HEADER, *lines, ""]).encode())

    def put_old(self, zone: str, partition: str) -> None:
        """What an earlier run left there."""
        self.s3.put_object(Bucket=f"{zone}-{self.name}", Key=f"{partition}/old.parquet", Body=b"of an earlier run")

    def clean(self, as_of: str = AS_OF, **arguments: str) -> None:
        self.run(clean_orders, as_of=as_of, **arguments)

    def build(self, as_of: str = AS_OF, **arguments: str) -> None:
        self.run(build_customer_features, as_of=as_of, **arguments)

    def publish(self, as_of: str = AS_OF) -> None:
        self.run(publish_features, as_of=as_of)

    def fit(self, as_of: str = AS_OF, **arguments: str) -> None:
        self.run(fit_transformations, as_of=as_of, **arguments)

    def run(self, job: ModuleType, **arguments: str) -> None:
        """Run a job with the arguments that Glue has of its own, and the buckets it asks for."""
        buckets = {f"{zone}_bucket": f"{zone}-{self.name}" for zone in ZONES}
        given = {name: bucket for name, bucket in buckets.items() if name in job.REQUIRED} | arguments
        words = (part for name, value in given.items() for part in (f"--{name}", value))
        job.main(["--JOB_NAME", "job", "--enable-metrics", "true", *words])

    def rows(self, zone: str, table: str) -> list[dict[str, Any]]:
        frame = storage.read_parquet(self.spark, f"s3://{zone}-{self.name}/{table}/")
        found = frame.select(*(frame[name].cast("string").alias(name) for name in frame.columns)).collect()
        return sorted((row.asDict() for row in found), key=repr)

    def files(self, zone: str, table: str) -> list[str]:
        return list(storage.list_objects(f"s3://{zone}-{self.name}/{table}/"))

    def partitions(self, zone: str, table: str, column: str) -> list[str]:
        return storage.partition_values(f"s3://{zone}-{self.name}/{table}/", column)

    def curated(self) -> list[list[dict[str, Any]]]:
        return [self.rows("curated", table) for table in ("customer_features", "customer_labels")]


def make_buckets(local_cloud: LocalCloud, spark: SparkSession, mount: Mount) -> Lake:
    lake = Lake(spark, local_cloud.client("s3"), uuid.uuid4().hex[:8])
    for zone in ZONES:
        lake.s3.create_bucket(Bucket=f"{zone}-{lake.name}")
    mount()
    return lake


def new_lake(local_cloud: LocalCloud, spark: SparkSession, mount: Mount) -> Lake:
    """A lake with three customers: one buys until the end, one stopped, one is not in the batch."""
    lake = make_buckets(local_cloud, spark, mount)
    lake.put_customers("2026-11-20", "C-1,2026-06-01,AT,social,true,1990", "C-2,2026-06-01,DE,social,true,1990")
    lake.put_orders("2026-06-01", order("event-11", "2026-06-01T10:00:00"), order("event-21", "2026-06-01T11:00:00"))
    lake.put_orders("2026-07-31", order("event-12", "2026-07-31T23:59:59"), order("event-12", "2026-07-31T23:59:59"))
    lake.put_orders("2026-09-01", order("event-13", "2026-09-01T00:00:00"), order("event-31", "2026-09-01T12:00:00"))
    lake.put_orders("2026-11-22", order("event-14", "2026-11-22T08:00:00"))
    return lake


def order(event_id: str, time: str, **values: Any) -> dict[str, Any]:
    """An order of the customer whose number is the first digit of the event's."""
    arrival = datetime.fromisoformat(time) + timedelta(seconds=2)
    return {
        "event_id": event_id,
        "event_type": "purchase",
        "event_time": time,
        "sent_time": time,
        "order_id": "O-1",
        "customer_id": f"C-{event_id.removeprefix('event-')[0]}",
        "product_id": "P-1",
        "category": "books",
        "channel": "web",
        "quantity": "1",
        "amount": "10.10",
        "currency": "EUR",
        "country": "DE",
        "coupon": None,
        "arrival_time": arrival.isoformat(),
    } | values
