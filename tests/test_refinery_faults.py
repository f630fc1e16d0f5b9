"""The refinery on what goes wrong: it ends in a correct result or a clear message, never in wrong curated data."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

from contracts.csv_file import CsvFileError
from jobs.refinery import storage
from jobs.refinery.quality_verdict import QualityGateError
from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.spark.job_errors import error_message
from practice.local_cloud.spark.launcher import GLUE_LIBRARIES
from tests.refinery_lake import AS_OF, HEADER, Lake, Mount, make_buckets, order
from tests.refinery_lake import mount as mount  # a fixture
from tests.refinery_pipeline import CUTOFF, STEPS, Content, Objects, Pipeline, content

SNAPSHOT = "2026-11-20"
CUSTOMERS = ["C-1,2026-06-01,AT,social,true,1990", "C-2,2026-06-01,DE,organic,false,1985"]
PUBLISHED = ("curated/customer_features/", "curated/customer_labels/")

Good = tuple[Pipeline, Objects]


@pytest.fixture(scope="module")
def good(local_cloud: LocalCloud, spark: SparkSession, mount: Mount) -> Iterator[Good]:
    """A pipeline that has run once over good data, and all objects there were afterwards."""
    lake = make_buckets(local_cloud, spark, mount)
    lake.put_customers(SNAPSHOT, *CUSTOMERS)
    lake.put_orders("2026-06-01", order("event-11", "2026-06-01T10:00:00"), order("event-21", "2026-06-01T11:00:00"))
    lake.put_orders("2026-11-17", order("event-12", "2026-11-17T23:59:59"))
    with pytest.MonkeyPatch.context() as path:
        path.setattr(sys, "path", [*sys.path, str(GLUE_LIBRARIES)])
        pipeline = Pipeline(lake, local_cloud.client("glue"))
        pipeline.run()
        yield pipeline, pipeline.objects()
        spark.catalog.clearCache()


@pytest.fixture
def pipeline(good: Good) -> Pipeline:
    """After the good run."""
    pipeline, objects = good
    pipeline.restore(objects)
    return pipeline


@pytest.fixture
def lake(pipeline: Pipeline) -> Lake:
    return pipeline.lake


@pytest.fixture
def published(good: Good) -> Content:
    return content(good[1], *PUBLISHED)


# ---- run again ----


def test_a_run_publishes_what_it_should_from_a_day_without_orders_too(published: Content) -> None:
    """The day of the run has none, nor have those between the two days of orders."""
    rows = {folder: [ast.literal_eval(row) for row in rows] for folder, (_, rows) in published.items()}
    features, labels = (rows[f"{prefix}cutoff_date={CUTOFF}"] for prefix in PUBLISHED)
    told = [(row["customer_id"], row["frequency"], row["T"], row["spend_90d"]) for row in features]
    assert told == [("C-1", "0", "80", "10.1"), ("C-2", "0", "80", "10.1")]
    assert [(row["customer_id"], row["no_purchase_90d"]) for row in labels] == [("C-1", "0"), ("C-2", "1")]


def test_run_twice_it_leaves_the_same_rows_in_as_many_files(good: Good, pipeline: Pipeline) -> None:
    pipeline.run()
    assert content(pipeline.objects()) == content(good[1])


def test_a_job_killed_between_any_two_writes_and_run_again_leaves_what_one_whole_run_leaves(
    pipeline: Pipeline, lake: Lake, published: Content
) -> None:
    """Of each script, over tables of an earlier run whose rows are no longer right.

    S3 holds what the calls made of it, so what a killed job leaves is what there is after one of its calls. As each
    job ends with the same content, the whole pipeline does.
    """
    lake.put_old("processed", f"rejected/customers/as_of={AS_OF}")
    lake.put_customers(SNAPSHOT, CUSTOMERS[0].replace("AT", "CH"), CUSTOMERS[1])
    lake.put_orders("2026-06-01", order("event-13", "2026-06-01T12:00:00", event_type="return"), file="late")
    lake.put_orders("2026-11-18", order("event-12", "2026-11-18T00:00:00", arrival_time="2026-11-20T00:00:00"))
    killed_between: dict[str, int] = {}
    for step, (job, data_set) in STEPS.items():
        if data_set in ("orders", "customer_features"):  # the script of the gate is killed once, over the customers
            continue
        *killed, whole = pipeline.run_and_watch(step)
        killed_between[job.__name__.rpartition(".")[2]] = len(killed)
        for left in killed:
            pipeline.restore(left)
            pipeline.run(step)
            assert content(pipeline.objects()) == content(whole), step
            assert step == "Publish" or content(left, *PUBLISHED) == published
    assert killed_between == {"quality_gate": 1, "clean_orders": 4, "build_customer_features": 5, "publish_features": 3}
    changed = content(pipeline.objects(), *PUBLISHED)
    assert all(changed[folder] != rows for folder, rows in published.items())


# ---- other data than expected, and a correct result ----


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        pytest.param(
            [",".join(reversed(line.split(","))) for line in [HEADER, *CUSTOMERS]], "another order", id="order"
        ),
        pytest.param([f"{line},x" for line in [HEADER, *CUSTOMERS]], "unknown: x", id="one column more"),
    ],
)
def test_customers_with_another_header_stop_the_run_with_the_columns_named(
    pipeline: Pipeline, lake: Lake, published: Content, lines: list[str], why: str
) -> None:
    put_customers(lake, "\n".join(lines) + "\n")
    with pytest.raises(CsvFileError, match=why):
        pipeline.run()
    assert content(pipeline.objects(), *PUBLISHED) == published


def test_a_day_whose_file_has_no_row_changes_nothing(good: Good, pipeline: Pipeline, lake: Lake) -> None:
    lake.put_orders(AS_OF)
    pipeline.run("Gate orders", "Clean")
    computed = ("processed/cleaned_", "processed/quality/", "processed/rejected/")
    assert content(pipeline.objects(), *computed) == content(good[1], *computed)


# ---- bad data, a clear message, and curated as before ----


def test_orders_cut_in_half_end_in_an_error_that_names_the_object(
    pipeline: Pipeline, lake: Lake, published: Content
) -> None:
    place = {"Bucket": f"processed-{lake.name}", "Key": "orders/order_date=2026-11-17/orders.parquet"}
    body = lake.s3.get_object(**place)["Body"].read()
    lake.s3.put_object(**place, Body=body[: len(body) // 2])

    with pytest.raises(Exception, match="is not a Parquet file") as failed:
        pipeline.run()

    assert f"s3://{place['Bucket']}/{place['Key']} is not a Parquet file" in error_message(failed.value, "job.py")
    assert content(pipeline.objects(), *PUBLISHED) == published


def test_a_day_of_only_bad_orders_fails_its_gate_and_can_be_read_back(
    pipeline: Pipeline, lake: Lake, published: Content
) -> None:
    lake.put_orders(
        AS_OF,
        order("event-14", f"{AS_OF}T08:00:00", amount="-1"),
        order("event-15", f"{AS_OF}T08:00:00", event_type="gift"),
    )

    error = gate_error(pipeline, "orders")

    assert "2 of 38 rules, 2 of 5 rows in " in error
    assert 'ColumnValues "event_type" in ["purchase", "return"] (1 row)' in error
    assert 'ColumnValues "amount" >= 0 (1 row)' in error
    assert rejected(lake, "orders", "event_id") == {
        "event-14": ['ColumnValues "amount" >= 0'],
        "event-15": ['ColumnValues "event_type" in ["purchase", "return"]'],
    }
    assert content(pipeline.objects(), *PUBLISHED) == published


COUNTRY = 'ColumnValues "country" matches "^[A-Z]{2}(?!(?s:.))"'


def test_customers_who_are_all_broken_fail_their_gate_and_can_be_read_back(
    pipeline: Pipeline, lake: Lake, published: Content
) -> None:
    put_customers(lake, f"{HEADER}\nC-1,2026-06-01,at,social,true,1990\nC-2,yesterday,DE,social,true,1985\n")

    error = gate_error(pipeline, "customers")

    assert "2 of 2 rows in " in error
    assert f"{COUNTRY} (1 row)" in error
    assert {name: rules[0] for name, rules in rejected(lake, "customers", "customer_id").items()} == {
        "C-1": COUNTRY,
        "C-2": 'ColumnValues "days_since_signup" >= 0',
    }
    assert content(pipeline.objects(), *PUBLISHED) == published


@pytest.mark.parametrize(
    ("file", "why"),
    [
        pytest.param(f"{HEADER}\n", "there is not one row in ", id="a header alone"),
        pytest.param(
            "\n".join([HEADER, *CUSTOMERS])[:-15],
            'ColumnValues "_corrupt_record" = NULL (1 row)',
            id="cut in the middle of a line",
        ),
    ],
)
def test_a_broken_file_of_customers_fails_its_gate(
    pipeline: Pipeline, lake: Lake, published: Content, file: str, why: str
) -> None:
    put_customers(lake, file)
    assert why in gate_error(pipeline, "customers")
    assert content(pipeline.objects(), *PUBLISHED) == published


def put_customers(lake: Lake, file: str) -> None:
    key = f"customers/snapshot_date={SNAPSHOT}/customers.csv"
    lake.s3.put_object(Bucket=f"raw-{lake.name}", Key=key, Body=file.encode())


def gate_error(pipeline: Pipeline, data_set: str) -> str:
    """The error that ends the pipeline, which must be that of a gate."""
    with pytest.raises(QualityGateError, match=f"^{data_set} failed the quality gate of {AS_OF}") as failed:
        pipeline.run()
    return str(failed.value)


def rejected(lake: Lake, data_set: str, key: str) -> dict[str, list[str]]:
    """The failed rules of each rejected row."""
    rows: Any = storage.read_parquet(lake.spark, f"s3://processed-{lake.name}/rejected/{data_set}/").collect()
    return {row[key]: row["failed_rules"] for row in rows}
