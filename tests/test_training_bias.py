"""Bias metrics by group: Clarify's definitions, seen at the worked examples of its own pages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from jobs.training.bias import FACETS, POST_TRAINING, PRE_TRAINING, Group, bias_analysis
from tests.training_data import customers

METRICS = {metric.name: metric for metric in (*PRE_TRAINING, *POST_TRAINING)}


def group(*, tp: int = 0, fp: int = 0, fn: int = 0, tn: int = 0) -> Group:
    return Group(tp, fp, fn, tn)


def labelled(positives: int, negatives: int) -> Group:
    return group(tp=positives, tn=negatives)


# The confusion matrices of the pages on recall difference and specificity difference.
LENDING_A = group(tp=65, fp=10, fn=5, tn=20)
LENDING_D = group(tp=20, fp=5, fn=7, tn=18)

EXAMPLES = [
    # by hand: a page without figures
    ("CI", labelled(10, 65), labelled(5, 20), (75 - 25) / 100),
    ("DPL", labelled(60, 40), labelled(20, 30), 0.6 - 0.4),
    ("JS", labelled(80, 20), labelled(30, 70), 0.1324),  # SciPy's jensenshannon([.2, .8], [.7, .3]) squared
    ("LP", labelled(80, 20), labelled(30, 70), (0.5**2 + 0.5**2) ** 0.5),
    ("TVD", labelled(80, 20), labelled(30, 70), (0.5 + 0.5) / 2),
    ("KS", labelled(80, 20), labelled(30, 70), 0.5),
    # the example of the metric's page
    ("KL", labelled(80, 20), labelled(30, 70), 0.53),
    ("DPPL", group(tp=60, tn=40), group(tp=25, tn=25), 0.1),
    ("DI", group(tp=60, tn=40), group(tp=25, tn=25), 0.5 / 0.6),
    ("AD", group(tp=60, fp=10, fn=20, tn=10), group(tp=40, fp=10, fn=40, tn=10), 0.7 - 0.5),
    ("RD", LENDING_A, LENDING_D, 65 / 70 - 20 / 27),
    ("SD", LENDING_A, LENDING_D, 0.1159),
    ("DAR", group(tp=35, fp=35), group(tp=40, fp=60), 0.1),
    ("DRR", group(tn=80, fn=20), group(tn=40, fn=10), 0),
    ("DCAcc", group(tp=60, fn=10, tn=30), group(tp=20, fp=10, tn=20), 70 / 60 - 20 / 30),
    ("DCR", group(tn=50, fn=10, tp=40), group(tn=30, fp=10, tp=10), 40 / 30 - 50 / 60),
    ("TE", group(fn=8, fp=6, tp=86), group(fn=5, fp=2, tp=43), 1.167),
]  # fmt: skip


@pytest.mark.parametrize(("name", "a", "d", "expected"), EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_a_metric_is_what_its_page_says(name: str, a: Group, d: Group, expected: float) -> None:
    assert METRICS[name].measured(a, d)["value"] == pytest.approx(expected, abs=0.005 if name == "KL" else 5e-4)


def test_every_metric_has_an_example() -> None:
    assert {example[0] for example in EXAMPLES} == set(METRICS)


def test_groups_are_told_apart_by_the_value_that_the_facet_names() -> None:
    rows = pd.DataFrame({"currency": ["EUR", "USD", "USD"], "tenure_bucket": ["under_30d", "30_to_89d", "30_to_89d"]})
    analysis = bias_analysis("target", (rows, np.array([1, 0, 0])), (rows, np.array([1, 0, 0]), np.array([1, 1, 0])))
    assert value(analysis, "pre_training", "currency", "CI") == pytest.approx((2 - 1) / 3)
    assert value(analysis, "pre_training", "currency", "DPL") == -1
    assert value(analysis, "post_training", "currency", "DPPL") == -0.5
    assert value(analysis, "post_training", "tenure_bucket", "AD") == -0.5


def test_a_metric_that_would_divide_by_zero_says_so_instead_of_a_value() -> None:
    no_false_positives = METRICS["TE"].measured(group(fn=1, fp=1), group(fn=1, tp=1))
    assert (no_false_positives["value"], no_false_positives["error"]) == (None, "undefined: divides by zero")
    never_lost = METRICS["KL"].measured(labelled(1, 1), labelled(0, 2))
    assert (never_lost["value"], never_lost["error"]) == (None, "undefined: divides by zero")


def test_a_group_without_customers_says_so_instead_of_values() -> None:
    for metric in METRICS.values():
        entry = metric.measured(labelled(1, 1), group())
        assert (entry["value"], entry["error"]) == (None, "undefined: 0 customers in the group, 2 others")


def test_the_analysis_has_the_shape_of_clarifys() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-analysis-results.html"""
    rows = customers(count=20)
    labels = rows["no_purchase_90d"].to_numpy()
    analysis = bias_analysis("no_purchase_90d", (rows, labels), (rows, labels, labels))
    assert set(analysis) == {"version", "pre_training_bias_metrics", "post_training_bias_metrics"}
    for section in (analysis["pre_training_bias_metrics"], analysis["post_training_bias_metrics"]):
        assert (section["label"], section["label_value_or_threshold"]) == ("no_purchase_90d", "1")
        assert set(section["facets"]) == {facet.feature for facet in FACETS}
        for [facet] in section["facets"].values():
            assert set(facet) == {"value_or_threshold", "metrics"}
            assert all({"name", "description", "value"} <= set(metric) for metric in facet["metrics"])


def value(analysis: dict[str, Any], stage: str, feature: str, name: str) -> float:
    [facet] = analysis[f"{stage}_bias_metrics"]["facets"][feature]
    return float(next(metric["value"] for metric in facet["metrics"] if metric["name"] == name))
