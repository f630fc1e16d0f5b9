"""State machines on the local cloud run Glue jobs and crawlers, catch what fails, and can be stopped."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.step_functions.service import _waiting_in_full
from tests.conftest import Deploy
from tests.glue_jobs import ENDED, Jobs
from tests.patience import PATIENCE

ROLE = "arn:aws:iam::000000000000:role/pipeline"
SLEEP = "import time; time.sleep(3600)"
START_AND_WAIT = "arn:aws:states:::glue:startJobRun.sync"
State = dict[str, Any]


class Machines:
    """State machines, run to their end."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.states = cloud.client("stepfunctions")

    def start(self, states: Mapping[str, State], given: Any = None, **definition: Any) -> str:
        """Start a machine of these states, the first of them first."""
        machine = self.states.create_state_machine(
            name=f"machine-{uuid.uuid4().hex[:8]}",
            roleArn=ROLE,
            definition=json.dumps({"StartAt": next(iter(states)), "States": states, **definition}),
        )
        started = self.states.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(given or {}))
        return str(started["executionArn"])

    def wait(self, execution: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while (described := self.states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline, "the execution still runs"
            time.sleep(0.05)
        return dict(described)

    def run(self, states: Mapping[str, State], given: Any = None, **definition: Any) -> dict[str, Any]:
        return self.wait(self.start(states, given, **definition))

    def wait_for_event(self, execution: str, kind: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while kind not in {event["type"] for event in self.events(execution)}:
            assert time.monotonic() < deadline, f"no {kind} in the history"
            time.sleep(0.05)

    def events(self, execution: str) -> list[dict[str, Any]]:
        pages = self.states.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]


@pytest.fixture
def machines(local_cloud: LocalCloud) -> Machines:
    return Machines(local_cloud)


@pytest.fixture
def jobs(local_cloud: LocalCloud) -> Jobs:
    return Jobs(local_cloud)


def job_task(job: str, **state: Any) -> State:
    following = {} if "Next" in state else {"End": True}
    return {"Type": "Task", "Resource": START_AND_WAIT, "Parameters": {"JobName": job}, **state, **following}


def wait_for_end(jobs: Jobs, job: str) -> str:
    (run,) = jobs.glue.get_job_runs(JobName=job)["JobRuns"]
    return str(jobs.wait(job, run["Id"], ENDED)["JobRunState"])


def wait_for_start(jobs: Jobs, job: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not any(run["JobRunState"] == "RUNNING" for run in jobs.glue.get_job_runs(JobName=job)["JobRuns"]):
        assert time.monotonic() < deadline, "the job was not started"
        time.sleep(0.05)


def test_task_waits_for_the_run_and_passes_it_on(machines: Machines, jobs: Jobs) -> None:
    job = jobs.create("import sys; print(sys.argv[sys.argv.index('--as_of') + 1])")
    arguments = {"JobName": job, "Arguments": {"--as_of.$": "$.as_of"}}

    ended = machines.run({"Clean": job_task(job, Parameters=arguments)}, {"as_of": "2026-11-22"})

    assert ended["status"] == "SUCCEEDED"
    output = json.loads(ended["output"])
    assert (output["JobName"], output["JobRunState"]) == (job, "SUCCEEDED")
    assert jobs.lines(output) == ["2026-11-22"]


def test_failed_run_fails_the_execution_with_the_run_for_a_cause(machines: Machines, jobs: Jobs) -> None:
    job = jobs.create("raise ValueError('rule 3 failed on 7 rows')")

    ended = machines.run({"Gate": job_task(job)})

    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(ended["cause"])
    assert cause["JobRunState"] == "FAILED"
    assert cause["ErrorMessage"].endswith("ValueError: rule 3 failed on 7 rows")
    assert "output" not in ended
    failed = [event for event in machines.events(ended["executionArn"]) if event["type"] == "TaskFailed"]
    assert failed[0]["taskFailedEventDetails"]["cause"] == ended["cause"]


def test_unknown_job_has_the_error_of_glue(machines: Machines) -> None:
    ended = machines.run({"Clean": job_task("no-such-job")})

    assert ended["error"] == "Glue.EntityNotFoundException"


def test_failure_is_caught_and_published_with_its_reason(
    machines: Machines, jobs: Jobs, local_cloud: LocalCloud
) -> None:
    sns, sqs = local_cloud.client("sns"), local_cloud.client("sqs")
    topic = sns.create_topic(Name=f"failures-{uuid.uuid4().hex[:8]}")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"inbox-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    caught = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Reason"}]
    states: dict[str, State] = {
        "Gate": job_task(jobs.create("raise ValueError('no')"), Catch=caught),
        "Reason": {
            "Type": "Pass",
            "Parameters": {"run.$": "States.StringToJson($.failure.Cause)"},
            "Next": "Notify",
        },
        "Notify": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": {"TopicArn": topic, "Message.$": "States.Format('stopped: {}', $.run.ErrorMessage)"},
            "Next": "Stop",
        },
        "Stop": {"Type": "Fail", "Error": "PipelineFailed", "Cause": "a gate failed"},
    }

    ended = machines.run(states)

    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "PipelineFailed", "a gate failed")
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["Message"].endswith("ValueError: no")


