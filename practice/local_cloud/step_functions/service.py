"""Step Functions: what MiniStack lacks of state machines and of their executions.

``AWS::StepFunctions::StateMachine`` keeps its logging and tracing, which MiniStack spells wrongly or drops. Executions
start Glue jobs and jobs of EMR Serverless, call CloudFormation, and end after the machine's TimeoutSeconds. They are
not written to the log group: MiniStack keeps their history only.

There is one clock. A wait, a retry and a timeout take the seconds that they say, for what they wait for runs in those
seconds too: with retries ten times faster, whoever waits for a job to end gives up before it can. A test that cannot
wait gives its machine short times.

Source: https://states-language.net/spec.html
"""

from __future__ import annotations

import contextvars
import functools
import json
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from practice.local_cloud.hooks import PROVISIONERS, STEP_FUNCTIONS
from practice.local_cloud.names import lower_camel
from practice.local_cloud.service import Attributes, Operations, Properties, Route
from practice.local_cloud.step_functions import cloudformation, emr_serverless, glue, history


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    return _traced(PROVISIONERS._sfn_state_machine_create(logical_id, _as_api(properties), stack_name), properties)


def _update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, Attributes]:
    properties = _as_api(old), _as_api(new)
    return _traced(PROVISIONERS._sfn_state_machine_update(physical_id, *properties, stack_name, logical_id), new)


def _as_api(properties: Properties) -> Properties:
    if "LoggingConfiguration" not in properties:
        return properties
    return {**properties, "LoggingConfiguration": lower_camel(properties["LoggingConfiguration"])}


def _traced(machine: tuple[str, Attributes], properties: Properties) -> tuple[str, Attributes]:
    enabled = bool(properties.get("TracingConfiguration", {}).get("Enabled"))
    STEP_FUNCTIONS._state_machines[machine[0]]["tracingConfiguration"] = {"enabled": enabled}
    return machine


Find = Callable[[list[Mapping[str, Any]], str, Mapping[int, int]], tuple[Mapping[str, Any] | None, int | None]]


def _waiting_in_full(find: Find, sleep: Callable[[float], None] = time.sleep) -> Find:
    """Finds the retrier for an error, and waits as it says, since MiniStack waits for a minute at most."""

    @functools.wraps(find)
    def find_matching_retrier(
        retriers: list[Mapping[str, Any]], error: str, counts: Mapping[int, int]
    ) -> tuple[Mapping[str, Any] | None, int | None]:
        retrier, index = find(retriers, error, counts)
        if retrier is None or index is None:
            return retrier, index
        seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** counts.get(index, 0)
        sleep(min(seconds, retrier.get("MaxDelaySeconds", seconds)))
        return {**retrier, "IntervalSeconds": 0}, index

    return find_matching_retrier


def _within_its_time(run: Callable[[str], None]) -> Callable[[str], None]:
    """Runs an execution, which times out when the machine's TimeoutSeconds have passed."""

    @functools.wraps(run)
    def run_execution(arn: str) -> None:
        execution = STEP_FUNCTIONS._executions.get(arn)
        machine = STEP_FUNCTIONS._state_machines.get(execution["stateMachineArn"]) if execution else None
        seconds = json.loads(machine["definition"]).get("TimeoutSeconds") if machine else None
        if seconds is None:
            run(arn)
            return
        context = contextvars.copy_context()
        timer = threading.Timer(float(seconds), lambda: context.run(_time_out, execution))
        timer.daemon = True
        timer.start()
        try:
            run(arn)
        finally:
            timer.cancel()

    return run_execution


def _time_out(execution: MutableMapping[str, Any]) -> None:
    if execution["status"] == "RUNNING":
        execution.update(status="TIMED_OUT", stopDate=STEP_FUNCTIONS.now_iso())
        STEP_FUNCTIONS._add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {}})
        STEP_FUNCTIONS._emit_execution_status_event(execution)


def _unless_ended(
    fail: Callable[[MutableMapping[str, Any], str, str], None],
) -> Callable[[MutableMapping[str, Any], str, str], None]:
    """Fails an execution that still runs: what a task does after the end changes nothing. A failure has no output."""

    @functools.wraps(fail)
    def fail_execution(execution: MutableMapping[str, Any], error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            fail(execution, error, cause)
            execution["output"] = None

    return fail_execution


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    "AWS::StepFunctions::StateMachine": {"create": _create, "update": _update}
}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    STEP_FUNCTIONS._SERVICE_DISPATCH[cloudformation.RESOURCE] = cloudformation.call
    for integration in (emr_serverless, glue):
        STEP_FUNCTIONS._SERVICE_DISPATCH[integration.RESOURCE] = integration.start_job_run
    STEP_FUNCTIONS._scaled_sleep = time.sleep
    STEP_FUNCTIONS._find_matching_retrier = _waiting_in_full(STEP_FUNCTIONS._find_matching_retrier)
    STEP_FUNCTIONS._execute_task = glue.knowing_its_execution(STEP_FUNCTIONS._execute_task)
    STEP_FUNCTIONS._invoke_resource_with_timeout = glue.knowing_its_end(STEP_FUNCTIONS._invoke_resource_with_timeout)
    STEP_FUNCTIONS._run_execution = _within_its_time(STEP_FUNCTIONS._run_execution)
    STEP_FUNCTIONS._run_sub_machine = history.telling(STEP_FUNCTIONS._run_sub_machine)
    STEP_FUNCTIONS._fail_execution = _unless_ended(STEP_FUNCTIONS._fail_execution)
