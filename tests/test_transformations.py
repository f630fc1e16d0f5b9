"""The guide's transformations (4.2 to 4.6), each against its formula by hand, and what they are fitted on."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from math import cos, e, isnan, log, nan, pi, sin, sqrt
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import pytest
from pyspark.ml import PipelineModel, Transformer
from pyspark.ml.feature import StandardScalerModel
from pyspark.sql import DataFrame, Row, SparkSession

from contracts import Contract
from jobs.refinery import transformations
from jobs.refinery.schemas import LABEL, features_schema
from jobs.refinery.transformations.binning import EqualFrequencyBinning, EqualWidthBinning
from jobs.refinery.transformations.categorical_encoding import Hashing, LabelEncoding, OneHotEncoding
from jobs.refinery.transformations.logarithm import LogTransformation
from jobs.refinery.transformations.missing_data import Imputation
from jobs.refinery.transformations.pipeline import FittedTransformations, fit
from jobs.refinery.transformations.plan import KEYS, PLAN, Plan
from jobs.refinery.transformations.scaling import MinMaxNormalization, RobustScaling, Standardization
from jobs.refinery.transformations.target_encoding import FOLDS, PRIOR_WEIGHT
from jobs.refinery.transformations.time_features import TemporalFeatures
from jobs.refinery.transformations.transformation import Transformation, TransformationError
from practice.sample.customer_features import features_of_customers
from practice.sample.plan import Plan as SamplePlan

WINDOW_END = date(2026, 6, 30)
IN_WINDOW, AFTER = date(2026, 6, 1), date(2026, 10, 1)
CUTOFFS = (date(2026, 3, 1), IN_WINDOW, WINDOW_END, AFTER)

Records = list[dict[str, Any]]


# --- each transformation by hand: fitted on nine customers, applied to them and to five later ones ---

_GAPS = [1.0, None, 1.0, nan, 2.0, 4.0, 12.0, None, None]

COLUMNS: dict[str, tuple[str, list[Any], list[Any]]] = {
    "even": ("double", [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0], [20.0, -4.0, 8.0, 8.0, 8.0]),
    "outlier": ("double", [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 1e6], [16.0, 0.0, 8.0, 8.0, 8.0]),
    "skewed": ("double", [1.0, 2.0, 3.0, 4.0, 500.0, 600.0, 7e3, 8e3, 9e3], [0.0, 1e9, 1.0, 1.0, 1.0]),
    "crowded": ("int", [0, 0, 0, 0, 0, 0, 0, 0, 7], [0, 9, 0, 0, 0]),
    "constant": ("int", [5, 5, 5, 5, 5, 5, 5, 5, 5], [5, 5, 5, 5, 5]),
    "tail": ("double", [0.0, e - 1, 99.0, -0.5, None, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]),
    "gaps_mean": ("double", _GAPS, [None, 3.0, nan, 1.0, 1.0]),
    "gaps_median": ("double", _GAPS, [None, 3.0, nan, 1.0, 1.0]),
    "gaps_mode": ("double", _GAPS, [None, 3.0, nan, 1.0, 1.0]),
    "none_is_0": ("double", [0.0, None, 8.0, 10.0, 12.0, 0.0, 0.0, 0.0, 0.0], [0.0, 3.0, None, 1.0, 1.0]),
    "color": ("string", ["red", "green", "blue", *["red"] * 5, None], ["red", "blue", "pink", None, "red"]),
    "channel": ("string", ["web", "app", *["web"] * 7], ["web", "app", "pigeon", None, "web"]),
    "size": ("string", ["L", "S", "M", *["L"] * 6], ["L", "XXL", "S", None, "M"]),
    "at": (
        "string",
        ["2026-11-22T18:30:00Z", "2024-02-29T00:00:00Z", "2026-03-29T02:30:00Z", *["2026-05-01T00:00:00Z"] * 6],
        ["2026-05-01T00:00:00Z"] * 5,
    ),
}
"""A column's type, its values in the training window, and those after it."""

