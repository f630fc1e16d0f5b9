"""What a job makes of the arguments that Glue passes it."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

from jobs.refinery.arguments import ArgumentError, day, days, read_arguments, whole_number

REQUIRED, OPTIONAL = ("raw_bucket", "as_of"), {"lookback_days": "400"}
GIVEN = ["--raw_bucket", "raw", "--as_of", "2026-11-22"]


def read(*argv: str) -> dict[str, str]:
    return read_arguments(argv, required=REQUIRED, optional=OPTIONAL)


def test_values_by_name_with_the_default_of_what_is_not_given() -> None:
    assert read(*GIVEN) == {"raw_bucket": "raw", "as_of": "2026-11-22", "lookback_days": "400"}
    assert read(*GIVEN, "--lookback_days", "7")["lookback_days"] == "7"


def test_a_value_may_follow_an_equals_sign_and_have_one_itself() -> None:
    assert read("--raw_bucket=a=b", "--as_of", "x=y")["raw_bucket"] == "a=b"
    assert read("--raw_bucket=a=b", "--as_of", "x=y")["as_of"] == "x=y"


def test_the_last_of_several_counts() -> None:
    assert read(*GIVEN, "--raw_bucket", "other")["raw_bucket"] == "other"


@pytest.mark.parametrize("empty", [["--lookback_days", ""], ["--lookback_days"], ["--lookback_days="]])
def test_an_optional_argument_that_is_empty_has_its_default(empty: list[str]) -> None:
    assert read(*empty, *GIVEN)["lookback_days"] == "400"


DUMPS = {
    "https://github.com/LBHackney-IT/Data-Platform/blob/ffb147d/scripts/tests/test_get_glue_env_var.py": [
        *("--source_catalog_database", "dataplatform-stg-raw-zone-unrestricted-address-api"),
        *("--JOB_ID", "j_7e089a7aab766580dd648928aa0abe6978e074912309f37950c21d855e4c48d0"),
        *("--JOB_RUN_ID", "jr_ff2410b9b96fa1e6342ea1774d6e8335092b1a97ac600703d3fb07d19136d3bf"),
        *("--source_catalog_table", "unrestricted_address_api_dbo_hackney_address"),
        *("--s3_bucket_target", "s3://dataplatform-stg-trusted-zone/unrestricted/llpg/latest_llpg"),
        *("--JOB_NAME", "LLPG raw to trusted", "--TempDir", "s3://dataplatform-stg-glue-temp-storage/sandbox/"),
    ],
    "a Scala job's log of its parameters, in a public repository's notes": [
        *("--job-bookmark-option", "job-bookmark-disable", "--enable-spark-ui", "true", "--enable-metrics"),
        *("--JOB_ID", "j_23f5043f8aa66e28428058f0351ef73879b9e92600b1edd58600630157ddaa01"),
        *("--spark-event-logs-path", "s3://us-east-1-product-raw/spark_logs"),
        *("--JOB_RUN_ID", "jr_8214681fc0f03ddbde6df4bac755d69051546e4ef99d9cc40c6613b8caae7426"),
        *("--job-language", "scala", "--extra-jars", "s3://code/extractor.jar", "--class", "com.Transform"),
        *("--scriptLocation", "s3://code/Transform.scala", "--conf", "spark.executor.memory=8g"),
        *("--DEST_S3_LOC", "s3://udl/summary", "--SRC_TABLE", "policy_data", "--JOB_NAME", "dev-Transform"),
    ],
    "a Python job's spark-submit, in a public repository's notes": [
        *("--JOB_NAME", "stocksjob1"),
        *("--JOB_ID", "j_2dde8c599ddd2f6b43d39eb153223626fdd9eb40a046383fa40a638a08dba628"),
        *("--JOB_RUN_ID", "jr_d3c41b4da8db2b8ca62cac390765d25f9e839ae8f72569436c7659da5a46d4e0"),
        *("--job-bookmark-option", "job-bookmark-disable"),
        *("--TempDir", "s3://aws-glue-temporary-145548758791-us-east-1/user"),
    ],
    "https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html": [
        *("--additional-python-modules", "a==1", "--auto-scale-within-microbatch", "true", "--class", "X"),
        *("--conf", "spark.a=1 --conf spark.b=2", "--continuous-log-conversionPattern", "%d{yy/MM/dd} %m%n"),
        *("--continuous-log-logGroup", "g", "--continuous-log-logStreamPrefix", "p", "--custom-logGroup-prefix", "/x"),
        *("--customer-driver-env-vars", "A=1", "--customer-executor-env-vars", "A=1", "--datalake-formats", "iceberg"),
        *("--disable-proxy-v2", "true", "--enable-auto-scaling", "true", "--enable-continuous-cloudwatch-log", "true"),
        *("--enable-continuous-log-filter", "true", "--enable-glue-datacatalog", "--enable-job-insights", "true"),
        *("--enable-metrics", "", "--enable-observability-metrics", "true", "--enable-rename-algorithm-v2", "true"),
        *("--enable-s3-parquet-optimized-committer", "true", "--enable-spark-ui", "true", "--executor-cores", "4"),
        *("--extra-files", "s3://x/a", "--extra-jars", "s3://x/b", "--extra-py-files", "s3://x/c", "--job-language"),
        *("python", "--job-bookmark-from", "r1", "--job-bookmark-to", "r2", "--python-modules-installer-option", "-U"),
        *("--scriptLocation", "s3://x/d", "--spark-event-logs-path", "s3://x/e", "--TempDir", "s3://x/f"),
        *("--use-postgres-driver", "true", "--user-jars-first", "true", "--write-shuffle-files-to-s3", "true"),
    ],
    "a word of its own, should Glue ever pass one": ["true", "--JOB_NAME", "clean", "more"],
}
"""What a Glue job finds in sys.argv after its script, by where it was seen or is documented."""

JOBS = [file.stem for file in sorted((Path(__file__).parents[1] / "jobs" / "glue").glob("[a-z]*.py"))]


@pytest.mark.parametrize("dump", DUMPS)
def test_what_glue_passes_besides_is_passed_over(dump: str) -> None:
    assert read(*DUMPS[dump], *GIVEN) == read(*GIVEN, *DUMPS[dump]) == read(*GIVEN)


@pytest.mark.parametrize("job", JOBS)
def test_nothing_that_glue_passes_is_nearly_an_argument_of_a_job(job: str) -> None:
    module = import_module(f"jobs.glue.{job}")
    given = [word for name in module.REQUIRED for word in (f"--{name}", "x")]
    for dump in DUMPS.values():
        read_arguments([*given, *dump], required=module.REQUIRED, optional=getattr(module, "OPTIONAL", None))


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("lookback_day", "lookback_days"),
        ("lookbackdays", "lookback_days"),
        ("lookback-days", "lookback_days"),
        ("Lookback_Days", "lookback_days"),
        ("raw_buckets", "raw_bucket"),
        ("RAW_BUCKET", "raw_bucket"),
        ("as-of", "as_of"),
    ],
)
def test_a_misspelt_argument_is_an_error_with_the_name_it_may_have_meant(misspelt: str, meant: str) -> None:
    with pytest.raises(ArgumentError, match=rf"--{misspelt} is unknown; allowed: .*Did you mean --{meant}\?"):
        read(*GIVEN, f"--{misspelt}", "7")


@pytest.mark.parametrize("argv", [["--as_of", "2026-11-22"], ["--as_of", "2026-11-22", "--raw_bucket", ""]])
def test_a_required_argument_without_a_value_is_an_error(argv: list[str]) -> None:
    with pytest.raises(ArgumentError, match=r"no value for --raw_bucket; needed: --raw_bucket, --as_of"):
        read(*argv)


@pytest.mark.parametrize(
    "text",
    ["2026-11-22", "2026-11-22T00:00:00Z", "2026-11-22T23:59:59.999Z", "2026-11-23T00:30:00+01:00"],
)
def test_a_day_is_that_of_utc(text: str) -> None:
    assert day("as_of", text) == date(2026, 11, 22)


@pytest.mark.parametrize("text", ["", "today", "2026-11-31", "22.11.2026", "2026-11-22T10:00:00", "20261122"])
def test_what_is_no_day_is_an_error(text: str) -> None:
    with pytest.raises(ArgumentError, match=r"--as_of is '.*'; allowed: a date such as 2026-11-22"):
        day("as_of", text)


def test_a_list_of_days_is_sorted_and_has_each_once() -> None:
    assert days("cutoffs", "2026-11-22, 2026-10-23,2026-11-22") == [date(2026, 10, 23), date(2026, 11, 22)]


@pytest.mark.parametrize("text", ["0", "11", "-1", "1.0", "ten", "", "9999999999", "²"])
def test_what_is_no_whole_number_within_bounds_is_an_error(text: str) -> None:
    with pytest.raises(ArgumentError, match="allowed: a whole number from 1 to 10"):
        whole_number("lookback_days", text, 1, 10)
    assert [whole_number("lookback_days", bound, 1, 10) for bound in ("1", "10")] == [1, 10]
