"""The Feature Store runtime: records put, read and deleted, through its REST API.

A request for a group that does not exist is answered as AWS does: with ResourceNotFound where the operation has that
error, with ValidationError where it has not (https://github.com/aws/sagemaker-python-sdk/issues/2606). Nothing is
throttled, so nothing in a batch stays unprocessed.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Feature_Store_Runtime.html
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from practice.local_cloud.feature_store.offline import Write
from practice.local_cloud.feature_store.online import Stored, utc_now
from practice.local_cloud.feature_store.records import RecordError, read_event_time, read_record
from practice.local_cloud.sagemaker.api import ApiError, Operation, Record, Request
from practice.local_cloud.sagemaker.feature_groups import FeatureGroup, find_group
from practice.local_cloud.sagemaker.model import Api

API = Api("sagemaker-featurestore-runtime", "ValidationError")

ONLINE, OFFLINE = "OnlineStore", "OfflineStore"
_DEFAULT_PAGE = 100
_GROUP_PATH = re.compile(r"/FeatureGroup/(?P<name>(?:arn:[^/]+/)?[^/]+?)(?P<rest>/ListRecords|/Record)?")
_IN_QUERY = {
    "RecordIdentifierValueAsString": "RecordIdentifierValueAsString",
    "EventTime": "EventTime",
    "DeletionMode": "DeletionMode",
    "ExpirationTimeResponse": "ExpirationTimeResponse",
}
_LISTS_IN_QUERY = {"FeatureName": "FeatureNames", "TargetStores": "TargetStores"}


def invalid(message: str) -> ApiError:
    return ApiError("ValidationError", f"Validation Error: {message}")


def operation_of(method: str, path: str) -> tuple[str, Record] | None:
    """The operation that a method and path mean, and what the path says of the request."""
    if method == "POST" and path in ("/BatchGetRecord", "/BatchWriteRecord"):
        return path[1:], {}
    match = _GROUP_PATH.fullmatch(path)
    if match is None:
        return None
    operations = {
        ("PUT", None): "PutRecord",
        ("GET", None): "GetRecord",
        ("DELETE", None): "DeleteRecord",
        ("POST", "/ListRecords"): "ListRecords",
        ("POST", "/Record"): "UpdateRecord",
    }
    name = operations.get((method, match["rest"]))
    return (name, {"FeatureGroupName": match["name"]}) if name else None


def answer(method: str, path: str, query: Mapping[str, Sequence[str]], body: bytes) -> Record:
    """Answer a request of the runtime; ApiError if it is none."""
    found = operation_of(method, path)
    if found is None:
        raise ApiError("UnknownOperationException", f"the local cloud does not emulate SageMaker's {method} {path}.")
    name, request = found
    request |= {member: query[key][0] for key, member in _IN_QUERY.items() if key in query}
    request |= {member: list(query[key]) for key, member in _LISTS_IN_QUERY.items() if key in query}
    request |= json.loads(body) if body else {}
    try:
        return API.call(name, OPERATIONS[name], request)
    except ApiError as error:
        if error.code == "ResourceNotFound" and not API.has_error(name, error.code):
            raise ApiError("ValidationError", str(error)) from error
        raise


def _targets(group: FeatureGroup, request: Request) -> set[str]:
    """The stores that are meant: those named, or else all the group has."""
    has = {name for name, store in ((ONLINE, group.online), (OFFLINE, group.offline)) if store}
    wanted = set(request.get("TargetStores") or has)
    if missing := sorted(wanted - has):
        raise invalid(
            f"TargetStores has {', '.join(missing)}, but {group.description['FeatureGroupName']} has "
            f"{' and '.join(sorted(has)) or 'no store'} only."
        )
    return wanted


def _put(request: Request) -> None:
    group = find_group(request["FeatureGroupName"])
    targets, invoked = _targets(group, request), utc_now()
    try:
        record = read_record(group.description, request["Record"])
    except RecordError as error:
        raise invalid(str(error)) from error
    if group.online and ONLINE in targets:
        default = group.description["OnlineStoreConfig"].get("TtlDuration")
        group.online.put(record, request.get("TtlDuration") or default)
    if group.offline and OFFLINE in targets:
        group.offline.accept(Write(record.values, record.moment, invoked))


def _delete(request: Request) -> None:
    """Delete from the online store, and append a mark of the deletion to the offline store.

    A soft deletion that is not newer than the record leaves the record, and its mark is written all the same; a hard
    deletion that is not newer is refused.
    """
    group = find_group(request["FeatureGroupName"])
    description, identifier, event_time = (
        group.description,
        request["RecordIdentifierValueAsString"],
        request["EventTime"],
    )
    targets, invoked = _targets(group, request), utc_now()
    marker = {description["RecordIdentifierFeatureName"]: identifier, description["EventTimeFeatureName"]: event_time}
    try:
        moment = read_event_time(description, event_time)
        read_record(description, [{"FeatureName": name, "ValueAsString": value} for name, value in marker.items()])
    except RecordError as error:
        raise invalid(str(error)) from error
    if group.online and ONLINE in targets:
        if request.get("DeletionMode") != "HardDelete":
            group.online.soft_delete(identifier, moment)
        elif not group.online.hard_delete(identifier, moment):
            raise invalid(f"EventTime is {event_time}, which is not later than the record's. Nothing was deleted.")
    if group.offline and OFFLINE in targets:
        group.offline.accept(Write(marker, moment, invoked, deleted=True))


def _get(request: Request) -> Record:
    group = find_group(request["FeatureGroupName"])
    return _read(group, request["RecordIdentifierValueAsString"], request.get("FeatureNames"), request)


def _read(group: FeatureGroup, identifier: str, names: Sequence[str] | None, request: Request) -> Record:
    """The record's features that are asked for, or nothing."""
    description = group.description
    if group.online is None:
        raise invalid(f"{description['FeatureGroupName']} has no online store to read from.")
    defined = [definition["FeatureName"] for definition in description["FeatureDefinitions"]]
    if unknown := sorted(set(names or ()) - set(defined)):
        raise invalid(f"{', '.join(unknown)}: no feature of {description['FeatureGroupName']}.")
    stored = group.online.get(identifier)
    return _readable(stored, names or defined, request) if stored else {}


