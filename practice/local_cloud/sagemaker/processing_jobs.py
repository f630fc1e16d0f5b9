"""Processing jobs that really run: a container's command, on this machine.

Inputs come from S3, outputs go to S3 when the command has succeeded. An instance type says
nothing here about memory or speed. What would change how the command runs is refused.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from practice.local_cloud import background
from practice.local_cloud.jobs.files import download_all, encryption, upload_all
from practice.local_cloud.jobs.logs import LogStream
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
from practice.local_cloud.sagemaker.job_machine import LONGEST_REASON, Machine, end_with_notice, tend
from practice.local_cloud.sagemaker.job_process import (
    ML,
    JobProcess,
    base_environment,
    is_of_container,
    localized,
    refused_image,
)

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
_HOST = "127.0.0.1"
_DAY = 86_400


@dataclass(frozen=True)
class Container:
    """What the command finds, under a root that stands for ``/opt/ml``."""

    root: Path
    record: Record

    @property
    def log(self) -> Path:
        return self.root.parent / "log"

    def path(self, path: str) -> Path:
        return Path(localized(path, self.root))

    def prepare(self) -> None:
        for directory in ("config", "output", "processing"):
            (self.root / directory).mkdir(parents=True)
        config = {name: value for name, value in self.record.items() if name[0].isupper() and name != "Tags"}
        resources = {"current_host": _HOST, "hosts": [_HOST]}
        for name, content in (("processingjobconfig", config), ("resourceconfig", resources)):
            (self.root / "config" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def start(self) -> JobProcess:
        given = self.record["AppSpecification"]
        command = [*given["ContainerEntrypoint"], *given.get("ContainerArguments", ())]
        (work := self.root.parent / "work").mkdir()
        return JobProcess(
            [localized(part, self.root) for part in command],
            directory=work,
            output=self.log,
            environment={
                **base_environment(self.root, self.record.get("Environment", {})),
                "PROCESSING_JOB_NAME": self.record["ProcessingJobName"],
            },
        )


class ProcessingRun:
    """Runs the job that a record describes, and keeps the record."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        self._enter("InProgress")

    def stop(self) -> None:
        self._enter("Stopping")
        self._stopping.set()

    def run(self) -> None:
        """The job's own thread."""
        try:
            with tempfile.TemporaryDirectory(prefix="processing-job-", ignore_cleanup_errors=True) as directory:
                status = self._process(Container(Path(directory) / "ml", self.record))
        except Exception as error:
            status = "Failed"
            self.record["FailureReason"] = f"ClientError: {error}"[:LONGEST_REASON]
        self.record["ProcessingEndTime"] = time.time()
        self._enter(status)

    def _process(self, container: Container) -> str:
        record = self.record
        container.prepare()
        for given in record.get("ProcessingInputs", ()):
            self._fetch(given, container)
        outputs = record.get("ProcessingOutputConfig", {}).get("Outputs", ())
        for output in outputs:
            container.path(output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        if self._stopping.is_set():
            return "Stopped"
        record["ProcessingStartTime"] = began = time.time()
        stream = LogStream(LOG_GROUP, f"{record['ProcessingJobName']}/algo-1-{int(began)}")
        machine = Machine(container, stream)
        limit = record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY)
        try:
            machine.start()
            while tend([machine]) and not self._stopping.is_set() and time.time() - began < limit:
                pass
            ended_by_itself = machine.process.exit_code is not None
            end_with_notice([machine])
            machine.tend(last=True)
        finally:
            machine.end()
        if message := machine.written("message"):
            record["ExitMessage"] = message
        if not ended_by_itself:
            return "Stopped"
        if machine.process.exit_code:
            record["FailureReason"] = machine.failure
            return "Failed"
        key = encryption(record.get("ProcessingOutputConfig", {}).get("KmsKeyId"))
        for output in outputs:
            upload_all(container.path(output["S3Output"]["LocalPath"]), output["S3Output"]["S3Uri"], key)
        return "Completed"

    def _fetch(self, given: Mapping[str, Any], container: Container) -> None:
        source = given["S3Input"]
        download_all(source["S3Uri"], [container.path(source["LocalPath"])])

    def _enter(self, status: str) -> None:
        """Change the status, unless the job has ended."""
        with self._changing:
            if self.record.get("Status", "InProgress") in ("InProgress", "Stopping"):
                self.record.update(LastModifiedTime=time.time(), ProcessingJobStatus=status, Status=status)


_RUNS: Records[str, ProcessingRun] = Records()


def _complaints(request: Request) -> Iterator[str]:
    application = request["AppSpecification"]
    if reason := refused_image(application["ImageUri"]):
        yield f"AppSpecification.ImageUri: {reason}"
    if not application.get("ContainerEntrypoint"):
        yield "AppSpecification has no ContainerEntrypoint; the local cloud has no image to take one from."
    if request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1) != 1:
        yield "ClusterConfig.InstanceCount is not 1; the local cloud runs a processing job on one instance."
    for given in request.get("ProcessingInputs", ()):
        yield from _complaints_of_input(given)
    for output in request.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        target = output.get("S3Output", {})
        if target.get("S3UploadMode") != "EndOfJob" or not is_of_container(target.get("LocalPath", "")):
            yield (
                f"output {output['OutputName']!r} has the LocalPath {target.get('LocalPath')!r} and the S3UploadMode "
                f"{target.get('S3UploadMode')!r}; it needs an S3Output with EndOfJob and a LocalPath under {ML}."
            )


def _complaints_of_input(given: Mapping[str, Any]) -> Iterator[str]:
    name, source = given["InputName"], given.get("S3Input", {})
    if source.get("S3DataType") != "S3Prefix" or source.get("S3InputMode", "File") != "File":
        yield f"input {name!r} is not an S3Prefix in File mode; the local cloud emulates no other input."
    if not is_of_container(path := source.get("LocalPath", "")):
        yield f"input {name!r} has the LocalPath {path!r}; it needs one under {ML}."


def _create(request: Request) -> Record:
    name = request["ProcessingJobName"]
    job_arn = arn(f"processing-job/{name.lower()}")
    if name in _RUNS.here:
        raise in_use(
            "Job name must be unique within an AWS account and region, and a job with this name already exists "
            f"({job_arn})"
        )
    if found := list(_complaints(request)):
        raise invalid(" ".join(found))
    record = {**request, "ProcessingJobArn": job_arn, "Arn": job_arn, "CreationTime": time.time()}
    _RUNS.here[name] = run = ProcessingRun(record)
    tags.attach(job_arn, request.get("Tags"))
    background.start(f"processing-{name}", run.run)
    return record


def _find(request: Request) -> ProcessingRun:
    try:
        return _RUNS.here[request["ProcessingJobName"]]
    except KeyError:
        raise not_found(f"Could not find requested job with name: {request['ProcessingJobName']}") from None


def _describe(request: Request) -> Record:
    return _find(request).record


def _list(request: Request) -> Record:
    records = [run.record for run in _RUNS.here.values()]
    return page(request, "ProcessingJobSummaries", records, name="ProcessingJobName")


def _stop(request: Request) -> None:
    run = _find(request)
    require_unended("processing job", run.record["ProcessingJobStatus"])
    run.stop()


OPERATIONS: Mapping[str, Operation] = {
    "CreateProcessingJob": _create,
    "DescribeProcessingJob": _describe,
    "ListProcessingJobs": _list,
    "StopProcessingJob": _stop,
}
