"""EMR Serverless, which MiniStack does not have: applications for Spark, and job runs that really run.

A module beside this one runs the jobs; here are the REST API and the application as a resource of a stack. What is not
emulated is refused with a message that says so: interactive sessions, Hive, dashboards.

Source: https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import re
from collections.abc import Mapping, Sequence

from practice.local_cloud.emr_serverless import applications, runs
from practice.local_cloud.hooks import APP, PROVISIONERS, RESPONSES, ROUTER
from practice.local_cloud.loopback import client
from practice.local_cloud.names import lower_camel
from practice.local_cloud.sagemaker.api import ApiError, Operation, Record
from practice.local_cloud.sagemaker.model import Api
from practice.local_cloud.service import Attributes, Operations, Properties, Route

LOG = logging.getLogger("emr-serverless")

API = Api("emr-serverless", "ValidationException")
TYPE = "AWS::EMRServerless::Application"
_OPERATIONS: Mapping[tuple[str, str], tuple[str, Operation]] = {
    ("POST", "/applications"): ("CreateApplication", applications.create),
    ("GET", "/applications"): ("ListApplications", applications.list_all),
    ("GET", "/applications/ID"): ("GetApplication", applications.get),
    ("PATCH", "/applications/ID"): ("UpdateApplication", applications.update),
    ("DELETE", "/applications/ID"): ("DeleteApplication", applications.delete),
    ("POST", "/applications/ID/jobruns"): ("StartJobRun", runs.start),
    ("GET", "/applications/ID/jobruns"): ("ListJobRuns", runs.list_all),
    ("GET", "/applications/ID/jobruns/RUN"): ("GetJobRun", runs.get),
    ("DELETE", "/applications/ID/jobruns/RUN"): ("CancelJobRun", runs.cancel),
}
_PATH = re.compile(r"/applications(?:/(?P<application>[^/]+)(?:(?P<runs>/jobruns)(?:/(?P<run>[^/]+))?)?)?")
_STATUS = {"ResourceNotFoundException": 404, "ConflictException": 409, "InternalServerException": 500}
_REPLACING = ("Name", "Type")
_NOT_EMULATED = ("InitialCapacity", "WorkerTypeSpecifications")
"""Properties whose shape differs from the API's, and which no stack here has."""

Answer = tuple[int, dict[str, str], bytes]


async def handle_request(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Sequence[str]]
) -> Answer:
    """Answer a request signed for EMR Serverless, off the event loop."""
    run = contextvars.copy_context().run
    try:
        answer: Answer = RESPONSES.json_response(await asyncio.to_thread(run, _answer, method, path, body, query))
    except ApiError as error:
        answer = RESPONSES.error_response_json(error.code, str(error), _STATUS.get(error.code, 400))
    except Exception as error:
        LOG.exception("%s %s", method, path)
        message = f"internal error of the local cloud: {type(error).__name__}: {error}"
        answer = RESPONSES.error_response_json("InternalServerException", message, 500)
    return answer


def _answer(method: str, path: str, body: bytes, query: Mapping[str, Sequence[str]]) -> Record:
    found = _PATH.fullmatch(path)
    shape = "/applications" if found else ""
    if found and found["application"]:
        shape += "/ID" + (found["runs"] or "") + ("/RUN" if found["run"] else "")
    if (method, shape) not in _OPERATIONS:
        raise ApiError(
            "ValidationException",
            f"the local cloud does not emulate EMR Serverless' {method} {path}; it has applications and job runs.",
        )
    name, operation = _OPERATIONS[method, shape]
    request: Record = json.loads(body) if body else {}
    request |= {"states": list(query["states"])} if "states" in query else {}
    if found and found["application"]:
        request["applicationId"] = found["application"]
    if found and found["run"]:
        request["jobRunId"] = found["run"]
    return API.call(name, operation, request)


def _as_request(properties: Properties) -> Record:
    if refused := [name for name in _NOT_EMULATED if name in properties]:
        raise ValueError(f"the local cloud does not emulate {', '.join(refused)} of {TYPE}: leave it out.")
    request: Record = lower_camel(properties)
    if "tags" in request:
        request["tags"] = {tag["key"]: tag["value"] for tag in request["tags"]}
    return request


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    created = client("emr-serverless").create_application(**_as_request(properties))
    return created["applicationId"], {"ApplicationId": created["applicationId"], "Arn": created["arn"]}


def _update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, Attributes]:
    changed = {name: value for name, value in _as_request(new).items() if name not in ("name", "type", "tags")}
    updated = client("emr-serverless").update_application(applicationId=physical_id, **changed)["application"]
    return physical_id, {"ApplicationId": physical_id, "Arn": updated["arn"]}


def _delete(physical_id: str, properties: Properties) -> None:
    client("emr-serverless").delete_application(applicationId=physical_id)


RESOURCE_HANDLERS: Mapping[str, Operations] = {TYPE: {"create": _create, "update": _update, "delete": _delete}}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Have what is signed for EMR Serverless come here."""
    ROUTER.SERVICE_PATTERNS["emr-serverless"] = {}
    APP.SERVICE_HANDLERS["emr-serverless"] = handle_request
    PROVISIONERS._REPLACING_PROPERTIES[TYPE] = _REPLACING
    PROVISIONERS._STACK_TAG_PROPERTY[TYPE] = ("Tags", "list")
