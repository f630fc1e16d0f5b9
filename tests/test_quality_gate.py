"""The quality gate: what it measures, its verdict, its rejected rows, and what it makes of data that is wrong."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import boto3
import duckdb
import pytest

from contracts import Contract
from firehose_transform.orders import transform
from firehose_transform.reasons import Rejected
from jobs.glue import quality_gate
from jobs.quality.compile import RULESETS, path
from jobs.refinery import storage
from jobs.refinery.arguments import ArgumentError
from jobs.refinery.quality_verdict import QualityGateError, RuleVerdict, Verdict
from jobs.refinery.schemas import features_schema, orders_schema
from practice.local_cloud.glue.data_quality.dqdl import DqdlError
from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.spark.launcher import GLUE_LIBRARIES
from practice.sample.customer_features import features_of_customers
from practice.sample.customers import customers as sample_customers
from practice.sample.orders import orders as sample_orders
from practice.sample.plan import Plan
from tests.glue_jobs import Jobs
from tests.test_quality_queries import columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AS_OF = date(2026, 11, 22)
PROJECT = Path(__file__).parents[1]

# ---- the verdict ----

PASSED = Verdict("orders", "orders-rules", AS_OF, "run-1", 10, 0, [RuleVerdict("RowCount > 0", True, None, None)])
FAILED = replace(
    PASSED,
    rejected_rows=3,
    rules=[
        *PASSED.rules,
        RuleVerdict('IsComplete "a"', False, 1, "Value: 0.9"),
        RuleVerdict('IsUnique "b"', False, 2, "Value: 0.8"),
        RuleVerdict("RowCount > 99", False, None, "Value: 10.0 does not meet the constraint requirement!"),
    ],
)
PLACES = {"judged": "s3://p/orders/", "rejected": "s3://p/rejected/", "verdict": "s3://p/v.json"}


def test_a_verdict_passes_when_every_rule_does() -> None:
    PASSED.raise_if_failed(**PLACES)
    assert (PASSED.passed, PASSED.score) == (True, 1.0)


def test_the_error_names_each_failed_rule_and_its_rows() -> None:
    with pytest.raises(QualityGateError) as error:
        FAILED.raise_if_failed(**PLACES)
    assert str(error.value) == (
        "orders failed the quality gate of 2026-11-22: 3 of 4 rules, 3 of 10 rows in s3://p/orders/. "
        'Failed: IsComplete "a" (1 row); IsUnique "b" (2 rows); '
        "RowCount > 99 (Value: 10.0 does not meet the constraint requirement!). "
        "Rejected rows: s3://p/rejected/ Verdict: s3://p/v.json"
    )


def test_the_error_of_a_data_set_without_rows_says_so() -> None:
    with pytest.raises(QualityGateError, match=r"not one row in s3://p/orders/\. Verdict: s3://p/v.json"):
        replace(FAILED, rows=0).raise_if_failed(**PLACES)


def test_a_verdict_is_one_line_of_json() -> None:
    (line,) = FAILED.to_json().splitlines()
    told = json.loads(line)
    assert told["rules"][1] == {"rule": 'IsComplete "a"', "passed": False, "failed_rows": 1, "message": "Value: 0.9"}
    del told["rules"]
    assert told == {
        "data_set": "orders",
        "ruleset": "orders-rules",
        "as_of": "2026-11-22",
        "run_id": "run-1",
        "passed": False,
        "score": 0.25,
        "rows": 10,
        "rejected_rows": 3,
    }


def test_athena_knows_what_a_verdict_says() -> None:
    told = json.loads(FAILED.to_json())
    assert {*told} - {"as_of"} == {*columns("quality_verdicts")}
    assert [*told["rules"][0]] == re.findall(r"(\w+):", columns("quality_verdicts")["rules"])


# ---- the gate on data ----


class Zones:
    """Data sets in memory, and what a gate wrote."""

    def __init__(self, spark: SparkSession) -> None:
        self.spark = spark
        self.tables: dict[str, DataFrame] = {}
        self.texts: dict[str, str] = {}
        self.written: dict[str, DataFrame] = {}

    def exists(self, uri: str) -> bool:
        return uri in self.tables

    def read_parquet(self, spark: SparkSession, uri: str, schema: Any = None) -> DataFrame:
        return self.tables[uri] if uri in self.tables else spark.createDataFrame([], schema)

    def read_csv(self, _spark: SparkSession, uri: str, _names: Sequence[str]) -> DataFrame:
        return self.tables[uri]

    def list_objects(self, uri: str) -> Iterator[str]:
        return (f"{name}part" for name in self.tables if name.startswith(uri))

    def write_partitions(self, frame: DataFrame, uri: str, partition_by: str, covers: list[str]) -> None:
        assert (partition_by, covers) == ("as_of", [AS_OF.isoformat()])
        self.written[uri] = frame

    def put_text(self, uri: str, text: str) -> None:
        self.texts[uri] = text

    def gate(self, data_set: str) -> tuple[dict[str, Any], str]:
        """Run the gate; returns its verdict as it was written, and its error."""
        arguments = {
            "dataset": data_set,
            "ruleset": f"the-{data_set}",
            "raw_bucket": "raw",
            "processed_bucket": "processed",
            "curated_bucket": "curated",
            "as_of": f"{AS_OF}T10:00:00Z",
            "run_id": "run-1",
        }
        error = ""
        try:
            quality_gate.main([part for name, value in arguments.items() for part in (f"--{name}", value)])
        except QualityGateError as failed:
            error = str(failed)
        return json.loads(self.texts[f"s3://processed/quality/as_of={AS_OF}/run-1-{data_set}.json"]), error

    def rejected(self, data_set: str) -> dict[str, list[str]]:
        """The rules that each rejected row failed, by its first column."""
        rows = self.written[f"s3://processed/rejected/{data_set}/"].collect()
        return {row[0]: row["failed_rules"] for row in rows}


@pytest.fixture
def zones(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zones]:
    zones = Zones(spark)
    for name in ("exists", "list_objects", "put_text", "read_csv", "read_parquet", "write_partitions"):
        monkeypatch.setattr(storage, name, getattr(zones, name))
    glue = Mock()
    glue.get_data_quality_ruleset.side_effect = lambda Name: {  # noqa: N803 - of boto3
        "Ruleset": path(Name.removeprefix("the-")).read_text(encoding="utf-8")
    }
    monkeypatch.setattr(boto3, "client", lambda _, **__: glue)
    monkeypatch.setattr(sys, "path", [*sys.path, str(GLUE_LIBRARIES)])
    yield zones
    spark.catalog.clearCache()


Row = dict[str, Any]
CUSTOMER: Row = {
    "customer_id": "C-1",
    "signup_date": "2026-01-31",
    "country": "DE",
    "acquisition_channel": "social",
    "marketing_opt_in": "true",
    "birth_year": "1990",
    "_corrupt_record": None,
}
CUSTOMERS = "s3://raw/customers/snapshot_date=2026-11-21/"
AT = datetime(2026, 11, 21, 23, 59, 59)  # noqa: DTZ001 - Spark's are naive, in the session's zone
ORDER: Row = {
    "event_id": "event-0001",
    "event_type": "purchase",
    "event_time": AT,
    "sent_time": AT,
    "order_id": "O-1",
    "customer_id": "C-1",
    "product_id": "P-1",
    "category": "books",
    "channel": "web",
    "quantity": 1,
    "amount": Decimal("9.99"),
    "currency": "EUR",
    "country": "DE",
    "coupon": None,
    "arrival_time": AT,
    "order_date": AT.date(),
}
ORDERS = "s3://processed/orders/"


def customers(zones: Zones, *changes: Row, columns: list[str] | None = None) -> None:
    rows = [{**CUSTOMER, "customer_id": f"C-{i}", **change} for i, change in enumerate(changes)]
    columns = columns or list(CUSTOMER)
    schema = ", ".join(f"`{name}` string" for name in columns)
    zones.tables[CUSTOMERS] = zones.spark.createDataFrame([[row[name] for name in columns] for row in rows], schema)


def orders(zones: Zones, *changes: Row) -> None:
    rows = [{**ORDER, "event_id": f"event-{i:04}", **change} for i, change in enumerate(changes)]
    zones.tables[ORDERS] = zones.spark.createDataFrame(
        [[row[name] for name in orders_schema().names] for row in rows], orders_schema()
    )


def failed_rules(verdict: Mapping[str, Any]) -> dict[str, int | None]:
    return {rule["rule"]: rule["failed_rows"] for rule in verdict["rules"] if not rule["passed"]}


def test_good_customers_pass(zones: Zones) -> None:
    customers(zones, {}, {"birth_year": None})
    verdict, error = zones.gate("customers")
    assert (verdict["passed"], verdict["rows"], failed_rules(verdict), error) == (True, 2, {}, "")
    assert not zones.rejected("customers")


def test_each_bad_customer_is_rejected_with_the_rules_it_failed(zones: Zones) -> None:
    bad: dict[str, tuple[Row, set[str]]] = {
        "C-0": ({"country": None}, {'IsComplete "country"', 'ColumnValues "country" matches "^[A-Z]{2}(?!(?s:.))"'}),
        "C-1": ({"birth_year": "190"}, {'(ColumnValues "age" = NULL) or (ColumnValues "age" <= 120)', OLDEST}),
        "C-2": ({"birth_year": "young"}, {DIGITS}),
        "C-3": ({"signup_date": "2026-02-30"}, {'ColumnValues "days_since_signup" >= 0', *SIGNUP}),
        "C-4": ({"signup_date": "2026-11-23"}, {'ColumnValues "days_since_signup" >= 0'}),
        "C-5": ({"marketing_opt_in": "maybe"}, {'ColumnValues "marketing_opt_in" in ["false", "true"]'}),
        "C-6": ({"_corrupt_record": "C-6,"}, {'ColumnValues "_corrupt_record" = NULL'}),
        "C-7": ({"signup_date": "0001-01-01"}, {SIGNUP[0]}),
        "C-8": ({"signup_date": "9999-12-31"}, {'ColumnValues "days_since_signup" >= 0', SIGNUP[1]}),
    }
    customers(zones, *(change for change, _ in bad.values()), {})
    verdict, error = zones.gate("customers")
    rejected = {name: set(rules) for name, rules in zones.rejected("customers").items()}
    assert rejected == {name: rules for name, (_, rules) in bad.items()}
    assert (verdict["rows"], verdict["rejected_rows"]) == (10, 9)
    assert 'ColumnValues "days_since_signup" >= 0 (3 rows)' in error


SIGNUP = ['ColumnValues "signup_date_number" >= 19000101', 'ColumnValues "signup_date_number" <= 21001231']
OLDEST = '(ColumnValues "birth_year_number" = NULL) or (ColumnValues "birth_year_number" >= 1900)'
DIGITS = '(ColumnValues "birth_year" = NULL) or (ColumnValues "birth_year" matches "^-?[0-9]{1,9}(?!(?s:.))")'


def test_a_customer_who_stands_twice_is_rejected_twice(zones: Zones) -> None:
    customers(zones, {"customer_id": "C-7"}, {"customer_id": "C-7"}, {})
    verdict, _ = zones.gate("customers")
    assert failed_rules(verdict) == {'IsUnique "customer_id"': 2}


def test_a_column_nobody_declared_fails_the_gate(zones: Zones) -> None:
    customers(zones, {"loyalty": "gold"}, columns=[*CUSTOMER, "loyalty"])
    verdict, error = zones.gate("customers")
    assert [*failed_rules(verdict).values()] == [None]
    assert "Columns that do not match the pattern: loyalty" in error


def test_a_column_that_is_missing_fails_the_gate(zones: Zones) -> None:
    customers(zones, {}, columns=[name for name in CUSTOMER if name != "birth_year"])
    _, error = zones.gate("customers")
    assert "Input data does not include column birth_year!" in error


def test_a_batch_of_a_week_ago_passes_and_an_older_one_does_not(zones: Zones) -> None:
    customers(zones, {})
    batch = zones.tables.pop(CUSTOMERS)
    outcomes = {}
    for days in (7, 8):
        zones.tables = {f"s3://raw/customers/snapshot_date={AS_OF - timedelta(days=days)}/": batch}
        outcomes[days] = [*failed_rules(zones.gate("customers")[0])]
    assert outcomes == {7: [], 8: ['CustomSql "select min(days_since_snapshot) from primary" <= 7']}


def test_the_newest_batch_until_the_day_is_judged(zones: Zones) -> None:
    customers(zones, {"country": "bad"})
    later = zones.tables[CUSTOMERS]
    customers(zones, {})
    zones.tables |= {
        "s3://raw/customers/snapshot_date=2026-11-23/": later,
        "s3://raw/customers/snapshot_date=2026-11-20/": later,
    }
    assert zones.gate("customers")[0]["passed"]


def test_what_is_no_batch_of_a_day_is_told_and_not_chosen(zones: Zones, capsys: pytest.CaptureFixture[str]) -> None:
    customers(zones, {"country": "bad"})
    bad = zones.tables[CUSTOMERS]
    customers(zones, {})
    strays = (
        "snapshot_date=2026-02-30",
        "snapshot_date=2026-11-21_old",
        "snapshot_date=20261121",
        "snapshot_date=backup",
    )
    zones.tables |= {f"s3://raw/customers/{stray}/": bad for stray in strays}
    assert zones.gate("customers")[0]["passed"]
    assert capsys.readouterr().out.startswith(f"Warning: nothing reads {', '.join(strays)} in s3://raw/customers/")


@pytest.mark.parametrize("data_set", [ruleset.name for ruleset in RULESETS])
def test_an_empty_day_fails_the_gate(zones: Zones, data_set: str) -> None:
    verdict, error = zones.gate(data_set)
    assert (verdict["passed"], verdict["rows"]) == (False, 0)
    assert f"{data_set} failed the quality gate of 2026-11-22: there is not one row in s3://" in error


def test_good_orders_pass(zones: Zones) -> None:
    orders(zones, {}, {"event_id": "event-0000"}, {"coupon": "SPRING"}, {"event_type": "return"})
    verdict, error = zones.gate("orders")
    assert (failed_rules(verdict), error) == ({}, "")


def test_a_day_of_only_bad_orders_is_rejected_whole(zones: Zones) -> None:
    bad: dict[str, tuple[Row, set[str]]] = {
        "event-0000": ({"amount": None}, {'IsComplete "amount"', *AMOUNT}),
        "event-0001": ({"quantity": 0}, {'ColumnValues "quantity" >= 1'}),
        "event-0002": ({"quantity": 1001}, {'ColumnValues "quantity" <= 1000'}),
        "event-0003": ({"sent_time": AT - timedelta(seconds=1)}, {'ColumnValues "seconds_until_sent" >= 0'}),
        "event-0004": ({"order_date": AS_OF}, {'ColumnValues "days_off_partition" = 0'}),
        "event-0005": ({"coupon": ""}, {COUPON}),
        "event-0006": ({"event_type": "Purchase"}, {'ColumnValues "event_type" in ["purchase", "return"]'}),
    }
    orders(zones, *(change for change, _ in bad.values()))
    verdict, error = zones.gate("orders")
    assert {name: set(rules) for name, rules in zones.rejected("orders").items()} == {
        name: rules for name, (_, rules) in bad.items()
    }
    assert verdict["rejected_rows"] == verdict["rows"] == len(bad)
    assert f"{len(bad)} of {len(bad)} rows in s3://processed/orders/ from 2025-10-19 to 2026-11-22" in error


COUPON = '(ColumnValues "coupon" = NULL) or (ColumnValues "coupon" matches "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}(?!(?s:.))")'
AMOUNT = {'ColumnValues "amount" >= 0', 'ColumnValues "amount" <= 99999999.99'}


def test_only_orders_of_the_lookback_are_judged(zones: Zones) -> None:
    days = [AS_OF - timedelta(days=400), AS_OF - timedelta(days=399), AS_OF, AS_OF + timedelta(days=1)]
    at = [datetime.combine(day, AT.time()) for day in days]
    orders(zones, *({"event_time": t, "sent_time": t, "order_date": t.date()} for t in at))
    assert zones.gate("orders")[0]["rows"] == 2


def test_more_copies_than_events_fail_the_gate(zones: Zones) -> None:
    orders(zones, *[{"event_id": "event-same"}] * 3)
    verdict, _ = zones.gate("orders")
    assert [*failed_rules(verdict)] == ['CustomSql "select count(*) - 2 * count(distinct event_id) from primary" <= 0']


STAGED = "s3://curated/staging/customer_features/"


def feature_row(**changes: Any) -> Row:
    """A customer with one purchase, and no history that would fill the optional features."""
    plain: dict[str, Any] = {"string": "x", "integer": 0, "number": 0.0}
    fields = Contract.load("customer_features").fields
    row = {f.name: f.schema.get("enum", [plain[f.schema["type"]]])[0] if f.required else None for f in fields}
    own = {"customer_id": "C-1", "event_time": "2026-11-22T00:00:00Z", "currency": "EUR", "cutoff_date": AS_OF}
    return {**row, **own, **changes}


def features(zones: Zones, *rows: Row) -> None:
    schema = features_schema()
    zones.tables[STAGED] = zones.spark.createDataFrame([[row[name] for name in schema.names] for row in rows], schema)


def test_good_features_pass(zones: Zones) -> None:
    features(zones, feature_row(), feature_row(customer_id="C-2", T=3, recency=3))
    verdict, error = zones.gate("customer_features")
    assert (failed_rules(verdict), error) == ({}, "")


def test_each_bad_feature_is_rejected_with_the_rules_it_failed(zones: Zones) -> None:
    twice = 'IsPrimaryKey "customer_id" "event_time"'
    other = date(2026, 11, 23)
    bad: list[tuple[Row, set[str]]] = [
        ({"customer_id": "C-0"}, {twice}),
        ({"customer_id": "C-0"}, {twice}),
        ({"recency": 2, "T": 1}, {'ColumnValues "T_minus_recency" >= 0'}),
        ({"orders_7d": 1}, {'ColumnValues "orders_window_growth" >= 0'}),
        ({"spend_30d": 1.0}, {'ColumnValues "spend_window_growth" >= -0.005'}),
        ({"cutoff_date": other}, {f'ColumnValues "{name}" {is_}' for name, is_ in OFF_DAY}),
        ({"frequency": -1}, {'ColumnValues "frequency" >= 0'}),
    ]
    features(zones, *(feature_row(**{"customer_id": f"C-{i}9", **change}) for i, (change, _) in enumerate(bad)))
    zones.gate("customer_features")
    rows = zones.written["s3://processed/rejected/customer_features/"].orderBy("customer_id").collect()
    assert [set(row["failed_rules"]) for row in rows] == [rules for _, rules in bad]


@pytest.mark.parametrize("data_set", [ruleset.name for ruleset in RULESETS])
def test_athena_knows_the_columns_of_rejected_rows_with_their_types(zones: Zones, data_set: str) -> None:
    zones.gate(data_set)
    written = zones.written[f"s3://processed/rejected/{data_set}/"].drop("as_of")
    assert {name.lower(): kind for name, kind in written.dtypes} == columns(f"rejected_{data_set}")


OFF_DAY = [("days_off_partition", "= 0"), ("days_since_cutoff", ">= 0")]


SAMPLE = Plan(count=300, end=datetime.combine(AS_OF, datetime.min.time(), UTC))


def test_the_sample_orders_pass_as_firehose_accepts_them(zones: Zones) -> None:
    arrival = int(SAMPLE.end.timestamp() * 1000)
    accepted = []
    for record in sample_orders(SAMPLE):
        try:
            encoded, order_date = transform(base64.b64encode(record.data).decode(), arrival)
        except Rejected:
            continue
        accepted.append({**json.loads(base64.b64decode(encoded)), "order_date": order_date})
    as_text = zones.spark.createDataFrame([(json.dumps(order),) for order in accepted], "line string")
    typed = as_text.selectExpr(f"from_json(line, '{orders_schema().simpleString()[7:-1].replace(':', ' ')}') AS row")
    zones.tables[ORDERS] = typed.select("row.*")
    verdict, error = zones.gate("orders")
    assert (verdict["rows"], failed_rules(verdict), error) == (len(accepted), {}, "")


def test_the_sample_customers_pass(zones: Zones) -> None:
    rows = list(csv.DictReader(sample_customers(SAMPLE)))
    customers(zones, *({name: value or None for name, value in row.items()} for row in rows))
    verdict, error = zones.gate("customers")
    assert (verdict["rows"], failed_rules(verdict), error) == (len(rows), {}, "")


def test_the_sample_features_pass(zones: Zones) -> None:
    records = features_of_customers(SAMPLE.shop, 60, [SAMPLE.end, SAMPLE.end - timedelta(days=30)])
    nothing = dict.fromkeys(features_schema().names)
    rows = [{**nothing, **r, "cutoff_date": date.fromisoformat(str(r["event_time"])[:10])} for r in records]
    features(zones, *rows)
    verdict, error = zones.gate("customer_features")
    assert (verdict["rows"], failed_rules(verdict), error) == (len(rows), {}, "")


def test_an_unknown_data_set_is_an_error(zones: Zones) -> None:
    with pytest.raises(ArgumentError, match="--dataset is 'labels'; allowed: customers, orders, customer_features"):
        zones.gate("labels")


def test_glues_library_refuses_composite_rules_by_column(zones: Zones) -> None:
    from awsglue.context import GlueContext
    from awsglue.dynamicframe import DynamicFrame
    from awsgluedq.transforms import EvaluateDataQuality

    frame = DynamicFrame.fromDF(zones.spark.range(1), GlueContext(zones.spark.sparkContext), "ids")
    rules = 'Rules = [ (IsComplete "id") or (IsUnique "id") ]'
    with pytest.raises(DqdlError, match=r"compositeRuleEvaluation.method is 'COLUMN'.* Set it to 'ROW'\."):
        EvaluateDataQuality().process_rows(frame, rules)


# ---- the job on the local cloud ----


def package() -> bytes:
    """What the jobs import, as Glue gets it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for folder in ("contracts", "jobs/refinery"):
            for file in sorted((PROJECT / folder).rglob("*")):
                if file.suffix in {".json", ".py"}:
                    files.write(file, file.relative_to(PROJECT))
        files.write(PROJECT / "jobs/__init__.py", "jobs/__init__.py")
    return archive.getvalue()


