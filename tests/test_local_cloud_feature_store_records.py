"""Records of a feature group: which values and event times are accepted, and when a record expires."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from practice.local_cloud.feature_store.online import OnlineStore
from practice.local_cloud.feature_store.records import FeatureRecord, RecordError, read_event_time, read_record
from tests.feature_groups import FEATURES, customer, definitions, features

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = {"Unit": "Hours", "Value": 1}


def described(**types: str) -> dict[str, Any]:
    return {
        "FeatureGroupName": "customers",
        "RecordIdentifierFeatureName": "customer_id",
        "EventTimeFeatureName": "event_time",
        "FeatureDefinitions": definitions(FEATURES | types),
    }


@pytest.mark.parametrize("value", ["0", "-1", "+7", "9223372036854775807", "-9223372036854775808"])
def test_an_integral_value_is_accepted(value: str) -> None:
    assert read_record(described(), features(customer(T=value))).values["T"] == value


@pytest.mark.parametrize("value", ["", "1.0", "1e3", " 1", "one", "9223372036854775808", "1_000"])
def test_what_is_no_integral_value_is_refused(value: str) -> None:
    with pytest.raises(RecordError, match="feature T is"):
        read_record(described(), features(customer(T=value)))


@pytest.mark.parametrize("value", ["0", "-1.5", "1e-3", ".5"])
def test_a_fractional_value_is_accepted(value: str) -> None:
    assert read_record(described(), features(customer(spend=value))).values["spend"] == value


@pytest.mark.parametrize("value", ["", "nan", "inf", "-Infinity", "1,5", "1_0", "1e999"])
def test_what_is_no_fractional_value_is_refused(value: str) -> None:
    with pytest.raises(RecordError, match="feature spend is"):
        read_record(described(), features(customer(spend=value)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC)),
        ("2026-11-22T10:00:00.123Z", datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC)),
    ],
)
def test_an_event_time_is_iso_8601_to_the_second_or_millisecond(text: str, expected: datetime) -> None:
    assert read_event_time(described(), text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22 10:00:00Z",
        "2026-11-22T10:00Z",
        "2026-11-22T10:00:00+00:00",
        "2026-11-22T10:00:00.12Z",
        "2026-11-22T10:00:00.123456Z",
        "2026-13-22T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "1795341600",
    ],
)
def test_another_form_of_event_time_is_refused(text: str) -> None:
    with pytest.raises(RecordError, match="allowed: yyyy-MM-dd'T'HH:mm:ssZ"):
        read_event_time(described(), text)


@pytest.mark.parametrize("text", ["2026-11-22T10:00:00Z", "soon", "nan", "1e99"])
def test_a_fractional_event_time_is_unix_seconds(text: str) -> None:
    group = described(event_time="Fractional")
    assert read_event_time(group, "1795341600.5") == datetime(2026, 11, 22, 10, 0, 0, 500000, tzinfo=UTC)
    with pytest.raises(RecordError, match="allowed: Unix seconds"):
        read_event_time(group, text)


def test_values_come_in_the_order_of_the_definitions_and_without_the_missing() -> None:
    given = [{"FeatureName": "spend"}, *features({"T": "1", **customer()})]
    assert list(read_record(described(), given).values) == ["customer_id", "event_time", "T"]


def test_a_feature_given_twice_is_refused() -> None:
    with pytest.raises(RecordError, match="T is given twice"):
        read_record(described(), [*features(customer(T="1")), *features({"T": "2"})])


def test_a_list_of_values_is_refused() -> None:
    with pytest.raises(RecordError, match="emulates no collection types"):
        read_record(described(), [{"FeatureName": "T", "ValueAsStringList": ["1"]}])


# -- expiry


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> OnlineStore:
    return OnlineStore(clock)


def at(moment: datetime) -> FeatureRecord:
    return FeatureRecord("C-1", moment, {"customer_id": "C-1"})


def test_a_record_is_gone_when_its_event_time_and_time_to_live_are_over(store: OnlineStore, clock: Clock) -> None:
    store.put(at(NOW), HOUR)
    clock.now = NOW + timedelta(minutes=59)
    assert store.get("C-1") is not None
    clock.now = NOW + timedelta(hours=1)
    assert store.get("C-1") is None
    assert list(store.identifiers(deleted=True)) == []


def test_an_expired_record_makes_room_for_an_older_one(store: OnlineStore, clock: Clock) -> None:
    store.put(at(NOW), HOUR)
    clock.now = NOW + timedelta(hours=2)
    store.put(at(NOW - timedelta(hours=1)), None)
    found = store.get("C-1")
    assert found is not None
    assert found.moment == NOW - timedelta(hours=1)


def test_a_late_record_stays_deleted_when_the_deletion_came_first(store: OnlineStore) -> None:
    store.soft_delete("C-1", NOW)
    store.put(at(NOW - timedelta(hours=1)), None)
    assert store.get("C-1") is None


def test_after_a_hard_deletion_a_late_record_is_news(store: OnlineStore) -> None:
    store.put(at(NOW), None)
    assert store.hard_delete("C-1", NOW + timedelta(hours=1))
    store.put(at(NOW - timedelta(hours=1)), None)
    assert store.get("C-1") is not None
