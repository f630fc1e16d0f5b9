"""A trained model, judged as the pipeline does it: beside its baselines, explained, by group, in a report."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from jobs.training import dataset
from jobs.training.baselines import classifications, compare_classifications
from jobs.training.dataset import TARGET
from jobs.training.evaluate import evaluate, read_model
from jobs.training.explanations import attributions, feature_of
from jobs.training.metrics import EvaluationError, area_under_curve
from jobs.training.model import Model, matrix
from jobs.training.transformations import build
from tests.training_data import chance_of_no_purchase, customers
from tests.training_jobs import ROOT, Job, channels

NUMBER = {"type": ["number", "string"], "pattern": "^NaN$"}
MEASURED = {"type": "object", "required": ["value", "standard_deviation"], "additionalProperties": NUMBER}
VALUE = {"type": "object", "required": ["value"], "additionalProperties": NUMBER}
RATES = {"type": "array", "minItems": 2, "items": {"type": "number", "minimum": 0, "maximum": 1}}
COUNTS = {"type": "object", "required": ["0", "1"], "additionalProperties": {"type": "integer"}}


def shape(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


REGISTRY = shape(
    binary_classification_metrics=shape(
        confusion_matrix={"type": "object", "required": ["0", "1"], "additionalProperties": COUNTS},
        **dict.fromkeys(("auc", "accuracy", "precision", "recall", "f1"), MEASURED),
        **dict.fromkeys(("true_positive_rate", "true_negative_rate", "accuracy_best_constant_classifier"), VALUE),
        receiver_operating_characteristic_curve=shape(false_positive_rates=RATES, true_positive_rates=RATES),
        precision_recall_curve=shape(precisions=RATES, recalls=RATES),
    )
)
"""https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html"""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A model trained where there is a signal, packed, and judged by the processing job's command."""
    job = trained(tmp_path_factory.mktemp("signal"), customers(count=1500))
    packed = job.directory / "packed"
    packed.mkdir()
    with tarfile.open(packed / "model.tar.gz", "w:gz") as archive:
        for file in (job.directory / "model").iterdir():
            archive.add(file, file.name)
    splits = {name: job.channels / name for name in ("train", "validation", "test")}
    directories = {"model": packed, **splits, "output": job.directory / "evaluation"}
    arguments = [text for name, path in directories.items() for text in (f"--{name}", str(path))]
    finished = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, str(ROOT / "jobs" / "training" / "evaluate.py"), *arguments],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(finished.stdout) == read(job, "evaluation")["comparison"]
    return job


@pytest.fixture(scope="module")
def without_signal(tmp_path_factory: pytest.TempPathFactory) -> Job:
    job = trained(tmp_path_factory.mktemp("coin"), customers(count=600, signal=False))
    evaluate(job.model, split(job), job.directory / "evaluation")
    return job


def test_churn_auc_beats_every_baseline_where_there_is_a_signal(judged: Job) -> None:
    evaluation = read(judged, "evaluation")
    auc = evaluation["binary_classification_metrics"]["auc"]["value"]
    baselines = {name: of["auc"]["value"] for name, of in evaluation["baselines"].items()}
    assert set(baselines) == {"logistic_regression", "decision_tree", "frequency_only"}
    assert all(auc > baseline for baseline in baselines.values())
    comparison = evaluation["comparison"]
    assert comparison["best_baseline"] == max(baselines, key=lambda name: baselines[name])
    assert comparison["auc_margin"] == pytest.approx(auc - max(baselines.values()))
    assert comparison["auc_margin_lower_bound"] > 0
    test = split(judged).test
    assert auc == pytest.approx(area_under_curve(test[TARGET], chance_of_no_purchase(test)), abs=0.03)


def test_nothing_is_claimed_where_there_is_no_signal(without_signal: Job) -> None:
    evaluation = read(without_signal, "evaluation")
    assert evaluation["binary_classification_metrics"]["auc"]["value"] == pytest.approx(0.5, abs=0.05)
    comparison = evaluation["comparison"]
    assert comparison["auc_lower_bound"] <= 0.5 or comparison["auc_margin"] <= 0
    assert "No better than a coin" in page(without_signal)


def test_the_bounds_lie_below_what_they_bound(judged: Job) -> None:
    evaluation = read(judged, "evaluation")
    auc, comparison = evaluation["binary_classification_metrics"]["auc"], evaluation["comparison"]
    assert comparison["auc_lower_bound"] == pytest.approx(auc["value"] - 1.96 * auc["standard_deviation"], abs=0.005)
    assert 0 < comparison["auc_margin_lower_bound"] < comparison["auc_margin"]