STEPS = (
    Standardization(("constant", "even")),
    MinMaxNormalization(("even", "constant")),
    RobustScaling(("outlier", "constant")),
    LogTransformation(("tail",)),
    EqualWidthBinning(("even", "constant"), bins=4),
    EqualFrequencyBinning(("skewed", "crowded", "constant"), bins=3),
    Imputation(("gaps_mean",), strategy="mean"),
    Imputation(("gaps_median",), strategy="median"),
    Imputation(("gaps_mode",), strategy="mode"),
    Imputation(("none_is_0",), missing_value=0.0),
    LabelEncoding(("size",), order=("S", "M", "L")),
    OneHotEncoding(("color", "channel")),
    Hashing(("color",), buckets=8),
    TemporalFeatures(("at",)),
)


class ByHand(NamedTuple):
    """The columns of the rows of the training window and of those after it, by name."""

    training: dict[str, list[Any]]
    later: dict[str, list[Any]]


@pytest.fixture(scope="module")
def by_hand(spark: SparkSession) -> ByHand:
    """Computed where it is summer time from 29 March, 02:00, which must change nothing."""
    schema = "customer_id string, cutoff_date date, " + ", ".join(
        f"{name} {kind}" for name, (kind, *_) in COLUMNS.items()
    )
    of_training, of_later = ([column[part] for column in COLUMNS.values()] for part in (1, 2))
    training, later = (
        spark.createDataFrame(
            [(f"C-{number}", cutoff, *row) for number, row in enumerate(zip(*data, strict=True))], schema
        )
        for data, cutoff in ((of_training, IN_WINDOW), (of_later, AFTER))
    )
    spark.conf.set("spark.sql.session.timeZone", "Europe/Berlin")
    try:
        found = fit(training.union(later), no_labels(training), WINDOW_END, Plan(STEPS, frequency_encoding=("color",)))
        return ByHand(*(columns_of(found.transform(of)) for of in (training, later)))
    finally:
        spark.conf.set("spark.sql.session.timeZone", "UTC")


def columns_of(of: DataFrame) -> dict[str, list[Any]]:
    found = of.orderBy("customer_id").collect()
    return {name: [row[name] for row in found] for name in of.columns}


def no_labels(of: DataFrame) -> DataFrame:
    return of.selectExpr(*KEYS, f"0 AS {LABEL}").limit(0)


def test_standardization_is_the_distance_from_the_mean_in_standard_deviations(by_hand: ByHand) -> None:
    assert by_hand.training["even_standardized"] == pytest.approx([(x - 8) / sqrt(30) for x in range(0, 17, 2)])
    assert by_hand.later["even_standardized"][:2] == pytest.approx([12 / sqrt(30), -12 / sqrt(30)])


def test_min_max_normalization_is_the_share_of_the_way_from_the_smallest_to_the_largest(by_hand: ByHand) -> None:
    assert by_hand.training["even_min_max"] == [x / 16 for x in range(0, 17, 2)]
    assert by_hand.later["even_min_max"][:2] == [1.25, -0.25]


def test_robust_scaling_is_the_distance_from_the_median_in_interquartile_ranges(by_hand: ByHand) -> None:
    median, quartiles = 8, (4, 12)
    spread = quartiles[1] - quartiles[0]
    assert by_hand.training["outlier_robust"] == [(x - median) / spread for x in (*range(0, 15, 2), 1e6)]
    assert by_hand.later["outlier_robust"][:2] == [1.0, -1.0]


def test_log_transformation_is_the_logarithm_of_one_more(by_hand: ByHand) -> None:
    assert by_hand.training["tail_log"][:5] == [0.0, pytest.approx(1.0), pytest.approx(log(100)), None, None]


def test_equal_width_binning_cuts_the_range_into_equal_parts(by_hand: ByHand) -> None:
    assert by_hand.training["even_equal_width_bin"] == [0, 0, 1, 1, 2, 2, 3, 3, 3]  # edges 4, 8, 12
    assert by_hand.later["even_equal_width_bin"][:2] == [3, 0]


