"""Features and labels on Spark: by hand, against the plain-Python oracle, against pandas, and without leakage."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import fastjsonschema
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from contracts import Contract, ContractError
from jobs.refinery.features import customer_features
from jobs.refinery.labels import customer_labels, labelled_cutoffs
from jobs.refinery.schemas import LABEL, cleaned_orders_schema, features_schema, labels_schema
from practice.sample.customer_features import customer_features as oracle
from practice.sample.plan import Plan
from practice.sample.shop import Event

CUTOFF = date(2026, 6, 30)
NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
CONTRACT = Contract.load("customer_features")
ORDERS = {field.name: field.schema for field in Contract.load("orders").fields}
COLUMNS = ("customer_id", "event_type", "event_time", "category", "channel", "currency", "amount")

Row = dict[str, Any]


def moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def order(
    when: datetime | str,
    amount: str | float = 10,
    *,
    customer: str = "C-000007",
    kind: str = "purchase",
    category: str = "books",
    channel: str = "web",
    currency: str = "EUR",
) -> Event:
    at = when if isinstance(when, datetime) else datetime.fromisoformat(f"{when}+00:00")
    values = {"customer_id": customer, "event_type": kind, "category": category, "channel": channel}
    return Event(at, values | {"currency": currency, "amount": amount})


def frame(spark: SparkSession, events: Iterable[Event]) -> DataFrame:
    schema = cleaned_orders_schema()
    rows = [
        tuple(
            e.time if name == "event_time" else Decimal(str(e.values[name])) if name == "amount" else e.values[name]
            for name in COLUMNS
        )
        for e in events
    ]
    chosen = type(schema)([schema[name] for name in COLUMNS])
    return spark.createDataFrame(rows, chosen)


def features(spark: SparkSession, events: Iterable[Event], *cutoffs: date) -> list[Row]:
    found = [row.asDict() for row in customer_features(frame(spark, events), cutoffs or [CUTOFF]).collect()]
    for row in found:
        assert row["event_time"] == f"{row.pop('cutoff_date')}T00:00:00Z"
    return sorted(found, key=_key)


def expected(events: Iterable[Event], *cutoffs: date) -> list[Row]:
    """What the oracle says, customer by customer."""
    by_customer: dict[str, list[Event]] = {}
    for e in events:
        by_customer.setdefault(e.values["customer_id"], []).append(e)
    found = [oracle(theirs, moment(day), CONTRACT) for theirs in by_customer.values() for day in cutoffs or [CUTOFF]]
    return sorted((dict(features) for features in found if features), key=_key)


def _key(row: Row) -> tuple[str, str]:
    return row["customer_id"], row["event_time"]


# Four days with purchases: 1 March (the first), 1 June twice, 13 June (a Saturday), 29 June twice, the last of them in
# the last second before the cutoff. A purchase at the cutoff and one later change nothing.
EXAMPLE = [
    order("2026-03-01T09:00", 100, category="garden", channel="store"),
    order("2026-06-01T08:00", 20.1),
    order("2026-06-01T23:59:59", 0.2, category="toys", channel="app"),
    order("2026-06-10T08:00", 20.1, kind="return"),
    order("2026-06-13T00:00", 40, category="toys"),
    order("2026-06-29T10:00", 7.5, category="toys", channel="app"),
    order("2026-06-29T23:59:59.999999", 12.5),
    order("2026-06-30T00:00", 1000, category="sports", channel="store"),
    order("2026-07-01T00:00", 1000, category="sports", channel="store"),
]
WITHOUT_ORDERS = [
    order("2026-06-30T00:00", customer="C-000001"),  # the first one comes with the cutoff
    order("2026-06-29T00:00", customer="C-000002", kind="return"),  # a return of what nobody saw bought
]
ONE_PURCHASE = [order("2026-06-28T23:00", 50, customer="C-000009", currency="CHF")]
ONE_DAY = [order(f"2026-06-28T0{hour}:00", 5, customer="C-000010", channel="app") for hour in (1, 5)]


def test_every_edge_by_hand(spark: SparkSession) -> None:
    everything, once, one_day = features(spark, [*EXAMPLE, *WITHOUT_ORDERS, *ONE_PURCHASE, *ONE_DAY])
    assert everything == {
        "customer_id": "C-000007",
        "event_time": "2026-06-30T00:00:00Z",
        "frequency": 3,
        "recency": 120,  # 1 March to 29 June
        "T": 121,  # 1 March to 30 June
        "monetary_value": 80.3 / 3,  # 20.30, 40 and 20
        "orders_7d": 2,
        "orders_30d": 5,  # since 31 May
        "orders_90d": 5,
        "spend_7d": 20.0,
        "spend_30d": 80.3,
        "spend_90d": 80.3,
        "favourite_category": "toys",  # three times
        "favourite_channel": "web",
        "currency": "EUR",
        "spend_30d_lag_1": 0.0,
        "spend_30d_lag_2": 0.0,
        "spend_30d_lag_3": 0.0,  # it goes back to 2 March
        "spend_30d_rolling_mean_3": 0.0,
        "days_since_last_order": 1,
        "return_rate": 1 / 6,
        "weekend_share": 2 / 6,  # 1 March was a Sunday
        "tenure_bucket": "90_to_179d",
    }
    assert once == {
        "customer_id": "C-000009",
        "event_time": "2026-06-30T00:00:00Z",
        **dict.fromkeys(("frequency", "recency"), 0),
        "T": 2,
        **dict.fromkeys(("orders_7d", "orders_30d", "orders_90d"), 1),
        **dict.fromkeys(("spend_7d", "spend_30d", "spend_90d"), 50.0),
        "favourite_category": "books",
        "favourite_channel": "web",
        "currency": "CHF",
        **dict.fromkeys(("monetary_value", "spend_30d_lag_1", "spend_30d_lag_2", "spend_30d_lag_3"), 0.0),
        "spend_30d_rolling_mean_3": 0.0,
        "days_since_last_order": 2,
        "return_rate": 0.0,
        "weekend_share": 1.0,
        "tenure_bucket": "under_30d",
    }
    assert (one_day["frequency"], one_day["recency"], one_day["monetary_value"]) == (0, 0, 0.0)
    assert (one_day["orders_7d"], one_day["spend_7d"], one_day["favourite_channel"]) == (2, 10.0, "app")


def test_lags_are_the_spend_of_the_windows_before(spark: SparkSession) -> None:
    starts = [moment(CUTOFF) - timedelta(days=days) for days in (120, 90, 60, 30)]
    events = [order(start, 10**n) for n, start in enumerate(starts)]
    (found,) = features(spark, [*events, order(starts[0] - timedelta(microseconds=1), 5)])
    assert [found[f"spend_30d_lag_{lag}"] for lag in (1, 2, 3)] == [100, 10, 1]
    assert (found["spend_30d"], found["spend_30d_rolling_mean_3"]) == (1000, 37)


def shop_events(customers: int, seed: int = 3) -> list[Event]:
    shop = Plan(seed=seed, end=NOON).shop
    return [event for customer in islice(shop.customers(), customers) for event in shop.history(customer)]


def tangled_events(customers: int) -> list[Event]:
    """Customers whose every choice is a tie: few days, few moments, several currencies, returns of nothing."""
    rng = random.Random("tangled")  # noqa: S311 - sample data
    moments = [moment(CUTOFF) + timedelta(days=days) for days in (-121, -120, -91, -90, -60, -30, -7, -1, 0, 3)]
    moments += [at + offset for at in moments for offset in (timedelta(hours=5), timedelta(microseconds=-1))]
    return [
        order(
            rng.choice(moments),
            rng.choice((0, 0.07, 19.99, 33.33, 99999999.99)),
            customer=f"C-9{number:05d}",
            kind=rng.choice(("purchase", "purchase", "return")),
            category=rng.choice(("books", "toys", "home")),
            channel=rng.choice(("app", "store", "web")),
            currency=rng.choice(("CHF", "EUR")),
        )
        for number in range(customers)
        for _ in range(rng.randint(1, 9))
    ]


def test_they_are_those_of_the_oracle_at_every_cutoff(spark: SparkSession) -> None:
    cutoffs = [CUTOFF - timedelta(days=days) for days in (61, 30, 0)]
    events = [*shop_events(300), *tangled_events(300)]
    random.Random(0).shuffle(events)  # noqa: S311 - files have no order
    found = features(spark, events, *cutoffs)
    wanted = expected(events, *cutoffs)
    assert len(wanted) > 1000
    assert found == wanted


def test_every_record_fits_the_contract(spark: SparkSession) -> None:
    fits = fastjsonschema.compile(dict(CONTRACT.schema))
    found = features(spark, tangled_events(200))
    assert len(found) > 100
    for record in found:
        fits(record)


def test_the_rfm_summary_is_what_pandas_makes_of_two_thousand_customers(spark: SparkSession) -> None:
    events = shop_events(2_000, seed=11)
    found = {row["customer_id"]: row for row in features(spark, events)}
    table = pd.DataFrame(
        {
            "customer": [e.values["customer_id"] for e in events],
            "day": pd.to_datetime([e.time for e in events], utc=True).floor("D").tz_localize(None),
            "cents": [round(e.values["amount"] * 100) for e in events],
            "kind": [e.values["event_type"] for e in events],
        }
    )
    cutoff = pd.Timestamp(CUTOFF)
    daily = (
        table[(table.kind == "purchase") & (table.day < cutoff)]
        .groupby(["customer", "day"], as_index=False)["cents"]
        .sum()
    )
    daily["first"] = daily.groupby("customer")["day"].transform("min")
    summary = daily.groupby("customer").agg(
        frequency=("day", lambda day: day.nunique() - 1), first=("day", "min"), last=("day", "max")
    )
    summary["recency"] = (summary["last"] - summary["first"]).dt.days
    summary["T"] = (cutoff - summary["first"]).dt.days
    repeats = daily[daily["day"] > daily["first"]]
    summary["monetary_value"] = (repeats.groupby("customer")["cents"].mean() / 100).reindex(summary.index).fillna(0.0)
    assert len(summary) > 1_900
    assert set(summary.index) == set(found)
    for customer, row in summary.iterrows():
        theirs = found[str(customer)]
        exact = ("frequency", "recency", "T")
        assert {name: theirs[name] for name in exact} == {name: row[name] for name in exact}
        assert theirs["monetary_value"] == pytest.approx(row["monetary_value"], rel=1e-12)


def events_of(start: timedelta, end: timedelta) -> st.SearchStrategy[list[Event]]:
    one = st.builds(
        order,
        st.timedeltas(start, end).map(lambda offset: moment(CUTOFF) + offset),
        st.integers(0, 10**7).map(lambda cents: cents / 100),
        kind=st.sampled_from(ORDERS["event_type"]["enum"]),
        category=st.sampled_from(ORDERS["category"]["enum"]),
        channel=st.sampled_from(ORDERS["channel"]["enum"]),
        currency=st.sampled_from(["EUR", "CHF"]),
    )
    return st.lists(one, min_size=1, max_size=6)


PAST = events_of(timedelta(days=-400), timedelta(microseconds=-1))
FUTURE = events_of(timedelta(0), timedelta(days=120))


def named(events: Sequence[Event], customer: str) -> list[Event]:
    return [e._replace(values=e.values | {"customer_id": customer}) for e in events]


# Few examples of many customers each, since every example is a job of Spark. No shrinking for the same reason.
@settings(
    max_examples=3, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None, derandomize=True
)
@given(st.lists(st.tuples(PAST, FUTURE), min_size=40, max_size=40))
def test_no_event_at_the_cutoff_or_later_changes_a_feature(
    spark: SparkSession, cases: list[tuple[list[Event], list[Event]]]
) -> None:
    """Each case is two customers of one past: one stops at the cutoff, the other goes on."""
    events = []
    for number, (past, future) in enumerate(cases):
        events += [*named(future, f"C-{number}"), order(moment(CUTOFF), customer=f"C-{number}")]
        events += [*named(past, f"C-{number}"), *named(past, f"C-{number}-stops")]
    found = {row.pop("customer_id"): row for row in features(spark, events)}
    stopped = {name.removesuffix("-stops"): row for name, row in found.items() if name.endswith("-stops")}
    assert {name: row for name, row in found.items() if not name.endswith("-stops")} == stopped


def test_orders_move_between_machines_once_whatever_the_number_of_cutoffs(spark: SparkSession) -> None:
    cutoffs = [CUTOFF - timedelta(days=days) for days in range(12)]
    plan = customer_features(frame(spark, EXAMPLE), cutoffs)._jdf.queryExecution().executedPlan().toString()
    assert plan.count("Exchange ") == 1


def test_the_columns_are_the_contracts_with_the_partition_last(spark: SparkSession) -> None:
    found = customer_features(frame(spark, EXAMPLE), [CUTOFF])
    assert [(f.name, f.dataType) for f in found.schema] == [(f.name, f.dataType) for f in features_schema()]


def test_a_required_feature_that_nobody_computes_is_an_error(spark: SparkSession) -> None:
    contract = with_feature(required=True)
    with pytest.raises(ContractError, match=r"'nps'.* is required.*does not compute it.*make the feature optional"):
        customer_features(frame(spark, EXAMPLE), [CUTOFF], contract)


def test_an_optional_feature_that_nobody_computes_is_left_out(spark: SparkSession) -> None:
    found = customer_features(frame(spark, EXAMPLE), [CUTOFF], with_feature(required=False))
    assert "nps" not in found.columns


def test_without_a_cutoff_there_is_nothing_to_compute(spark: SparkSession) -> None:
    with pytest.raises(ValueError, match="expected at least one date"):
        customer_features(frame(spark, EXAMPLE), [])


def with_feature(*, required: bool) -> Contract:
    schema = dict(CONTRACT.schema)
    schema["properties"] = {**schema["properties"], "nps": {"description": "For a test.", "type": "integer"}}
    schema["required"] = [*schema["required"], *(["nps"] if required else [])]
    return replace(CONTRACT, schema=schema)


class TestLabels:
    """1 for who buys nothing in the 90 days from the cutoff on."""

    def labels(self, spark: SparkSession, events: Sequence[Event], as_of: date, *cutoffs: date) -> list[Row]:
        found = customer_labels(frame(spark, events), cutoffs or [CUTOFF], as_of)
        assert [(f.name, f.dataType) for f in found.schema] == [(f.name, f.dataType) for f in labels_schema()]
        return sorted((row.asDict() for row in found.collect()), key=_key)

    def test_a_purchase_counts_from_the_cutoff_until_90_days_are_over(self, spark: SparkSession) -> None:
        start, end = moment(CUTOFF), moment(CUTOFF + timedelta(days=90))
        last = timedelta(microseconds=1)
        again = {
            "C-1": start,
            "C-2": end - last,
            "C-3": end,
            "C-4": start - last,
        }
        events = [order(start - timedelta(days=9), customer=customer) for customer in again]
        events += [order(at, customer=customer) for customer, at in again.items()]
        events += [order("2026-06-01T00:00", customer="C-5")]
        events += [order("2026-07-02T00:00", customer="C-5", kind="return")]
        events += [order("2026-07-01T00:00", customer="C-6")]  # not known at the cutoff
        found = self.labels(spark, events, end.date())
        assert {row["customer_id"]: row[LABEL] for row in found} == {"C-1": 0, "C-2": 0, "C-3": 1, "C-4": 1, "C-5": 1}
        assert {(row["event_time"], row["cutoff_date"]) for row in found} == {("2026-06-30T00:00:00Z", CUTOFF)}

    def test_a_cutoff_has_none_before_its_90_days_are_over(self, spark: SparkSession) -> None:
        over, not_over = CUTOFF, CUTOFF + timedelta(days=1)
        as_of = CUTOFF + timedelta(days=90)
        assert labelled_cutoffs([not_over, over], as_of) == [over]
        assert {row["cutoff_date"] for row in self.labels(spark, EXAMPLE, as_of, over, not_over)} == {over}
        assert self.labels(spark, EXAMPLE, as_of - timedelta(days=1)) == []

    def test_there_is_one_for_every_record_of_features_and_no_other(self, spark: SparkSession) -> None:
        events, cutoffs = tangled_events(200), [CUTOFF - timedelta(days=days) for days in (100, 60)]
        labels = self.labels(spark, events, CUTOFF + timedelta(days=30), *cutoffs)
        assert [_key(row) for row in labels] == [_key(row) for row in features(spark, events, *cutoffs)]
        assert {row[LABEL] for row in labels} == {0, 1}
