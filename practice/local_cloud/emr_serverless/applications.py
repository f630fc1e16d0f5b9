"""EMR Serverless' applications: they keep what they are told, and hold their job runs.

No worker is started, so capacity and auto-stop are kept and reported alone; a job runs on the machine's cores whatever
an application may have. An application is started while a job runs, and stopped at once when none does.
"""

from __future__ import annotations

import secrets
import string
import threading
import time
from typing import Any

from practice.local_cloud.sagemaker.api import ApiError, Record, Records, Request, account, region

ALIVE = ("SUBMITTED", "PENDING", "SCHEDULED", "QUEUED", "RUNNING", "CANCELLING")
_DEFAULT_RUNS_AT_ONCE = 15


class Application:
    """An application, and its runs by id, the newest last."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.runs: dict[str, Any] = {}
        self.started = False
        at_once = record.get("schedulerConfiguration", {}).get("maxConcurrentRuns", _DEFAULT_RUNS_AT_ONCE)
        self.places = threading.Semaphore(at_once)

    @property
    def busy(self) -> bool:
        return any(run.record["state"] in ALIVE for run in list(self.runs.values()))

    def describe(self) -> Record:
        state = "STARTED" if self.busy else "STOPPED" if self.started else "CREATED"
        return {**self.record, "state": state}


_applications: Records[str, Application] = Records()


def find(request: Request) -> Application:
    name = request["applicationId"]
    if name not in _applications.here:
        raise ApiError("ResourceNotFoundException", f"Application {name} does not exist")
    return _applications.here[name]


def new_id() -> str:
    return "00" + "".join(secrets.choice(string.digits + string.ascii_lowercase) for _ in range(14))


def create(request: Request) -> Record:
    if request["type"].lower() != "spark":
        raise ApiError("ValidationException", f"type is {request['type']!r}; the local cloud runs Spark alone.")
    name, now = new_id(), time.time()
    record = {
        **{key: value for key, value in request.items() if key != "clientToken"},
        "applicationId": name,
        "arn": f"arn:aws:emr-serverless:{region()}:{account()}:/applications/{name}",
        "createdAt": now,
        "updatedAt": now,
    }
    _applications.here[name] = Application(record)
    return {key: record.get(key) for key in ("applicationId", "name", "arn")}


def get(request: Request) -> Record:
    return {"application": find(request).describe()}


def list_all(_: Request) -> Record:
    """Every application at once; on AWS those deleted lately are listed too, as TERMINATED."""
    found = [application.describe() for application in _applications.here.values()]
    return {"applications": [record | {"id": record["applicationId"]} for record in found]}


def all_tags() -> dict[str, dict[str, str]]:
    """The tags of every application, by ARN."""
    records = [application.record for application in _applications.here.values()]
    return {record["arn"]: record.get("tags", {}) for record in records}


def update(request: Request) -> Record:
    application = find(request)
    _require_idle(application, "updated")
    application.record |= {key: value for key, value in request.items() if key != "clientToken"}
    application.record["updatedAt"] = time.time()
    application.places = Application(application.record).places
    return get(request)


def delete(request: Request) -> None:
    application = find(request)
    _require_idle(application, "deleted")
    del _applications.here[application.record["applicationId"]]


def _require_idle(application: Application, what: str) -> None:
    if application.busy:
        raise ApiError(
            "ValidationException",
            f"Application {application.record['applicationId']} is STARTED; it can be {what} when CREATED or STOPPED. "
            "Cancel its job runs, or wait for them.",
        )
