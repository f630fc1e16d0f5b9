"""Which folders of a table are days: one answer for whoever asks, and a word on the others."""

from __future__ import annotations

from datetime import date
from unittest.mock import Mock

import pytest

from jobs.refinery.day_folders import DayFolders, is_hidden
from practice.pipeline import stray_customers
from practice.sandbox import Sandbox, Target

PLACE = "s3://raw/customers/"


def folders(*names: str) -> DayFolders:
    return DayFolders.among([f"{PLACE}{name}" for name in names], PLACE, "snapshot_date")


@pytest.mark.parametrize(
    "stray",
    [
        "snapshot_date=backup", "snapshot_date=2026-02-30", "snapshot_date=20261121", "snapshot_date=2026-11-20_old",
        "snapshot_date=2026-W47-5", "snapshot_date=", "snapshot_date", "snapshot_date=2026-11-20%20",
        "snapshot_date=2026%2D11%2D20", "snapshot_date= 2026-11-20", "Snapshot_Date=2026-11-20", "day=2026-11-20",
        "snapshot_date=2026-11-20T00:00:00", "snapshot_date=26-11-20", "snapshot_date=2026-1-2", "2026-11-20",
        "snapshot_date=__HIVE_DEFAULT_PARTITION__", "snapshot_date=\uff12\uff10\uff12\uff16-11-20", "customers.csv",
    ],
)  # fmt: skip
def test_what_is_not_named_for_a_day_is_a_stray_and_no_day(stray: str) -> None:
    found = folders(f"{stray}/customers.csv" if "." not in stray else stray, "snapshot_date=2026-11-19/customers.csv")
    assert (found.days, found.strays) == ((date(2026, 11, 19),), (stray,))
    assert stray in found.warning
    assert PLACE in found.warning


def test_days_are_told_once_and_in_order_and_need_no_word() -> None:
    days = ("2026-11-20", "2020-02-29", "0001-01-01", "9999-12-31")
    found = folders(*(f"snapshot_date={day}/{name}.csv" for day in days for name in "ab"))
    assert [day.isoformat() for day in found.days] == sorted(days)
    assert found.warning == ""


@pytest.mark.parametrize(("as_of", "newest"), [("2026-11-18", None), ("2026-11-19", "19"), ("2026-11-30", "21")])
def test_the_newest_is_not_after_the_day_of_the_run(as_of: str, newest: str | None) -> None:
    found = folders("snapshot_date=2026-11-19/a", "snapshot_date=2026-11-21/a").newest(date.fromisoformat(as_of))
    assert found == (date(2026, 11, int(newest)) if newest else None)


def test_a_warning_of_many_strays_stays_short() -> None:
    warning = folders(*(f"snapshot_date=old-{number}/a" for number in range(1_000))).warning
    assert "and 995 more in" in warning
    assert len(warning) < 500


@pytest.mark.parametrize("key", ["_SUCCESS", "_temporary/0/part", "day/.part.crc", "day/_SUCCESS", ".DS_Store"])
def test_what_spark_leaves_is_hidden(key: str) -> None:
    assert is_hidden(key)


@pytest.mark.parametrize("key", ["snapshot_date=2026-11-20/a_b.csv", "_column=1/a", "customers.csv"])
def test_what_a_table_holds_is_not_hidden(key: str) -> None:
    assert not is_hidden(key)


def test_the_command_line_names_the_strays_of_the_raw_zone() -> None:
    listed = ["snapshot_date=backup/a.csv", "snapshot_date=2026-11-20/a.csv", "_SUCCESS", "snapshot_date=2026-11-21/"]
    s3 = Mock()
    contents = [{"Key": f"customers/{key}"} for key in listed]
    s3.get_paginator.return_value.paginate.return_value = [{"Contents": contents}]
    sandbox = Sandbox("test", Target("test", lambda _: s3, None), {"RawBucket": "raw"})
    assert "nothing reads snapshot_date=backup in s3://raw/customers/" in stray_customers(sandbox)
    del contents[0]
    assert stray_customers(sandbox) == ""