def test_equal_frequency_binning_puts_as_many_rows_into_each_bin(by_hand: ByHand) -> None:
    found = by_hand.training["skewed_equal_frequency_bin"]
    assert found == sorted(found)
    assert [found.count(number) for number in (0, 1, 2)] == [2, 3, 4]  # a quantile is the first of the next bin
    assert by_hand.later["skewed_equal_frequency_bin"][:2] == [0, 2]


def test_equal_frequency_bins_merge_where_many_rows_have_one_value(by_hand: ByHand) -> None:
    assert len(set(by_hand.training["crowded_equal_frequency_bin"][:8])) == 1


def test_a_constant_feature_is_in_the_middle_of_every_scale_and_in_one_bin(by_hand: ByHand) -> None:
    assert set(by_hand.training["constant_standardized"]) == {0.0}
    assert set(by_hand.training["constant_min_max"]) == {0.5}
    assert set(by_hand.training["constant_robust"]) == {0.0}
    assert len(set(by_hand.training["constant_equal_width_bin"])) == 1
    assert len(set(by_hand.training["constant_equal_frequency_bin"])) == 1


@pytest.mark.parametrize(("strategy", "imputed"), [("mean", 4.0), ("median", 2.0), ("mode", 1.0)])
def test_imputation_fills_what_is_missing_and_the_indicator_says_where(
    by_hand: ByHand, strategy: str, imputed: float
) -> None:
    found = by_hand.training[f"gaps_{strategy}_imputed"]
    assert found == [1.0, imputed, 1.0, imputed, 2.0, 4.0, 12.0, imputed, imputed]
    assert by_hand.training[f"gaps_{strategy}_missing"] == [0, 1, 0, 1, 0, 0, 0, 1, 1]
    assert by_hand.later[f"gaps_{strategy}_imputed"][:3] == [imputed, 3.0, imputed]
    assert by_hand.later[f"gaps_{strategy}_missing"] == [1, 0, 1, 0, 0]


def test_a_value_that_stands_for_missing_is_imputed_like_null(by_hand: ByHand) -> None:
    assert by_hand.later["none_is_0_imputed"] == [10.0, 3.0, 10.0, 1.0, 1.0]
    assert by_hand.later["none_is_0_missing"] == [1, 0, 1, 0, 0]


def test_label_encoding_numbers_the_categories_in_the_order_they_are_told(by_hand: ByHand) -> None:
    assert by_hand.training["size_label"][:3] == [3, 1, 2]
    assert by_hand.later["size_label"] == [3, 0, 1, 0, 2]


def test_one_hot_encoding_has_a_column_per_category_and_none_for_an_unseen_one(by_hand: ByHand) -> None:
    found = [name for name in by_hand.later if name.startswith("channel_")]
    assert found == ["channel_app", "channel_web"]
    assert by_hand.later["channel_app"] == [0, 1, 0, 0, 0]
    assert by_hand.later["channel_web"] == [1, 0, 0, 0, 1]


