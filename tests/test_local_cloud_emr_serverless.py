"""EMR Serverless on the local cloud: an application of a stack, its job runs, and state machines that wait for them."""

from __future__ import annotations

import json
import textwrap
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import Deploy
from tests.glue_jobs import ROLE, Jobs
from tests.patience import PATIENCE
from tests.test_local_cloud_pipeline import Machines, State

ENDED = {"SUCCESS", "FAILED", "CANCELLED"}
LOG_GROUP = "/aws/emr-serverless/test"
SLEEP = "import time; time.sleep(3600)"
START_AND_WAIT = "arn:aws:states:::emr-serverless:startJobRun.sync"


class Application:
    """An application deployed by CloudFormation, which runs one job at a time."""

    def __init__(self, cloud: LocalCloud, deploy: Deploy) -> None:
        self.emr, self.jobs = cloud.client("emr-serverless"), Jobs(cloud)
        logging = {"CloudWatchLoggingConfiguration": {"Enabled": True, "LogGroupName": LOG_GROUP}}
        properties = {
            "Type": "Spark",
            "ReleaseLabel": "emr-7.11.0",
            "SchedulerConfiguration": {"MaxConcurrentRuns": 1},
            "MonitoringConfiguration": logging,
            "Tags": [{"Key": "sandbox", "Value": "test"}],
        }
        self.id = deploy({"App": {"Type": "AWS::EMRServerless::Application", "Properties": properties}})["App"]

    def driver(self, script: str, *arguments: str, parameters: str = "") -> dict[str, Any]:
        key = f"scripts/{abs(hash(script))}.py"
        self.jobs.s3.put_object(Bucket=self.jobs.bucket, Key=key, Body=textwrap.dedent(script).encode())
        submit = {"entryPoint": f"s3://{self.jobs.bucket}/{key}", "entryPointArguments": list(arguments)}
        return {"sparkSubmit": submit | ({"sparkSubmitParameters": parameters} if parameters else {})}

    def start(self, script: str, *arguments: str, parameters: str = "", **request: Any) -> str:
        driver = self.driver(script, *arguments, parameters=parameters)
        run = self.emr.start_job_run(applicationId=self.id, executionRoleArn=ROLE, jobDriver=driver, **request)
        return str(run["jobRunId"])

    def get(self, run_id: str) -> dict[str, Any]:
        return dict(self.emr.get_job_run(applicationId=self.id, jobRunId=run_id)["jobRun"])

    def wait(self, run_id: str, states: set[str] = ENDED) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while (run := self.get(run_id))["state"] not in states:
            assert time.monotonic() < deadline, f"the run is still {run['state']}"
            time.sleep(0.05)
        return run

    def lines(self, run_id: str) -> list[str]:
        stream = f"/applications/{self.id}/jobs/{run_id}/SPARK_DRIVER/stdout"
        found = self.jobs.logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True)
        return [event["message"] for event in found["events"]]

    def state(self, script: str, *arguments: str, **parameters: Any) -> State:
        submit = self.driver(script, *arguments)["sparkSubmit"]
        driver = {"SparkSubmit": {key[0].upper() + key[1:]: value for key, value in submit.items()}}
        given = {"ApplicationId": self.id, "ExecutionRoleArn": ROLE, "JobDriver": driver, **parameters}
        return {"Type": "Task", "Resource": START_AND_WAIT, "Parameters": given, "End": True}


@pytest.fixture
def application(local_cloud: LocalCloud, deploy: Deploy) -> Application:
    return Application(local_cloud, deploy)


@pytest.fixture
def machines(local_cloud: LocalCloud) -> Machines:
    return Machines(local_cloud)


def test_run_is_a_script_with_its_arguments_and_files_whose_output_is_logged(application: Application) -> None:
    library = application.jobs.package({"jobs/__init__.py": "", "jobs/shapes.py": "SIDES = 4"})
    script = "import sys, jobs.shapes; print(jobs.shapes.SIDES, *sys.argv[1:])"

    run_id = application.start(script, "--as_of", "2026-11-22", parameters=f"--py-files {library}", name="clean")
    run = application.wait(run_id)

    assert (run["state"], run["name"], run["executionRole"]) == ("SUCCESS", "clean", ROLE)
    assert application.lines(run_id) == ["4 --as_of 2026-11-22"]
    (listed,) = application.emr.list_job_runs(applicationId=application.id)["jobRuns"]
    assert (listed["id"], listed["state"]) == (run_id, "SUCCESS")


