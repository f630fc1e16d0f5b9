"""The guide's metrics (2.2), against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from jobs.training.metrics import (
    EvaluationError,
    area_under_curve,
    binary_classification_metrics,
    classification_values,
    lower_bound,
    regression_metrics,
    regression_values,
    resampled,
)

# Five lost customers, of whom three are found; five loyal ones, of whom one is called lost.
LABELS = np.array([1, 1, 1, 1, 1, 0, 0, 0, 0, 0])
CHANCES = np.array([0.9, 0.8, 0.7, 0.4, 0.3, 0.6, 0.2, 0.2, 0.1, 0.1])


def test_classification_metrics_follow_the_guides_formulas() -> None:
    judged = binary_classification_metrics(LABELS, CHANCES)
    assert judged["confusion_matrix"] == {"0": {"0": 4, "1": 1}, "1": {"0": 2, "1": 3}}
    values = {name: entry["value"] for name, entry in judged.items() if "value" in entry}
    assert values == pytest.approx(
        {
            "auc": 23 / 25,  # of 25 pairs of a lost and a loyal customer, 23 are in order
            "accuracy": 7 / 10,
            "precision": 3 / 4,
            "recall": 3 / 5,
            "f1": 2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5),
            "accuracy_best_constant_classifier": 1 / 2,
            "true_positive_rate": 3 / 5,
            "true_negative_rate": 4 / 5,
            "false_positive_rate": 1 / 5,
            "false_negative_rate": 2 / 5,
        }
    )


def test_half_a_chance_counts_as_lost() -> None:
    judged = binary_classification_metrics(np.array([0, 1]), np.array([0.4999, 0.5]))
    assert judged["confusion_matrix"] == {"0": {"0": 1, "1": 0}, "1": {"0": 0, "1": 1}}


@pytest.mark.parametrize("decimals", [1, 16], ids=["with ties", "without ties"])
def test_every_metric_is_scikit_learns(decimals: int) -> None:
    generator = np.random.default_rng(1)
    labels, chances = generator.integers(0, 2, 500), generator.random(500).round(decimals)
    decisions = (chances >= 0.5).astype(int)
    assert classification_values(labels, chances) == pytest.approx(
        {
            "auc": metrics.roc_auc_score(labels, chances),
            "accuracy": metrics.accuracy_score(labels, decisions),
            "precision": metrics.precision_score(labels, decisions),
            "recall": metrics.recall_score(labels, decisions),
            "f1": metrics.f1_score(labels, decisions),
        }
    )
    observed = generator.random(500) + 1
    assert regression_values(observed, chances) == pytest.approx(
        {
            "mae": metrics.mean_absolute_error(observed, chances),
            "mse": metrics.mean_squared_error(observed, chances),
            "rmse": metrics.mean_squared_error(observed, chances) ** 0.5,
            "r2": metrics.r2_score(observed, chances),
            "mape": metrics.mean_absolute_percentage_error(observed, chances),
        }
    )


def test_the_curves_go_from_corner_to_corner() -> None:
    judged = binary_classification_metrics(LABELS, CHANCES)
    curve = judged["receiver_operating_characteristic_curve"]
    for rates in (curve["false_positive_rates"], curve["true_positive_rates"]):
        assert (rates[0], rates[-1]) == (0, 1)
        assert rates == sorted(rates)
    area = np.trapezoid(curve["true_positive_rates"], curve["false_positive_rates"])
    assert area == pytest.approx(judged["auc"]["value"])


def test_regression_metrics_follow_the_guides_formulas() -> None:
    """Errors of 1, 0, -2 and 1; labels 0, 2, 4 and 6 with a mean of 3 and squares about it of 20."""
    judged = regression_metrics(np.array([0.0, 2.0, 4.0, 6.0]), np.array([1.0, 2.0, 2.0, 7.0]))
    assert {name: entry["value"] for name, entry in judged.items()} == pytest.approx(
        {"mae": 1, "mse": 1.5, "rmse": 1.5**0.5, "r2": 1 - 6 / 20, "mape": (0 + 2 / 4 + 1 / 6) / 3}
    )


def test_mape_of_nothing_but_zeros_is_not_a_number() -> None:
    assert regression_metrics(np.zeros(3), np.ones(3))["mape"]["value"] == "NaN"


def test_the_standard_deviation_is_that_of_other_samples() -> None:
    """The bootstrap's of an accuracy of 0.8 on 400 rows, against the binomial distribution's."""
    labels = np.tile([0, 1], 200)
    chances = np.where(np.arange(400) < 320, labels, 1 - labels).astype(float)
    deviation = binary_classification_metrics(labels, chances)["accuracy"]["standard_deviation"]
    assert deviation == pytest.approx((0.8 * 0.2 / 400) ** 0.5, rel=0.1)


def test_the_lower_bound_lies_about_two_deviations_below() -> None:
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 2, 400)
    chances = labels * 0.3 + generator.random(400)
    areas = np.array(resampled(labels, chances, area_under_curve))
    assert lower_bound(areas) == pytest.approx(area_under_curve(labels, chances) - 1.96 * areas.std(), abs=0.005)


def test_the_same_predictions_are_judged_the_same() -> None:
    assert binary_classification_metrics(LABELS, CHANCES) == binary_classification_metrics(LABELS, CHANCES)


def test_labels_of_one_class_cannot_be_judged() -> None:
    with pytest.raises(EvaluationError, match="all 2 labels of the test split are 1"):
        binary_classification_metrics(np.array([1, 1]), np.array([0.2, 0.9]))
