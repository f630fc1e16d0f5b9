"""Running the training pipeline from the command line: how a run is told, and what an interruption cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from rich.console import Console

from practice import spot_drill, tuning
from practice.errors import PracticeError
from practice.local_cloud.lifecycle import LocalCloud
from practice.sandbox import Sandbox, Target
from practice.training import (
    Evaluation,
    TrainingRun,
    TrainingStep,
    fetch_report,
    look,
    metrics_table,
    parameters_of,
    require_succeeded,
    rounds,
    training_job,
)
from tests.conftest import server_state

PIPELINE = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/mine-churn-training"
RUN = f"{PIPELINE}/execution/a1b2c3"
JOB = "pipelines-a1b2c3-Train-x"
ARN = f"arn:aws:sagemaker:us-east-1:111122223333:training-job/{JOB}"
PACKAGE = "arn:aws:sagemaker:us-east-1:111122223333:model-package/mine-customer-churn/3"
BEGAN = datetime(2026, 11, 22, tzinfo=UTC)


class Account:
    """An account whose every call is stubbed."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubs: dict[str, Stubber] = {}
        for name in ("sagemaker", "logs", "s3"):
            self.clients[name] = boto3.client(
                name,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106
            )
            self.stubs[name] = Stubber(self.clients[name])
            self.stubs[name].activate()
        outputs = {"TrainingPipeline": "mine-churn-training", "TrainingBucket": "bucket"}
        self.sandbox = Sandbox("mine", Target("test account", self.clients.__getitem__, None), outputs)

    def will_describe(self, status: str, *steps: dict[str, Any]) -> None:
        stub = self.stubs["sagemaker"]
        stub.add_response(
            "describe_pipeline_execution", {"PipelineExecutionStatus": status}, {"PipelineExecutionArn": RUN}
        )
        stub.add_response("list_pipeline_execution_steps", {"PipelineExecutionSteps": list(steps)})

    def will_log(self, *lines: tuple[str, float]) -> None:
        stub, group = self.stubs["logs"], {"logGroupName": "/aws/sagemaker/TrainingJobs"}
        streams = [{"logStreamName": f"{JOB}/algo-1-2"}, {"logStreamName": f"{JOB}/algo-1-1"}]
        stub.add_response(
            "describe_log_streams", {"logStreams": streams}, {**group, "logStreamNamePrefix": f"{JOB}/algo-1"}
        )
        asked = {**group, "logStreamName": f"{JOB}/algo-1-1", "startFromHead": True}
        for number, (text, seconds) in enumerate(lines):
            token = {"nextToken": f"f/{number}"} if number else {}
            page = {
                "events": [{"message": text, "timestamp": int(seconds * 1000)}],
                "nextForwardToken": f"f/{number + 1}",
            }
            stub.add_response("get_log_events", page, asked | token)
        end = {"events": [], "nextForwardToken": "f/end"}
        stub.add_response("get_log_events", end, asked | {"nextToken": f"f/{len(lines)}"})
        stub.add_response("get_log_events", end, asked | {"logStreamName": f"{JOB}/algo-1-2"})


@pytest.fixture
def account() -> Iterator[Account]:
    account = Account()
    yield account
    for stub in account.stubs.values():
        stub.assert_no_pending_responses()


def step(name: str, status: str, metadata: dict[str, Any], seconds: float, **more: Any) -> dict[str, Any]:
    return {
        "StepName": name,
        "StepStatus": status,
        "StartTime": BEGAN,
        "EndTime": BEGAN + timedelta(seconds=seconds),
        "Metadata": metadata,
        **more,
    }


def test_a_run_is_its_steps_with_their_jobs_and_the_model_that_it_registered(account: Account) -> None:
    job = {"TrainingJob": {"Arn": f"arn:aws:sagemaker:us-east-1:111122223333:training-job/{JOB}"}}
    account.will_describe(
        "Succeeded",
        step("Train", "Succeeded", job, 12.5),
        step("Register", "Succeeded", {"RegisterModel": {"Arn": PACKAGE}}, 1.0),
    )
    run = look(account.sandbox, RUN)
    assert (run.id, run.ended, run.model_package) == ("a1b2c3", True, PACKAGE)
    assert run.steps[0] == TrainingStep("Train", "Succeeded", job["TrainingJob"]["Arn"], 12.5, "")


