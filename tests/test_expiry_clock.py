"""What the expiry's clock does, against stubbed answers of Step Functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from expiry_clock import handler

MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:Expiry"
REQUEST = "6e8b4a3c-0000-4000-8000-000000000000"
INPUT = '{"warn_after_seconds": 25200}'
UPDATE = {
    "RequestType": "Update",
    "RequestId": REQUEST,
    "PhysicalResourceId": MACHINE,
    "ResourceProperties": {"StateMachineArn": MACHINE, "Input": INPUT, "DeployedAt": "2026-01-01T00:00:00+00:00"},
}
CREATE = {key: value for key, value in UPDATE.items() if key != "PhysicalResourceId"} | {"RequestType": "Create"}
DELETE = UPDATE | {"RequestType": "Delete"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Step Functions as the handler's client sees it: these calls, in this order, and no others."""
    client = boto3.client("stepfunctions", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    monkeypatch.setattr(boto3, "client", lambda _name: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def arn(name: str) -> str:
    return f"{MACHINE.replace('stateMachine', 'execution')}:{name}"


def starts(service: Stubber) -> None:
    expected = {"stateMachineArn": MACHINE, "name": REQUEST, "input": INPUT}
    service.add_response("start_execution", {"executionArn": arn(REQUEST), "startDate": 0}, expected)


def runs(service: Stubber, *pages: list[str]) -> None:
    for number, names in enumerate(pages):
        listed = [
            {"executionArn": arn(n), "stateMachineArn": MACHINE, "name": n, "status": "RUNNING", "startDate": 0}
            for n in names
        ]
        token = {"nextToken": f"page-{number}"} if number else {}
        following = {"nextToken": f"page-{number + 1}"} if number + 1 < len(pages) else {}
        expected = {"stateMachineArn": MACHINE, "statusFilter": "RUNNING"} | token
        service.add_response("list_executions", {"executions": listed} | following, expected)


def stops(service: Stubber, name: str) -> None:
    service.add_response("stop_execution", {"stopDate": 0}, {"executionArn": arn(name)})


@pytest.mark.parametrize("event", [CREATE, UPDATE], ids=["create", "update"])
def test_an_execution_is_started_first_and_then_every_other_of_every_page_is_stopped(
    service: Stubber, event: dict[str, Any]
) -> None:
    starts(service)
    runs(service, ["old", REQUEST], ["older"])
    stops(service, "old")
    stops(service, "older")
    assert handler.on_event(event, None) == {"PhysicalResourceId": MACHINE}


def test_a_request_that_comes_again_late_stops_nothing_that_was_started_since(service: Stubber) -> None:
    service.add_client_error("start_execution", "ExecutionAlreadyExists")
    assert handler.on_event(UPDATE, None) == {"PhysicalResourceId": MACHINE}


def test_the_deletion_stops_whatever_runs_on_the_machine_that_the_resource_is_named_after(service: Stubber) -> None:
    runs(service, ["old"])
    stops(service, "old")
    other = UPDATE["ResourceProperties"] | {"StateMachineArn": f"{MACHINE}2"}  # type: ignore[operator]
    assert handler.on_event(DELETE | {"ResourceProperties": other}, None) == {"PhysicalResourceId": MACHINE}


def test_the_deletion_succeeds_without_its_machine(service: Stubber) -> None:
    service.add_client_error("list_executions", "StateMachineDoesNotExist")
    handler.on_event(DELETE, None)


@pytest.mark.parametrize("code", ["ExecutionDoesNotExist", "ValidationException"])
def test_an_execution_that_has_ended_meanwhile_does_not_keep_the_others_running(service: Stubber, code: str) -> None:
    runs(service, ["ended", "old"])
    service.add_client_error("stop_execution", code)
    stops(service, "old")
    handler.on_event(DELETE, None)


@pytest.mark.parametrize("operation", ["start_execution", "list_executions", "stop_execution"])
def test_any_other_error_fails_the_deployment(service: Stubber, operation: str) -> None:
    if operation != "start_execution":
        starts(service)
    if operation == "stop_execution":
        runs(service, ["old"])
    service.add_client_error(operation, "AccessDeniedException", "not like this")
    with pytest.raises(ClientError, match="not like this"):
        handler.on_event(UPDATE, None)
