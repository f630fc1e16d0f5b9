"""Firehose's prefix expressions and object names, by the examples of its documentation."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from practice.local_cloud.firehose.prefix import (
    PrefixError,
    check,
    check_error,
    error_prefix,
    object_name,
    success_prefix,
)

ARRIVAL = datetime(2018, 8, 27, 10, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("prefix", "evaluated"),
    [
        ("", "2018/08/27/10/"),
        ("raw/", "raw/2018/08/27/10/"),
        ("day=!{timestamp:yyyy-MM-dd}/", "day=2018-08-27/"),
        ("!{timestamp:'year='yyyy'/month='MM'/day='dd'/hour='HH}/", "year=2018/month=08/day=27/hour=10/"),
        ("order_date=!{partitionKeyFromLambda:day}/", "order_date=2026-01-02/"),
        ("!{partitionKeyFromLambda:day}/!{timestamp:HH-mm-ss}/", "2026-01-02/10-30-05/"),
    ],
)
def test_prefix(prefix: str, evaluated: str) -> None:
    assert success_prefix(prefix, ARRIVAL, {"day": "2026-01-02"}) == evaluated


def test_every_random_string_is_another_one() -> None:
    first, second, _ = success_prefix("!{firehose:random-string}/!{firehose:random-string}/", ARRIVAL, {}).split("/", 2)
    assert len(first) == len(second) == 11
    assert first != second


@pytest.mark.parametrize(
    ("error_output_prefix", "prefix", "evaluated"),
    [
        ("failed/!{firehose:error-output-type}/", "", "failed/processing-failed/"),
        ("!{firehose:error-output-type}/!{timestamp:yyyy}/any/!{timestamp:dd}", "", "processing-failed/2018/any/27"),
        (None, "raw/", "raw/processing-failed/2018/08/27/10/"),
    ],
)
def test_error_prefix(error_output_prefix: str | None, prefix: str, evaluated: str) -> None:
    assert error_prefix(error_output_prefix, prefix, ARRIVAL, "processing-failed") == evaluated


def test_object_name() -> None:
    name = object_name("orders", 3, ARRIVAL, ".parquet")
    assert re.fullmatch(r"orders-3-2018-08-27-10-30-05-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.parquet", name)


@pytest.mark.parametrize(
    "prefix",
    ["!{firehose:error-output-type}/", "!{partitionKeyFromQuery:day}/", "!{timestamp:EEE}/", "!{other:thing}/"],
)
def test_an_expression_that_cannot_be_evaluated_is_refused(prefix: str) -> None:
    with pytest.raises(PrefixError, match=r"the expression|does not know"):
        check(prefix)


def test_partition_keys_are_refused_in_an_error_prefix() -> None:
    with pytest.raises(PrefixError, match="partitionKeyFromLambda:day"):
        check_error("!{partitionKeyFromLambda:day}/!{firehose:error-output-type}/")
