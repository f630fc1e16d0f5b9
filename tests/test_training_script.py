"""What train.py is told, and what it leaves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb
from sklearn.metrics import roc_auc_score

from jobs.training import baselines, dataset, hyperparameters, transformations
from jobs.training.boosting import Boosting, Progress
from tests import training_data
from tests.test_training_pipeline import STEPS
from tests.training_jobs import ROOT, Job, channels


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return channels(training_data.customers(count=300), tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, str]:
    """A job that ran as SageMaker runs it, with its log."""
    job = Job(tmp_path_factory.mktemp("job"), data)
    log = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-m", "jobs.training.train", *job.arguments({"num_round": 60})],
        cwd=ROOT,
        env=os.environ | job.environment(),
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return job, log


def test_each_round_logs_the_metrics_as_the_metric_definitions_read_them(trained: tuple[Job, str]) -> None:
    job, log = trained
    metric = r"{}-auc:[0-9.]+ {}-logloss:[0-9.]+"
    line = re.compile(r"\[(\d+)\] " + metric.format("train", "train") + " " + metric.format("validation", "validation"))
    matched = [line.fullmatch(text) for text in log.splitlines()]
    assert [int(match[1]) for match in matched if match] == list(range(60))
    reported = [float(value) for value in re.findall(r"validation-auc:([0-9.]+)", log)]
    np.testing.assert_allclose(reported, job.model.manifest["learning_curve"]["validation-auc"], atol=1e-6)


def test_the_model_finds_the_signal(trained: tuple[Job, str], data: Path) -> None:
    job, _ = trained
    rows = dataset.read(data / "test")
    known = roc_auc_score(rows[dataset.TARGET], training_data.chance_of_no_purchase(rows))
    assert known - 0.1 < roc_auc_score(rows[dataset.TARGET], job.model.predict(rows)) < known + 0.02


def test_the_model_says_what_it_was_made_of(trained: tuple[Job, str], data: Path) -> None:
    model = trained[0].model
    assert model.manifest["hyperparameters"]["num_round"] == 60
    assert model.manifest["training_data"] == dataset.digest(dataset.read(data / "train"))
    assert model.manifest["feature_names"] == model.booster.feature_names
    assert (model.manifest["target"], model.manifest["xgboost"]) == (dataset.TARGET, xgb.__version__)


def test_regression_predicts_a_number(data: Path, tmp_path: Path) -> None:
    job = Job(tmp_path, data)
    log = job.run(objective="reg:squarederror", target="spend_90d", num_round=30, eta=0.3).log
    assert re.fullmatch(r"\[29\] train-rmse:[0-9.]+ validation-rmse:[0-9.]+", log[-1])
    rows = dataset.read(data / "test")
    spread = rows["spend_90d"].std()
    assert np.sqrt(np.mean((job.model.predict(rows) - rows["spend_90d"]) ** 2)) < spread / 2
    assert "spend_90d" not in job.model.manifest["feature_names"]


def test_a_finished_run_can_grow_by_more_rounds_but_not_shrink(data: Path, tmp_path: Path) -> None:
    job = Job(tmp_path, data)
    job.run(num_round=10)
    assert job.run(num_round=12).log[0].startswith("going on after round 9")
    assert job.start(num_round=5).wait() == 1
    assert "the newest checkpoint has 10 rounds, num_round is 5" in job.failure


def test_a_changed_hyperparameter_refuses_to_resume(data: Path, tmp_path: Path) -> None:
    job = Job(tmp_path, data)
    job.run(num_round=10)
    assert job.start(num_round=20, eta=0.3).wait() == 1
    assert "eta was 0.03, is 0.3" in job.failure


def test_other_data_refuses_to_resume(data: Path, tmp_path: Path) -> None:
    Job(tmp_path, data).run(num_round=10)
    other = Job(tmp_path, channels(training_data.customers(count=50, seed=1), tmp_path / "other"))
    assert other.start(num_round=20).wait() == 1
    assert re.search(r"training data was \w{64}, is \w{64}; validation data was", other.failure)


def test_training_goes_on_when_checkpoints_cannot_be_written(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    log = Job(tmp_path, data).run(num_round=10, checkpoint_path=tmp_path / "file" / "checkpoints").log
    assert any("no checkpoint after round 9" in line for line in log)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--learning_rate", "0.1"], "unrecognized arguments: --learning_rate 0.1. Known hyperparameters: objective,"),
        (["--num_round", "0"], "0 is too small; allowed: 1 or more"),
        (["--objective", "multi:softmax"], "invalid choice: 'multi:softmax' .*binary:logistic"),
    ],
)
def test_a_wrong_hyperparameter_is_named_with_what_is_allowed(arguments: list[str], message: str) -> None:
    with pytest.raises(hyperparameters.HyperparameterError, match=message):
        hyperparameters.parse(arguments)


def test_started_by_hand_it_trains_as_the_pipeline_does() -> None:
    told = STEPS.definition()
    (train,) = [step for step in told["Steps"] if step["Name"] == "Train"]
    chosen = {f"Parameters.{of['Name']}": of["DefaultValue"] for of in told["Parameters"]}
    given = {
        name: chosen[value["Get"]] if isinstance(value, dict) else value
        for name, value in train["Arguments"]["HyperParameters"].items()
        if not name.startswith("sagemaker_")
    }
    assert {"num_round", "eta", "lambda"} <= given.keys()
    arguments = [text for name, value in given.items() for text in (f"--{name}", value)]
    assert hyperparameters.parse([]) == hyperparameters.parse(arguments)


def test_its_own_defaults_beat_the_logistic_regression_beside_them() -> None:
    own, simple = [], []
    for seed in (1, 2, 3):
        train, validation, test = dataset.split(training_data.customers(count=500, seed=seed))
        fitted = transformations.build().fit(train)
        rows, unseen, asked = (xgb.DMatrix(fitted.transform(part)) for part in (train, validation, test))
        rows.set_label(train[dataset.TARGET])
        unseen.set_label(validation[dataset.TARGET])
        boosting = Boosting(hyperparameters.parse(["--nthread", "1"]), rows, unseen, Progress())
        list(boosting.rounds())
        beside = baselines.classifications(fitted, train, train[dataset.TARGET].to_numpy(), test)
        own.append(roc_auc_score(test[dataset.TARGET], boosting.best().predict(asked)))
        simple.append(roc_auc_score(test[dataset.TARGET], beside["logistic_regression"]))
    assert np.mean(own) > np.mean(simple)


def test_the_tuners_own_hyperparameter_is_let_through() -> None:
    assert "_tuning_objective_metric" not in hyperparameters.parse(["--_tuning_objective_metric", "validation:auc"])


def test_early_stopping_remembers_its_patience_across_an_interruption() -> None:
    chance = np.random.default_rng(0)
    features, label = chance.normal(size=(400, 5)), chance.integers(0, 2, 400)
    rows, other = (xgb.DMatrix(features[part], label[part]) for part in (slice(0, 200), slice(200, None)))
    told = hyperparameters.parse(["--early_stopping_rounds", "7", "--eta", "0.05", "--nthread", "1"])
    whole = Boosting(told, rows, other, Progress())
    list(whole.rounds())
    before = Boosting(told, rows, other, Progress())
    for _ in zip(range(whole.done - 3), before.rounds(), strict=False):
        pass
    after = Boosting(told, rows, other, before.progress)
    assert len(list(after.rounds())) == 3
    assert 7 < whole.done < 200
    assert after.best().num_boosted_rounds() == whole.best().num_boosted_rounds() == whole.done - 7


def test_rounds_draw_different_rows_and_columns() -> None:
    chance = np.random.default_rng(0)
    rows = xgb.DMatrix(chance.normal(size=(200, 10)), chance.integers(0, 2, 200))
    told = hyperparameters.parse(["--colsample_bytree", "0.3", "--num_round", "20", "--nthread", "1"])
    boosting = Boosting(told, rows, rows, Progress())
    list(boosting.rounds())
    used = boosting.booster.trees_to_dataframe().groupby("Tree")["Feature"].agg(frozenset)
    assert len(set(used)) > 10
