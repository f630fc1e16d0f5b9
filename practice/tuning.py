"""Searches for better hyperparameters than those of the last run, on the same data, with SageMaker's tuning jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jobs.training.tuning import OWN_CHECKPOINTS, tuning_config
from practice.errors import PracticeError
from practice.sandbox import Sandbox
from practice.training import describe_job, runs, training_job

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient

_OF_THE_DEFINITION = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableManagedSpotTraining",
    "EnableInterContainerTrafficEncryption",
)
_LOOK_EVERY_SECONDS = {True: 0.3, False: 10.0}
_MOST_RUNS = 10


@dataclass(frozen=True)
class Trial:
    """A training job of a search."""

    job: str
    status: str
    objective: float | None
    tuned: Mapping[str, str]


@dataclass(frozen=True)
class Search:
    """A search that has ended, or has not yet; its trials, the best first."""

    name: str
    status: str
    trials: tuple[Trial, ...]

    @property
    def ended(self) -> bool:
        return self.status not in ("InProgress", "Stopping")

    @property
    def trials_ended(self) -> int:
        return sum(trial.status not in ("InProgress", "Stopping") for trial in self.trials)


def start(sandbox: Sandbox, strategy: str) -> str:
    """Start a search on the data set of the last run that has trained a model; returns its name."""
    client: SageMakerClient = sandbox.client("sagemaker")
    job = _last_trained(sandbox)
    definition = {name: job[name] for name in _OF_THE_DEFINITION if name in job}
    config = tuning_config(strategy, max_runtime_seconds=2 * job["StoppingCondition"]["MaxRuntimeInSeconds"])
    # SageMaker allows 32 characters
    name = f"{sandbox.name}-{datetime.now(UTC):%m%d%H%M%S}"[-32:].lstrip("-")
    place = job["CheckpointConfig"]["S3Uri"].rpartition("/")[0]
    request: Any = {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": config,
        "TrainingJobDefinition": {
            **definition,
            "StaticHyperParameters": {
                **_not_searched(job["HyperParameters"], config),
                "checkpoint_path": OWN_CHECKPOINTS,
            },
            "CheckpointConfig": {"S3Uri": f"{place}/{name}", "LocalPath": "/opt/ml/checkpoints"},
        },
        "Tags": [{"Key": "sandbox", "Value": sandbox.name}],
    }
    client.create_hyper_parameter_tuning_job(**request)
    return name


def _last_trained(sandbox: Sandbox) -> Mapping[str, Any]:
    for run in runs(sandbox, _MOST_RUNS):
        step = run.step("Train")
        if step and step.status == "Succeeded":
            return describe_job(sandbox, training_job(sandbox, run, step.job_arn))
    raise PracticeError(
        f"None of the last {_MOST_RUNS} runs has trained a model, so there is no data set to search on. "
        "Run the training pipeline first: python -m practice train"
    )


def _not_searched(hyperparameters: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, str]:
    """As many rounds as the script has by default, or as Hyperband gives out, however many the last run had."""
    searched = {entry["Name"] for ranges in config["ParameterRanges"].values() for entry in ranges} | {"num_round"}
    return {name: value for name, value in hyperparameters.items() if name not in searched}


def watch(sandbox: Sandbox, name: str) -> Iterator[Search]:
    """The search again and again, until it has ended."""
    while True:
        found = look(sandbox, name)
        yield found
        if found.ended:
            return
        time.sleep(_LOOK_EVERY_SECONDS[sandbox.target.cloud is not None])


def look(sandbox: Sandbox, name: str) -> Search:
    client: SageMakerClient = sandbox.client("sagemaker")
    described = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    pages = client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
        HyperParameterTuningJobName=name
    )
    trials = [_trial(entry) for page in pages for entry in page["TrainingJobSummaries"]]
    trials.sort(key=lambda trial: -(trial.objective or 0.0))
    return Search(name, described["HyperParameterTuningJobStatus"], tuple(trials))


def _trial(entry: Mapping[str, Any]) -> Trial:
    measured = entry.get("FinalHyperParameterTuningJobObjectiveMetric", {})
    return Trial(
        entry["TrainingJobName"], entry["TrainingJobStatus"], measured.get("Value"), entry["TunedHyperParameters"]
    )
