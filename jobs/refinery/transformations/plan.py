"""Which transformation applies to which feature of ``contracts/customer_features.json``, in the order they are fitted.

A transformation adds columns, so a later one can build on an earlier one's.

Money is in each customer's own currency, and there are no exchange rates here: a scale mixes currencies, which a model
tells apart by the encoded ``currency`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs.refinery.features import OLDEST_TENURE, TENURE_BUCKETS
from jobs.refinery.transformations.binning import EqualFrequencyBinning, EqualWidthBinning
from jobs.refinery.transformations.categorical_encoding import Hashing, LabelEncoding, OneHotEncoding
from jobs.refinery.transformations.logarithm import LogTransformation
from jobs.refinery.transformations.missing_data import Imputation
from jobs.refinery.transformations.scaling import MinMaxNormalization, RobustScaling, Standardization
from jobs.refinery.transformations.time_features import TemporalFeatures
from jobs.refinery.transformations.transformation import Transformation


@dataclass(frozen=True)
class Plan:
    """What is fitted as a Spark ML pipeline, and what as tables of categories."""

    transformations: tuple[Transformation, ...]
    frequency_encoding: tuple[str, ...] = ()
    target_encoding: tuple[str, ...] = ()


KEYS = ("customer_id", "cutoff_date")
"""What says which row it is, and is no feature."""

_LAGS = ("spend_30d_lag_1", "spend_30d_lag_2", "spend_30d_lag_3")

PLAN = Plan(
    transformations=(
        # 4.3: 0 means that there was no repeat purchase to take a mean of, and says nothing about the customer's money
        Imputation(("monetary_value",), strategy="median", missing_value=0.0),
        # 4.3: optional in the contract, since records from before these features were added do not have them
        Imputation(
            (*_LAGS, "spend_30d_rolling_mean_3", "days_since_last_order", "return_rate", "weekend_share"),
            strategy="median",
        ),
        # 4.2: money and counts of purchases have a long tail, and many customers at 0
        LogTransformation(
            (
                *("frequency", "spend_7d", "spend_30d", "spend_90d"),
                *("monetary_value_imputed", "spend_30d_rolling_mean_3_imputed"),
            )
        ),
        # 4.2: what has no bounds, brought near to a normal distribution where a logarithm does that
        Standardization(
            (
                *("recency", "T", "days_since_last_order_imputed", "frequency_log", "spend_30d_log", "spend_90d_log"),
                *("monetary_value_imputed_log", "spend_30d_rolling_mean_3_imputed_log"),
            )
        ),
        # 4.2: small counts, mostly 0, and shares, into the same bounds
        MinMaxNormalization(("orders_7d", "orders_30d", "orders_90d", "return_rate_imputed", "weekend_share_imputed")),
        # 4.2: one large order must not set the scale of everybody's
        RobustScaling(
            ("spend_7d", "spend_30d", "spend_90d", "monetary_value_imputed", *(f"{lag}_imputed" for lag in _LAGS))
        ),
        # 4.2: ages spread evenly, so equal steps of days are comparable groups
        EqualWidthBinning(("T",), bins=10),
        # 4.2: crowded at small values, where equal steps would put nearly everybody into one bin
        EqualFrequencyBinning(("recency", "spend_90d"), bins=10),
        # 4.4: ordinal
        LabelEncoding(("tenure_bucket",), order=(*TENURE_BUCKETS.values(), OLDEST_TENURE)),
        # 4.4: nominal, with fewer than 20 categories
        OneHotEncoding(("favourite_category", "favourite_channel")),
        # 4.4: any code of ISO 4217 may come, also one that the training window has not seen
        Hashing(("currency",), buckets=16),
        # 4.6: the season at the cutoff; the hour is 0 while cutoffs are midnights
        TemporalFeatures(("event_time",)),
    ),
    # 4.4: how common a currency is tells the home market from the others
    frequency_encoding=("currency",),
    # 4.4: the categories that tell customers apart most, in one number instead of a column each
    target_encoding=("favourite_category", "currency"),
)
