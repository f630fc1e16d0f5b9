"""Glue jobs that really run: StartJobRun starts the script in local Spark, where MiniStack reports a success untried.

A run is started, reported, stopped and timed out as in Glue, with its output in CloudWatch Logs. Not emulated: queuing,
bookmarks, MaxRetries (a run is never repeated), and what a worker type, Flex or a number of workers does to speed and
cost; they are kept and reported. What a script would need to be installed first is refused.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-runs.html and
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
"""

from __future__ import annotations

import functools
import hashlib
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from practice.local_cloud import background
from practice.local_cloud.glue.job_logs import write_logs
from practice.local_cloud.hooks import GLUE, PROVISIONERS, RESPONSES
from practice.local_cloud.jobs import environments
from practice.local_cloud.jobs.files import download
from practice.local_cloud.loopback import access
from practice.local_cloud.service import Attributes, Operations, Properties, Route
from practice.local_cloud.spark.job_process import JobProcess, Outcome, remove

Response = tuple[int, dict[str, str], bytes]

ALIVE = {"STARTING", "RUNNING", "STOPPING", "WAITING"}

_DEFAULT_TIMEOUT = 480
"""Minutes, from Glue 5.0 on."""

_KEPT: Mapping[str, Any] = {
    "ExecutionClass": "STANDARD",
    "ExecutionProperty": {"MaxConcurrentRuns": 1},
    "JobMode": "SCRIPT",
    "JobRunQueuingEnabled": False,
    "LogUri": "",
    "MaintenanceWindow": "",
    "NotificationProperty": {},
    "Timeout": _DEFAULT_TIMEOUT,
}
"""What MiniStack drops from a job, or gives another default, with what Glue takes when it is not given."""

_REFUSED = ("--additional-python-modules", "--extra-files", "--extra-jars")
_OF_RUN = ("GlueVersion", "MaxCapacity", "NumberOfWorkers", "SecurityConfiguration", "Timeout", "WorkerType")

_processes: dict[str, JobProcess] = {}
_stop_requested: set[str] = set()
_lock = threading.Lock()


def _error(kind: str, message: str) -> Response:
    response: Response = RESPONSES.error_response_json(kind, message, 400)
    return response


def _answer(body: Mapping[str, Any]) -> Response:
    response: Response = RESPONSES.json_response(body)
    return response


def _completing(
    original: Callable[[dict[str, Any]], Response], definition: Callable[[dict[str, Any]], Mapping[str, Any]]
) -> Callable[[dict[str, Any]], Response]:
    """CreateJob or UpdateJob that keeps the whole definition; what an update leaves out is reset, as in Glue."""

    @functools.wraps(original)
    def operation(request: dict[str, Any]) -> Response:
        response = original(request)
        if response[0] == 200:
            _complete(request.get("Name") or request["JobName"], definition(request))
        return response

    return operation


def _complete(name: str, definition: Mapping[str, Any]) -> None:
    GLUE._jobs[name].update({key: definition.get(key, default) for key, default in _KEPT.items()})


def start_job_run(request: dict[str, Any]) -> Response:
    """A run in STARTING, then RUNNING, until its script ends."""
    name = request.get("JobName", "")
    job = GLUE._jobs.get(name)
    if job is None:
        return _error("EntityNotFoundException", "Failed to start job run due to missing metadata")
    runs = GLUE._job_runs.setdefault(name, [])
    with _lock:
        alive = sum(run["JobRunState"] in ALIVE for run in runs)
        if alive >= int(job.get("ExecutionProperty", {}).get("MaxConcurrentRuns", 1)):
            return _error("ConcurrentRunsExceededException", f"Concurrent runs exceeded for {name}")
        run = _new_run(job, request)
        runs.insert(0, run)
    background.start(f"glue-{name}", _execute, dict(job), run)
    return _answer({"JobRunId": run["Id"]})