def test_a_training_job_is_found_by_its_arn_which_has_the_name_in_lower_case(account: Account) -> None:
    found = {
        "TrainingJobName": JOB,
        "TrainingJobArn": ARN.lower(),
        "CreationTime": BEGAN,
        "TrainingJobStatus": "Completed",
    }
    another = found | {"TrainingJobName": f"{JOB}y", "TrainingJobArn": f"{ARN.lower()}y"}
    account.stubs["sagemaker"].add_response(
        "list_training_jobs", {"TrainingJobSummaries": [another, found]}, {"NameContains": "a1b2c3"}
    )
    run = TrainingRun(RUN, "Succeeded", "", (), "")
    assert training_job(account.sandbox, run, ARN.lower()) == JOB


def test_a_run_that_failed_says_why_its_step_did(account: Account) -> None:
    account.will_describe("Failed", step("NotGoodEnough", "Failed", {}, 0.1, FailureReason="the AUC is 0.49"))
    with pytest.raises(PracticeError, match=r"ended as Failed at NotGoodEnough: the AUC is 0\.49"):
        require_succeeded(look(account.sandbox, RUN))


def test_what_a_run_was_told_is_its_own_parameters_over_the_defaults(account: Account) -> None:
    definition = '{"Parameters": [{"Name": "Eta", "DefaultValue": "0.1"}, {"Name": "MinimumAuc", "DefaultValue": 0.5}]}'
    account.stubs["sagemaker"].add_response(
        "describe_pipeline_definition_for_execution", {"PipelineDefinition": definition}
    )
    account.stubs["sagemaker"].add_response(
        "list_pipeline_parameters_for_execution", {"PipelineParameters": [{"Name": "Eta", "Value": "0.3"}]}
    )
    run = TrainingRun(RUN, "Succeeded", "", (), "")
    assert parameters_of(account.sandbox, run) == {"Eta": "0.3", "MinimumAuc": "0.5"}


def test_the_rounds_are_those_of_the_jobs_own_streams_and_no_other_line(account: Account) -> None:
    account.will_log(("starting", 0.0), ("[0]\ttrain-auc:0.7", 1.0), ("[1] train-auc:0.8", 1.5), ("[2] something", 2.0))
    assert rounds(account.sandbox, JOB).done == 2


def test_a_job_that_has_not_logged_has_no_rounds(account: Account) -> None:
    account.stubs["logs"].add_client_error("describe_log_streams", "ResourceNotFoundException")
    assert rounds(account.sandbox, JOB).done == 0


def test_an_interruption_costs_the_rounds_since_the_checkpoint_and_saves_the_time_of_those_before(
    account: Account,
) -> None:
    first = [(f"[{number}] train-auc:0.7", 10.0 + number) for number in range(25)]
    again = [(f"[{number}] train-auc:0.7", 50.0 + number) for number in range(20, 30)]
    account.will_log(*first, ("going on after round 19, from /opt/ml/checkpoints", 49.0), *again)
    described = {
        "TrainingTimeInSeconds": 60,
        "BillableTimeInSeconds": 40,
        "TrainingJobName": JOB,
        "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:111122223333:training-job/{JOB}",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {"VolumeSizeInGB": 30},
        "StoppingCondition": {},
        "CreationTime": BEGAN,
    }
    account.stubs["sagemaker"].add_response("describe_training_job", described)
    run = TrainingRun(RUN, "Succeeded", "", (), "")
    found = spot_drill.outcome(account.sandbox, run, JOB)
    assert (found.rounds_done, found.rounds_kept) == (25, 20)
    assert found.seconds_saved == pytest.approx(20.0)
    assert (found.training_seconds, found.billable_seconds) == (60, 40)


def test_on_aws_nobody_can_ask_for_an_interruption(account: Account) -> None:
    with pytest.raises(PracticeError, match=r"not when it is asked for\. Run the drill on the local cloud"):
        spot_drill.drill(account.sandbox, kill=False)


