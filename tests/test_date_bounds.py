"""The bounds of days, from the contract to what Spark can write and others read as the same day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from contracts import Contract, Field
from contracts.values import objection
from jobs.refinery.clean import clean_customers
from jobs.refinery.quality_measures import measured
from jobs.refinery.storage import CORRUPT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

CONTRACT = Contract.load("customers")
(SIGNUP,) = (field for field in CONTRACT.fields if field.name == "signup_date")
AS_OF = date(2026, 11, 22)


def batch(spark: SparkSession, signup: str) -> DataFrame:
    row = ["C-1", signup, "DE", "social", "true", "1990", None]
    schema = ", ".join(f"{name} string" for name in [*(field.name for field in CONTRACT.given), CORRUPT])
    return spark.createDataFrame([row], schema)


@pytest.mark.parametrize("day", [SIGNUP.earliest, SIGNUP.latest])
def test_a_day_at_the_bounds_is_written_and_read_by_another_as_the_same_day(
    spark: SparkSession, day: str, tmp_path: Path
) -> None:
    clean_customers(batch(spark, day), AS_OF).write.parquet(str(tmp_path / "out"))
    assert duckdb.read_parquet(f"{tmp_path}/out/*.parquet").select("signup_date").fetchall() == [
        (date.fromisoformat(day),)
    ]


def test_an_earlier_day_would_end_the_job_when_it_writes(spark: SparkSession, tmp_path: Path) -> None:
    """Why there is a bound: it is checked before the data gets here."""
    with pytest.raises(Exception, match="1582-10-15"):
        clean_customers(batch(spark, "0001-01-01"), AS_OF).write.parquet(str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("day", "number"),
    [("2026-11-22", 20261122), ("0001-01-01", 10101), ("9999-12-31", 99991231), ("2026-02-30", None), ("", None)],
)
def test_the_gate_judges_a_day_by_its_number(spark: SparkSession, day: str, number: int | None) -> None:
    (row,) = measured("customers", batch(spark, day), AS_OF).collect()
    assert row["signup_date_number"] == number


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("1900-01-01", True), ("1899-12-31", False), ("0001-01-01", False), ("2100-12-31", True),
        ("2101-01-01", False), ("9999-12-31", False), ("2026-02-30", False), ("01/02/2026", False),
        ("2026-1-2", False), ("20260102", False), ("2026-W01-1", False), ("2026-01-02T00:00:00Z", False),
        ("\uff12\uff10\uff12\uff16-01-02", False), ("2026-01-02\n", False), (" 2026-01-02", False), ("", False),
    ],
)  # fmt: skip
def test_the_command_line_takes_days_within_the_bounds_alone(text: str, fits: bool) -> None:
    assert (objection(SIGNUP, text) == "") == fits


def test_an_optional_day_may_be_missing() -> None:
    assert objection(Field("since", SIGNUP.schema, required=False), "") == ""
