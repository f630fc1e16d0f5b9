"""What to generate: how many records, for which shop, and which share of them is malformed, late, repeated or messy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from contracts import Contract
from practice.sample.shop import NEWEST_CUSTOMER_DAYS, Shop

MOST_DAYS = 400


class PlanError(ValueError):
    """A plan that no sample can fulfil."""


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class Plan:
    """``count`` records of a shop's orders. A share holds exactly, rounded to a whole number of records.

    ``days`` stays under 500 because Firehose keeps at most 500 partitions of a stream active.
    Source: https://docs.aws.amazon.com/firehose/latest/dev/buffering.html
    """

    count: int = 5_000
    seed: int = 0
    malformed: float = 0.03
    late: float = 0.03
    duplicates: float = 0.02
    messy: float = 0.05
    end: datetime = field(default_factory=now)
    days: int = 390
    contract: Contract = field(default_factory=lambda: Contract.load("orders"))

    def __post_init__(self) -> None:
        if self.count < 1:
            raise PlanError(f"count is {self.count}; allowed: 1 or more.")
        if self.seed < 0:
            raise PlanError(f"seed is {self.seed}; allowed: 0 or more.")
        if not NEWEST_CUSTOMER_DAYS < self.days <= MOST_DAYS:
            raise PlanError(f"days is {self.days}; allowed: {NEWEST_CUSTOMER_DAYS + 1} to {MOST_DAYS}.")
        shares = {name: getattr(self, name) for name in ("malformed", "late", "duplicates", "messy")}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise PlanError(f"{name} is {share}; allowed: a share from 0 to 1, such as 0.03 for 3 %.")
        marked = sum(self.share_of_count(share) for name, share in shares.items() if name != "duplicates")
        if marked > self.events or (self.repeats and self.share_of_count(self.malformed) == self.events):
            stated = ", ".join(f"{name} {share:g}" for name, share in shares.items())
            raise PlanError(f"{stated} do not fit into {self.count} records with one valid to repeat; lower a share.")

    def share_of_count(self, share: float) -> int:
        return round(share * self.count)

    @property
    def repeats(self) -> int:
        return self.share_of_count(self.duplicates)

    @property
    def events(self) -> int:
        """How many different events the records hold."""
        return self.count - self.repeats

    @cached_property
    def shop(self) -> Shop:
        return Shop(self.seed, self.end, self.days, self.contract)
