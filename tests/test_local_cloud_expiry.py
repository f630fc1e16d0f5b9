"""The expiry stack on the local cloud, over stand-ins for the sandbox's stacks and with a short clock."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from practice.local_cloud.lifecycle import LocalCloud
from stacks.expiry_stack import ExpiryStack
from stacks.settings import Settings
from tests.conftest import CreateFunction, Deploy, delete_stack
from tests.patience import PATIENCE
from tests.synthesis import ROOT

SOON = {"warn_after_seconds": 0, "delete_after_seconds": 0, "poll_seconds": 0, "pause_seconds": 0}
CODE = "test-expiry-code"
STUBBORN = """
import json, pathlib, urllib.request

def handler(event, context):
    deletions = pathlib.Path(event["ResourceProperties"]["Deletions"])
    if event["RequestType"] == "Delete":
        with deletions.open("a") as log:
            log.write("x")
    failed = event["RequestType"] == "Delete" and deletions.stat().st_size <= int(event["ResourceProperties"]["Fails"])
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"PhysicalResourceId": "stubborn", "Status": "FAILED" if failed else "SUCCESS", "Reason": "not yet"}
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT"))
"""
"""A resource whose deletion fails some times."""


@dataclass(frozen=True)
class Expiring:
    """An expiry stack and what it deletes, each as the local cloud has them."""

    cloud: LocalCloud
    name: str
    machine: str
    queue: str
    redeploy: Callable[[], object]

    def start(self, clock: dict[str, int]) -> str:
        """Start the machine with another clock than that of the deployment."""
        arn = self.cloud.client("stepfunctions").start_execution(stateMachineArn=self.machine, input=json.dumps(clock))
        return str(arn["executionArn"])

    def ended(self, execution: str) -> tuple[str, str]:
        """How an execution has ended, and why it failed."""
        stepfunctions = self.cloud.client("stepfunctions")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = stepfunctions.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found["status"], found.get("cause", "")
            time.sleep(0.05)
        raise TimeoutError(execution)

    def running(self) -> list[dict[str, Any]]:
        """The executions that run, newest first."""
        stepfunctions = self.cloud.client("stepfunctions")
        found = stepfunctions.list_executions(stateMachineArn=self.machine, statusFilter="RUNNING")["executions"]
        return [stepfunctions.describe_execution(executionArn=execution["executionArn"]) for execution in found]

    def notices(self) -> list[tuple[str, str]]:
        """Subject and message of what was told since the last look."""
        sqs = self.cloud.client("sqs")
        found = []
        while messages := sqs.receive_message(QueueUrl=self.queue).get("Messages", []):
            for message in messages:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                body = json.loads(message["Body"])
                found.append((body["Subject"].removeprefix(f"The sandbox {self.name} "), body["Message"]))
        return found

    def describe(self, stack: str) -> Any:
        return self.cloud.client("cloudformation").describe_stacks(StackName=f"{self.name}-{stack}")["Stacks"][0]

    def left_of(self, stacks: set[str]) -> set[str]:
        """What exists of the sandbox once these stacks are gone."""
        deadline = time.monotonic() + PATIENCE
        while stacks & (left := self.stacks()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def stacks(self) -> set[str]:
        """The stacks of this sandbox that exist."""
        found = self.cloud.client("cloudformation").describe_stacks()["Stacks"]
        return {
            stack["StackName"].removeprefix(f"{self.name}-")
            for stack in found
            if stack["StackName"].startswith(self.name) and stack["StackStatus"] != "DELETE_COMPLETE"
        }


Deployed = Callable[..., Expiring]


def expiry_stack(name: str, stacks: list[str], deployed_at: datetime) -> dict[str, Any]:
    """The resources of the stack, with the code of this repository."""
    stack = ExpiryStack(
        App(),
        "Expiry",
        stack_name=f"{name}-expiry",
        settings=Settings(name=name, lifetime_hours=8),
        stack_names=[f"{name}-{stack}" for stack in [*stacks, "never-deployed"]],
        deployed_at=deployed_at,
    )

    def here(value: Any) -> Any:
        match value:
            case {"S3Bucket": _, "S3Key": _}:
                return {"S3Bucket": CODE, "S3Key": "lambda.zip"}
            case dict():
                return {key: here(item) for key, item in value.items()}
            case list():
                return [here(item) for item in value]
            case _:
                return value

    resources: dict[str, Any] = here(Template.from_stack(stack).to_json()["Resources"])
    return resources


@pytest.fixture(scope="module")
def code(local_cloud: LocalCloud) -> Iterator[None]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in sorted((ROOT / "lambda").rglob("*.py")):
            zipped.write(path, path.relative_to(ROOT / "lambda"))
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket=CODE)
    s3.put_object(Bucket=CODE, Key="lambda.zip", Body=archive.getvalue())
    yield
    s3.delete_object(Bucket=CODE, Key="lambda.zip")
    s3.delete_bucket(Bucket=CODE)


@pytest.fixture
def expiring(
    local_cloud: LocalCloud, deploy: Deploy, create_function: CreateFunction, code: None, tmp_path: Path
) -> Iterator[Deployed]:
    """Deploys stand-ins by name, with how often the deletion of each fails, and an expiry stack over them."""
    sqs, sns = local_cloud.client("sqs"), local_cloud.client("sns")
    name = f"test-{uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    deployments = iter(datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 32))

    def deploy_all(**failures: int) -> Expiring:
        function = create_function(STUBBORN) if any(failures.values()) else ""
        for stack, fails in failures.items():
            properties = {"ServiceToken": function, "Fails": str(fails), "Deletions": str(tmp_path / stack)}
            resource = {"Type": "Custom::Stubborn", "Properties": properties} if fails else {"Type": "AWS::SNS::Topic"}
            (tmp_path / stack).touch()
            deploy({"Only": resource}, f"{name}-{stack}")

        def deploy_expiry() -> dict[str, str]:
            return deploy(expiry_stack(name, list(failures), next(deployments)), f"{name}-expiry")

        ids = deploy_expiry()
        (machine,) = {id_ for id_ in ids.values() if ":stateMachine:" in id_}
        (topic,) = (id_ for id_ in ids.values() if id_.startswith("arn:aws:sns:"))
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
        return Expiring(local_cloud, name, machine, queue, deploy_expiry)

    yield deploy_all
    sqs.delete_queue(QueueUrl=queue)


WARNED = "deletes itself within the hour"
LEFT = "has stacks left"


def test_the_stacks_go_in_their_order_and_the_own_one_last_and_beginning_and_end_are_told(expiring: Deployed) -> None:
    sandbox = expiring(studio=0, lake=0)
    cloudformation = sandbox.cloud.client("cloudformation")
    ids = {name: sandbox.describe(name)["StackId"] for name in ("studio", "lake", "expiry")}
    assert sandbox.ended(sandbox.start(SOON)) == ("SUCCEEDED", "")
    assert sandbox.left_of({"expiry"}) == set()
    gone = {
        name: cloudformation.describe_stack_events(StackName=id_)["StackEvents"][0]["Timestamp"]
        for name, id_ in ids.items()
    }
    assert sorted(gone, key=gone.__getitem__) == ["studio", "lake", "expiry"]
    assert [subject for subject, _ in sandbox.notices()] == [WARNED, "has deleted itself"]


def test_a_stack_that_fails_to_delete_is_tried_again_and_told_each_time(expiring: Deployed) -> None:
    sandbox = expiring(studio=2, lake=0)
    assert sandbox.ended(sandbox.start(SOON)) == ("SUCCEEDED", "")
    assert sandbox.left_of({"expiry"}) == set()
    (_, *retried, _) = notices = sandbox.notices()
    assert [subject for subject, _ in notices] == [WARNED, LEFT, LEFT, "has deleted itself"]
    for _, message in retried:
        assert f"{sandbox.name}-studio: DELETE_FAILED The following resource(s) failed to delete: [Only]" in message
        assert "lake" not in message


def test_stacks_that_cannot_be_deleted_are_given_up_after_three_rounds_and_the_others_go(expiring: Deployed) -> None:
    sandbox = expiring(guardrails=0, studio=3, training=0, lake=0)
    protect = sandbox.cloud.client("cloudformation").update_termination_protection
    protect(StackName=f"{sandbox.name}-training", EnableTerminationProtection=True)
    status, cause = sandbox.ended(sandbox.start(SOON))
    protect(StackName=f"{sandbox.name}-training", EnableTerminationProtection=False)
    assert status == "FAILED"
    assert "-studio: DELETE_FAILED" in cause
    assert "TerminationProtection is enabled" in cause
    assert sandbox.stacks() == {"studio", "training", "expiry"}
    assert [subject for subject, _ in sandbox.notices()] == [WARNED, LEFT, LEFT, "could not delete itself"]


def test_a_deployment_in_the_last_hour_restarts_the_clock(expiring: Deployed) -> None:
    sandbox = expiring(lake=0)
    (deployed,) = sandbox.running()
    warned = sandbox.start({**SOON, "delete_after_seconds": 3600})
    while WARNED not in [subject for subject, _ in sandbox.notices()]:
        pass
    sandbox.redeploy()
    (clock,) = sandbox.running()
    assert clock["executionArn"] not in (deployed["executionArn"], warned)
    assert json.loads(clock["input"])["warn_after_seconds"] == 7 * 3600
    assert [sandbox.ended(execution)[0] for execution in (deployed["executionArn"], warned)] == ["ABORTED", "ABORTED"]
    assert sandbox.stacks() == {"lake", "expiry"}


def test_the_clock_goes_with_its_stack(expiring: Deployed) -> None:
    sandbox = expiring(lake=0)
    (deployed,) = sandbox.running()
    assert delete_stack(sandbox.cloud.client("cloudformation"), f"{sandbox.name}-expiry")[0] == "DELETE_COMPLETE"
    assert sandbox.ended(deployed["executionArn"])[0] == "ABORTED"
