"""Job runs of EMR Serverless: the script in local Spark, by the very runner that Glue jobs have.

A run queues, is reported, cancelled and timed out as on AWS, with the driver's output in the log group that the
application names. Of ``sparkSubmitParameters`` there are ``--py-files`` and ``--conf``; anything else is refused, and
so is what a run may say beyond script, arguments, role, name and timeout. What an application configures for Spark is
about executors, of which there are none here, and about the region of S3, of which there is one: it is kept, and
changes nothing.

Sources: https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_StartJobRun.html,
https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html
"""

from __future__ import annotations

import shlex
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from practice.local_cloud import background
from practice.local_cloud.emr_serverless.applications import ALIVE, Application, find, new_id
from practice.local_cloud.jobs.environments import EMR_SERVERLESS
from practice.local_cloud.jobs.files import download
from practice.local_cloud.jobs.logs import LogStream
from practice.local_cloud.loopback import access
from practice.local_cloud.sagemaker.api import ApiError, Record, Request, invalid
from practice.local_cloud.spark.job_process import JobProcess, Outcome, remove

_TAKEN = {"applicationId", "clientToken", "executionRoleArn", "executionTimeoutMinutes", "jobDriver", "name", "tags"}
_DEFAULT_TIMEOUT = 720
_DEFAULT_LOG_GROUP = "/aws/emr-serverless"
_STATES = {"SUCCEEDED": "SUCCESS", "STOPPED": "CANCELLED", "TIMEOUT": "CANCELLED", "FAILED": "FAILED"}
_LOOK_EVERY = 0.1


class Run:
    """A job run: its record, and its process while there is one."""

    def __init__(self, application: Application, record: Record, files: list[str], spark: dict[str, str]) -> None:
        self.application, self.record = application, record
        self._files, self._spark = files, spark
        self._lock = threading.Lock()
        self._cancelled = False
        self._process: JobProcess | None = None

    def execute(self) -> None:
        directory = Path(tempfile.mkdtemp(prefix="emr-serverless-"))
        with self._place() as placed:
            try:
                outcome = self._outcome(directory) if placed else Outcome("STOPPED")
                self._log(directory)
            except Exception as error:
                outcome = Outcome("FAILED", f"{type(error).__name__}: {error}")
        remove(directory)
        now = time.time()
        self.record |= {"endedAt": now, "updatedAt": now, "stateDetails": _details(outcome)}
        # last: who sees the run ended sees all of it
        self.record["state"] = _STATES[outcome.state]

    def cancel(self) -> None:
        with self._lock:
            self._cancelled = True
            self.record["state"] = "CANCELLING"
            process = self._process
        if process:
            process.stop()

    @contextmanager
    def _place(self) -> Iterator[bool]:
        """Wait until the application may run one more job; without a place if the run is cancelled before."""
        places = self.application.places
        while not (placed := places.acquire(timeout=_LOOK_EVERY)) and not self._cancelled:
            self.record["state"] = "QUEUED"
        try:
            yield placed
        finally:
            if placed:
                places.release()

    def _outcome(self, directory: Path) -> Outcome:
        submit = self.record["jobDriver"]["sparkSubmit"]
        script = download(submit["entryPoint"], directory / "script")
        files = [download(uri, directory / "python-files") for uri in self._files]
        with self._lock:
            if self._cancelled:
                return Outcome("STOPPED")
            self._process = JobProcess(
                directory,
                script,
                submit.get("entryPointArguments", []),
                access=access(),
                environment={
                    **EMR_SERVERLESS,
                    "SERVERLESS_EMR_JOB_ID": self.record["jobRunId"],
                    "SERVERLESS_EMR_VIRTUAL_CLUSTER_ID": self.record["applicationId"],
                },
                python_files=files,
                spark=self._spark,
            )
            self.record |= {"state": "RUNNING", "startedAt": time.time()}
        return self._process.wait(60 * self.record["executionTimeoutMinutes"])

    def _log(self, directory: Path) -> None:
        monitoring = self.application.record.get("monitoringConfiguration", {})
        logging = monitoring.get("cloudWatchLoggingConfiguration", {})
        if not logging.get("enabled"):
            return
        where = f"/applications/{self.record['applicationId']}/jobs/{self.record['jobRunId']}/SPARK_DRIVER"
        for kind in ("stdout", "stderr"):
            file = directory / kind
            if file.exists() and file.stat().st_size:
                text = file.read_text(encoding="utf-8", errors="replace")
                group = logging.get("logGroupName", _DEFAULT_LOG_GROUP)
                LogStream(group, f"{logging.get('logStreamNamePrefix', '')}{where}/{kind}").write(text)


