"""Runs the training pipeline, and tells what it did: each step, each round of training, the model's evaluation."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from rich.table import Table

from practice.console import COMMAND, styled, table
from practice.errors import PracticeError
from practice.paths import UnusableKeyError, path_of
from practice.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_logs import CloudWatchLogsClient
    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker import SageMakerClient

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_EVALUATIONS = "evaluations"
_LOOK_EVERY_SECONDS = {True: 0.3, False: 10.0}
_NOT_ENDED = ("Executing", "Stopping")
_ROUND = re.compile(r"^\[(\d+)\]\s+train-")
_RESUMED = re.compile(r"^going on after round (\d+)")
_SHOWN = {"auc": "AUC", "f1": "F1", "precision": "precision", "recall": "recall", "accuracy": "accuracy"}


@dataclass(frozen=True)
class Evaluation:
    """The figures of a model on the test cutoff by name, beside those of its baselines."""

    model: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    best_baseline: str
    margin: float
    """Of the model's AUC to that of the best baseline."""


@dataclass(frozen=True)
class TrainingStep:
    """A step of a run: the ARN of its job, if it is one, and how it went."""

    name: str
    status: str
    job_arn: str
    seconds: float
    reason: str


@dataclass(frozen=True)
class TrainingRun:
    """A run of the training pipeline that has ended, or has not yet."""

    arn: str
    status: str
    reason: str
    steps: tuple[TrainingStep, ...]
    model_package: str

    @property
    def id(self) -> str:
        return self.arn.rpartition("/")[2]

    @property
    def ended(self) -> bool:
        return self.status not in _NOT_ENDED

    def step(self, name: str) -> TrainingStep | None:
        return next((step for step in self.steps if step.name == name), None)


@dataclass(frozen=True)
class Round:
    """A round of boosting that the log tells of, and when it was told."""

    number: int
    time: float


@dataclass(frozen=True)
class Rounds:
    """The rounds of a training job in the order of its log, attempt by attempt."""

    attempts: tuple[tuple[Round, ...], ...]
    resumed_after: tuple[int, ...]
    """The round after which each attempt but the first went on; one that began anew is not told."""

    @property
    def done(self) -> int:
        return 1 + max((entry.number for attempt in self.attempts for entry in attempt), default=-1)


def start(sandbox: Sandbox, parameters: Mapping[str, str]) -> str:
    """Start a run with these parameters, the pipeline's own where one is not given; returns its ARN."""
    client: SageMakerClient = sandbox.client("sagemaker")
    return client.start_pipeline_execution(
        PipelineName=sandbox["TrainingPipeline"],
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
        ClientRequestToken=uuid4().hex,
    )["PipelineExecutionArn"]


def has_step(sandbox: Sandbox, name: str) -> bool:
    """Whether the pipeline has a step of this name; one that tunes has Tune in the place of Train."""
    client: SageMakerClient = sandbox.client("sagemaker")
    definition = client.describe_pipeline(PipelineName=sandbox["TrainingPipeline"])["PipelineDefinition"]
    return any(step["Name"] == name for step in json.loads(definition)["Steps"])


def look(sandbox: Sandbox, arn: str) -> TrainingRun:
    """The run as it is now."""
    client: SageMakerClient = sandbox.client("sagemaker")
    described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
    pages = client.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    entries = [entry for page in pages for entry in page["PipelineExecutionSteps"]]
    metadata = {entry["StepName"]: entry.get("Metadata", {}) for entry in entries}
    steps = tuple(_step(entry) for entry in entries)
    failed = next((step.reason for step in steps if step.status == "Failed"), "")
    return TrainingRun(
        arn,
        described["PipelineExecutionStatus"],
        failed or described.get("FailureReason", ""),
        steps,
        metadata.get("Register", {}).get("RegisterModel", {}).get("Arn", ""),
    )


def _step(entry: Mapping[str, Any]) -> TrainingStep:
    jobs = (found["Arn"] for found in entry.get("Metadata", {}).values() if isinstance(found, dict) and "Arn" in found)
    began = entry.get("StartTime")
    until = entry.get("EndTime") or datetime.now(UTC)
    return TrainingStep(
        entry["StepName"],
        entry["StepStatus"],
        next(jobs, ""),
        (until - began).total_seconds() if began else 0.0,
        entry.get("FailureReason", ""),
    )


def watch(sandbox: Sandbox, arn: str) -> Iterator[TrainingRun]:
    """The run again and again, until it has ended."""
    while True:
        found = look(sandbox, arn)
        yield found
        if found.ended:
            return
        time.sleep(_LOOK_EVERY_SECONDS[sandbox.target.cloud is not None])


def runs(sandbox: Sandbox, most: int) -> list[TrainingRun]:
    """The last runs, the newest first."""
    client: SageMakerClient = sandbox.client("sagemaker")
    found = client.list_pipeline_executions(
        PipelineName=sandbox["TrainingPipeline"], SortBy="CreationTime", SortOrder="Descending", MaxResults=most
    )["PipelineExecutionSummaries"]
    return [look(sandbox, entry["PipelineExecutionArn"]) for entry in found]


