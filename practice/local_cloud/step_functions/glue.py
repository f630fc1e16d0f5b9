"""Step Functions' integration with Glue jobs: ``glue:startJobRun``, and ``.sync`` that waits for the run.

The result is the JobRun; a run that does not succeed fails the task with ``States.TaskFailed`` and the JobRun, as JSON,
for its cause. A run whose execution is stopped, or whose task times out, is stopped too.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
"""

from __future__ import annotations

import functools
import json
import math
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from practice.local_cloud.glue.jobs import ALIVE
from practice.local_cloud.hooks import GLUE, STEP_FUNCTIONS

RESOURCE = "arn:aws:states:::glue:startJobRun"
_POLL = 0.1

_execution: ContextVar[Mapping[str, Any]] = ContextVar("_execution", default={"status": "RUNNING"})  # noqa: B039
_ends: ContextVar[float] = ContextVar("_ends", default=math.inf)


def start_job_run(resource: str, parameters: Mapping[str, Any]) -> Any:
    status, _, body = GLUE._start_job_run(dict(parameters))
    answer = json.loads(body)
    if status >= 400:
        code = answer["__type"]
        raise STEP_FUNCTIONS._ExecutionError(
            f"Glue.{code}", f"{answer['message']} (Service: AWSGlue; Status Code: {status}; Error Code: {code})"
        )
    if not resource.endswith(".sync"):
        return answer
    name, run_id = parameters["JobName"], answer["JobRunId"]
    run = next(run for run in GLUE._job_runs[name] if run["Id"] == run_id)
    while run["JobRunState"] in ALIVE:
        if not awaited() and run["JobRunState"] != "STOPPING":
            GLUE._batch_stop_job_run({"JobName": name, "JobRunIds": [run_id]})
        time.sleep(_POLL)
    result = {key: _as_result(key, value) for key, value in sorted(run.items())}
    if run["JobRunState"] != "SUCCEEDED":
        raise STEP_FUNCTIONS._ExecutionError("States.TaskFailed", json.dumps(result, separators=(",", ":")))
    return result


def awaited() -> bool:
    """Whether anybody still waits for the task that runs here."""
    return bool(_execution.get()["status"] == "RUNNING" and time.monotonic() < _ends.get())


def _as_result(key: str, value: Any) -> Any:
    return int(value * 1000) if key.endswith("On") else value


def knowing_its_execution(execute_task: Callable[..., Any]) -> Callable[..., Any]:
    """The engine's function for a Task state, so that the task can see whether its execution still runs."""

    @functools.wraps(execute_task)
    def execute(state: Any, given: Any, execution: Mapping[str, Any], context: Any) -> Any:
        token = _execution.set(execution)
        try:
            return execute_task(state, given, execution, context)
        finally:
            _execution.reset(token)

    return execute


def knowing_its_end(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """The engine's function for a task with TimeoutSeconds, so that the task can see when nobody waits any more."""

    @functools.wraps(invoke)
    def invoke_with_timeout(resource: str, given: Any, timeout: float) -> Any:
        token = _ends.set(time.monotonic() + timeout)
        try:
            return invoke(resource, given, timeout)
        finally:
            _ends.reset(token)

    return invoke_with_timeout