def _details(outcome: Outcome) -> str:
    if outcome.state == "FAILED":
        where = "Job failed, please check complete logs in configured logging destination."
        return f"{where} Last few exceptions: {outcome.message}"
    return "Job execution exceeded the timeout" if outcome.state == "TIMEOUT" else ""


def start(request: Request) -> Record:
    application = find(request)
    if refused := sorted(request.keys() - _TAKEN):
        raise invalid(f"the local cloud does not emulate {', '.join(refused)} of a job run: leave it out.")
    submit = request["jobDriver"].get("sparkSubmit")
    if submit is None:
        raise invalid("jobDriver has no sparkSubmit; the local cloud runs Spark alone.")
    files, spark = _parameters(submit.get("sparkSubmitParameters", ""))
    name, now = new_id(), time.time()
    of_application = application.record
    arn = f"{of_application['arn']}/jobruns/{name}"
    record = {
        "executionTimeoutMinutes": _DEFAULT_TIMEOUT,
        **{key: value for key, value in request.items() if key not in ("clientToken", "executionRoleArn")},
        "jobRunId": name,
        "arn": arn,
        "executionRole": request["executionRoleArn"],
        "createdBy": request["executionRoleArn"],
        "createdAt": now,
        "updatedAt": now,
        "releaseLabel": of_application["releaseLabel"],
        "mode": "BATCH",
        "state": "SUBMITTED",
        "stateDetails": "",
    }
    run = application.runs[name] = Run(application, record, files, spark)
    application.started = True
    background.start(f"emr-serverless-{name}", run.execute)
    return {"applicationId": record["applicationId"], "jobRunId": name, "arn": arn}


def _parameters(text: str) -> tuple[list[str], dict[str, str]]:
    """The files of ``--py-files``, and the settings of ``--conf``."""
    words = iter(shlex.split(text))
    files: list[str] = []
    spark: dict[str, str] = {}
    for word in words:
        if word == "--py-files":
            files += next(words, "").split(",")
        elif word == "--conf":
            name, _, value = next(words, "").partition("=")
            spark[name] = value
        else:
            raise invalid(
                f"sparkSubmitParameters has {word!r}; the local cloud takes --py-files and --conf. Leave it out."
            )
    return files, spark


def find_run(request: Request) -> Run:
    run = find(request).runs.get(request["jobRunId"])
    if run is None:
        raise ApiError("ResourceNotFoundException", f"JobRun {request['jobRunId']} does not exist")
    found: Run = run
    return found


def get(request: Request) -> Record:
    return {"jobRun": dict(find_run(request).record)}


def list_all(request: Request) -> Record:
    """All of them on one page, the newest first."""
    wanted = request.get("states") or [*ALIVE, *_STATES.values()]
    found = [dict(run.record) for run in reversed(find(request).runs.values())]
    return {"jobRuns": [{**run, "id": run["jobRunId"]} for run in found if run["state"] in wanted]}


def cancel(request: Request) -> Record:
    run = find_run(request)
    if run.record["state"] not in ALIVE:
        raise invalid(f"JobRun {request['jobRunId']} has ended: {run.record['state']}")
    run.cancel()
    return {key: request[key] for key in ("applicationId", "jobRunId")}
