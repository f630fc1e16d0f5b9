"""What a job makes of the arguments that Glue passes it."""

from __future__ import annotations

from datetime import date

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


def test_glues_own_arguments_are_passed_over() -> None:
    own = ["--JOB_NAME", "clean", "--JOB_RUN_ID", "jr_1", "--TempDir", "s3://t/", "--enable-metrics", "--conf", "a=b"]
    own += ["--extra-py-files", "s3://x/jobs.zip", "--job-bookmark-option", "job-bookmark-disable", "--class", "X"]
    assert read(*own, *GIVEN) == read(*GIVEN)


def test_a_misspelt_argument_is_an_error_with_the_name_it_may_have_meant() -> None:
    with pytest.raises(ArgumentError, match=r"--lookback_day is unknown; allowed: .*Did you mean --lookback_days\?"):
        read(*GIVEN, "--lookback_day", "7")


@pytest.mark.parametrize("argv", [["--as_of", "2026-11-22"], ["--as_of", "2026-11-22", "--raw_bucket", ""]])
def test_a_required_argument_without_a_value_is_an_error(argv: list[str]) -> None:
    with pytest.raises(ArgumentError, match=r"no value for --raw_bucket; needed: --raw_bucket, --as_of"):
        read(*argv)


@pytest.mark.parametrize("argv", [["lost", *GIVEN], [*GIVEN, "lost"]])
def test_a_word_that_belongs_to_no_argument_is_an_error(argv: list[str]) -> None:
    with pytest.raises(ArgumentError, match="'lost' belongs to no argument"):
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