def test_run_is_retried_until_it_succeeds(machines: Machines, jobs: Jobs) -> None:
    job = jobs.create(f"""
        import boto3
        s3 = boto3.client("s3")
        key = {{"Bucket": "{jobs.bucket}", "Key": "tried"}}
        if not s3.list_objects_v2(Bucket="{jobs.bucket}", Prefix="tried").get("KeyCount"):
            s3.put_object(**key)
            raise ConnectionError("try again")
    """)
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 2}]

    ended = machines.run({"Ingest": job_task(job, Retry=retry)})

    assert ended["status"] == "SUCCEEDED"
    states = [run["JobRunState"] for run in jobs.glue.get_job_runs(JobName=job)["JobRuns"]]
    assert states == ["SUCCEEDED", "FAILED"]


def test_branches_run_at_the_same_time(machines: Machines, jobs: Jobs) -> None:
    names = {f"Gate{i}": jobs.create("print('checked')") for i in range(2)}
    branches = [{"StartAt": state, "States": {state: job_task(job)}} for state, job in names.items()]

    ended = machines.run({"Gates": {"Type": "Parallel", "Branches": branches, "End": True}})

    assert [run["JobName"] for run in json.loads(ended["output"])] == list(names.values())


def test_crawler_is_started_and_polled_until_it_is_ready(
    machines: Machines, jobs: Jobs, local_cloud: LocalCloud
) -> None:
    glue, name = local_cloud.client("glue"), f"crawler-{uuid.uuid4().hex[:8]}"
    database = name.replace("-", "_")
    glue.create_database(DatabaseInput={"Name": database})
    jobs.s3.put_object(Bucket=jobs.bucket, Key="customers/a.csv", Body=b"customer_id,age\nC-1,40\n")
    targets = {"S3Targets": [{"Path": f"s3://{jobs.bucket}/customers/"}]}
    glue.create_crawler(Name=name, Role=ROLE, DatabaseName=database, Targets=targets)
    crawler = {"Name": name}
    ready = {"Variable": "$.crawler.Crawler.State", "StringEquals": "READY", "Next": "Done"}
    states: dict[str, State] = {
        "Start": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:glue:startCrawler",
            "Parameters": crawler,
            "ResultPath": None,
            "Next": "Pause",
        },
        "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Look"},
        "Look": {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:glue:getCrawler",
            "Parameters": crawler,
            "ResultPath": "$.crawler",
            "Next": "Ready?",
        },
        "Ready?": {"Type": "Choice", "Choices": [ready], "Default": "Pause"},
        "Done": {"Type": "Succeed"},
    }

    ended = machines.run(states)

    assert json.loads(ended["output"])["crawler"]["Crawler"]["LastCrawl"]["Status"] == "SUCCEEDED"
    assert [table["Name"] for table in glue.get_tables(DatabaseName=database)["TableList"]] == ["customers"]


def test_crawler_that_runs_already_has_the_error_of_the_sdk(machines: Machines) -> None:
    parameters = {"Name": "no-such-crawler"}
    start = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:glue:startCrawler", "Parameters": parameters}

    ended = machines.run({"Start": {**start, "End": True}})

    assert ended["error"] == "Glue.EntityNotFoundException"


def test_stopping_the_execution_stops_the_run(machines: Machines, jobs: Jobs) -> None:
    job = jobs.create(SLEEP)
    execution = machines.start({"Clean": job_task(job)})
    wait_for_start(jobs, job)

    machines.states.stop_execution(executionArn=execution, cause="enough")

    assert wait_for_end(jobs, job) == "STOPPED"
    machines.wait_for_event(execution, "TaskFailed")
    assert machines.wait(execution)["status"] == "ABORTED"
    assert "ExecutionFailed" not in {event["type"] for event in machines.events(execution)}


def test_task_that_times_out_stops_the_run(machines: Machines, jobs: Jobs) -> None:
    job = jobs.create(SLEEP)

    ended = machines.run({"Clean": job_task(job, TimeoutSeconds=1)})

    assert ended["error"] == "States.Timeout"
    assert wait_for_end(jobs, job) == "STOPPED"


def test_machine_times_out_and_stops_the_run(machines: Machines, jobs: Jobs) -> None:
    job = jobs.create(SLEEP)

    ended = machines.run({"Clean": job_task(job)}, TimeoutSeconds=1)

    assert ended["status"] == "TIMED_OUT"
    assert wait_for_end(jobs, job) == "STOPPED"
    machines.wait_for_event(ended["executionArn"], "TaskFailed")
    assert machines.wait(ended["executionArn"])["status"] == "TIMED_OUT"