def test_a_model_as_good_as_its_baseline_has_no_margin() -> None:
    labels, chances = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.5, 0.9])
    comparison = compare_classifications(labels, chances, {"worse": 1 - chances, "same": chances})
    assert (comparison["best_baseline"], comparison["auc_margin"]) == ("same", 0)
    assert comparison["auc_margin_lower_bound"] == 0


def test_the_frequency_rule_knows_nothing_but_frequency_and_what_became_of_such_customers() -> None:
    train = customers(count=100)
    train["frequency"] = np.repeat([0, 1, 5, 9], 100)
    labels = np.concatenate([np.tile(row, 25) for row in ([1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0])])
    asked = train.iloc[:4].assign(frequency=[0, 1, 9, 50])
    predicted = classifications(build().fit(train), train, labels, asked)["frequency_only"]
    assert predicted.tolist() == pytest.approx([0.75, 0.5, 0.25, 0.25])


def test_evaluation_json_has_the_registrys_schema(judged: Job) -> None:
    fastjsonschema.compile(REGISTRY)(read(judged, "evaluation"))


def test_what_a_pipeline_decides_by_is_a_small_file_of_its_own(judged: Job) -> None:
    assert read(judged, "comparison") == read(judged, "evaluation")["comparison"]
    assert all(isinstance(value, str | float) for value in read(judged, "comparison").values())


def test_the_evaluation_tells_of_the_rows_it_is_about(judged: Job) -> None:
    rows = read(judged, "evaluation")["rows"]
    assert {name: (part["count"], part["cutoffs"]) for name, part in rows.items()} == {
        "train": (3000, ["2025-01-01", "2025-04-01"]),
        "validation": (1500, ["2025-07-01"]),
        "test": (1500, ["2025-10-01"]),
    }


def test_attributions_add_up_to_the_prediction(judged: Job) -> None:
    """Local accuracy, the first property that SHAP values are defined by."""
    model, rows = judged.model, split(judged).test
    by_feature, expected = attributions(model, rows)
    margins = model.booster.predict(matrix(model.transformations, rows), output_margin=True)
    np.testing.assert_allclose(by_feature.sum(axis=1) + expected, margins, atol=1e-4)


def test_attributions_of_a_features_columns_are_summed(judged: Job) -> None:
    model, rows = judged.model, split(judged).test
    by_feature, _ = attributions(model, rows)
    columns = matrix(model.transformations, rows)
    contributions = pd.DataFrame(
        model.booster.predict(columns, pred_contribs=True)[:, :-1], columns=columns.feature_names
    )
    one_hot = contributions[["favourite_channel_app", "favourite_channel_store", "favourite_channel_web"]]
    np.testing.assert_allclose(by_feature["favourite_channel"], one_hot.sum(axis=1), atol=1e-5)
    lag = contributions[["spend_30d_lag_3", "missingindicator_spend_30d_lag_3"]]
    np.testing.assert_allclose(by_feature["spend_30d_lag_3"], lag.sum(axis=1), atol=1e-5)


def test_every_column_finds_its_feature(judged: Job) -> None:
    columns = judged.model.transformations.get_feature_names_out()
    assert {feature_of(column) for column in columns} == set(dataset.FEATURES)
    assert feature_of("spend_30d_lag_1") == "spend_30d_lag_1"


