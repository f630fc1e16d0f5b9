"""Features as a careless pipeline puts them: some after newer ones, some twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from practice.sample.customer_features import Features, features_of_customers
from practice.sample.shop import Shop
from practice.sample.values import seeded

LATE_SHARE = 0.03
REPEATED_SHARE = 0.02


@dataclass(frozen=True)
class FeatureWrites:
    """What to put: ``late`` and ``repeated`` only after everything ``in_time``."""

    in_time: list[Features]
    late: list[Features]
    repeated: list[Features]

    @property
    def count(self) -> int:
        return len(self.in_time) + len(self.late) + len(self.repeated)

    @property
    def newest(self) -> dict[str, Features]:
        """By customer, the record with the newest event_time, which the online store must answer with."""
        newest: dict[str, Features] = {}
        for record in (*self.in_time, *self.late):
            customer_id = str(record["customer_id"])
            if customer_id not in newest or str(record["event_time"]) > str(newest[customer_id]["event_time"]):
                newest[customer_id] = record
        return newest


def feature_writes(shop: Shop, customers: int, cutoffs: Sequence[datetime]) -> FeatureWrites:
    """The features of the shop's first customers at the cutoffs; the same shop gives the same writes."""
    rng = seeded(shop.seed, shop.end.isoformat(), "feature writes")
    in_time: list[Features] = []
    late: list[Features] = []
    newest_time = max(cutoffs)
    records = list(features_of_customers(shop, customers, cutoffs))
    for record in records:
        is_older = datetime.fromisoformat(str(record["event_time"])) < newest_time
        (late if is_older and rng.random() < LATE_SHARE else in_time).append(record)
    return FeatureWrites(in_time, late, rng.sample(records, round(REPEATED_SHARE * len(records))))