def _new_run(job: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    now = time.time()
    own = {name: request[name] for name in (*_OF_RUN, "ExecutionClass") if request.get(name) not in (None, "")}
    settings = {name: job[name] for name in _OF_RUN if job.get(name) not in (None, "")} | own
    workers = float(settings.get("NumberOfWorkers", 2))
    return {
        "Id": f"jr_{secrets.token_hex(32)}",
        "Attempt": 0,
        "JobName": job["Name"],
        "JobMode": job.get("JobMode", "SCRIPT"),
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": dict(request.get("Arguments", {})),
        "PredecessorRuns": [],
        "AllocatedCapacity": int(workers),
        "ExecutionTime": 0,
        "MaxCapacity": workers,
        "ExecutionClass": own.get("ExecutionClass") or job.get("ExecutionClass", "STANDARD"),
        "LogGroupName": "/aws-glue/jobs",
        **settings,
    }


def script_arguments(job: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as Glue passes them: the run's over the job's, but never over those that cannot be overridden.

    Source of what it adds, and of its form: https://github.com/LBHackney-IT/Data-Platform/blob/ffb147d/scripts/tests/test_get_glue_env_var.py.
    Not known: whether an argument that is empty comes as an empty word, as here, or as none.
    """
    given = {**job.get("DefaultArguments", {}), **run["Arguments"], **job.get("NonOverridableArguments", {})}
    identity = {
        "--JOB_NAME": job["Name"],
        "--JOB_ID": f"j_{hashlib.sha256(job['Name'].encode()).hexdigest()}",
        "--JOB_RUN_ID": run["Id"],
    }
    return {**given, **identity}


def _execute(job: Mapping[str, Any], run: dict[str, Any]) -> None:
    directory = Path(tempfile.mkdtemp(prefix="glue-job-"))
    arguments = script_arguments(job, run)
    try:
        outcome = _outcome(job, run, arguments, directory)
    except Exception as error:
        outcome = Outcome("FAILED", f"{type(error).__name__}: {error}")
    try:
        write_logs(run, job, arguments, directory)
    except Exception as error:
        outcome = Outcome("FAILED", outcome.message or f"the output could not be logged: {error}")
    remove(directory)
    now = time.time()
    if outcome.message:
        run["ErrorMessage"] = outcome.message
    run.update(CompletedOn=now, LastModifiedOn=now, ExecutionTime=max(1, round(now - run["StartedOn"])))
    # last: who sees the run ended sees all of it
    run["JobRunState"] = outcome.state


def _outcome(job: Mapping[str, Any], run: dict[str, Any], arguments: Mapping[str, str], directory: Path) -> Outcome:
    if refused := [name for name in _REFUSED if arguments.get(name)]:
        return Outcome(
            "FAILED", f"the local cloud installs nothing for a job: leave out {', '.join(refused)}, or run it on AWS."
        )
    script = download(job["Command"]["ScriptLocation"], directory / "script")
    files = [
        download(uri, directory / "python-files")
        for uri in arguments.get("--extra-py-files", "").split(",")
        if uri.strip()
    ]
    with _lock:
        if run["Id"] in _stop_requested:
            return Outcome("STOPPED")
        process = _processes[run["Id"]] = JobProcess(
            directory,
            script,
            [part for argument in arguments.items() for part in argument],
            access=access(),
            environment={**environments.GLUE, "GLUE_VERSION": str(job.get("GlueVersion", ""))},
            python_files=files,
            spark=_spark_settings(arguments.get("--conf", "")),
        )
        run["JobRunState"] = "RUNNING"
    try:
        return process.wait(60 * float(run.get("Timeout", _DEFAULT_TIMEOUT)))
    finally:
        del _processes[run["Id"]]


def _spark_settings(conf: str) -> dict[str, str]:
    """``--conf`` as Glue takes it: ``a=1 --conf b=2``."""
    pairs = (part.strip().partition("=") for part in conf.split("--conf ") if part.strip())
    return {name: value for name, _, value in pairs}


def batch_stop_job_run(request: dict[str, Any]) -> Response:
    """STOPPING, then STOPPED when the process is gone."""
    name = request.get("JobName", "")
    runs = {run["Id"]: run for run in GLUE._job_runs.get(name) or []}
    submitted, errors = [], []
    for run_id in request.get("JobRunIds", []):
        run, entry = runs.get(run_id), {"JobName": name, "JobRunId": run_id}
        if run is None:
            detail = {"ErrorCode": "EntityNotFoundException", "ErrorMessage": f"Job run {run_id} not found"}
            errors.append({**entry, "ErrorDetail": detail})
        elif run["JobRunState"] not in ("STARTING", "RUNNING", "WAITING"):
            message = f"Job run {run_id} is in state {run['JobRunState']}"
            detail = {"ErrorCode": "JobRunInTerminalStateException", "ErrorMessage": message}
            errors.append({**entry, "ErrorDetail": detail})
        else:
            submitted.append(entry)
            with _lock:
                _stop_requested.add(run_id)
                run["JobRunState"] = "STOPPING"
                process = _processes.get(run_id)
            if process:
                threading.Thread(target=process.stop, daemon=True).start()
    return _answer({"SuccessfulSubmissions": submitted, "Errors": errors})


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    created: tuple[str, Attributes] = PROVISIONERS._glue_job_create(logical_id, properties, stack_name)
    _complete(created[0], properties)
    return created


def _update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, Attributes]:
    updated: tuple[str, Attributes] = PROVISIONERS._glue_job_update(physical_id, old, new, stack_name, logical_id)
    _complete(updated[0], new)
    return updated


RESOURCE_HANDLERS: Mapping[str, Operations] = {"AWS::Glue::Job": {"create": _create, "update": _update}}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    GLUE._create_job = _completing(GLUE._create_job, lambda request: request)
    GLUE._update_job = _completing(GLUE._update_job, lambda request: request.get("JobUpdate", {}))
    GLUE._start_job_run = start_job_run
    GLUE._batch_stop_job_run = batch_stop_job_run
