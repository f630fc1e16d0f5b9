"""What is known of each customer at each cutoff: the features of ``contracts/customer_features.json``, at scale.

The same features as ``practice/sample/customer_features.py`` computes in plain Python, number for number.

How it stays cheap: orders move between machines once, to where their customer's are. What an event adds to its
customer's history (is it the first of its day, how many of its category came before) is worked out once for all
cutoffs, since it depends on earlier events alone; only then is each event counted towards the cutoffs after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's documentation has it

from contracts import Contract, ContractError
from jobs.refinery.schemas import feature_fields

WINDOW_DAYS = (7, 30, 90)
LAG_DAYS = 30
LAGS = (1, 2, 3)
TENURE_BUCKETS = {30: "under_30d", 90: "30_to_89d", 180: "90_to_179d", 365: "180_to_364d"}
"""The bins by the first number of days that is beyond them."""
OLDEST_TENURE = "365d_and_more"

FAVOURITES = ("category", "channel", "currency")


def customer_features(orders: DataFrame, cutoffs: Sequence[date], contract: Contract | None = None) -> DataFrame:
    """One row per customer and cutoff, from the events before it; none before the customer's first purchase.

    A cutoff is the first moment of a day in UTC, which the row tells as ``event_time`` and as ``cutoff_date``.
    Only columns of the orders contract are read, so what the shop's batch says of a customer today cannot leak in.
    """
    if not cutoffs:
        raise ValueError("no cutoff; expected at least one date, such as 2026-11-22.")
    contract = contract or Contract.load("customer_features")
    sums = _per_customer_and_cutoff(_per_currency(_history(orders), sorted(set(cutoffs))))
    computed = _features(sums, 10 ** _decimals())
    _check_complete(contract, computed)
    return sums.select(
        *(
            computed[name].cast(type_).alias(name)
            for name, type_ in feature_fields(contract).items()
            if name in computed
        ),
        F.col("cutoff").alias("cutoff_date"),
    )


def _history(orders: DataFrame) -> DataFrame:
    """Each event of a customer with what it adds to the events before it."""
    purchase = (F.col("event_type") == "purchase").cast("int")
    by_time = Window.partitionBy("customer_id", "purchase").orderBy("event_time")
    columns = ["customer_id", "event_time", "amount", *FAVOURITES]
    history = (
        orders.where(F.col("customer_id").isNotNull() & F.col("event_type").isin("purchase", "return"))
        .select(*columns, purchase.alias("purchase"), F.to_date("event_time").alias("day"))
        .repartition("customer_id")
        .withColumn("minor", (F.col("amount") * 10 ** _decimals()).cast("bigint") * F.col("purchase"))
        .withColumn("first_day", F.min("day").over(by_time))
        .withColumn("new_day", (~F.lag("day").over(by_time).eqNullSafe(F.col("day"))).cast("int") * F.col("purchase"))
        .withColumn("weekend", (F.dayofweek("day").isin(1, 7)).cast("int") * F.col("purchase"))
    )
    for field in FAVOURITES:
        so_far = Window.partitionBy("customer_id", field).orderBy("event_time")
        count = F.sum("purchase").over(so_far.rowsBetween(Window.unboundedPreceding, Window.currentRow))
        # the greatest of these is the favourite: most purchases, of several the last, of one moment the last by name
        rank = F.struct(count.alias("count"), "event_time", F.col(field).alias("value"))
        history = history.withColumn(f"{field}_rank", F.when(F.col("purchase") == 1, rank))
    return history


def _per_currency(history: DataFrame, cutoffs: Sequence[date]) -> DataFrame:
    """Counts and sums per customer, cutoff and currency, from the events before the cutoff."""
    later = F.filter(F.array(*map(F.lit, cutoffs)), lambda cutoff: cutoff > F.col("day"))
    purchase, day = F.col("purchase"), F.col("day")
    return (
        history.withColumn("cutoff", F.explode(later))
        .groupBy("customer_id", "cutoff", "currency")
        .agg(
            F.sum("purchase").alias("purchases"),
            F.sum(1 - purchase).alias("returns"),
            F.sum("weekend").alias("weekend"),
            F.sum("new_day").alias("days"),
            F.min(F.when(purchase == 1, day)).alias("first_day"),
            F.max(F.when(purchase == 1, day)).alias("last_day"),
            *(F.max(f"{field}_rank").alias(f"{field}_rank") for field in FAVOURITES),
            *(_sum("purchase", _days_before(n)).alias(f"orders_{n}d") for n in WINDOW_DAYS),
            *(_sum("minor", _days_before(n)).alias(f"spend_{n}d") for n in WINDOW_DAYS),
            *(_sum("minor", _days_before((lag + 1) * LAG_DAYS, lag * LAG_DAYS)).alias(_lag(lag)) for lag in LAGS),
            _sum("minor", day > F.col("first_day")).alias("repeat_spend"),
        )
    )


def _per_customer_and_cutoff(per_currency: DataFrame) -> DataFrame:
    """All currencies' events together; money in the currency of most purchases alone."""
    counts = ["purchases", "returns", "weekend", "days", *(f"orders_{n}d" for n in WINDOW_DAYS)]
    money = ["repeat_spend", *(f"spend_{n}d" for n in WINDOW_DAYS), *map(_lag, LAGS)]
    return (
        per_currency.groupBy("customer_id", "cutoff")
        .agg(
            *(F.sum(name).alias(name) for name in counts),
            F.min("first_day").alias("first_day"),
            F.max("last_day").alias("last_day"),
            F.max("category_rank").alias("category_rank"),
            F.max("channel_rank").alias("channel_rank"),
            F.max(F.struct("currency_rank", *money)).alias("money"),
        )
        .where("purchases > 0")
        .select("*", F.col("money.currency_rank").alias("currency_rank"), *(F.col(f"money.{name}") for name in money))
    )


