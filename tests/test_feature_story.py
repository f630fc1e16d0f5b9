"""What the story puts into the feature store, and the account of it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from practice.feature_story import CUSTOMERS, CUTOFF_DAYS, FeatureStory
from practice.sample.feature_writes import FeatureWrites, feature_writes
from practice.sample.plan import Plan

END = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
CUTOFFS = [END - timedelta(days=days) for days in CUTOFF_DAYS]


@pytest.fixture(scope="module")
def writes() -> FeatureWrites:
    return feature_writes(Plan(end=END).shop, 200, CUTOFFS)


def story(writes: FeatureWrites, *, missing_offline: int = 0, **online: str) -> FeatureStory:
    """A store that holds what was put, but for what is missing and what is online by customer."""
    found = {customer: {"event_time": str(record["event_time"])} for customer, record in writes.newest.items()}
    found.update({customer.replace("_", "-"): {"event_time": time} for customer, time in online.items()})
    return FeatureStory(writes, found, writes.count - missing_offline)


def marks(story: FeatureStory) -> tuple[int, int]:
    table, adds_up = story.reconcile()
    screen = StringIO()
    Console(width=80, file=screen).print(table)
    right, wrong = screen.getvalue().count("✓"), screen.getvalue().count("✗")
    assert adds_up is not bool(wrong)
    return right, wrong


def test_the_same_shop_gives_the_same_writes(writes: FeatureWrites) -> None:
    assert feature_writes(Plan(end=END).shop, 200, CUTOFFS) == writes


def test_a_thousand_customers_are_told_of_now_and_30_and_60_days_ago() -> None:
    assert (CUSTOMERS, CUTOFF_DAYS) == (1_000, (0, 30, 60))


def test_every_record_is_put_and_some_of_them_twice(writes: FeatureWrites) -> None:
    times = Counter((record["customer_id"], record["event_time"]) for record in (*writes.in_time, *writes.late))
    assert set(times.values()) == {1}
    assert {time for _, time in times} == {cutoff.strftime("%Y-%m-%dT%H:%M:%SZ") for cutoff in CUTOFFS}
    assert len(writes.repeated) == round(0.02 * times.total()) > 0
    assert all(record in writes.in_time or record in writes.late for record in writes.repeated)
    assert writes.count == times.total() + len(writes.repeated)


def test_a_late_record_is_older_than_one_that_was_put_in_time(writes: FeatureWrites) -> None:
    assert 0.01 < len(writes.late) / writes.count < 0.05
    in_time: dict[object, str] = {}
    for record in writes.in_time:
        in_time[record["customer_id"]] = max(in_time.get(record["customer_id"], ""), str(record["event_time"]))
    assert all(str(record["event_time"]) < in_time[record["customer_id"]] for record in writes.late)


def test_the_newest_of_every_customer_is_that_of_the_end(writes: FeatureWrites) -> None:
    assert len(writes.newest) == 200
    assert {record["event_time"] for record in writes.newest.values()} == {"2026-03-14T09:26:53Z"}


def test_what_adds_up_is_marked_right(writes: FeatureWrites) -> None:
    assert marks(story(writes)) == (2, 0)


@pytest.mark.parametrize("missing", [1, -1])
def test_a_write_that_is_missing_offline_or_too_many_is_marked_wrong(writes: FeatureWrites, missing: int) -> None:
    assert marks(story(writes, missing_offline=missing)) == (1, 1)


def test_an_older_record_online_is_marked_wrong(writes: FeatureWrites) -> None:
    assert marks(story(writes, C_000001="2026-02-12T09:26:53Z")) == (1, 1)


def test_a_customer_who_is_not_online_is_marked_wrong(writes: FeatureWrites) -> None:
    whole = story(writes)
    without = {customer: record for customer, record in whole.online.items() if customer != "C-000001"}
    assert marks(FeatureStory(writes, without, whole.offline)) == (1, 1)