RunGate = Callable[[str], dict[str, Any]]


@pytest.fixture
def run_gate(local_cloud: LocalCloud) -> Iterator[tuple[Jobs, RunGate]]:
    """Lands a batch of customers, and runs the job as Glue does."""
    jobs = Jobs(local_cloud)
    ruleset = f"customers-{jobs.bucket}"
    jobs.glue.create_data_quality_ruleset(Name=ruleset, Ruleset=path("customers").read_text(encoding="utf-8"))
    jobs.s3.put_object(Bucket=jobs.bucket, Key="package.zip", Body=package())
    script = (PROJECT / "jobs/glue/quality_gate.py").read_text(encoding="utf-8")
    job = jobs.create(script, DefaultArguments={"--extra-py-files": f"s3://{jobs.bucket}/package.zip"})
    buckets = {f"--{zone}_bucket": jobs.bucket for zone in ("raw", "processed", "curated")}
    arguments = {"--dataset": "customers", "--ruleset": ruleset, "--as_of": str(AS_OF), "--run_id": "run-1", **buckets}

    def run(batch: str) -> dict[str, Any]:
        jobs.s3.put_object(
            Bucket=jobs.bucket, Key=f"customers/snapshot_date={AS_OF}/customers.csv", Body=batch.encode()
        )
        return jobs.run(job, Arguments=arguments)

    yield jobs, run
    jobs.glue.delete_data_quality_ruleset(Name=ruleset)


