"""The jobs from S3 to S3: run twice, run late, run over what changed, and killed in between."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts import Contract
from jobs.glue import build_customer_features, clean_orders, publish_features
from jobs.refinery import storage
from jobs.refinery.arguments import ArgumentError
from jobs.refinery.schemas import LABEL
from jobs.refinery.staging import StagingError
from practice.local_cloud.glue_s3 import mounted
from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.parquet import write_parquet

COLUMNS = {field.name: field.glue_type for field in Contract.load("orders").fields}
HEADER = "customer_id,signup_date,country,acquisition_channel,marketing_opt_in,birth_year"
AS_OF = "2026-11-22"
EARLY, LATE = "2026-08-01", "2026-11-22"
"""Two cutoffs: the 90 days of the first are over."""

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

    def clean(self, as_of: str = AS_OF, **arguments: str) -> None:
        clean_orders.main(self._argv("raw_bucket", "processed_bucket", as_of=as_of, **arguments))

    def build(self, as_of: str = AS_OF, **arguments: str) -> None:
        build_customer_features.main(self._argv("processed_bucket", "curated_bucket", as_of=as_of, **arguments))

    def publish(self, as_of: str = AS_OF) -> None:
        publish_features.main(self._argv("curated_bucket", as_of=as_of))

    def _argv(self, *buckets: str, **arguments: str) -> list[str]:
        argv = ["--JOB_NAME", "job", "--enable-metrics", "true"]
        for bucket in buckets:
            argv += [f"--{bucket}", f"{bucket.removesuffix('_bucket')}-{self.name}"]
        return [*argv, *(part for name, value in arguments.items() for part in (f"--{name}", value))]

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


@pytest.fixture
def lake(local_cloud: LocalCloud, spark: SparkSession, mount: Mount) -> Lake:
    """A lake with three customers: one buys until the end, one stopped, one is not in the batch."""
    lake = Lake(spark, local_cloud.client("s3"), uuid.uuid4().hex[:8])
    for zone in ("raw", "processed", "curated"):
        lake.s3.create_bucket(Bucket=f"{zone}-{lake.name}")
    mount()
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


class TestCleaning:
    def test_a_day_that_is_run_again_is_what_it_was_with_one_file_a_day(self, lake: Lake) -> None:
        lake.clean()
        once = lake.rows("processed", "cleaned_orders"), lake.rows("processed", "cleaned_customers")
        lake.clean()
        assert (lake.rows("processed", "cleaned_orders"), lake.rows("processed", "cleaned_customers")) == once
        assert [row["event_id"][-2:] for row in once[0]] == ["11", "12", "13", "14", "21", "31"]
        days = ["2026-06-01", "2026-07-31", "2026-09-01", "2026-11-22"]
        assert lake.partitions("processed", "cleaned_orders", "order_date") == days
        assert len(lake.files("processed", "cleaned_orders")) == 4

    def test_a_late_copy_replaces_its_event_and_leaves_nothing_on_the_day_it_had_before(self, lake: Lake) -> None:
        lake.clean()
        moved = order("event-12", "2026-07-30T10:00:00", arrival_time="2026-08-02T00:00:00")
        lake.put_orders("2026-07-30", moved, file="late")
        lake.clean()
        found = [(row["order_date"], row["event_id"]) for row in lake.rows("processed", "cleaned_orders")]
        assert sorted(found)[2] == ("2026-07-30", "event-12")
        assert "2026-07-31" not in dict(found)
        assert len(found) == 6

    def test_what_is_older_than_the_lookback_is_not_touched(
        self, lake: Lake, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lake.clean()
        lake.put_orders("2026-06-01", file="orders")
        lake.put_orders("2026-09-01", order("event-99", "2026-06-01T00:00:00"), file="of-another-day")
        before = lake.files("processed", "cleaned_orders")
        lake.clean(lookback_days="100")
        kept = set(before) & set(lake.files("processed", "cleaned_orders"))
        assert {file.split("/")[-2] for file in kept} == {"order_date=2026-06-01", "order_date=2026-07-31"}
        assert (
            "Cleaned the orders from 2026-08-15 to 2026-11-22 with the customers of 2026-11-20. 1 events were left "
            in (capsys.readouterr().out)
        )

    def test_what_came_after_the_day_is_not_known_on_it(self, lake: Lake) -> None:
        lake.put_customers("2026-11-21", "C-1,2026-06-01,CH,social,true,1990")
        lake.clean("2026-11-20T22:00:00Z")
        assert max(lake.partitions("processed", "cleaned_orders", "order_date")) == "2026-09-01"
        assert {row["customer_country"] for row in lake.rows("processed", "cleaned_orders")} == {"AT", "DE", None}

    def test_without_customers_up_to_the_day_it_says_where_they_belong(self, lake: Lake) -> None:
        with pytest.raises(FileNotFoundError, match=r"up to 2026-11-19; found: 2026-11-20\. Land s3://raw-"):
            lake.clean("2026-11-19")

    def test_without_orders_nothing_is_emptied(self, lake: Lake) -> None:
        storage.delete(f"s3://processed-{lake.name}/orders/")
        with pytest.raises(FileNotFoundError, match="expected the orders Firehose writes"):
            lake.clean()


class TestFeatures:
    @pytest.fixture(autouse=True)
    def _cleaned(self, lake: Lake) -> None:
        lake.clean()

    def test_orders_become_features_and_labels_and_twice_the_same(self, lake: Lake) -> None:
        for _ in range(2):
            lake.build(cutoffs=f"{EARLY},{LATE}")
            lake.publish()
            features, labels = lake.curated()
            found = [(row["customer_id"], row["cutoff_date"], row["frequency"], row["T"]) for row in features]
            assert sorted(found) == [
                ("C-1", EARLY, "1", "61"),
                ("C-1", LATE, "2", "174"),
                ("C-2", EARLY, "0", "61"),
                ("C-2", LATE, "0", "174"),
                ("C-3", LATE, "0", "82"),
            ]
            assert [(row["customer_id"], row["cutoff_date"], row[LABEL]) for row in labels] == [
                ("C-1", EARLY, "0"),
                ("C-2", EARLY, "1"),
            ]
            assert len(lake.files("curated", "customer_features")) == 2
            assert len(lake.files("curated", "customer_labels")) == 1

    def test_killed_between_two_writes_and_run_again_it_leaves_the_same(
        self, lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lake.build(cutoffs=EARLY)
        lake.publish()
        wanted = lake.curated()
        lake.put_orders("2026-07-01", order("event-41", "2026-07-01T00:00:00"))
        lake.clean()
        write = storage.write_partitions

        def killed(frame: Any, uri: str, *rest: Any) -> None:
            if "customer_labels" in uri:
                raise KeyboardInterrupt
            write(frame, uri, *rest)

        with monkeypatch.context() as patched:
            patched.setattr(storage, "write_partitions", killed)
            with pytest.raises(KeyboardInterrupt):
                lake.build(cutoffs=EARLY)
            with pytest.raises(StagingError, match="no run has staged features to the end"):
                lake.publish()
        assert lake.curated() == wanted
        lake.build(cutoffs=EARLY)
        with monkeypatch.context() as patched:
            patched.setattr(storage, "write_partitions", killed)
            with pytest.raises(KeyboardInterrupt):
                lake.publish()
        lake.publish()
        features, labels = lake.curated()
        assert [row["customer_id"] for row in features] == ["C-1", "C-2", "C-4"]
        assert [(row["customer_id"], row[LABEL]) for row in labels] == [("C-1", "0"), ("C-2", "1"), ("C-4", "1")]

    def test_the_cutoff_is_the_day_itself_where_none_is_given_and_staging_holds_one_run(
        self, lake: Lake, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lake.build(cutoffs=EARLY)
        lake.build()
        assert lake.partitions("curated", "staging/customer_features", "cutoff_date") == [LATE]
        assert lake.partitions("curated", "staging/customer_labels", "cutoff_date") == []
        assert "the labels at no cutoff: the 90 days of the other cutoffs are not over by 2026-11-22" in (
            capsys.readouterr().out
        )

    def test_a_run_publishes_its_own_features_alone(self, lake: Lake) -> None:
        lake.build("2026-11-21")
        with pytest.raises(StagingError, match=r"--as_of is 2026-11-22, but the features of 2026-11-21 are staged"):
            lake.publish()

    def test_a_cutoff_in_the_future_is_refused(self, lake: Lake) -> None:
        with pytest.raises(ArgumentError, match=r"--cutoffs has 2026-11-23, after --as_of 2026-11-22; allowed: up to"):
            lake.build(cutoffs=f"{EARLY},2026-11-23")

    def test_a_cutoff_before_all_orders_is_refused_and_nothing_can_be_published(self, lake: Lake) -> None:
        with pytest.raises(StagingError, match=r"nobody had bought anything before 2026-06-01, so .* has no row of it"):
            lake.build(cutoffs=f"2026-06-01,{EARLY}")
        with pytest.raises(StagingError, match="no run has staged"):
            lake.publish()


def test_the_example_lies_as_its_names_say() -> None:
    assert date.fromisoformat(EARLY) + timedelta(days=90) <= date.fromisoformat(AS_OF)
    assert date.fromisoformat(LATE) + timedelta(days=90) > date.fromisoformat(AS_OF)
