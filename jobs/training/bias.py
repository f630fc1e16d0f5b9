"""Whether customers of one group fare otherwise than the rest: bias metrics as SageMaker Clarify defines them (5.4).

The **positive outcome** is label 1: the customer bought nothing for 90 days, or is predicted to. It is the outcome that
brings a customer the shop's attention. Group *d* is the group that a facet names, group *a* everyone else.

Clarify jobs take no new customers, so the metrics are computed here. Left out are those that need more than two groups
and their labels: CDDL and CDDPL (a third variable), FT (a nearest-neighbour model) and GE (which compares no groups).

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-run.html (its note),
https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-measure-data-bias.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-measure-post-training-bias.html, and the page of each metric.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import rel_entr


class Facet(NamedTuple):
    """A feature, and the value of it that names group *d*."""

    feature: str
    value: str


FACETS = (Facet("currency", "EUR"), Facet("tenure_bucket", "under_30d"))


class Group(NamedTuple):
    """The confusion matrix of one group. Before training there are labels only: all of them count as predicted."""

    tp: int
    fp: int
    fn: int
    tn: int

    @classmethod
    def of(cls, labels: NDArray[Any], decisions: NDArray[Any]) -> Group:
        pairs = ((1, 1), (0, 1), (1, 0), (0, 0))
        return cls(*(int(((labels == actual) & (decisions == decided)).sum()) for actual, decided in pairs))

    @property
    def size(self) -> int:
        return sum(self)

    @property
    def positives(self) -> int:
        return self.tp + self.fn

    @property
    def negatives(self) -> int:
        return self.tn + self.fp

    @property
    def predicted_positives(self) -> int:
        return self.tp + self.fp

    @property
    def predicted_negatives(self) -> int:
        return self.tn + self.fn

    @property
    def distribution(self) -> NDArray[Any]:
        """The shares of the observed labels, 0 first."""
        return np.array([self.negatives, self.positives]) / self.size


class Metric(NamedTuple):
    """A metric of groups *a* and *d*; the page, in the developer guide, has its formula."""

    name: str
    description: str
    compares: str
    """In words for the report, where *d* is the group and *a* the others."""
    page: str
    of: Callable[[Group, Group], float]

    def measured(self, a: Group, d: Group) -> dict[str, Any]:
        """The metric's entry in Clarify's ``analysis.json``; one that would divide by zero has an error for a value."""
        entry: dict[str, Any] = {"name": self.name, "description": f"{self.description} ({self.name})", "value": None}
        if not (a.size and d.size):
            return entry | {"error": f"undefined: {d.size} customers in the group, {a.size} others"}
        try:
            value = float(self.of(a, d))
        except ZeroDivisionError:
            value = math.inf
        return entry | ({"value": value} if math.isfinite(value) else {"error": "undefined: divides by zero"})


PRE_TRAINING = (
    Metric(
        "CI",
        "Class Imbalance",
        "customers: others - group, of all",
        "clarify-bias-metric-class-imbalance.html",
        lambda a, d: (a.size - d.size) / (a.size + d.size),
    ),
    Metric(
        "DPL",
        "Difference in Proportions of Labels",
        "share lost: others - group",
        "clarify-data-bias-metric-true-label-imbalance.html",
        lambda a, d: a.positives / a.size - d.positives / d.size,
    ),
    Metric(
        "KL",
        "Kullback-Leibler Divergence",
        "shares lost and loyal: divergence, in nats",
        "clarify-data-bias-metric-kl-divergence.html",
        lambda a, d: rel_entr(a.distribution, d.distribution).sum(),
    ),
    Metric(
        "JS",
        "Jensen-Shannon Divergence",
        "shares lost and loyal: divergence, symmetric",
        "clarify-data-bias-metric-jensen-shannon-divergence.html",
        lambda a, d: sum(
            rel_entr(own, (a.distribution + d.distribution) / 2).sum() / 2 for own in (a.distribution, d.distribution)
        ),
    ),
    Metric(
        "LP",
        "Lp-norm",
        "shares lost and loyal: Euclidean distance",
        "clarify-data-bias-metric-lp-norm.html",
        lambda a, d: float(np.linalg.norm(a.distribution - d.distribution, 2)),
    ),
    Metric(
        "TVD",
        "Total Variation Distance",
        "shares lost and loyal: half the sum of differences",
        "clarify-data-bias-metric-total-variation-distance.html",
        lambda a, d: np.abs(a.distribution - d.distribution).sum() / 2,
    ),
    Metric(
        "KS",
        "Kolmogorov-Smirnov",
        "shares lost and loyal: largest difference",
        "clarify-data-bias-metric-kolmogorov-smirnov.html",
        lambda a, d: np.abs(a.distribution - d.distribution).max(),
    ),
)

POST_TRAINING = (
    Metric(
        "DPPL",
        "Difference in Positive Proportions in Predicted Labels",
        "share called lost: others - group",
        "clarify-post-training-bias-metric-dppl.html",
        lambda a, d: a.predicted_positives / a.size - d.predicted_positives / d.size,
    ),
    Metric(
        "DI",
        "Disparate Impact",
        "share called lost: group ÷ others",
        "clarify-post-training-bias-metric-di.html",
        lambda a, d: (d.predicted_positives / d.size) / (a.predicted_positives / a.size),
    ),
    Metric(
        "AD",
        "Accuracy Difference",
        "accuracy: others - group",
        "clarify-post-training-bias-metric-ad.html",
        lambda a, d: (a.tp + a.tn) / a.size - (d.tp + d.tn) / d.size,
    ),
    Metric(
        "RD",
        "Recall Difference",
        "recall: others - group",
        "clarify-post-training-bias-metric-rd.html",
        lambda a, d: a.tp / a.positives - d.tp / d.positives,
    ),
    Metric(
        "SD",
        "Specificity Difference",
        "specificity: group - others",
        "clarify-post-training-bias-metric-sd.html",
        lambda a, d: d.tn / d.negatives - a.tn / a.negatives,
    ),
    Metric(
        "DAR",
        "Difference in Acceptance Rates",
        "precision: others - group",
        "clarify-post-training-bias-metric-dar.html",
        lambda a, d: a.tp / a.predicted_positives - d.tp / d.predicted_positives,
    ),
    Metric(
        "DRR",
        "Difference in Rejection Rates",
        "right among those called loyal: group - others",
        "clarify-post-training-bias-metric-drr.html",
        lambda a, d: d.tn / d.predicted_negatives - a.tn / a.predicted_negatives,
    ),
    Metric(
        "DCAcc",
        "Difference in Conditional Acceptance",
        "lost per called lost: others - group",
        "clarify-post-training-bias-metric-dcacc.html",
        lambda a, d: a.positives / a.predicted_positives - d.positives / d.predicted_positives,
    ),
    Metric(
        "DCR",
        "Difference in Conditional Rejection",
        "loyal per called loyal: group - others",
        "clarify-post-training-bias-metric-dcr.html",
        lambda a, d: d.negatives / d.predicted_negatives - a.negatives / a.predicted_negatives,
    ),
    Metric(
        "TE",
        "Treatment Equality",
        "missed per false alarm: group - others",
        "clarify-post-training-bias-metric-te.html",
        lambda a, d: d.fn / d.fp - a.fn / a.fp,
    ),
)


def bias_analysis(
    target: str,
    before: tuple[pd.DataFrame, NDArray[Any]],
    after: tuple[pd.DataFrame, NDArray[Any], NDArray[Any]],
    facets: Sequence[Facet] = FACETS,
) -> dict[str, Any]:
    """Clarify's ``analysis.json``: of the training data's labels, and of the decisions about the test data.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-analysis-results.html
    """
    features, labels = before
    test_features, test_labels, decisions = after

    def measured(metrics: Sequence[Metric], rows: pd.DataFrame, actual: NDArray[Any], predicted: NDArray[Any]) -> Any:
        return {
            "label": target,
            "label_value_or_threshold": "1",
            "facets": {
                facet.feature: [
                    {
                        "value_or_threshold": facet.value,
                        "metrics": [
                            metric.measured(*_groups(rows[facet.feature] == facet.value, actual, predicted))
                            for metric in metrics
                        ],
                    }
                ]
                for facet in facets
            },
        }

    return {
        "version": "1.0",
        "pre_training_bias_metrics": measured(PRE_TRAINING, features, labels, labels),
        "post_training_bias_metrics": measured(POST_TRAINING, test_features, test_labels, decisions),
    }


def _groups(in_group: pd.Series, actual: NDArray[Any], predicted: NDArray[Any]) -> tuple[Group, Group]:
    d = in_group.to_numpy()
    return Group.of(actual[~d], predicted[~d]), Group.of(actual[d], predicted[d])