def test_glue_runs_the_job_and_its_error_names_the_failed_rule(run_gate: tuple[Jobs, RunGate], tmp_path: Path) -> None:
    jobs, run = run_gate

    failed = run(
        "customer_id,signup_date,country,acquisition_channel,marketing_opt_in,birth_year\n"
        "C-1,2026-01-31,DE,social,true,1990\n"
        "C-2,2026-01-31,de,social,true,\n"
    )

    assert failed["JobRunState"] == "FAILED"
    rule = 'ColumnValues "country" matches "^[A-Z]{2}(?!(?s:.))"'
    assert "QualityGateError: customers failed the quality gate of 2026-11-22: 1 of " in failed["ErrorMessage"]
    assert f"Failed: {rule} (1 row)" in failed["ErrorMessage"]
    verdict = jobs.s3.get_object(Bucket=jobs.bucket, Key=f"quality/as_of={AS_OF}/run-1-customers.json")["Body"].read()
    assert failed_rules(json.loads(verdict)) == {rule: 1}
    listed = jobs.s3.list_objects_v2(Bucket=jobs.bucket, Prefix="rejected/")["Contents"]
    (rejected,) = (item["Key"] for item in listed)
    assert rejected.startswith(f"rejected/customers/as_of={AS_OF}/")
    jobs.s3.download_file(jobs.bucket, rejected, str(tmp_path / "rejected.parquet"))
    rows = duckdb.read_parquet(str(tmp_path / "rejected.parquet"))
    assert rows.select("customer_id, country, failed_rules").fetchall() == [("C-2", "de", [rule])]


def test_glue_runs_the_job_and_its_error_names_the_file_and_the_columns_of_another_header(
    run_gate: tuple[Jobs, RunGate],
) -> None:
    jobs, run = run_gate

    failed = run("country,customer_id\nDE,C-1\n")

    told = failed["ErrorMessage"]
    assert failed["JobRunState"] == "FAILED"
    assert f"s3://{jobs.bucket}/customers/snapshot_date={AS_OF}/customers.csv, row 1: the header is country,c" in told
    assert "missing: signup_date, acquisition_channel, marketing_opt_in, birth_year" in told
    assert "\n" not in told