def test_run_finds_its_ids_and_its_region_in_its_environment(application: Application) -> None:
    told = ("SERVERLESS_EMR_JOB_ID", "SERVERLESS_EMR_VIRTUAL_CLUSTER_ID", "AWS_REGION", "AWS_DEFAULT_REGION")

    run_id = application.start(f"import os; print(*map(os.environ.get, {told}))")

    assert application.wait(run_id)["state"] == "SUCCESS"
    assert application.lines(run_id) == [f"{run_id} {application.id} us-east-1 None"]


def test_application_keeps_what_its_template_says(application: Application) -> None:
    found = application.emr.get_application(applicationId=application.id)["application"]

    assert (found["state"], found["releaseLabel"], found["tags"]["sandbox"]) == ("CREATED", "emr-7.11.0", "test")
    assert found["schedulerConfiguration"] == {"maxConcurrentRuns": 1}


def test_error_of_the_script_is_in_the_details(application: Application) -> None:
    run = application.wait(application.start("raise ValueError('as_of is missing')"))

    assert run["state"] == "FAILED"
    assert run["stateDetails"].endswith("ValueError: as_of is missing")


def test_run_queues_behind_another_and_can_be_cancelled(application: Application) -> None:
    first, second = application.start(SLEEP), application.start("")
    application.wait(first, {"RUNNING"})
    application.wait(second, {"QUEUED"})
    with pytest.raises(ClientError, match="STARTED"):
        application.emr.delete_application(applicationId=application.id)

    application.emr.cancel_job_run(applicationId=application.id, jobRunId=first)

    assert application.wait(first)["state"] == "CANCELLED"
    assert application.wait(second)["state"] == "SUCCESS"


@pytest.mark.parametrize(
    ("unknown", "named"),
    [({"parameters": "--jars s3://b/a.jar"}, "--jars"), ({"retryPolicy": {"maxAttempts": 2}}, "retryPolicy")],
)
def test_what_is_not_emulated_is_refused_by_name(application: Application, unknown: dict[str, Any], named: str) -> None:
    with pytest.raises(ClientError, match=named):
        application.start("", **unknown)


def test_state_machine_waits_for_the_run_and_passes_it_on(application: Application, machines: Machines) -> None:
    ended = machines.run({"Clean": application.state("print('cleaned')", "--as_of", "2026-11-22")})

    assert ended["status"] == "SUCCEEDED"
    output = json.loads(ended["output"])
    assert output["State"] == "SUCCESS"
    assert application.lines(output["JobRunId"]) == ["cleaned"]


def test_state_machine_fails_with_the_message_of_the_script(application: Application, machines: Machines) -> None:
    ended = machines.run({"Clean": application.state("raise ValueError('no snapshot of the customers')")})

    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(ended["cause"])
    assert cause["State"] == "FAILED"
    assert cause["StateDetails"].endswith("ValueError: no snapshot of the customers")


def test_state_machine_refuses_what_the_service_does_not_know(application: Application, machines: Machines) -> None:
    ended = machines.run({"Clean": application.state("", ExecutionTimeout=30)})

    assert ended["error"] == "States.Runtime"
    assert "executionTimeout" in ended["cause"]


def test_run_is_cancelled_when_its_execution_is_stopped(application: Application, machines: Machines) -> None:
    execution = machines.start({"Clean": application.state(SLEEP)})
    deadline = time.monotonic() + PATIENCE
    while not (runs := application.emr.list_job_runs(applicationId=application.id, states=["RUNNING"])["jobRuns"]):
        assert time.monotonic() < deadline, "the run was not started"
        time.sleep(0.05)

    machines.states.stop_execution(executionArn=execution)

    assert application.wait(runs[0]["id"])["state"] == "CANCELLED"
