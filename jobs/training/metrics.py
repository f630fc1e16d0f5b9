"""How good predictions are: the guide's metrics (2.2), in the shape SageMaker's model registry shows.

Each number comes with the standard deviation it would have on other customers of the same kind: that of 500 bootstrap
resamples of the test rows, drawn from a fixed seed, so that the same predictions are always judged the same. The
formulas are written out because each is evaluated 500 times; scikit-learn's checks of its arguments alone take ten
times as long. Tests hold them against scikit-learn.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html,
Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 6 and 13.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve

DECISION_THRESHOLD = 0.5
"""The probability from which on a customer counts as lost."""

RESAMPLES = 500
SEED = 0

Numbers = NDArray[Any]
Values = dict[str, float]
Measure = TypeVar("Measure", float, Values)


class EvaluationError(ValueError):
    """Predictions that cannot be judged."""


def binary_classification_metrics(labels: Numbers, probabilities: Numbers) -> dict[str, Any]:
    """The registry's ``binary_classification_metrics``; the confusion matrix is by actual, then predicted label."""
    _check_both_classes(labels)
    decisions = decide(probabilities)
    confusion = confusion_matrix(labels, decisions, labels=[0, 1])
    specificity = float((decisions[labels == 0] == 0).mean())
    values = classification_values(labels, probabilities)
    false_positive_rates, true_positive_rates, _ = roc_curve(labels, probabilities)
    precisions, recalls, _ = precision_recall_curve(labels, probabilities, drop_intermediate=True)
    return {
        "confusion_matrix": {
            str(actual): {str(predicted): int(confusion[actual, predicted]) for predicted in (0, 1)}
            for actual in (0, 1)
        },
        **_with_deviations(values, resampled(labels, probabilities, classification_values)),
        "accuracy_best_constant_classifier": {"value": float(max(labels.mean(), 1 - labels.mean()))},
        "true_positive_rate": {"value": values["recall"]},
        "true_negative_rate": {"value": specificity},
        "false_positive_rate": {"value": 1 - specificity},
        "false_negative_rate": {"value": 1 - values["recall"]},
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": false_positive_rates.tolist(),
            "true_positive_rates": true_positive_rates.tolist(),
        },
        "precision_recall_curve": {"precisions": precisions.tolist(), "recalls": recalls.tolist()},
    }


def regression_metrics(labels: Numbers, predictions: Numbers) -> dict[str, Any]:
    """The registry's ``regression_metrics``, and the guide's MAPE."""
    return _with_deviations(regression_values(labels, predictions), resampled(labels, predictions, regression_values))


def classification_values(labels: Numbers, probabilities: Numbers) -> Values:
    decisions = decide(probabilities)
    right = labels == decisions
    true_positives = int((right & (decisions == 1)).sum())
    called, lost = int(decisions.sum()), int(labels.sum())
    return {
        "auc": area_under_curve(labels, probabilities),
        "accuracy": float(right.mean()),
        "precision": true_positives / called if called else 0.0,
        "recall": true_positives / lost if lost else 0.0,
        "f1": 2 * true_positives / (called + lost) if called + lost else 0.0,
    }


def regression_values(labels: Numbers, predictions: Numbers) -> Values:
    """MAPE is of the rows whose label is not 0, since a share of nothing has no meaning; NaN when there are none."""
    errors = predictions - labels
    mse = float((errors**2).mean())
    spread = float(labels.var())
    relative = np.abs(errors[labels != 0] / labels[labels != 0]) if labels.any() else np.array([math.nan])
    return {
        "mae": float(np.abs(errors).mean()),
        "mse": mse,
        "rmse": math.sqrt(mse),
        "r2": 1 - mse / spread if spread else math.nan,
        "mape": float(relative.mean()),
    }


def area_under_curve(labels: Numbers, scores: Numbers) -> float:
    """The share of pairs of a lost and a loyal customer that the scores put in order, a tie being half in order."""
    lost = int(labels.sum())
    loyal = len(labels) - lost
    if not (lost and loyal):
        return math.nan
    return float((rankdata(scores)[labels == 1].sum() - lost * (lost + 1) / 2) / (lost * loyal))


def decide(probabilities: Numbers) -> Numbers:
    return (probabilities >= DECISION_THRESHOLD).astype(int)


def resampled(labels: Numbers, predictions: Numbers, measure: Callable[[Numbers, Numbers], Measure]) -> list[Measure]:
    """What is measured on each resample of the rows: the same resamples whenever there are as many rows."""
    generator = np.random.default_rng(SEED)
    draws = (generator.integers(0, len(labels), len(labels)) for _ in range(RESAMPLES))
    return [measure(labels[draw], predictions[draw]) for draw in draws]


def lower_bound(replicates: Numbers) -> float:
    """The lower end of the 95 % interval: the 2.5th percentile of what was measured on resamples."""
    return float(np.nanpercentile(replicates, 2.5))


def _with_deviations(values: Values, replicates: list[Values]) -> dict[str, Any]:
    deviations = pd.DataFrame(replicates).std()
    return {
        name: {"value": _number(value), "standard_deviation": _number(float(deviations[name]))}
        for name, value in values.items()
    }


def _number(value: float) -> float | str:
    """JSON knows no NaN; the registry's schema writes it as a string."""
    return "NaN" if math.isnan(value) else value


def _check_both_classes(labels: Numbers) -> None:
    if labels.min() == labels.max():
        raise EvaluationError(
            f"all {len(labels)} labels of the test split are {labels[0]}, so that nothing can be told apart; expected "
            "both 0 and 1. Choose a cutoff at which some customers bought again and some did not."
        )
