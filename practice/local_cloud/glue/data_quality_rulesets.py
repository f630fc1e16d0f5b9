"""Rulesets of Glue Data Quality, which MiniStack lacks: the API, and ``AWS::Glue::DataQualityRuleset`` over it.

A ruleset is read when it is stored, as Glue does; one that the local cloud could not evaluate is refused then, not in
the middle of a pipeline. ``Ref`` is the ruleset's name. Evaluation runs of the service itself
(StartDataQualityRulesetEvaluationRun) are not emulated: jobs evaluate, with Glue's library.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-data-quality-api.html
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from practice.local_cloud.glue.data_quality.dqdl import DqdlError, parse
from practice.local_cloud.hooks import GLUE, PROVISIONERS, RESPONSES
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route

Response = tuple[int, dict[str, str], bytes]
Request = Mapping[str, Any]

TYPE = "AWS::Glue::DataQualityRuleset"
MOST_LISTED = 1_000

_rulesets: defaultdict[tuple[str, str], dict[str, dict[str, Any]]] = defaultdict(dict)
"""By account and region, then by name."""


class _ApiError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _here() -> dict[str, dict[str, Any]]:
    return _rulesets[RESPONSES.get_account_id(), RESPONSES.get_region()]


def _found(request: Request) -> dict[str, Any]:
    try:
        return _here()[request["Name"]]
    except KeyError:
        raise _ApiError(
            "EntityNotFoundException", f"Data quality ruleset {request.get('Name')!r} does not exist."
        ) from None


def _checked(ruleset: str) -> str:
    try:
        parse(ruleset)
    except DqdlError as error:
        raise _ApiError("InvalidInputException", str(error)) from error
    return ruleset


def _create(request: Request) -> dict[str, Any]:
    name = request["Name"]
    if name in _here():
        raise _ApiError("AlreadyExistsException", f"Data quality ruleset {name!r} already exists.")
    now = time.time()
    kept = {key: request[key] for key in ("Name", "Description", "TargetTable") if key in request}
    _here()[name] = {**kept, "Ruleset": _checked(request["Ruleset"]), "CreatedOn": now, "LastModifiedOn": now}
    if tags := request.get("Tags"):
        GLUE._tags[_arn(name)] = dict(tags)
    return {"Name": name}


def _get(request: Request) -> dict[str, Any]:
    return _found(request)


def _update(request: Request) -> dict[str, Any]:
    found = _found(request)
    if "Ruleset" in request:
        found["Ruleset"] = _checked(request["Ruleset"])
    if "Description" in request:
        found["Description"] = request["Description"]
    found["LastModifiedOn"] = time.time()
    return {key: found[key] for key in ("Name", "Description", "Ruleset") if key in found}


def _delete(request: Request) -> dict[str, Any]:
    name = _found(request)["Name"]
    del _here()[name]
    GLUE._tags.pop(_arn(name), None)
    return {}


def _list(request: Request) -> dict[str, Any]:
    """The rulesets by name, in pages; a filter of the name or the table takes the whole of it."""
    wanted = {**request.get("Filter", {})}
    if strange := wanted.keys() - {"Name", "TargetTable"}:
        raise _ApiError(
            "InvalidInputException",
            f"the local cloud does not filter rulesets by {', '.join(sorted(strange))}; only by Name and TargetTable.",
        )
    tags = (request.get("Tags") or {}).items()
    chosen = [
        found
        for name, found in sorted(_here().items())
        if name > request.get("NextToken", "")
        and all(found.get(key) == value for key, value in wanted.items())
        and tags <= GLUE._tags.get(_arn(name), {}).items()
    ]
    size = request.get("MaxResults", MOST_LISTED)
    listed = [_summary(found) for found in chosen[:size]]
    return {"Rulesets": listed} | ({"NextToken": listed[-1]["Name"]} if chosen[size:] else {})


def _summary(found: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in found.items() if key != "Ruleset"}
    return {**told, "RuleCount": len(parse(found["Ruleset"]))}


def _arn(name: str) -> str:
    return f"arn:aws:glue:{RESPONSES.get_region()}:{RESPONSES.get_account_id()}:dataQualityRuleset/{name}"


OPERATIONS: Mapping[str, Callable[[Request], dict[str, Any]]] = {
    "CreateDataQualityRuleset": _create,
    "GetDataQualityRuleset": _get,
    "UpdateDataQualityRuleset": _update,
    "DeleteDataQualityRuleset": _delete,
    "ListDataQualityRulesets": _list,
}


def _answer(status: int, body: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def _perform(operation: str, body: bytes) -> Response:
    try:
        return _answer(200, OPERATIONS[operation](json.loads(body)))
    except _ApiError as error:
        return _answer(400, {"__type": error.code, "message": str(error)})


def _create_resource(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    name = properties.get("Name", f"{stack_name}-{logical_id}")
    kept = {key: value for key, value in properties.items() if key in {"Description", "Ruleset", "Tags", "TargetTable"}}
    client("glue").create_data_quality_ruleset(Name=name, **kept)
    return name, {}


def _update_resource(physical_id: str, old: Properties, new: Properties, _stack: str) -> tuple[str, Attributes]:
    if fixed := [key for key in ("Name", "TargetTable") if old.get(key) != new.get(key)]:
        raise ValueError(
            f"{' and '.join(fixed)} of ruleset {physical_id!r} cannot change: UpdateDataQualityRuleset has no such "
            "parameter. Give the resource another logical id."
        )
    kept = {key: new.get(key, "") for key in ("Description", "Ruleset") if old.get(key) != new.get(key)}
    glue = client("glue")
    glue.update_data_quality_ruleset(Name=physical_id, **kept)
    before, after = old.get("Tags") or {}, new.get("Tags") or {}
    arn = _arn(physical_id)
    if gone := sorted(before.keys() - after.keys()):
        glue.untag_resource(ResourceArn=arn, TagsToRemove=gone)
    if after != before:
        glue.tag_resource(ResourceArn=arn, TagsToAdd=dict(after))
    return physical_id, {}


def _delete_resource(physical_id: str, _properties: Properties) -> None:
    client("glue").delete_data_quality_ruleset(Name=physical_id)


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    TYPE: {"create": _create_resource, "update": _update_resource, "delete": _delete_resource},
}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    original: Callable[..., Response] = GLUE._handle_request_sync

    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Any) -> Response:
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        if operation in OPERATIONS:
            return _perform(operation, body)
        return original(method, path, headers, body, query_params)

    GLUE._handle_request_sync = handle
    PROVISIONERS._STACK_TAG_PROPERTY[TYPE] = ("Tags", "map")
