"""What the steps of a pipeline do: jobs and model packages, made through SageMaker's own operations.

A job is named as SageMaker names it, such as ``pipelines-kytlemm1lvpq-PreprocessingStep-cIpzShs3Qp``.

Source: https://github.com/aws/amazon-sagemaker-examples/issues/3106 for the names. Not documented: those of tuning
jobs, which can have 32 characters; here the same without ``pipelines-`` and with eight characters of the step's name.
"""

from __future__ import annotations

import re
import secrets
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from practice.local_cloud.loopback import client
from practice.local_cloud.sagemaker.api import Record

POLL_SECONDS = 0.25

_RANDOM_CHARACTERS = 10
_ENDED = {"Completed", "Failed", "Stopped"}


class StepError(Exception):
    """A step failed; the message is its FailureReason."""


class StepStopped(Exception):  # noqa: N818 - a step that was stopped did nothing wrong
    """A step was stopped, as was asked."""


@dataclass(frozen=True)
class Job:
    """A kind of job: ``noun`` is what its operations and members are called after."""

    noun: str
    metadata: str
    name_format: str
    longest_step: int
    has_experiment: bool = True

    @property
    def create(self) -> str:
        return f"Create{self.noun}"

    @property
    def describe(self) -> str:
        return f"Describe{self.noun}"

    def name(self, execution_id: str, step: str) -> str:
        plain = re.sub("[^a-zA-Z0-9-]", "-", step)[: self.longest_step]
        letters = string.ascii_letters + string.digits
        token = "".join(secrets.choice(letters) for _ in range(_RANDOM_CHARACTERS))
        return self.name_format.format(execution=execution_id, step=plain, token=token)


_NAME = "pipelines-{execution}-{step}-{token}"
JOBS: Mapping[str, Job] = {
    "Processing": Job("ProcessingJob", "ProcessingJob", _NAME, 29),
    "Training": Job("TrainingJob", "TrainingJob", _NAME, 29),
    "Tuning": Job("HyperParameterTuningJob", "TuningJob", "{execution}-{step}-{token}", 8, has_experiment=False),
}

Note = Callable[[Record], None]
"""Keeps what is known of a step: its metadata."""


def job_request(job: Job, name: str, arguments: Record, experiment: Record | None) -> Record:
    """What the pipeline sends to create the job."""
    named = {**arguments, f"{job.noun}Name": name}
    return {"ExperimentConfig": experiment, **named} if experiment and job.has_experiment else named


def run_job(job: Job, request: Record, note: Note, stopping: Callable[[], bool]) -> Record:
    """Run a job to its end; return its description, whose members are the step's properties."""
    note({job.metadata: {"Arn": _call(job.create, request)[f"{job.noun}Arn"]}})
    key = {f"{job.noun}Name": request[f"{job.noun}Name"]}
    asked = False
    while True:
        described = _call(job.describe, key)
        status = described[f"{job.noun}Status"]
        if status in _ENDED:
            break
        if stopping() and not asked:
            _call(f"Stop{job.noun}", key)
            asked = True
        time.sleep(POLL_SECONDS)
    if status == "Stopped" and asked:
        raise StepStopped
    if status != "Completed":
        reason = described.get("FailureReason", "it gave no reason")
        raise StepError(f"{job.noun} {key[f'{job.noun}Name']} is {status}: {reason}")
    return described


def register_model(arguments: Record, note: Note) -> Record:
    """Create a model package, after its group if there is none; return its description.

    The step asks for the group every time and takes "already exists" for an answer, as the SDK does, but no other
    refusal: https://github.com/aws/sagemaker-python-sdk/blob/d355d5b/src/sagemaker/session.py#L3867
    """
    group = arguments.get("ModelPackageGroupName")
    if group and not group.startswith("arn:"):
        try:
            _call("CreateModelPackageGroup", {"ModelPackageGroupName": group})
        except StepError as error:
            if "already exists" not in str(error):
                raise
    arn = _call("CreateModelPackage", arguments)["ModelPackageArn"]
    note({"RegisterModel": {"Arn": arn}})
    return _call("DescribeModelPackage", {"ModelPackageName": arn})


def _call(operation: str, request: Record) -> Record:
    try:
        answer: Any = getattr(client("sagemaker"), xform_name(operation))(**request)
    except (BotoCoreError, ClientError) as error:
        raise StepError(f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error}") from error
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
