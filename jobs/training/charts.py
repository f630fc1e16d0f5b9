"""What the metrics say, as pictures for the report; each is readable on its own, in print too.

Figures are made without pyplot, so that nothing needs a display and no figure outlives its use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import roc_curve

from jobs.training.metrics import DECISION_THRESHOLD

Numbers = NDArray[Any]

# The first three of Okabe and Ito's colours, which colour-blind readers tell apart, and a grey for what is compared.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#767676"
MEASURES = {"auc": "AUC", "logloss": "log loss", "rmse": "RMSE"}
BASELINE_STYLES = ((ORANGE, "--"), (GREEN, "-."), (GREY, ":"))


def confusion_matrix(counts: Mapping[str, Mapping[str, int]]) -> Figure:
    """Counts by actual and predicted label, shaded by the share of the actual label."""
    figure, axes = _figure("Who was called lost, and who was")
    matrix = np.array([[counts[actual][predicted] for predicted in "01"] for actual in "01"])
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = ("bought again", "no purchase")
    axes.set_xticks((0, 1), names)
    axes.set_yticks((0, 1), names, rotation=90, va="center")
    axes.set_xlabel(f"predicted (no purchase from {DECISION_THRESHOLD:.0%} on)")
    axes.set_ylabel("actual")
    axes.grid(visible=False)
    for (row, column), count in np.ndenumerate(matrix):
        share = shares[row, column]
        axes.text(
            column, row, f"{count:,}\n{share:.0%} of its row", ha="center", va="center",
            color="white" if share > 0.55 else "black", fontsize=12,
        )  # fmt: skip
    return figure


def receiver_operating_characteristic(
    labels: Numbers, probabilities: Numbers, baselines: Mapping[str, Numbers], areas: Mapping[str, float]
) -> Figure:
    """The curve of the model (named ``model`` in ``areas``) over those of the baselines."""
    figure, axes = _figure("Lost found, against loyal disturbed (ROC)")
    axes.plot((0, 1), (0, 1), color="#BBBBBB", linewidth=1, label="a coin's toss: 0.500")
    for (name, scores), (colour, line) in reversed(list(zip(baselines.items(), BASELINE_STYLES, strict=True))):
        false_positives, true_positives, _ = roc_curve(labels, scores)
        axes.plot(false_positives, true_positives, line, color=colour, label=f"{_words(name)}: {areas[name]:.3f}")
    false_positives, true_positives, _ = roc_curve(labels, probabilities)
    axes.plot(false_positives, true_positives, color=BLUE, linewidth=2.4, label=f"the model: {areas['model']:.3f}")
    axes.set_xlabel("false positive rate")
    axes.set_ylabel("true positive rate")
    axes.set_aspect("equal")
    axes.legend(title="area under the curve", loc="lower right", reverse=True)
    return figure


def calibration(labels: Numbers, probabilities: Numbers) -> Figure:
    """Whether of the customers given a chance of 70 %, 70 % are lost; ten groups of equal size."""
    figure, axes = _figure("Chance given, and what came of it (calibration)")
    observed, predicted = calibration_curve(labels, probabilities, n_bins=10, strategy="quantile")
    axes.plot((0, 1), (0, 1), color="#BBBBBB", linewidth=1, label="perfectly calibrated")
    axes.plot(predicted, observed, "o-", color=BLUE, label="a tenth of the customers each")
    axes.set_xlabel("mean predicted chance of no purchase")
    axes.set_ylabel("share that made no purchase")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.legend(loc="upper left")
    return figure


def learning_curves(curves: Mapping[str, Sequence[float]]) -> Figure:
    """Each metric by boosting round, on what the model learnt from and on what not; by names as ``train-auc``."""
    metrics = list(dict.fromkeys(name.split("-", 1)[1] for name in curves))
    figure = Figure(figsize=(5.5 * len(metrics), 3.4), layout="constrained")
    for axes, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        _style(axes, f"{MEASURES.get(metric, metric)} as the model learnt")
        for split, colour, line in (("train", GREY, "--"), ("validation", BLUE, "-")):
            values = curves[f"{split}-{metric}"]
            axes.plot(range(1, len(values) + 1), values, line, color=colour, label=f"{split}, at last {values[-1]:.3f}")
        axes.set_xlabel("boosting round")
        axes.set_ylabel(MEASURES.get(metric, metric))
        axes.legend()
    return figure


def predicted_against_observed(labels: Numbers, predictions: Numbers) -> Figure:
    """The regression's counterpart of a confusion matrix."""
    figure, axes = _figure("Predicted and observed")
    ends = (min(labels.min(), predictions.min()), max(labels.max(), predictions.max()))
    axes.plot(ends, ends, color="#BBBBBB", linewidth=1, label="perfect")
    axes.scatter(labels, predictions, s=12, alpha=0.4, color=BLUE, linewidths=0, label="a customer")
    axes.set_xlabel("observed")
    axes.set_ylabel("predicted")
    axes.legend(loc="upper left")
    return figure


def _figure(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.6, 4.6), layout="constrained")
    axes = figure.subplots()
    _style(axes, title)
    return figure, axes


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=11, loc="left")
    axes.grid(color="#E6E6E6", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _words(name: str) -> str:
    return name.replace("_", " ")
