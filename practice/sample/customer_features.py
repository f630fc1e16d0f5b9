"""What is known of a customer at a moment: the features of ``contracts/customer_features.json``.

Plain Python over the events themselves, so it can judge whatever computes the same at scale.

Frequency, recency, T and monetary value are the RFM summary that the models of customer lifetime value start from:
a day counts once however often it was bought on, and the first day is what the repeats are counted from. Recency is
the customer's age at the last purchase, not the days since then.

Source: Fader and Hardie, Creating an RFM Summary Using Excel, 2008, http://brucehardie.com/notes/022/
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice

from contracts import Contract, ContractError
from practice.sample.shop import Event, Shop

WINDOW_DAYS = (7, 30, 90)
LAGS = (1, 2, 3)
TENURE_BUCKETS = {
    "365d_and_more": 365,
    "180_to_364d": 180,
    "90_to_179d": 90,
    "30_to_89d": 30,
    "under_30d": 0,
}
"""The bins of a customer's age by their first day, the oldest first."""

Features = dict[str, str | int | float]
"""A record of the feature group: its features by name."""


def features_of_customers(shop: Shop, count: int, cutoffs: Sequence[datetime]) -> Iterator[Features]:
    """Records of the shop's first customers, customer by customer, each from the oldest cutoff to the newest.

    Who had bought nothing by a cutoff has no record of it.
    """
    contract = Contract.load("customer_features")
    for customer in islice(shop.customers(), count):
        events = list(shop.history(customer))
        for cutoff in sorted(cutoffs):
            if features := customer_features(events, cutoff, contract):
                yield features


def customer_features(events: Iterable[Event], cutoff: datetime, contract: Contract | None = None) -> Features | None:
    """The features of one customer at a cutoff, from what happened before it; None before the first purchase.

    The cutoff is a whole second, as ``event_time`` tells it; a window of n days is [cutoff - n days, cutoff), and
    days are those of UTC. Spend is what was paid, and a return takes nothing back: what it will cost is not known
    when the purchase is made. Only the return rate tells of it. Sums hold the money in the customer's own currency
    alone, since there are no exchange rates here; a purchase in another one counts as a purchase.
    """
    cutoff = cutoff.astimezone(UTC).replace(microsecond=0)
    before = sorted((event for event in events if event.time < cutoff), key=lambda event: event.time)
    purchases = [event for event in before if event.values["event_type"] == "purchase"]
    returns = sum(event.values["event_type"] == "return" for event in before)
    if not purchases:
        return None
    currency = _favourite(purchases, "currency")
    spend_by_day: defaultdict[date, Decimal] = defaultdict(Decimal)
    for purchase in purchases:
        spend_by_day[_day(purchase.time)] += _spend(purchase, currency)
    first_day, *repeat_days = spend_by_day
    last_day = _day(purchases[-1].time)
    repeat_spend = sum((spend_by_day[day] for day in repeat_days), Decimal())
    age = (cutoff.date() - first_day).days
    computed: Features = {
        "customer_id": str(purchases[0].values["customer_id"]),
        "event_time": cutoff.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "frequency": len(repeat_days),
        "recency": (last_day - first_day).days,
        "T": age,
        "monetary_value": float(repeat_spend / len(repeat_days)) if repeat_days else 0.0,
        "favourite_category": _favourite(purchases, "category"),
        "favourite_channel": _favourite(purchases, "channel"),
        "currency": currency,
        "days_since_last_order": (cutoff.date() - last_day).days,
        "return_rate": min(returns, len(purchases)) / len(purchases),
        "weekend_share": sum(_day(purchase.time).isoweekday() > 5 for purchase in purchases) / len(purchases),
        "tenure_bucket": next(name for name, first in TENURE_BUCKETS.items() if age >= first),
    }
    for days in WINDOW_DAYS:
        within = [purchase for purchase in purchases if purchase.time >= cutoff - timedelta(days=days)]
        computed[f"orders_{days}d"] = len(within)
        computed[f"spend_{days}d"] = float(sum((_spend(purchase, currency) for purchase in within), Decimal()))
    lagged = [_spend_30d(purchases, currency, cutoff - lag * timedelta(days=30)) for lag in LAGS]
    computed |= {f"spend_30d_lag_{lag}": float(spend) for lag, spend in zip(LAGS, lagged, strict=True)}
    computed["spend_30d_rolling_mean_3"] = float(sum(lagged, Decimal()) / len(lagged))
    return _as_declared(computed, contract or Contract.load("customer_features"))


def _as_declared(computed: Features, contract: Contract) -> Features:
    """The features that the contract declares, in its order; an optional one that nobody computes is left out."""
    for field in contract.fields:
        if field.required and field.name not in computed:
            raise ContractError(
                f"feature {field.name!r} of the contract {contract.name!r} is required, and {__name__} does not "
                f"compute it; it computes {', '.join(computed)}. Compute it there, or make the feature optional."
            )
    return {field.name: computed[field.name] for field in contract.fields if field.name in computed}


def _favourite(purchases: Sequence[Event], field: str) -> str:
    """The most frequent value; of several the one purchased last, and of those of one moment the last by name."""
    times = Counter(purchase.values[field] for purchase in purchases)
    last = {purchase.values[field]: purchase.time for purchase in purchases}
    return str(max(times, key=lambda value: (times[value], last[value], value)))


def _spend(purchase: Event, currency: str) -> Decimal:
    return Decimal(str(purchase.values["amount"])) if purchase.values["currency"] == currency else Decimal()


def _spend_30d(purchases: Sequence[Event], currency: str, end: datetime) -> Decimal:
    start = end - timedelta(days=30)
    return sum((_spend(purchase, currency) for purchase in purchases if start <= purchase.time < end), Decimal())


def _day(time: datetime) -> date:
    return time.astimezone(UTC).date()
