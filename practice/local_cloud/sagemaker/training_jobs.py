"""Training jobs that really run: a script in SageMaker's script mode, on this machine.

A job reads its input and writes its model as on AWS, and its statuses, logs, metrics and seconds are those of what
happened. An instance is a process: a type says nothing here about memory or speed, and several instances share the
machine. FastFile looks to a script as File does. Debugger, Profiler, warm pools and retries are kept and reported, and
do nothing; what would change how the script runs is refused.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from practice.local_cloud import background
from practice.local_cloud.sagemaker import tags
from practice.local_cloud.sagemaker.api import (
    Operation,
    Record,
    Records,
    Request,
    arn,
    in_use,
    invalid,
    not_found,
    page,
    require_unended,
)
from practice.local_cloud.sagemaker.job_machine import NOTICE_SECONDS
from practice.local_cloud.sagemaker.job_process import ML, is_of_container, refused_image
from practice.local_cloud.sagemaker.training_container import decoded
from practice.local_cloud.sagemaker.training_run import TrainingRun

RUNS: Records[str, TrainingRun] = Records()
_DAY = 86_400


def create(request: Request) -> TrainingRun:
    """Start the job of a request that fits the API."""
    name = request["TrainingJobName"]
    job_arn = arn(f"training-job/{name.lower()}")
    if name in RUNS.here:
        raise in_use(
            f"Training job names must be unique within an AWS account and region, and a training job with this name "
            f"already exists ({job_arn})"
        )
    check(request)
    now = time.time()
    record = {**request, "TrainingJobArn": job_arn, "Arn": job_arn, "CreationTime": now}
    record["StoppingCondition"] = {"MaxRuntimeInSeconds": _DAY, **request.get("StoppingCondition", {})}
    RUNS.here[name] = run = TrainingRun(record)
    tags.attach(job_arn, request.get("Tags"))
    background.start(f"training-{name}", run.run)
    return run


def check(request: Request) -> None:
    """Refuse what AWS refuses, and what cannot run here as it does there."""
    if found := [*_complaints(request), *_complaints_of_channels(request)]:
        raise invalid(" ".join(found))


def _complaints(request: Request) -> Iterator[str]:
    algorithm, resources = request["AlgorithmSpecification"], request.get("ResourceConfig", {})
    if reason := refused_image(algorithm.get("TrainingImage")):
        yield f"AlgorithmSpecification.TrainingImage: {reason}"
    if used := [name for name in ("ContainerEntrypoint", "ContainerArguments") if algorithm.get(name)]:
        yield f"AlgorithmSpecification has {' and '.join(used)}; the local cloud runs scripts in script mode only."
    if not resources.get("InstanceCount") or not resources.get("InstanceType"):
        yield "ResourceConfig needs InstanceType and InstanceCount; the local cloud has no instance groups."
    if request["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP":
        yield "OutputDataConfig.CompressionType is NONE; the local cloud writes GZIP."
    path = request.get("CheckpointConfig", {}).get("LocalPath", ML)
    if not is_of_container(path):
        yield f"CheckpointConfig.LocalPath is {path!r}; the local cloud has directories under {ML} only."
    yield from _complaints_of_script(request.get("HyperParameters", {}))
    yield from _complaints_of_spot(request)
    for metric in algorithm.get("MetricDefinitions", ()):
        if not _has_group(metric["Regex"]):
            yield f"the regex of metric {metric['Name']!r} is {metric['Regex']!r}; it needs a group for the value."


def _complaints_of_script(hyperparameters: Mapping[str, str]) -> Iterator[str]:
    missing = [name for name in ("sagemaker_program", "sagemaker_submit_directory") if name not in hyperparameters]
    if missing:
        yield (
            f"HyperParameters lack {' and '.join(missing)}; the local cloud runs a container's script mode only, not "
            "its built-in algorithm. Give the script and the s3:// address of its sourcedir.tar.gz."
        )
    elif not str(decoded(hyperparameters["sagemaker_submit_directory"])).startswith("s3://"):
        yield "the hyperparameter sagemaker_submit_directory is not the s3:// address of a .tar.gz."
    elif (program := PurePosixPath(str(decoded(hyperparameters["sagemaker_program"])))).is_absolute() or (
        ".." in program.parts
    ):
        yield f"the hyperparameter sagemaker_program is {str(program)!r}; it must be the path of a file in the archive."


def _complaints_of_spot(request: Request) -> Iterator[str]:
    condition = request.get("StoppingCondition", {})
    run, wait = condition.get("MaxRuntimeInSeconds", _DAY), condition.get("MaxWaitTimeInSeconds")
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < run:
            yield (
                f"MaxWaitTimeInSeconds is {wait}; with EnableManagedSpotTraining it is at least MaxRuntimeInSeconds, "
                f"{run}."
            )
    elif wait is not None:
        yield f"MaxWaitTimeInSeconds is {wait}; it goes with EnableManagedSpotTraining only."


def _complaints_of_channels(request: Request) -> Iterator[str]:
    channels: Sequence[Mapping[str, Any]] = request.get("InputDataConfig", ())
    for channel in channels:
        name, source = channel["ChannelName"], channel["DataSource"].get("S3DataSource", {})
        if channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"]) == "Pipe":
            yield f"channel {name!r} is in Pipe mode, which the local cloud does not emulate. Use FastFile or File."
        if name in (".", ".."):
            yield f"the name of channel {name!r} cannot be that of a directory."
        if source.get("S3DataType") != "S3Prefix":
            yield f"channel {name!r} is not an S3Prefix; the local cloud reads no other data source."


def _has_group(regex: str) -> bool:
    try:
        return re.compile(regex).groups > 0
    except re.error:
        return False


def find(name: str) -> TrainingRun:
    try:
        return RUNS.here[name]
    except KeyError:
        raise not_found(f"Requested resource not found: training job {name}.") from None


def _create(request: Request) -> Record:
    return create(request).record


def _describe(request: Request) -> Record:
    return find(request["TrainingJobName"]).record


def _list(request: Request) -> Record:
    return page(request, "TrainingJobSummaries", [run.record for run in RUNS.here.values()], name="TrainingJobName")


def _stop(request: Request) -> None:
    run = find(request["TrainingJobName"])
    require_unended("training job", run.record["TrainingJobStatus"])
    run.stop()


async def interrupt(query: Mapping[str, str]) -> Record:
    """Take the machines of a spot job away: ``?name=...``, and ``&mode=kill`` for one without notice."""
    name, mode = query.get("name", ""), query.get("mode", "notice")
    if mode not in ("kill", "notice"):
        raise ValueError(f"mode is {mode!r}; allowed: kill, notice.")
    run = next((run for run in RUNS.everywhere() if run.record["TrainingJobName"] == name), None)
    if run is None:
        raise ValueError(f"there is no training job {name!r}.")
    run.interrupt(kill=mode == "kill")
    return {"TrainingJobName": name, "mode": mode, "notice_seconds": 0 if mode == "kill" else NOTICE_SECONDS}


OPERATIONS: Mapping[str, Operation] = {
    "CreateTrainingJob": _create,
    "DescribeTrainingJob": _describe,
    "ListTrainingJobs": _list,
    "StopTrainingJob": _stop,
}
