"""Judges a trained model (guide 2.2, 5.4, 5.5): the entry script of a SageMaker processing job.

Everything is of the test rows, whose cutoff is newer than anything the model was trained or tuned on. Leaves:

- ``evaluation.json``: the model's metrics in the registry's schema, the baselines' and how they compare, the rows;
- ``comparison.json``: how they compare, alone: what a pipeline decides by. It stays small, where the curves in
  ``evaluation.json`` grow with the rows;
- ``explainability.json`` and ``bias.json``: as SageMaker Clarify writes its ``analysis.json``; bias is of decisions, so
  a regression has none;
- ``report.html``: all of it to read, in one file, and its charts as ``*.png``.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelMetrics.html
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from jobs.training import baselines, charts, dataset, debugging, report
from jobs.training import model as models
from jobs.training.bias import bias_analysis
from jobs.training.dataset import CUTOFF, Split
from jobs.training.explanations import explainability_analysis
from jobs.training.inference import BOOSTER
from jobs.training.metrics import (
    EvaluationError,
    binary_classification_metrics,
    classification_values,
    decide,
    regression_metrics,
    regression_values,
)
from jobs.training.model import Model

ARCHIVE = "model.tar.gz"


def main() -> int:
    parser = argparse.ArgumentParser(prog="evaluate.py", allow_abbrev=False)
    for name in ("model", "train", "validation", "test", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    paths = parser.parse_args()
    try:
        model = read_model(paths.model)
        split = Split(*(dataset.read(path) for path in (paths.train, paths.validation, paths.test)))
        comparison = evaluate(model, split, paths.output)
    except (dataset.DatasetError, EvaluationError) as error:
        sys.stderr.write(f"evaluate.py: {error}\n")
        return 1
    sys.stdout.write(json.dumps(comparison) + "\n")
    return 0


def read_model(directory: Path) -> Model:
    """The model as training leaves it, packed or not."""
    archive = directory / ARCHIVE
    if not archive.is_file():
        if not (directory / BOOSTER).is_file():
            raise EvaluationError(
                f"{directory} holds neither {ARCHIVE} nor {BOOSTER}. Give the directory that the training job's "
                "model artefact was copied to."
            )
        return models.load(directory)
    with tempfile.TemporaryDirectory() as unpacked, tarfile.open(archive) as packed:
        packed.extractall(unpacked, filter="data")
        return models.load(Path(unpacked))


def evaluate(model: Model, split: Split, output: Path) -> dict[str, Any]:
    """Writes everything; returns how the model compares with the baselines."""
    output.mkdir(parents=True, exist_ok=True)
    target = model.manifest["target"]
    labels = {name: part[target].to_numpy(float) for name, part in split._asdict().items()}
    predictions = model.predict(split.test).astype(float)
    judge = _classification if model.manifest["hyperparameters"]["objective"] == "binary:logistic" else _regression
    evaluation, figures = judge(model, split, labels, predictions)
    evaluation["rows"] = {name: _described(part, labels[name]) for name, part in split._asdict().items()}
    evaluation["debugging"] = debugging.findings(model.manifest["learning_curve"])
    figures["learning_curves"] = charts.learning_curves(model.manifest["learning_curve"])
    bias = None
    if judge is _classification:
        bias = bias_analysis(target, (split.train, labels["train"]), (split.test, labels["test"], decide(predictions)))
    explanations = explainability_analysis(model, split.test)

    comparison: dict[str, Any] = evaluation["comparison"]
    contents = {"evaluation": evaluation, "comparison": comparison, "explainability": explanations, "bias": bias}
    for name, content in contents.items():
        if content is not None:
            (output / f"{name}.json").write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", "utf-8")
    for name, figure in figures.items():
        figure.savefig(output / f"{name}.png", dpi=150)
    pictures = {name: (output / f"{name}.png").read_bytes() for name in figures}
    (output / "report.html").write_text(
        report.render(model.manifest, evaluation, explanations, bias, split.test, pictures), "utf-8"
    )
    return comparison


def _classification(
    model: Model, split: Split, labels: Mapping[str, Any], chances: np.ndarray
) -> tuple[dict[str, Any], dict[str, Figure]]:
    simple = baselines.classifications(model.transformations, split.train, labels["train"], split.test)
    test = labels["test"]
    metrics = binary_classification_metrics(test, chances)
    values = {name: classification_values(test, scores) for name, scores in simple.items()}
    areas = {"model": metrics["auc"]["value"], **{name: of["auc"] for name, of in values.items()}}
    figures = {
        "confusion_matrix": charts.confusion_matrix(metrics["confusion_matrix"]),
        "roc": charts.receiver_operating_characteristic(test, chances, simple, areas),
        "calibration": charts.calibration(test, chances),
    }
    comparison = baselines.compare_classifications(test, chances, simple)
    return _evaluation("binary_classification_metrics", metrics, values, comparison), figures


def _regression(
    model: Model, split: Split, labels: Mapping[str, Any], predictions: np.ndarray
) -> tuple[dict[str, Any], dict[str, Figure]]:
    simple = baselines.regressions(model.transformations, split.train, labels["train"], split.test)
    test = labels["test"]
    metrics = regression_metrics(test, predictions)
    values = {name: regression_values(test, predicted) for name, predicted in simple.items()}
    figures = {"predicted_against_observed": charts.predicted_against_observed(test, predictions)}
    comparison = baselines.compare_regressions(test, predictions, simple)
    return _evaluation("regression_metrics", metrics, values, comparison), figures


def _evaluation(
    kind: str, metrics: dict[str, Any], baseline_values: Mapping[str, Mapping[str, float]], comparison: dict[str, Any]
) -> dict[str, Any]:
    return {
        kind: metrics,
        "baselines": {
            name: {metric: {"value": value} for metric, value in values.items()}
            for name, values in baseline_values.items()
        },
        "comparison": comparison,
    }


def _described(rows: pd.DataFrame, labels: np.ndarray) -> dict[str, Any]:
    return {
        "count": len(rows),
        "cutoffs": [str(cutoff) for cutoff in sorted(set(rows[CUTOFF]))],
        "target_mean": float(labels.mean()),
    }


if __name__ == "__main__":
    sys.exit(main())