def test_a_pipeline_that_tunes_has_no_single_job_to_interrupt(account: Account, tmp_path: Path) -> None:
    cloud = LocalCloud(tmp_path, server_state(), fresh=False)
    sandbox = replace(account.sandbox, target=replace(account.sandbox.target, cloud=cloud))
    definition = json.dumps({"Steps": [{"Name": "Dataset"}, {"Name": "Tune"}]})
    account.stubs["sagemaker"].add_response("describe_pipeline", {"PipelineDefinition": definition})
    with pytest.raises(PracticeError, match=r"sandbox:training_tuning=off"):
        spot_drill.drill(sandbox, kill=False)


def test_the_model_stands_beside_its_baselines() -> None:
    found = Evaluation({"auc": 0.912, "f1": 0.8}, {"frequency_only": {"auc": 0.574}}, "frequency_only", 0.338)
    console = Console(width=100)
    with console.capture() as shown:
        console.print(metrics_table(found))
    lines = shown.get().splitlines()
    assert any("XGBoost" in line and "0.912" in line and "0.800" in line for line in lines)
    assert any("frequency only" in line and "0.574" in line for line in lines)


class TestTuning:
    def test_searches_with_the_last_job_that_trained_but_for_what_it_searches(self, account: Account) -> None:
        job = {
            "AlgorithmSpecification": {"TrainingInputMode": "FastFile"},
            "HyperParameters": {"eta": "0.1", "num_round": "200", "sagemaker_program": '"train.py"'},
        }
        config = {"ParameterRanges": {"ContinuousParameterRanges": [{"Name": "eta"}]}}
        assert tuning._not_searched(job["HyperParameters"], config) == {
            "sagemaker_program": '"train.py"',
        }

    def test_without_a_trained_model_it_says_to_train_first(self, account: Account) -> None:
        account.stubs["sagemaker"].add_response("list_pipeline_executions", {"PipelineExecutionSummaries": []})
        with pytest.raises(PracticeError, match="python -m practice train"):
            tuning.start(account.sandbox, "random")


class Objects:
    """As much of an S3 client as the report takes, over objects by key."""

    def __init__(self, objects: dict[str, str]) -> None:
        self._objects = objects

    def get_paginator(self, _: str) -> Objects:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - of boto3
        found = [key for key in self._objects if key.startswith(Prefix)]
        yield {"Contents": [{"Key": key, "Size": len(self._objects[key])} for key in found]}

    def download_file(self, Bucket: str, Key: str, Filename: str) -> None:  # noqa: N803
        Path(Filename).write_text(self._objects[Key], encoding="utf-8")


def report_of(objects: dict[str, str], directory: Path) -> Path:
    """The report of a run whose evaluation left these objects."""
    outputs = {"TrainingBucket": "bucket"}
    sandbox = Sandbox("mine", Target("test account", lambda _: Objects(objects), None), outputs)
    return fetch_report(sandbox, TrainingRun(RUN, "Succeeded", "", (), ""), directory)


def test_report_is_copied_with_its_folders(tmp_path: Path) -> None:
    """A folder that was made in the console is an empty object, and no file of the report."""
    objects = {"": "", "charts/": "", "report.html": "<p>", "charts/größe a+b.png": "picture"}

    page = report_of({f"evaluations/a1b2c3/{key}": content for key, content in objects.items()}, tmp_path)

    assert page.read_text() == "<p>"
    assert (page.parent / "charts/größe a+b.png").read_text() == "picture"


def test_report_is_copied_anew(tmp_path: Path) -> None:
    for content in ("old", "new"):
        page = report_of({"evaluations/a1b2c3/report.html": content}, tmp_path)

    assert page.read_text() == "new"


@pytest.mark.parametrize("name", ["../../../x", "/tmp/x", "charts/../../x", "./x", "charts//x", "x/", "x" * 256])  # noqa: S108
def test_report_with_a_key_that_leads_elsewhere_is_refused_by_name(tmp_path: Path, name: str) -> None:
    directory = tmp_path / "a" / "b"
    directory.mkdir(parents=True)
    key = f"evaluations/a1b2c3/{name}"

    with pytest.raises(PracticeError) as refusal:
        report_of({key: "escaped"}, directory)

    assert f"s3://bucket/evaluations/a1b2c3/ cannot be copied. The key {key!r} cannot be" in str(refusal.value)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