def test_a_missing_category_is_the_category_unknown(by_hand: ByHand) -> None:
    assert by_hand.training["color_Unknown"] == [0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert by_hand.later["color_Unknown"] == [0, 0, 0, 1, 0]


def test_hashing_gives_each_category_a_bucket_without_having_seen_it(by_hand: ByHand) -> None:
    buckets = zip(*(by_hand.later[f"color_hash_{bucket}"] for bucket in range(8)), strict=True)
    red, blue, pink, unknown, red_again = buckets
    assert [sorted(row) for row in (red, blue, pink, unknown)] == [[0.0] * 7 + [1.0]] * 4
    assert red == red_again
    assert len({red, blue, pink, unknown}) > 1


def test_temporal_features_are_those_of_the_calendar_in_utc(by_hand: ByHand) -> None:
    names = ("hour_of_day", "day_of_week", "month", "quarter", "is_weekend")
    sunday, thursday, skipped_elsewhere = zip(*(by_hand.training[f"at_{name}"][:3] for name in names), strict=True)
    assert sunday == (18, 7, 11, 4, 1)
    assert thursday == (0, 4, 2, 1, 0)
    assert skipped_elsewhere == (2, 7, 3, 1, 1)


@pytest.mark.parametrize(("cycle", "turn"), [("hour_of_day", 18 / 24), ("day_of_week", 6 / 7), ("month", 10 / 12)])
def test_a_temporal_feature_that_comes_round_again_is_a_point_on_a_circle(
    by_hand: ByHand, cycle: str, turn: float
) -> None:
    found = [by_hand.training[f"at_{cycle}_{axis}"][0] for axis in ("sin", "cos")]
    assert found == pytest.approx([sin(2 * pi * turn), cos(2 * pi * turn)])


def test_frequency_encoding_is_the_share_in_the_training_window_and_0_for_an_unseen_category(by_hand: ByHand) -> None:
    assert by_hand.later["color_frequency"] == [6 / 9, 1 / 9, 0.0, 1 / 9, 6 / 9]


# --- target encoding ---

_SCHEMA = "customer_id string, cutoff_date date"
_CUSTOMERS = [f"C-{number}" for number in range(1, 25)]
_COLOURS = {customer: "red" if number % 3 else "blue" for number, customer in enumerate(_CUSTOMERS)}
_LABELS = {customer: int(number % 4 == 0) for number, customer in enumerate(_CUSTOMERS)}
BY_TARGET = Plan((), target_encoding=("color",))


def _fold(customer: str) -> int:
    return crc32(customer.encode()) % FOLDS


def target_means(
    spark: SparkSession, labels: dict[str, int], later: tuple[str, ...] = ("red", "blue", "pink")
) -> tuple[dict[str, float], list[float]]:
    """The encodings of the customers of the training window, and of one row per category after it."""
    training = spark.createDataFrame([(c, IN_WINDOW, _COLOURS[c]) for c in _CUSTOMERS], f"{_SCHEMA}, color string")
    known = spark.createDataFrame([(c, IN_WINDOW, label) for c, label in labels.items()], f"{_SCHEMA}, {LABEL} int")
    found = fit(training, known, WINDOW_END, BY_TARGET)
    after = spark.createDataFrame(
        [(f"C-{n}", AFTER, color) for n, color in enumerate(later)], f"{_SCHEMA}, color string"
    )
    encoded, encoded_later = (columns_of(found.transform(of)) for of in (training, after))
    means = dict(zip(encoded["customer_id"], encoded["color_target_mean"], strict=True))
    return means, encoded_later["color_target_mean"]


@pytest.fixture(scope="module")
def encodings(spark: SparkSession) -> tuple[dict[str, float], list[float]]:
    return target_means(spark, _LABELS)


def _by_hand(color: str, labels: dict[str, int], without_fold: int | None = None) -> float:
    others = [customer for customer in labels if _fold(customer) != without_fold]
    prior = sum(labels[customer] for customer in others) / len(others)
    same = [labels[customer] for customer in others if _COLOURS[customer] == color]
    return (sum(same) + PRIOR_WEIGHT * prior) / (len(same) + PRIOR_WEIGHT)


def test_target_encoding_of_a_training_row_is_the_mean_of_the_other_folds_drawn_towards_theirs(
    encodings: tuple[dict[str, float], list[float]],
) -> None:
    encoded, after = encodings
    assert encoded == pytest.approx(
        {customer: _by_hand(_COLOURS[customer], _LABELS, _fold(customer)) for customer in _CUSTOMERS}
    )
    prior = sum(_LABELS.values()) / len(_LABELS)
    assert after == pytest.approx([_by_hand("red", _LABELS), _by_hand("blue", _LABELS), prior])


def test_a_label_changes_the_encodings_of_other_folds_and_none_of_its_own(
    spark: SparkSession, encodings: tuple[dict[str, float], list[float]]
) -> None:
    flipped = {**_LABELS, "C-5": 1 - _LABELS["C-5"]}
    (before, before_later), (now, now_later) = encodings, target_means(spark, flipped)
    changed = {customer for customer in _CUSTOMERS if before[customer] != now[customer]}
    assert changed == {customer for customer in _CUSTOMERS if _fold(customer) != _fold("C-5")}
    assert all(old != new for old, new in zip(before_later, now_later, strict=True))


def test_no_label_of_a_customer_at_another_cutoff_is_in_their_encoding(spark: SparkSession) -> None:
    cutoffs = [IN_WINDOW, WINDOW_END]
    rows = [(c, cutoff, _COLOURS[c]) for c in _CUSTOMERS for cutoff in cutoffs]
    features = spark.createDataFrame(rows, f"{_SCHEMA}, color string")

    def encoded_with(of_c5_at_the_end: int) -> dict[date, float]:
        labels = [
            (c, cutoff, of_c5_at_the_end if (c, cutoff) == ("C-5", WINDOW_END) else _LABELS[c])
            for c in _CUSTOMERS for cutoff in cutoffs
        ]  # fmt: skip
        known = spark.createDataFrame(labels, f"{_SCHEMA}, {LABEL} int")
        encoded = fit(features, known, WINDOW_END, BY_TARGET).transform(features)
        return {row["cutoff_date"]: row["color_target_mean"] for row in encoded.where("customer_id = 'C-5'").collect()}

    assert encoded_with(0) == encoded_with(1)


def test_a_training_row_without_a_label_is_encoded_and_not_counted(spark: SparkSession) -> None:
    known = {customer: label for customer, label in _LABELS.items() if customer != "C-7"}
    encoded, _ = target_means(spark, known)
    assert encoded["C-7"] == pytest.approx(_by_hand(_COLOURS["C-7"], known, _fold("C-7")))


def test_labels_of_one_fold_alone_are_refused(spark: SparkSession) -> None:
    with pytest.raises(TransformationError, match=r"fewer than 2 of the 5 folds.*end later"):
        target_means(spark, {"C-5": 1})


# --- the whole plan on sample features ---


def sample_records() -> Records:
    """Features of 60 customers at four cutoffs, the last one after the window."""
    end = datetime(2026, 10, 2, tzinfo=UTC)
    moments = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in CUTOFFS]
    found = features_of_customers(SamplePlan(seed=7, end=end, days=300).shop, 60, moments)
    return [{**record, "cutoff_date": date.fromisoformat(str(record["event_time"])[:10])} for record in found]


