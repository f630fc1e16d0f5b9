"""What each kind of job finds in its environment: what its service sets, and nothing more.

A job that reads another variable works on a machine that has it, and fails on AWS.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.refinery.region import region
from practice.local_cloud.jobs import environments
from practice.local_cloud.lifecycle import LocalCloud
from tests.glue_jobs import Jobs
from tests.sagemaker_jobs import IMAGE, ROLE, SageMakerJobs

ROOT = Path(__file__).parents[1]
TELL = "import json, os; print(json.dumps(dict(os.environ)))"

OF_THIS_MACHINE = {
    *("AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_SECRET_ACCESS_KEY"),
    *("HOME", "LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "TMPDIR", "TZ"),
}
"""Where the local cloud is, with what key, and what keeps a job from the user's files and settings.

TMPDIR and what follows is needed to run; of AWS_* a service sets a region, and credentials in one way or another.
"""
OF_SPARK = {
    *("JAVA_HOME", "PYSPARK_PYTHON", "PYSPARK_SUBMIT_ARGS", "PYTHONPATH", "SPARK_LOCAL_DIRS", "SPARK_LOCAL_IP"),
    *("SPARK_HOME", "SPARK_ENV_LOADED", "OLD_PYTHONHASHSEED", "PYTHONHASHSEED", "SPARK_SCALA_VERSION"),
    *("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "SPARK_AUTH_SOCKET_TIMEOUT", "SPARK_BUFFER_SIZE"),
}


def of_training(cloud: LocalCloud) -> dict[str, str]:
    jobs = SageMakerJobs(cloud)
    return dict(json.loads(jobs.lines(jobs.train(TELL)["TrainingJobName"])[0]))


def of_processing(cloud: LocalCloud) -> dict[str, str]:
    jobs = SageMakerJobs(cloud)
    name = f"tell-{jobs.bucket}"
    jobs.sagemaker.create_processing_job(
        ProcessingJobName=name,
        ProcessingResources={
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
        },
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", TELL]},
        RoleArn=ROLE,
    )
    waiter = jobs.sagemaker.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return dict(json.loads(jobs.lines(name, "ProcessingJobs")[0]))


def of_glue(cloud: LocalCloud) -> dict[str, str]:
    jobs = Jobs(cloud)
    return dict(json.loads(jobs.lines(jobs.run(jobs.create(TELL)))[0]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "sets", "region_variables"),
    [
        (
            of_training,
            {*environments.SAGEMAKER, "OMP_NUM_THREADS", "PYTHONPATH", "SAGEMAKER_BASE_DIR", "TRACKER_PORT"}
            | {"TRAINING_JOB_ARN", "TRAINING_JOB_NAME"},
            {"AWS_REGION"},
        ),
        (of_processing, {*environments.SAGEMAKER, "OMP_NUM_THREADS", "PROCESSING_JOB_NAME"}, {"AWS_REGION"}),
        (of_glue, {*environments.GLUE, "GLUE_VERSION", *OF_SPARK}, {"AWS_DEFAULT_REGION"}),
    ],
)
def test_a_job_finds_what_its_service_sets(
    local_cloud: LocalCloud, asked: Callable[[LocalCloud], dict[str, str]], sets: set[str], region_variables: set[str]
) -> None:
    found = asked(local_cloud)
    assert {name for name in found if name.endswith("_REGION")} == region_variables
    foreign = {name for name in found.keys() - sets - OF_THIS_MACHINE if not name.startswith("SM_")}
    assert foreign - {"LC_CTYPE"} == set()


@pytest.mark.slow
def test_a_client_without_a_region_fails_in_a_training_job_as_on_aws(local_cloud: LocalCloud) -> None:
    jobs = SageMakerJobs(local_cloud)
    job = jobs.train("import boto3; boto3.client('athena')")
    assert job["TrainingJobStatus"] == "Failed"
    assert "NoRegionError: You must specify a region." in jobs.lines(job["TrainingJobName"])[-1]


CODE = [path for folder in ("glue", "refinery", "training") for path in (ROOT / "jobs" / folder).rglob("*.py")]


@pytest.mark.parametrize("path", CODE, ids=[path.relative_to(ROOT).as_posix() for path in CODE])
def test_every_client_of_a_job_is_told_its_region(path: Path) -> None:
    """Lambda alone sets both variables, so functions need not."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    clients = [
        call
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("client", "resource", "Session")
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "boto3"
    ]
    assert all("region_name" in {keyword.arg for keyword in call.keywords} for call in clients)


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_refinery_finds_its_region_by_either_variable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    assert region() is None
    monkeypatch.setenv(name, "eu-west-3")
    assert region() == "eu-west-3"