def test_explainability_json_has_clarifys_shape_and_finds_the_signal(judged: Job) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/clarify-processing-job-analysis-results.html"""
    label = read(judged, "explainability")["explanations"]["kernel_shap"]["label0"]
    assert isinstance(label["expected_value"], float)
    values = label["global_shap_values"]
    assert set(values) == set(dataset.FEATURES)
    means = attributions(judged.model, split(judged).test)[0].abs().mean()
    assert values == pytest.approx(means.to_dict(), rel=1e-4)
    signal = {"days_since_last_order", "frequency", "recency", "favourite_channel", "return_rate"}
    assert set(list(values)[:5]) == signal


def test_bias_json_is_of_the_training_labels_and_the_models_decisions(judged: Job) -> None:
    train, test = split(judged).train, split(judged).test
    called = judged.model.predict(test) >= 0.5
    newest = (test["tenure_bucket"] == "under_30d").to_numpy()
    values = {
        metric["name"]: metric["value"]
        for stage in ("pre_training_bias_metrics", "post_training_bias_metrics")
        for metric in read(judged, "bias")[stage]["facets"]["tenure_bucket"][0]["metrics"]
    }
    lost = train.groupby(train["tenure_bucket"] == "under_30d")[TARGET].mean()
    assert values["DPL"] == pytest.approx(lost[False] - lost[True])
    assert values["DPPL"] == pytest.approx(called[~newest].mean() - called[newest].mean())
    assert values["DI"] == pytest.approx(called[newest].mean() / called[~newest].mean())


def test_the_report_needs_nothing_but_itself(judged: Job) -> None:
    text = page(judged)
    assert re.findall(r"https?:|<script|<link|<iframe|@import|url\(", text) == []
    assert {source[:22] for source in re.findall(r'src="([^"]*)"', text)} == {"data:image/png;base64,"}


def test_the_report_holds_every_figure(judged: Job) -> None:
    text, evaluation = page(judged), read(judged, "evaluation")
    metrics = evaluation["binary_classification_metrics"]
    judgements = [
        {name: entry for name, entry in metrics.items() if "value" in entry},
        *evaluation["baselines"].values(),
    ]
    values = [entry["value"] for judgement in judgements for entry in judgement.values()]
    values += read(judged, "explainability")["explanations"]["kernel_shap"]["label0"]["global_shap_values"].values()
    for stage in ("pre_training_bias_metrics", "post_training_bias_metrics"):
        for [facet] in read(judged, "bias")[stage]["facets"].values():
            values += [metric["value"] for metric in facet["metrics"]]
    assert [value for value in values if f"{value:.3f}".replace("-", "\N{MINUS SIGN}") not in text] == []
    assert "Better than every baseline" in text
    assert judged.model.manifest["training_data"] in text


def test_every_chart_is_a_picture_beside_the_report(judged: Job) -> None:
    pictures = {file.stem: file.read_bytes() for file in (judged.directory / "evaluation").glob("*.png")}
    assert set(pictures) == {"confusion_matrix", "roc", "calibration", "learning_curves"}
    assert all(picture.startswith(b"\x89PNG") for picture in pictures.values())


def test_a_regression_is_judged_by_its_own_metrics(tmp_path: Path) -> None:
    parts = dataset.split(customers(count=60))
    fitted = build("spend_90d").fit(parts.train)
    data = matrix(fitted, parts.train)
    data.set_label(parts.train["spend_90d"])
    booster = xgb.train({"objective": "reg:squarederror", "nthread": 1}, data, 5)
    manifest = {
        "hyperparameters": {"objective": "reg:squarederror"},
        "target": "spend_90d",
        "xgboost": xgb.__version__,
        "training_data": "digest",
        "learning_curve": {"train-rmse": [2.0, 1.0], "validation-rmse": [3.0, 2.0]},
    }
    comparison = evaluate(Model(booster, fitted, manifest), parts, tmp_path)
    evaluation = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    fastjsonschema.compile(
        shape(regression_metrics=shape(**dict.fromkeys(("mae", "mse", "rmse", "r2", "mape"), MEASURED)))
    )(evaluation)
    errors = {name: of["rmse"]["value"] for name, of in evaluation["baselines"].items()}
    assert set(errors) == {"linear_regression", "decision_tree", "frequency_only"}
    own = evaluation["regression_metrics"]["rmse"]["value"]
    assert comparison["rmse_margin"] == pytest.approx(min(errors.values()) - own)
    assert not (tmp_path / "bias.json").exists()
    assert "Evaluation: predicting spend_90d" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_without_a_model_it_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"holds neither model.tar.gz nor xgboost-model. Give the directory"):
        read_model(tmp_path)


def test_a_model_need_not_be_packed(judged: Job) -> None:
    assert read_model(judged.directory / "model").manifest == judged.model.manifest


def trained(directory: Path, rows: pd.DataFrame) -> Job:
    job = Job(directory, channels(rows, directory / "channels"))
    job.run(num_round=120, eta=0.05, max_depth=4, min_child_weight=1, colsample_bytree=1)
    return job


def split(job: Job) -> dataset.Split:
    return dataset.Split(*(dataset.read(job.channels / name) for name in ("train", "validation", "test")))


def read(job: Job, name: str) -> Any:
    return json.loads((job.directory / "evaluation" / f"{name}.json").read_text(encoding="utf-8"))


def page(job: Job) -> str:
    return (job.directory / "evaluation" / "report.html").read_text(encoding="utf-8")