def features_frame(spark: SparkSession, records: Records) -> DataFrame:
    schema = features_schema()
    rows = [tuple(record[name] for name in schema.names) for record in records]
    return spark.createDataFrame(rows, schema)


def labels_frame(spark: SparkSession, records: Records) -> DataFrame:
    rows = [(r["customer_id"], r["cutoff_date"], int(r["orders_30d"] == 0)) for r in records]
    return spark.createDataFrame(rows, f"{_SCHEMA}, {LABEL} int")


@pytest.fixture(scope="module")
def records() -> Records:
    return sample_records()


@pytest.fixture(scope="module")
def of_sample(spark: SparkSession, records: Records) -> FittedTransformations:
    return fit(features_frame(spark, records), labels_frame(spark, records), WINDOW_END)


@pytest.fixture(scope="module")
def transformed(spark: SparkSession, records: Records, of_sample: FittedTransformations) -> DataFrame:
    found = of_sample.transform(features_frame(spark, records))
    return spark.createDataFrame(found.collect(), found.schema)


def parameters(found: FittedTransformations) -> list[object]:
    """Everything that was fitted."""
    tables = [sorted(map(str, table.collect())) for table in (found.frequencies, found.target_means)]
    return [found.manifest, *tables, *(_parameters_of(stage) for stage in _leaves(found.pipeline))]