def _features(sums: DataFrame, minor_units: int) -> dict[str, Column]:
    """The features by name. Money is summed in whole minor units and divided once, so it is as exact as can be."""

    def units(name: str, times: int | Column = 1) -> Column:
        return F.col(name).cast("double") / (F.lit(minor_units) * times).cast("double")

    age, frequency = F.datediff("cutoff", "first_day"), F.col("days") - 1
    return {
        "customer_id": F.col("customer_id"),
        "event_time": F.date_format("cutoff", "yyyy-MM-dd'T'00:00:00'Z'"),
        "frequency": frequency,
        "recency": F.datediff("last_day", "first_day"),
        "T": age,
        "monetary_value": units("repeat_spend", F.greatest(frequency, F.lit(1))),
        **{f"orders_{n}d": F.col(f"orders_{n}d") for n in WINDOW_DAYS},
        **{f"spend_{n}d": units(f"spend_{n}d") for n in WINDOW_DAYS},
        **{f"favourite_{field}": F.col(f"{field}_rank.value") for field in ("category", "channel")},
        "currency": F.col("currency_rank.value"),
        **{_lag(lag): units(_lag(lag)) for lag in LAGS},
        f"spend_{LAG_DAYS}d_rolling_mean_3": sum((F.col(_lag(lag)) for lag in LAGS), F.lit(0)).cast("double")
        / F.lit(float(minor_units * len(LAGS))),
        "days_since_last_order": F.datediff("cutoff", "last_day"),
        "return_rate": F.least("returns", "purchases").cast("double") / F.col("purchases").cast("double"),
        "weekend_share": F.col("weekend").cast("double") / F.col("purchases").cast("double"),
        "tenure_bucket": _tenure_bucket(age),
    }


def _tenure_bucket(age: Column) -> Column:
    bucket = F.lit(OLDEST_TENURE)
    for beyond, name in sorted(TENURE_BUCKETS.items(), reverse=True):
        bucket = F.when(age < beyond, name).otherwise(bucket)
    return bucket


def _check_complete(contract: Contract, computed: dict[str, Column]) -> None:
    for field in contract.fields:
        if field.required and field.name not in computed:
            raise ContractError(
                f"feature {field.name!r} of the contract {contract.name!r} is required, and {__name__} does not "
                f"compute it; it computes {', '.join(computed)}. Compute it there, or make the feature optional."
            )


def _decimals() -> int:
    return next(field.decimals for field in Contract.load("orders").fields if field.name == "amount")


def _lag(lag: int) -> str:
    return f"spend_{LAG_DAYS}d_lag_{lag}"


def _days_before(start: int, end: int = 0) -> Column:
    """Whether the day is one of those before the cutoff, from ``start`` days before it to ``end`` days before it."""
    day = F.col("day")
    return (day >= F.date_sub("cutoff", start)) & (day < F.date_sub("cutoff", end))


def _sum(name: str, condition: Column) -> Column:
    return F.sum(F.when(condition, F.col(name)).otherwise(0))
