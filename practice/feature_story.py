"""The feature store's part of the story: put, read back online, and account for every write offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.table import Table

from practice.account import account
from practice.console import show, step, table
from practice.features import count_offline, get_features, put_features, require_all_written
from practice.flush import FEATURE_STORE, flush
from practice.local_cloud.lifecycle import LocalCloud
from practice.sample.feature_writes import FeatureWrites, feature_writes
from practice.sample.plan import Plan
from practice.sandbox import Sandbox

CUSTOMERS = 1_000
CUTOFF_DAYS = (0, 30, 60)
SHOWN = ("customer_id", "event_time", "frequency", "recency", "T", "monetary_value")
_SHOWN_CUSTOMERS = 5


@dataclass(frozen=True)
class FeatureStory:
    """What was put, and what was found afterwards."""

    writes: FeatureWrites
    online: Mapping[str, Mapping[str, str]]
    offline: int

    def reconcile(self) -> tuple[Table, bool]:
        """Every write must be offline, and online the newest of each customer."""
        due = {customer_id: record["event_time"] for customer_id, record in self.writes.newest.items()}
        newest_online = sum(
            self.online.get(customer_id, {}).get("event_time") == newest for customer_id, newest in due.items()
        )
        return account(
            ("put", self.writes.count),
            [
                ("offline, every write", self.writes.count, self.offline),
                ("online, the newest", len(due), newest_online),
            ],
        )

    def show(self) -> bool:
        """Show a few customers and the account; the answer says whether it adds up."""
        frequent = sorted(self.online.values(), key=lambda record: -int(record["frequency"]))
        show("Features of the most frequent customers, read online", _rows(frequent[:_SHOWN_CUSTOMERS]))
        made, adds_up = self.reconcile()
        show(
            "What was put, and what the feature store holds",
            made,
            f"{len(self.writes.repeated):,} were put twice, {len(self.writes.late):,} after newer ones",
        )
        return adds_up


def tell_feature_story(sandbox: Sandbox, cloud: LocalCloud, plan: Plan, directory: Path) -> FeatureStory:
    """Put the features of the shop's first customers at three moments, then read all of them back."""
    with step("Put the features") as tell:
        flush(cloud, FEATURE_STORE)
        before = count_offline(sandbox)
        writes = feature_writes(plan.shop, CUSTOMERS, [plan.end - timedelta(days=days) for days in CUTOFF_DAYS])
        for records in (writes.in_time, [*writes.late, *writes.repeated]):
            put = put_features(sandbox, records, total=len(records), directory=directory)
            require_all_written(put, directory)
        tell(f"{writes.count:,} records to {put.group}")
    with step("Read the features") as tell:
        online = get_features(sandbox, list(writes.newest))
        flush(cloud, FEATURE_STORE)
        story = FeatureStory(writes, online, count_offline(sandbox) - before)
        tell(f"{len(online):,} online, {story.offline:,} offline")
    return story


def _rows(records: Sequence[Mapping[str, str]]) -> Table:
    made = table(*SHOWN, numbers=SHOWN[2:])
    for record in records:
        values = {
            **record,
            "event_time": record["event_time"][: len("2026-11-22T10:00")].replace("T", " "),
            "monetary_value": f"{float(record['monetary_value']):,.2f}",
        }
        made.add_row(*(values[name] for name in SHOWN))
    return made
