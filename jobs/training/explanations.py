"""Why the model predicts what it does: SHAP attributions (5.4) of each feature to each prediction.

They are XGBoost's own TreeSHAP, which is exact for trees where Clarify's Kernel SHAP samples, and needs no Clarify job,
which a new customer could not start: the attributions of a row and the expected value add up to its prediction (as
log-odds for ``binary:logistic``).

Sources: Lundberg and others, "From local explanations to global understanding with explainable AI for trees", Nature
Machine Intelligence 2, 2020, https://doi.org/10.1038/s42256-019-0138-9,
https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-run.html (its note),
https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-analysis-results.html
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from jobs.training.dataset import FEATURES
from jobs.training.model import Model, matrix

_INDICATOR = "missingindicator_"


def attributions(model: Model, rows: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """A row per row and a column per feature, and the expected value.

    Shapley values of columns add up, so those of a category's columns, and of the indicator that a value is missing,
    are summed to their feature's.
    """
    columns = matrix(model.transformations, rows)
    contributions = model.booster.predict(columns, pred_contribs=True)
    by_column = pd.DataFrame(contributions[:, :-1], columns=[feature_of(name) for name in columns.feature_names or ()])
    return by_column.T.groupby(level=0, sort=False).sum().T, float(contributions[0, -1])


def feature_of(column: str) -> str:
    """The feature that a column of the transformed rows was made of."""
    name = column.removeprefix(_INDICATOR)
    made_of = [feature for feature in FEATURES if name == feature or name.startswith(f"{feature}_")]
    return max(made_of, key=len)


def explainability_analysis(model: Model, rows: pd.DataFrame) -> dict[str, Any]:
    """Clarify's ``analysis.json``: how much each feature moves a prediction either way on average, the most first.

    The key ``kernel_shap`` is where the registry looks for Shapley values, whatever computed them.
    """
    by_feature, expected = attributions(model, rows)
    means = by_feature.abs().mean().sort_values(ascending=False)
    return {
        "version": "1.0",
        "explanations": {
            "kernel_shap": {
                "label0": {
                    "global_shap_values": {str(name): float(value) for name, value in means.items()},
                    "expected_value": expected,
                }
            }
        },
    }