def _readable(stored: Stored, names: Sequence[str], request: Request) -> Record:
    values = stored.values or {}
    features = [{"FeatureName": name, "ValueAsString": values[name]} for name in names if name in values]
    found: Record = {"Record": features} if features else {}
    if stored.expires and request.get("ExpirationTimeResponse") == "Enabled":
        found["ExpiresAt"] = f"{stored.expires:%Y-%m-%dT%H:%M:%SZ}"
    return found


def _batch_get(request: Request) -> Record:
    """Every record found; one that is not there is left out, and a group that is not is an error of its records."""
    records, errors = [], []
    for wanted in request["Identifiers"]:
        name = wanted["FeatureGroupName"]
        for identifier in wanted["RecordIdentifiersValueAsString"]:
            place = {"FeatureGroupName": name, "RecordIdentifierValueAsString": identifier}
            try:
                found = _read(find_group(name), identifier, wanted.get("FeatureNames"), request)
            except ApiError as error:
                errors.append({**place, "ErrorCode": error.code, "ErrorMessage": str(error)})
                continue
            if "Record" in found:
                records.append({**place, **found})
    return {"Records": records, "Errors": errors, "UnprocessedIdentifiers": []}


def _batch_write(request: Request) -> Record:
    """Put each record on its own: one that is refused does not keep the others back."""
    errors = []
    for entry in request["Entries"]:
        try:
            _put({"TtlDuration": request.get("TtlDuration"), **entry})
        except ApiError as error:
            errors.append({"Entry": entry, "ErrorCode": error.code, "ErrorMessage": str(error)})
    return {"Errors": errors, "UnprocessedEntries": []}


def _list(request: Request) -> Record:
    group = find_group(request["FeatureGroupName"])
    if group.online is None:
        raise invalid(f"{group.description['FeatureGroupName']} has no online store to read from.")
    last = base64.b64decode(request["NextToken"]).decode() if "NextToken" in request else ""
    found = _after(last, group.online.identifiers(deleted=request.get("IncludeSoftDeletedRecords", False)))
    size = request.get("MaxResults", _DEFAULT_PAGE)
    page: Record = {"RecordIdentifiers": found[:size]}
    if found[size:]:
        page["NextToken"] = base64.b64encode(found[size - 1].encode()).decode()
    return page


def _after(last: str, identifiers: Iterator[str]) -> list[str]:
    return [identifier for identifier in identifiers if identifier > last]


def _update(request: Request) -> None:
    """Refuse: no store type here has partial updates."""
    storage = find_group(request["FeatureGroupName"]).description.get("OnlineStoreConfig", {}).get("StorageType")
    if storage in (None, "Standard"):
        raise invalid("UpdateRecord needs a group of StorageType Standard_V2 or InMemory; this one is Standard.")
    raise invalid("the local cloud does not emulate UpdateRecord; read the record, and put it whole.")


OPERATIONS: Mapping[str, Operation] = {
    "PutRecord": _put,
    "GetRecord": _get,
    "DeleteRecord": _delete,
    "BatchGetRecord": _batch_get,
    "BatchWriteRecord": _batch_write,
    "ListRecords": _list,
    "UpdateRecord": _update,
}
