"""The evaluation as a page to read: one HTML file with its pictures inside, so that it can be mailed, kept, printed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from jobs.training.bias import FACETS, POST_TRAINING, PRE_TRAINING
from jobs.training.metrics import DECISION_THRESHOLD, RESAMPLES

TEMPLATE = "report.html.j2"


def render(
    manifest: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    explanations: Mapping[str, Any],
    bias: Mapping[str, Any] | None,
    test: pd.DataFrame,
    pictures: Mapping[str, bytes],
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": lambda name: str(name).replace("_", " "), "number": _number}
    classification = "binary_classification_metrics" in evaluation
    return environment.get_template(TEMPLATE).render(
        manifest=manifest,
        evaluation=evaluation,
        classification=classification,
        metrics=evaluation["binary_classification_metrics" if classification else "regression_metrics"],
        verdict=_verdict(evaluation["comparison"], "auc" if classification else "rmse"),
        attributions=explanations["explanations"]["kernel_shap"]["label0"],
        facets=[] if bias is None else [_facet(bias, facet.feature, test) for facet in FACETS],
        pictures={name: base64.b64encode(picture).decode() for name, picture in pictures.items()},
        compares={metric.name: metric.compares for metric in (*PRE_TRAINING, *POST_TRAINING)},
        threshold=DECISION_THRESHOLD,
        resamples=RESAMPLES,
    )


def _verdict(comparison: Mapping[str, Any], measure: str) -> str:
    """``better`` than every baseline, ``unsure`` when that may be chance, ``no-better`` than one, or a ``guess``."""
    if comparison.get("auc_lower_bound", 1) <= 0.5:
        return "guess"
    if comparison[f"{measure}_margin"] <= 0:
        return "no-better"
    return "better" if comparison[f"{measure}_margin_lower_bound"] > 0 else "unsure"


def _facet(bias: Mapping[str, Any], feature: str, test: pd.DataFrame) -> dict[str, Any]:
    stages = [bias[f"{stage}_training_bias_metrics"]["facets"][feature][0] for stage in ("pre", "post")]
    value = stages[0]["value_or_threshold"]
    return {
        "feature": feature,
        "value": value,
        "size": int((test[feature] == value).sum()),
        "before": stages[0]["metrics"],
        "after": stages[1]["metrics"],
    }


def _number(value: float | str | None, digits: int = 3) -> str:
    return f"{value:,.{digits}f}".replace("-", "\N{MINUS SIGN}") if isinstance(value, float | int) else "undefined"