def _leaves(pipeline: PipelineModel) -> Iterator[Transformer]:
    for stage in pipeline.stages:
        yield from _leaves(stage) if isinstance(stage, PipelineModel) else [stage]


def _parameters_of(stage: Any) -> object:
    fitted_names = ("mean", "std", "originalMin", "originalMax", "median", "range", "labelsArray", "categorySizes")
    found = {name: str(getattr(stage, name)) for name in fitted_names if hasattr(stage, name)}
    if hasattr(stage, "surrogateDF"):
        found["surrogates"] = str(stage.surrogateDF.collect())
    if hasattr(stage, "getSplitsArray"):
        found["splits"] = str(stage.getSplitsArray())
    return type(stage).__name__, found


def rows(of: DataFrame) -> list[Row]:
    return of.orderBy(*KEYS).collect()


def test_a_row_after_the_window_changes_nothing_that_is_fitted(
    spark: SparkSession, records: Records, of_sample: FittedTransformations
) -> None:
    extreme = {
        "frequency": 99_999, "recency": 99_999, "T": 99_999, "monetary_value": 1e9, "orders_7d": 9_999,
        "orders_30d": 9_999, "orders_90d": 9_999, "spend_7d": 1e9, "spend_30d": 1e9, "spend_90d": 1e9,
        "favourite_category": "new", "favourite_channel": "new", "currency": "NEW", "days_since_last_order": 99_999,
        "spend_30d_lag_1": 1e9, "spend_30d_rolling_mean_3": 1e9, "tenure_bucket": "new",
    }  # fmt: skip
    later = [{**record, **extreme} if record["cutoff_date"] == AFTER else record for record in records]
    assert any(record["cutoff_date"] == AFTER for record in records)
    labels = labels_frame(spark, later).selectExpr(
        "customer_id", "cutoff_date", f"IF(cutoff_date = '{AFTER}', 1 - {LABEL}, {LABEL}) AS {LABEL}"
    )
    found = fit(features_frame(spark, later), labels, WINDOW_END)
    assert parameters(found) == parameters(of_sample)


def test_every_feature_is_kept_and_every_transformed_one_is_a_number_beside_it(
    records: Records, transformed: DataFrame
) -> None:
    features = features_schema().names
    assert transformed.columns[: len(features)] == features
    added = transformed.drop(*features)
    assert {kind for _, kind in added.dtypes} == {"double", "int"}
    found = [row.asDict() for row in rows(transformed)]
    assert [{name: row[name] for name in features} for row in found] == sorted(records, key=itemgetter(*KEYS))
    assert [name for name in added.columns if any(row[name] is None or isnan(row[name]) for row in found)] == []


def test_stored_and_loaded_it_gives_the_same(
    spark: SparkSession,
    records: Records,
    of_sample: FittedTransformations,
    transformed: DataFrame,
    tmp_path: Path,
) -> None:
    of_sample.save(str(tmp_path))
    loaded = FittedTransformations.load(str(tmp_path))
    assert rows(loaded.transform(features_frame(spark, records))) == rows(transformed)
    assert parameters(loaded) == parameters(of_sample)


@pytest.fixture(scope="module")
def small(spark: SparkSession) -> list[FittedTransformations]:
    """Two that differ, quick to store."""
    return [of_numbers(spark, numbers, Standardization(("x",))) for numbers in ([1.0, 2.0], [3.0, 9.0])]


def of_numbers(
    spark: SparkSession, numbers: Sequence[float | None], step: Transformation, cutoff: date = IN_WINDOW
) -> FittedTransformations:
    rows = [(f"C-{number}", cutoff, x) for number, x in enumerate(numbers)]
    features = spark.createDataFrame(rows, f"{_SCHEMA}, x double")
    return fit(features, no_labels(features), WINDOW_END, Plan((step,)))


def test_stored_again_it_replaces_what_was_there(small: list[FittedTransformations], tmp_path: Path) -> None:
    for found in small:
        found.save(str(tmp_path))
    assert parameters(FittedTransformations.load(str(tmp_path))) == parameters(small[1])