def parameters_of(sandbox: Sandbox, run: TrainingRun) -> dict[str, str]:
    """What a run was started with, defaults included."""
    client: SageMakerClient = sandbox.client("sagemaker")
    definition = json.loads(
        client.describe_pipeline_definition_for_execution(PipelineExecutionArn=run.arn)["PipelineDefinition"]
    )
    values = {entry["Name"]: str(entry.get("DefaultValue", "")) for entry in definition["Parameters"]}
    pages = client.get_paginator("list_pipeline_parameters_for_execution").paginate(PipelineExecutionArn=run.arn)
    return values | {entry["Name"]: entry["Value"] for page in pages for entry in page["PipelineParameters"]}


def training_job(sandbox: Sandbox, run: TrainingRun, arn: str) -> str:
    """The name of a training job of a run; its ARN has it in lower case only.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html (the response)
    """
    client: SageMakerClient = sandbox.client("sagemaker")
    pages = client.get_paginator("list_training_jobs").paginate(NameContains=run.id)
    return next(
        entry["TrainingJobName"]
        for page in pages
        for entry in page["TrainingJobSummaries"]
        if entry["TrainingJobArn"] == arn
    )


def describe_job(sandbox: Sandbox, job: str) -> Mapping[str, Any]:
    client: SageMakerClient = sandbox.client("sagemaker")
    return client.describe_training_job(TrainingJobName=job)


def rounds(sandbox: Sandbox, job: str) -> Rounds:
    """The rounds that the log of a training job tells of so far."""
    lines = list(_log(sandbox.client("logs"), f"{job}/algo-1"))
    attempts: list[list[Round]] = [[]]
    resumed_after = []
    for text, at in lines:
        if found := _RESUMED.match(text):
            attempts.append([])
            resumed_after.append(int(found[1]))
        elif found := _ROUND.match(text):
            attempts[-1].append(Round(int(found[1]), at))
    return Rounds(tuple(map(tuple, attempts)), tuple(resumed_after))


def _log(client: CloudWatchLogsClient, prefix: str) -> Iterator[tuple[str, float]]:
    """The lines of the streams whose names begin so, stream by stream, each line with its time.

    A stream is read until it answers with the token that it was asked with.
    Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
    """
    pages = client.get_paginator("describe_log_streams").paginate(logGroupName=LOG_GROUP, logStreamNamePrefix=prefix)
    try:
        streams = sorted(stream["logStreamName"] for page in pages for stream in page["logStreams"])
    except client.exceptions.ResourceNotFoundException:
        return
    for stream in streams:
        asked: Any = {}
        while True:
            page = client.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True, **asked)
            for event in page["events"]:
                yield event["message"], event["timestamp"] / 1000
            if not page["events"] or page["nextForwardToken"] == asked.get("nextToken"):
                break
            asked = {"nextToken": page["nextForwardToken"]}


def evaluation(sandbox: Sandbox, run: TrainingRun) -> Evaluation:
    """The figures of a run's model, and of its baselines.

    Raises:
        PracticeError: when what lies in S3 is no evaluation; everyone who may write there may have put it there.
    """
    s3: S3Client = sandbox.client("s3")
    bucket, key = sandbox["TrainingBucket"], f"{_EVALUATIONS}/{run.id}/evaluation.json"
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        found = json.loads(body)
        return Evaluation(
            _figures(found["binary_classification_metrics"]),
            {str(name): _figures(metrics) for name, metrics in found["baselines"].items()},
            str(found["comparison"]["best_baseline"]),
            float(found["comparison"]["auc_margin"]),
        )
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise PracticeError(
            f"s3://{bucket}/{key} is no evaluation ({type(error).__name__}: {error}). Train again: {COMMAND} train"
        ) from error


def _figures(metrics: Mapping[str, Any]) -> Mapping[str, float]:
    return {name: float(metrics[name]["value"]) for name in _SHOWN if name in metrics}


def fetch_report(sandbox: Sandbox, run: TrainingRun, directory: Path) -> Path:
    """Copy what the evaluation left to a directory; returns the page to open."""
    s3: S3Client = sandbox.client("s3")
    bucket, prefix = sandbox["TrainingBucket"], f"{_EVALUATIONS}/{run.id}/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    items = [item for page in pages for item in page.get("Contents", [])]
    try:
        for key in (item["Key"] for item in items if item["Size"] or not item["Key"].endswith("/")):
            s3.download_file(bucket, key, str(path_of(directory, key)))
        return path_of(directory, f"{prefix}report.html")
    except UnusableKeyError as error:
        raise PracticeError(f"The report in s3://{bucket}/{prefix} cannot be copied. {error}") from error


def metrics_table(found: Evaluation) -> Table:
    """The model beside its baselines, each on the newest customers, whom none of them has seen."""
    made = table("on the test cutoff", *_SHOWN.values(), numbers=tuple(_SHOWN.values()))
    made.add_row(styled("XGBoost", "bold"), *_told(found.model))
    for name, figures in found.baselines.items():
        made.add_row(name.replace("_", " "), *_told(figures))
    return made


def _told(figures: Mapping[str, float]) -> Sequence[str]:
    return [f"{figures[name]:.3f}" if name in figures else "" for name in _SHOWN]


def require_succeeded(run: TrainingRun) -> None:
    if run.status != "Succeeded":
        last = run.steps[-1].name if run.steps else "its start"
        raise PracticeError(f"The training pipeline ended as {run.status} at {last}: {run.reason}")
