"""The CDK's provider framework, done natively: its three functions are Node.js, which the local cloud does not run.

All around them is real: the user's functions, the waiter's state machine with its retries and its history, and
CloudFormation's side of the protocol. One thing differs. On AWS the waiter asks ``is_complete`` once, and again
after the query interval. Here it asks for as long as the query interval lasts before it pauses, because what takes
minutes on AWS takes milliseconds here, and a stack would wait for nothing else.

Source: https://github.com/aws/aws-cdk/tree/main/packages/aws-cdk-lib/custom-resources/lib/provider-framework/runtime
and https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html#provider-framework
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.request import Request, urlopen

from practice.local_cloud.hooks import LAMBDA
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Operations, Route

Event = dict[str, Any]
"""CloudFormation's request; after ``on_event`` together with what that returned."""

Environment = Mapping[str, str]

_ON_EVENT = "USER_ON_EVENT_FUNCTION_ARN"
_IS_COMPLETE = "USER_IS_COMPLETE_FUNCTION_ARN"
_WAITER = "WAITER_STATE_MACHINE_ARN"
_CREATE_FAILED = "AWSCDK::CustomResourceProviderFramework::CREATE_FAILED"
_MISSING = "AWSCDK::CustomResourceProviderFramework::MISSING_PHYSICAL_ID"
_PAUSE_SECONDS = 0.05

_intervals: dict[str, float] = {}
"""The query interval by request: only ``on_event``'s function knows its waiter."""


class Incomplete(Exception):  # noqa: N818 - no error: the waiter asks again
    """The resource is not complete yet; the message is the event, for the next attempt's sake."""


def on_event(event: Event, environment: Environment) -> Event | None:
    """Invoke the user's function; return CloudFormation's answer unless the waiter shall give it."""
    returned = _invoke(environment[_ON_EVENT], {**event, "ResourceProperties": event.get("ResourceProperties", {})})
    current = event["RequestId"] if event["RequestType"] == "Create" else event.get("PhysicalResourceId")
    physical_id = returned.get("PhysicalResourceId") or current
    if event["RequestType"] == "Delete" and physical_id != current:
        raise ValueError(
            f'DELETE: cannot change the physical resource ID from "{current}" to "{physical_id}" during deletion'
        )
    resource_event = {**event, **returned, "PhysicalResourceId": physical_id}
    if not environment.get(_IS_COMPLETE):
        return _response("SUCCESS", resource_event)
    waiter = client("stepfunctions").describe_state_machine(stateMachineArn=environment[_WAITER])
    definition = json.loads(waiter["definition"])
    (retry,) = definition["States"][definition["StartAt"]]["Retry"]
    _intervals[event["RequestId"]] = retry["IntervalSeconds"]
    client("stepfunctions").start_execution(stateMachineArn=environment[_WAITER], input=json.dumps(resource_event))
    return None


def is_complete(event: Event, environment: Environment) -> Event:
    """Ask the user's function whether the operation is over, for as long as the query interval lasts."""
    deadline = time.monotonic() + _intervals.get(event["RequestId"], 0)
    while True:
        returned = _invoke(environment[_IS_COMPLETE], event)
        data = returned.get("Data") or {}
        if returned.get("IsComplete"):
            return _response("SUCCESS", {**event, **returned, "Data": {**(event.get("Data") or {}), **data}})
        if data:
            raise ValueError('"Data" is not allowed if "IsComplete" is "False"')
        if time.monotonic() >= deadline:
            raise Incomplete(json.dumps(event))
        time.sleep(_PAUSE_SECONDS)


def on_timeout(failure: Event, _environment: Environment) -> Event:
    """Answer for a resource that did not become complete in time; the last attempt's error holds the event."""
    event = json.loads(json.loads(failure["Cause"])["errorMessage"])
    return _response("FAILED", event, "Operation timed out")


def _invoke(function: str, event: Event) -> Event:
    answer = client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    text = answer["Payload"].read().decode()
    returned = json.loads(text or "null") or {}
    if "FunctionError" in answer:
        name = function.rpartition(":")[2]
        raise ValueError(f"{returned.get('errorMessage', 'error')}\n\nLogs: /aws/lambda/{name}\n")
    if not isinstance(returned, dict):
        raise ValueError(f'return values from user-handlers must be JSON objects. got: "{text}"')
    return returned


def _response(status: str, event: Event, reason: str = "") -> Event:
    """What CloudFormation is told, and where."""
    return {
        "ResponseURL": event["ResponseURL"],
        "Status": status,
        "Reason": reason or status,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "PhysicalResourceId": event.get("PhysicalResourceId") or _MISSING,
        "LogicalResourceId": event["LogicalResourceId"],
        "NoEcho": event.get("NoEcho"),
        "Data": event.get("Data"),
    }


def answer(function: Callable[[Event, Environment], Event | None], event: Event, environment: Environment) -> Any:
    """CloudFormation's answer, if it is time for one. A failure is an answer; only Incomplete is raised.

    A Create that failed gets a marker for a physical ID, and the Delete that follows it is ignored.
    """
    if event.get("RequestType") == "Delete" and event.get("PhysicalResourceId") == _CREATE_FAILED:
        return _response("SUCCESS", event)
    try:
        return function(event, environment)
    except Incomplete:
        raise
    except Exception as error:
        failed = _CREATE_FAILED if event["RequestType"] == "Create" else _MISSING
        physical_id = event.get("PhysicalResourceId") or failed
        return _response("FAILED", {**event, "PhysicalResourceId": physical_id}, f"Error: {error}")


def _submit(response: Event) -> None:
    url = response.pop("ResponseURL")
    _intervals.pop(response["RequestId"], None)
    request = Request(url, json.dumps(response).encode(), {"Content-Type": ""}, method="PUT")  # noqa: S310 - our own
    with urlopen(request):  # noqa: S310 - our own address
        pass


FUNCTIONS: Mapping[str, Callable[[Event, Environment], Event | None]] = {
    "framework.onEvent": on_event,
    "framework.isComplete": is_complete,
    "framework.onTimeout": on_timeout,
}
RESOURCE_HANDLERS: Mapping[str, Operations] = {}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Run the framework's functions here. They log before they answer, or a log group would outlive its stack."""
    execute = LAMBDA._execute_function_dispatch

    def execute_natively(function: Any, configuration: Any, event: Any, request_id: str, started: float) -> Any:
        environment = configuration.get("Environment", {}).get("Variables", {})
        framework = FUNCTIONS.get(configuration.get("Handler", "")) if _ON_EVENT in environment else None
        if framework is None:
            return execute(function, configuration, event, request_id, started)
        response: Event | None = None
        result: dict[str, Any] = {"body": None}
        try:
            response = answer(framework, event, environment)
        except Exception as error:
            result = {"body": {"errorType": "Error", "errorMessage": str(error), "trace": []}, "error": True}
        milliseconds = int((time.time() - started) * 1000)
        LAMBDA._emit_lambda_logs(function, request_id, "", "error" in result, milliseconds)
        if response:
            _submit(response)
        return result

    LAMBDA._execute_function_dispatch = execute_natively