def test_new_object_starts_a_machine_of_a_template(deploy: Deploy, local_cloud: LocalCloud) -> None:
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [{"Ref": "Raw"}]}, "object": {"key": [{"prefix": "customers/"}]}},
    }
    target = {
        "Id": "pipeline",
        "Arn": {"Ref": "Machine"},
        "RoleArn": ROLE,
        "InputTransformer": {
            "InputPathsMap": {"key": "$.detail.object.key"},
            "InputTemplate": '{"key": <key>}',
        },
    }
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}})
    outputs = deploy(
        {
            "Raw": {
                "Type": "AWS::S3::Bucket",
                "Properties": {"NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}},
            },
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": ROLE,
                    "DefinitionString": definition,
                    "TracingConfiguration": {"Enabled": True},
                },
            },
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {"EventPattern": pattern, "State": "ENABLED", "Targets": [target]},
            },
        }
    )
    s3, states = local_cloud.client("s3"), Machines(local_cloud)

    for key in ("orders/1.json", "customers/snapshot_date=2026-11-22/customers.csv"):
        s3.put_object(Bucket=outputs["Raw"], Key=key, Body=b"x")

    deadline = time.monotonic() + PATIENCE
    while not (executions := states.states.list_executions(stateMachineArn=outputs["Machine"])["executions"]):
        assert time.monotonic() < deadline, "the object started nothing"
        time.sleep(0.05)
    (execution,) = executions
    described = states.wait(execution["executionArn"])
    assert json.loads(described["output"]) == {"key": "customers/snapshot_date=2026-11-22/customers.csv"}
    for key in ("orders/1.json", "customers/snapshot_date=2026-11-22/customers.csv"):
        s3.delete_object(Bucket=outputs["Raw"], Key=key)


def test_history_tells_of_the_states_inside_a_branch(machines: Machines) -> None:
    branch = {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Next": "Second"},
            "Second": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"},
        },
    }
    execution = machines.start({"Both": {"Type": "Parallel", "Branches": [branch], "End": True}})
    assert machines.wait(execution)["status"] == "FAILED"
    entered = [
        e["stateEnteredEventDetails"]["name"] for e in machines.events(execution) if "stateEnteredEventDetails" in e
    ]
    left = [e["stateExitedEventDetails"]["name"] for e in machines.events(execution) if "stateExitedEventDetails" in e]
    assert entered == ["Both", "First", "Second"]
    assert left == ["First"]


@pytest.mark.parametrize(
    ("retrier", "waits"),
    [
        ({"IntervalSeconds": 30, "BackoffRate": 1}, [30, 30, 30]),
        ({"IntervalSeconds": 45, "BackoffRate": 2}, [45, 90, 180]),
        ({"IntervalSeconds": 600, "BackoffRate": 1}, [600, 600, 600]),
        ({"IntervalSeconds": 45, "BackoffRate": 3, "MaxDelaySeconds": 100}, [45, 100, 100]),
        ({}, [1, 2, 4]),
    ],
)
def test_a_retry_waits_as_long_as_its_machine_says(retrier: dict[str, Any], waits: list[float]) -> None:
    """https://states-language.net/spec.html#errors; what it waits for takes its time too."""
    slept: list[float] = []
    find = _waiting_in_full(lambda retriers, *_: (retriers[0], 0), slept.append)
    found = [find([retrier], "States.TaskFailed", {0: count}) for count in range(3)]
    assert slept == waits
    assert found == [({**retrier, "IntervalSeconds": 0}, 0)] * 3
    assert _waiting_in_full(lambda *_: (None, None), slept.append)([], "", {}) == (None, None)
    assert slept == waits


def test_a_second_run_that_waits_for_the_first_has_its_turn(machines: Machines, jobs: Jobs) -> None:
    """One clock: a job that takes three seconds is over while the second run tries again."""
    job = jobs.create("import time; time.sleep(3)")
    retry = [
        {
            "ErrorEquals": ["Glue.ConcurrentRunsExceededException"],
            "IntervalSeconds": 2,
            "MaxAttempts": 100,
            "BackoffRate": 1,
        }
    ]
    states = {"Clean": job_task(job, Retry=retry)}
    first, second = machines.start(states), machines.start(states)
    assert [machines.wait(execution)["status"] for execution in (first, second)] == ["SUCCEEDED", "SUCCEEDED"]


def test_a_wait_takes_the_seconds_that_it_says(machines: Machines) -> None:
    run = machines.run({"Wait": {"Type": "Wait", "Seconds": 2, "End": True}})
    assert (run["stopDate"] - run["startDate"]).total_seconds() >= 2
