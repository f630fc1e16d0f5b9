"""What a model must beat: the guide's simple models (5.2, 5.5), trained on the same rows with the same transformations.

- ``logistic_regression`` (``linear_regression`` where the target is a number): a weight per feature.
- ``decision_tree``: a few questions, shallow enough to be read.
- ``frequency_only``: no learning worth the name. The fewer days a customer bought on, the likelier they are lost; how
  likely, is what the training rows say of customers like that. Rules of this kind are what shops use, and what they
  have been found hard to beat with: Wübben and von Wangenheim, "Instant Customer Base Analysis: Managerial Heuristics
  Often 'Get It Right'", Journal of Marketing 72(3), 2008, https://doi.org/10.1509/jmkg.72.3.82
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from jobs.training.inference import Transformations
from jobs.training.metrics import area_under_curve, lower_bound, regression_values, resampled

Numbers = NDArray[Any]

_TREE = {"max_depth": 4, "min_samples_leaf": 20, "random_state": 0}


def classifications(
    transformations: Transformations, train: pd.DataFrame, labels: Numbers, test: pd.DataFrame
) -> dict[str, Numbers]:
    """Each baseline's chances for the test rows."""
    known, asked = transformations.transform(train), transformations.transform(test)
    return {
        "logistic_regression": LogisticRegression(max_iter=1000).fit(known, labels).predict_proba(asked)[:, 1],
        "decision_tree": DecisionTreeClassifier(**_TREE).fit(known, labels).predict_proba(asked)[:, 1],
        "frequency_only": _by_frequency(train, labels, test, increasing=False),
    }


def regressions(
    transformations: Transformations, train: pd.DataFrame, labels: Numbers, test: pd.DataFrame
) -> dict[str, Numbers]:
    """Each baseline's predictions for the test rows."""
    known, asked = transformations.transform(train), transformations.transform(test)
    return {
        "linear_regression": LinearRegression().fit(known, labels).predict(asked),
        "decision_tree": DecisionTreeRegressor(**_TREE).fit(known, labels).predict(asked),
        "frequency_only": _by_frequency(train, labels, test, increasing="auto"),
    }


def compare_classifications(
    labels: Numbers, probabilities: Numbers, baselines: Mapping[str, Numbers]
) -> dict[str, Any]:
    """By how much the model's AUC is above the best baseline's, and what can be said of both with 97.5 % confidence.

    Model and baseline are judged on the same resamples: a margin is surer than the difference of two sure numbers.
    """
    areas = {name: area_under_curve(labels, scores) for name, scores in baselines.items()}
    best = max(areas, key=lambda name: areas[name])
    own = np.array(resampled(labels, probabilities, area_under_curve))
    others = np.array(resampled(labels, baselines[best], area_under_curve))
    return {
        "best_baseline": best,
        "auc_margin": area_under_curve(labels, probabilities) - areas[best],
        "auc_margin_lower_bound": lower_bound(own - others),
        "auc_lower_bound": lower_bound(own),
    }


def compare_regressions(labels: Numbers, predictions: Numbers, baselines: Mapping[str, Numbers]) -> dict[str, Any]:
    """By how much the model's RMSE is below the best baseline's."""
    errors = {name: regression_values(labels, predicted)["rmse"] for name, predicted in baselines.items()}
    best = min(errors, key=lambda name: errors[name])
    return {
        "best_baseline": best,
        "rmse_margin": errors[best] - regression_values(labels, predictions)["rmse"],
        "rmse_margin_lower_bound": lower_bound(
            np.array(resampled(labels, baselines[best], _rmse)) - np.array(resampled(labels, predictions, _rmse))
        ),
    }


def _rmse(labels: Numbers, predictions: Numbers) -> float:
    return regression_values(labels, predictions)["rmse"]


def _by_frequency(train: pd.DataFrame, labels: Numbers, test: pd.DataFrame, *, increasing: bool | str) -> Numbers:
    rule = IsotonicRegression(increasing=increasing, out_of_bounds="clip").fit(train["frequency"], labels)
    predicted: Numbers = rule.predict(test["frequency"])
    return predicted
