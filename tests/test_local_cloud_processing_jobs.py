"""SageMaker processing jobs on the local cloud: the container's command really runs."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.local_lake import Lake
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
    deadline = time.monotonic() + 60
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


def test_athena_selects_an_input_with_its_types(jobs: SageMakerJobs, local_cloud: LocalCloud, tmp_path: Path) -> None:
    lake = Lake(local_cloud)
    lake.put_parquet("orders/a.parquet", {"id": "string", "day": "string"}, [["a", "2026-01-02"], ["b", "2026-01-03"]])
    lake.create_table("orders", {"id": "string", "day": "string"}, prefix="orders/")
    athena = {
        "Catalog": "AwsDataCatalog",
        "Database": lake.database,
        "QueryString": "SELECT id, CAST(day AS DATE) AS cutoff_date, 1 AS y FROM orders WHERE id = 'a';",
        "WorkGroup": lake.workgroup,
        "OutputS3Uri": jobs.uri("dataset"),
        "OutputFormat": "PARQUET",
    }
    dataset = {"AthenaDatasetDefinition": athena, "LocalPath": "/opt/ml/processing/dataset", "InputMode": "File"}

    job = run(
        jobs,
        ["bash", "-c", "cat /opt/ml/processing/dataset/* > /opt/ml/processing/copy/rows.parquet"],
        ProcessingInputs=[{"InputName": "rows", "DatasetDefinition": dataset}],
        ProcessingOutputConfig=outputs(jobs, "copied", "/opt/ml/processing/copy"),
    )

    assert job["ProcessingJobStatus"] == "Completed", job["FailureReason"]
    (tmp_path / "rows.parquet").write_bytes(jobs.get(jobs.uri("copied/rows.parquet")))
    read = duckdb.read_parquet(str(tmp_path / "rows.parquet"))
    assert dict(zip(read.columns, map(str, read.types), strict=True)) == {
        "id": "VARCHAR",
        "cutoff_date": "DATE",
        "y": "INTEGER",
    }
    assert read.fetchall() == [("a", date(2026, 1, 2), 1)]
    assert len(jobs.keys(f"dataset/{job['ProcessingJobName']}/rows/")) == 1
    assert [table["Name"] for table in lake.glue.get_tables(DatabaseName=lake.database)["TableList"]] == ["orders"]


def test_query_that_fails_fails_the_job(jobs: SageMakerJobs, local_cloud: LocalCloud) -> None:
    lake = Lake(local_cloud)
    athena = {
        "Catalog": "AwsDataCatalog",
        "Database": lake.database,
        "QueryString": "SELECT * FROM nothing",
        "WorkGroup": lake.workgroup,
        "OutputS3Uri": jobs.uri("no-dataset"),
        "OutputFormat": "PARQUET",
    }
    dataset = {"AthenaDatasetDefinition": athena, "LocalPath": "/opt/ml/processing/dataset"}

    job = run(jobs, ["true"], ProcessingInputs=[{"InputName": "rows", "DatasetDefinition": dataset}])

    assert job["FailureReason"].startswith("ClientError: the Athena query is FAILED: ")


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
