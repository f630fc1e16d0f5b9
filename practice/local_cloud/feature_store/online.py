"""The online store of a feature group: of every record the newest, by event time.

A record that is not newer than the one in the store is historic and does not come into it. A record expires at its
event time plus its time to live, its own or else the group's, and is then gone for good.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_PutRecord.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_DeleteRecord.html
Not in AWS's documentation: what a soft deletion does when there is no record. Here it leaves a mark all the same, so
that a record from before the deletion that comes late stays deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from practice.local_cloud.feature_store.records import FeatureRecord

TimeToLive = Mapping[str, object]


@dataclass(frozen=True)
class Stored:
    """What the store holds of a record. No values: it was soft-deleted."""

    moment: datetime
    values: Mapping[str, str] | None
    expires: datetime | None = None


def utc_now() -> datetime:
    return datetime.now(UTC)


class OnlineStore:
    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._records: dict[str, Stored] = {}

    def put(self, record: FeatureRecord, time_to_live: TimeToLive | None) -> None:
        """Keep the record if it is newer than the one in the store."""
        if self._is_news(record.identifier, record.moment):
            expires = record.moment + _duration(time_to_live) if time_to_live else None
            self._records[record.identifier] = Stored(record.moment, record.values, expires)

    def get(self, identifier: str) -> Stored | None:
        """The record, unless it is deleted or expired."""
        stored = self._unexpired(identifier)
        return stored if stored and stored.values is not None else None

    def soft_delete(self, identifier: str, moment: datetime) -> None:
        """Forget the record's values if the deletion is newer than the record."""
        if self._is_news(identifier, moment):
            self._records[identifier] = Stored(moment, None)

    def hard_delete(self, identifier: str, moment: datetime) -> bool:
        """Forget the record; False, and nothing done, if the deletion is not newer than the record."""
        if not self._is_news(identifier, moment):
            return False
        self._records.pop(identifier, None)
        return True

    def identifiers(self, *, deleted: bool) -> Iterator[str]:
        """Those of the records in the store, on request of the soft-deleted ones too."""
        for identifier in sorted(self._records):
            stored = self._unexpired(identifier)
            if stored and (deleted or stored.values is not None):
                yield identifier

    def _is_news(self, identifier: str, moment: datetime) -> bool:
        stored = self._unexpired(identifier)
        return stored is None or moment > stored.moment

    def _unexpired(self, identifier: str) -> Stored | None:
        stored = self._records.get(identifier)
        if stored and stored.expires and stored.expires <= self._clock():
            del self._records[identifier]
            return None
        return stored


def _duration(time_to_live: TimeToLive) -> timedelta:
    return timedelta(**{str(time_to_live["Unit"]).lower(): int(str(time_to_live["Value"]))})
