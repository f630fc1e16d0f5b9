"""SageMaker processing jobs on the local cloud: the container's command really runs."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.patience import PATIENCE
from tests.sagemaker_jobs import ENDED, IMAGE, ROLE, SageMakerJobs, archive

RESOURCES = {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 10}}


@pytest.fixture(scope="module")
def jobs(local_cloud: LocalCloud) -> SageMakerJobs:
    return SageMakerJobs(local_cloud)


def start(jobs: SageMakerJobs, command: Sequence[str], image: str = IMAGE, **request: Any) -> str:
    name = f"job-{uuid.uuid4().hex[:8]}"
    jobs.sagemaker.create_processing_job(
        ProcessingJobName=name,
        AppSpecification={"ImageUri": image, "ContainerEntrypoint": list(command)},
        ProcessingResources=RESOURCES,
        RoleArn=ROLE,
        **request,
    )
    return name


def wait(jobs: SageMakerJobs, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while (job := jobs.sagemaker.describe_processing_job(ProcessingJobName=name))["ProcessingJobStatus"] not in ENDED:
        assert time.monotonic() < deadline, f"{name} is still {job['ProcessingJobStatus']}"
        time.sleep(0.05)
    return dict(job)


def run(jobs: SageMakerJobs, command: Sequence[str], **request: Any) -> dict[str, Any]:
    return wait(jobs, start(jobs, command, **request))


def s3_input(jobs: SageMakerJobs, key: str, path: str) -> dict[str, Any]:
    source = {"S3Uri": jobs.uri(key), "LocalPath": path, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": "data", "S3Input": source}


def outputs(jobs: SageMakerJobs, key: str, path: str) -> dict[str, Any]:
    target = {"S3Uri": jobs.uri(key), "LocalPath": path, "S3UploadMode": "EndOfJob"}
    return {"Outputs": [{"OutputName": "result", "S3Output": target}]}


def test_archive_is_unpacked_and_run_and_its_output_is_in_s3(jobs: SageMakerJobs) -> None:
    """The form of the project's pipeline: one string for bash, with the container's own paths in it."""
    script = """
        import os, pathlib, sys
        target = pathlib.Path(sys.argv[2]) / "sub"
        target.mkdir()
        (target / "result.txt").write_text(os.environ["GREETING"])
        pathlib.Path(sys.argv[2]).parents[2].joinpath("output", "message").write_text("two rows")
        print("arguments", *sys.argv[1:])
    """
    jobs.put("code/sourcedir.tar.gz", archive({"prepare.py": script}))
    code, result = "/opt/ml/processing/input/code", "/opt/ml/processing/output/result"

    job = run(
        jobs,
        ["bash", "-c", f"tar -xzf {code}/sourcedir.tar.gz -C {code} && python3 {code}/prepare.py --to {result}"],
        ProcessingInputs=[s3_input(jobs, "code/sourcedir.tar.gz", code)],
        ProcessingOutputConfig=outputs(jobs, "results", result),
        Environment={"GREETING": "hello"},
    )

    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Completed", "two rows")
    assert job["CreationTime"] <= job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert jobs.get(jobs.uri("results/sub/result.txt")) == b"hello"
    assert jobs.lines(job["ProcessingJobName"], "ProcessingJobs") == [f"arguments --to {result}"]


def test_failed_job_says_why_and_leaves_no_output(jobs: SageMakerJobs) -> None:
    result = "/opt/ml/processing/result"

    job = run(
        jobs,
        ["bash", "-c", f"touch {result}/file; echo 'no such column: t' >&2; exit 4"],
        ProcessingOutputConfig=outputs(jobs, "failed", result),
    )

    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: no such column: t, exit code: 4"
    assert jobs.keys("failed") == []


def test_command_that_does_not_exist_fails_the_job(jobs: SageMakerJobs) -> None:
    assert run(jobs, ["unknown"])["FailureReason"].endswith("unknown: No such file or directory, exit code: 127")


def test_stopped_job_and_one_that_takes_too_long_are_stopped(jobs: SageMakerJobs) -> None:
    stopped = start(jobs, ["sleep", "60"])
    long = start(jobs, ["sleep", "60"], StoppingCondition={"MaxRuntimeInSeconds": 1})

    jobs.sagemaker.stop_processing_job(ProcessingJobName=stopped)

    assert [wait(jobs, name)["ProcessingJobStatus"] for name in (stopped, long)] == ["Stopped", "Stopped"]


def test_configuration_is_where_the_container_finds_it(jobs: SageMakerJobs) -> None:
    job = run(jobs, ["cat", "/opt/ml/config/processingjobconfig.json"])

    told = json.loads("".join(jobs.lines(job["ProcessingJobName"], "ProcessingJobs")))
    assert told["ProcessingJobArn"] == job["ProcessingJobArn"]


def test_jobs_are_listed_by_status_and_name(jobs: SageMakerJobs) -> None:
    name = run(jobs, ["true"])["ProcessingJobName"]

    found = jobs.sagemaker.list_processing_jobs(NameContains=name, StatusEquals="Completed")["ProcessingJobSummaries"]

    assert [job["ProcessingJobName"] for job in found] == [name]


def test_what_cannot_run_is_refused(jobs: SageMakerJobs) -> None:
    manifest = s3_input(jobs, "a", "/opt/ml/processing/a")
    manifest["S3Input"]["S3DataType"] = "ManifestFile"
    with pytest.raises(ClientError, match=r"sagemaker-xgboost or .* is not an S3Prefix in File mode"):
        start(jobs, ["true"], image="a/pytorch:2", ProcessingInputs=[manifest])
