"""SageMaker of the local cloud without a server: its operations, called by boto3, with jobs that only pretend.

A job has ended when it is first described, unless a test says otherwise. Everything else is the real thing, from
botocore's checks of a request to the shapes of an answer.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from practice.local_cloud.sagemaker import service as sagemaker
from practice.local_cloud.sagemaker.api import ApiError, Operation, Record, Request, arn
from tests.patience import PATIENCE

Json = dict[str, Any]


@cache
def _session() -> Any:
    """One for all tests: it reads the model of SageMaker's API once."""
    return boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")  # noqa: S106


class _Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


class SageMaker:
    """A client, and the requests for jobs that came through it."""

    def __init__(self) -> None:
        self.requests: dict[str, Json] = {}
        self.failing: dict[str, str] = {}
        """Why a job fails, by the step that is in its name."""
        self.endless: set[str] = set()
        """Steps whose jobs run until they are stopped."""
        self._stopped: set[str] = set()
        self.client = _session().client("sagemaker")
        self.client.meta.events.register("before-send.sagemaker", self._answer)
        self._operations: dict[str, Operation] = {
            **sagemaker.OPERATIONS,
            **self._jobs("TrainingJob", "training-job", ModelArtifacts={"S3ModelArtifacts": "s3://artefacts/m.tar.gz"}),
            **self._jobs("ProcessingJob", "processing-job"),
            **self._jobs("HyperParameterTuningJob", "hyper-parameter-tuning-job"),
        }

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        target: Any = request.headers["X-Amz-Target"]
        sent: Any = request.body
        name = target.decode().removeprefix("SageMaker.")
        try:
            status, body = 200, sagemaker.API.call(name, self._operations[name], json.loads(sent))
        except ApiError as error:
            status, body = 400, {"__type": error.code, "message": str(error)}
        return AWSResponse(request.url, status, HTTPHeaders(), _Body(json.dumps(body).encode()))

    def _jobs(self, noun: str, kind: str, **found: Any) -> dict[str, Operation]:
        def create(request: Request) -> Record:
            name = request[f"{noun}Name"]
            self.requests[name] = dict(request)
            return {f"{noun}Arn": arn(f"{kind}/{name}")}

        def describe(request: Request) -> Record:
            name = request[f"{noun}Name"]
            reasons = [reason for step, reason in self.failing.items() if f"-{step}-" in name]
            status = "Failed" if reasons else "Completed"
            if any(f"-{step}-" in name for step in self.endless):
                status = "Stopped" if name in self._stopped else "InProgress"
            return {**self.requests[name], **found, f"{noun}Status": status, "FailureReason": "".join(reasons)}

        def stop(request: Request) -> None:
            self._stopped.add(request[f"{noun}Name"])

        return {f"Create{noun}": create, f"Describe{noun}": describe, f"Stop{noun}": stop}

    def job_names(self) -> list[str]:
        """The steps' jobs, in the order in which they were created, without what is random in their names."""
        return [name.split("-")[-2] for name in self.requests]

    def wait(self, execution: str) -> Json:
        """The description of an execution that has ended."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            described: Json = self.client.describe_pipeline_execution(PipelineExecutionArn=execution)
            if described["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
                return described
            time.sleep(0.01)
        raise TimeoutError(f"{execution} still runs")