def test_a_store_that_was_cut_short_is_refused(
    spark: SparkSession, small: list[FittedTransformations], tmp_path: Path
) -> None:
    small[0].save(str(tmp_path))
    killed = replace(small[1], frequencies=spark.sql("SELECT string(raise_error('killed')) AS feature"))
    with pytest.raises(Exception, match="killed"):
        killed.save(str(tmp_path))
    with pytest.raises(TransformationError, match="were not stored to the end"):
        FittedTransformations.load(str(tmp_path))


def test_the_last_day_of_the_window_is_in_it(spark: SparkSession) -> None:
    found = of_numbers(spark, [1.0, 5.0], Standardization(("x",)), cutoff=WINDOW_END)
    assert [
        stage.mean.toArray().tolist() for stage in _leaves(found.pipeline) if isinstance(stage, StandardScalerModel)
    ] == [[3]]


def test_a_window_without_rows_is_refused(spark: SparkSession) -> None:
    with pytest.raises(TransformationError, match="no row has a cutoff_date of 2026-06-30 or before"):
        of_numbers(spark, [1.0], Standardization(("x",)), cutoff=AFTER)


@pytest.mark.parametrize("step", [Imputation(("x",)), EqualWidthBinning(("x",))], ids=["imputation", "bins"])
def test_a_feature_without_a_value_in_the_window_is_refused_by_name(spark: SparkSession, step: Transformation) -> None:
    with pytest.raises(TransformationError, match=r"feature 'x' .* the training window"):
        of_numbers(spark, [None, None], step)


# --- what a reader finds ---

OF_ISSUE_4: dict[str, type[Transformation] | str] = {
    "Standardization": Standardization, "Min-Max Normalization": MinMaxNormalization, "Robust Scaling": RobustScaling,
    "Log Transformation": LogTransformation, "Equal-width binning": EqualWidthBinning,
    "Equal-frequency binning": EqualFrequencyBinning, "Imputation": Imputation, "Indicator Variables": Imputation,
    "Label Encoding": LabelEncoding, "One-Hot Encoding": OneHotEncoding, "Target Encoding": "target_encoding.py",
    "Frequency Encoding": "frequency_encoding.py", "Hashing": Hashing, "Temporal Features": TemporalFeatures,
}  # fmt: skip


def _table() -> dict[str, tuple[str, str, str]]:
    lines = re.findall(r"^\| (4\.\d) \| (.+?) \| (\S+) \| (.+?) \|$", transformations.__doc__ or "", re.MULTILINE)
    return {name: (section, file, stage) for section, name, file, stage in lines}


@pytest.mark.parametrize("name", OF_ISSUE_4)
def test_a_reader_finds_each_transformation_by_the_guides_name(name: str) -> None:
    (_, file, stage) = next(row for listed, row in _table().items() if listed.startswith(name))
    source = Path(inspect.getfile(transformations)).parent / file
    kind = OF_ISSUE_4[name]
    assert source.is_file()
    assert file == kind if isinstance(kind, str) else Path(inspect.getfile(kind)) == source
    assert (
        stage.startswith("none")
        or stage == "SQLTransformer"
        or re.search(rf"\b{stage}[(.]", source.read_text(encoding="utf-8"))
    )


def test_the_plan_uses_every_transformation_there_is() -> None:
    kinds = {type(step) for step in PLAN.transformations}
    assert kinds == {kind for kind in OF_ISSUE_4.values() if not isinstance(kind, str)}
    assert PLAN.frequency_encoding
    assert PLAN.target_encoding


def test_the_plan_says_of_every_feature_what_applies_to_it() -> None:
    named = {column for step in PLAN.transformations for column in step.columns}
    named |= {*PLAN.frequency_encoding, *PLAN.target_encoding}
    features = {field.name for field in Contract.load("customer_features").fields} - {"customer_id"}
    assert features - named == set()
