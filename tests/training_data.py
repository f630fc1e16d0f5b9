"""Customers whose churn is known: what the dataset query leaves, made from a formula instead of orders.

With a signal the label is drawn with the chance that :func:`chance_of_no_purchase` gives, so the best that any model
can do on the rows is known too. Without one, it is the toss of a coin.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts import Contract

CUTOFFS = (date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1))
"""Enough for a split: each is the last one's 90 days or more after it."""

_CONTRACT = Contract.load("customer_features")
_TYPES = {"int": pa.int32(), "double": pa.float64(), "string": pa.string(), "timestamp": pa.string()}


def customers(
    cutoffs: Sequence[date] = CUTOFFS, count: int = 300, *, seed: int = 0, signal: bool = True
) -> pd.DataFrame:
    """A row per customer and cutoff, with the contract's columns in its order, the cutoff and the label."""
    return pd.concat(
        [_at(cutoff, count, np.random.default_rng([seed, cutoff.toordinal()]), signal=signal) for cutoff in cutoffs],
        ignore_index=True,
    )


def chance_of_no_purchase(rows: pd.DataFrame) -> np.ndarray:
    """The signal. Who is overdue by their own rhythm is lost; who returns much is lost too, unless they use the app.

    Neither a straight line nor one feature alone says it.
    """
    rhythm = np.where(rows["frequency"] > 0, rows["recency"] / rows["frequency"].clip(lower=1), 60)
    overdue = np.log((rows["days_since_last_order"] + 3) / (rhythm + 3))
    returns = np.where(rows["favourite_channel"] == "app", -1.5, 1.5) * (rows["return_rate"] > 0.25)
    chance: np.ndarray = 1 / (1 + np.exp(-(2 * overdue + 1.5 * returns)))
    return chance


def write(rows: pd.DataFrame, directory: Path, *, files: int = 1) -> Path:
    """The rows as Athena writes them: Parquet with lower-case names and the contract's types."""
    directory.mkdir(parents=True, exist_ok=True)
    schema = pa.schema(
        [(field.name, _TYPES[field.glue_type]) for field in _CONTRACT.fields]
        + [("cutoff_date", pa.date32()), ("no_purchase_90d", pa.int32())]
    )
    for number in range(files):
        table = pa.Table.from_pandas(rows.iloc[number::files], schema=schema, preserve_index=False)
        lower = table.rename_columns([name.lower() for name in schema.names])
        pq.write_table(lower, directory / f"part-{number}.parquet")
    return directory


def _at(cutoff: date, count: int, chance: np.random.Generator, *, signal: bool) -> pd.DataFrame:
    age = chance.integers(5, 700, count)
    frequency = np.minimum(chance.geometric(0.15, count) - 1, age)
    recency = np.where(frequency > 0, np.maximum(frequency, (age * chance.beta(4, 1.5, count)).astype(int)), 0)
    value = np.where(frequency > 0, chance.lognormal(3.5, 0.7, count).round(2), 0.0)
    since = age - recency
    orders_90d = np.where(since < 90, 1 + chance.binomial(np.minimum(frequency, 20), 0.3), 0)
    orders_30d = np.where(since < 30, 1 + chance.binomial(np.maximum(orders_90d - 1, 0), 0.4), 0)
    orders_7d = np.where(since < 7, 1 + chance.binomial(np.maximum(orders_30d - 1, 0), 0.3), 0)
    lags = [np.where(age >= 30 * (lag + 1), (value * chance.poisson(0.8, count)).round(2), np.nan) for lag in (1, 2, 3)]
    bins, names = [30, 90, 180, 365], _enum("tenure_bucket")
    rows = pd.DataFrame(
        {
            "customer_id": [f"C-{number}" for number in range(count)],
            "event_time": f"{cutoff:%Y-%m-%d}T00:00:00Z",
            "frequency": frequency,
            "recency": recency,
            "T": age,
            "monetary_value": value,
            "orders_7d": orders_7d,
            "orders_30d": orders_30d,
            "orders_90d": orders_90d,
            "spend_7d": (orders_7d * value).round(2),
            "spend_30d": (orders_30d * value).round(2),
            "spend_90d": (orders_90d * value).round(2),
            "favourite_category": chance.choice(_enum("favourite_category"), count),
            "favourite_channel": chance.choice(_enum("favourite_channel"), count),
            "currency": chance.choice(["EUR", "USD", "GBP"], count, p=[0.6, 0.3, 0.1]),
            "spend_30d_lag_1": lags[0],
            "spend_30d_lag_2": lags[1],
            "spend_30d_lag_3": lags[2],
            "spend_30d_rolling_mean_3": np.mean(lags, axis=0),
            "days_since_last_order": since,
            "return_rate": np.where(chance.random(count) < 0.5, 0.0, chance.beta(2, 5, count)),
            "weekend_share": chance.beta(2, 5, count),
            "tenure_bucket": np.array(names)[np.digitize(age, bins)],
            "cutoff_date": cutoff,
        }
    )
    lost = chance_of_no_purchase(rows) if signal else np.full(count, 0.5)
    rows["no_purchase_90d"] = (chance.random(count) < lost).astype(int)
    return rows


def _enum(feature: str) -> list[str]:
    return next(list(field.schema["enum"]) for field in _CONTRACT.fields if field.name == feature)
