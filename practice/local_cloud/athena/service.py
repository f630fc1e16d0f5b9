"""Athena of the local cloud: queries really run, over the objects that the catalog's partitions hold.

MiniStack keeps the workgroups, named queries and executions and answers the calls that list and get them. Replaced
is what runs a query, what reads its results, and what deletes a workgroup. Added is the resource type
AWS::Athena::NamedQuery.

Not emulated: IAM, KMS (the key is recorded on the result object, nothing is encrypted), result reuse, metrics, the
``.metadata`` file beside a result, and statements that say so when they fail.

Source: https://docs.aws.amazon.com/athena/latest/APIReference/Welcome.html
"""

from __future__ import annotations

import functools
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlglot import exp

from practice.local_cloud import background
from practice.local_cloud.athena.catalog import Location
from practice.local_cloud.athena.engine import Engine
from practice.local_cloud.athena.errors import (
    SYSTEM,
    BytesScannedLimitError,
    InvalidRequestError,
    QueryFailedError,
)
from practice.local_cloud.athena.results import Result
from practice.local_cloud.athena.sql import parse
from practice.local_cloud.athena.statements import Statement, names_a_place, put_object
from practice.local_cloud.hooks import ATHENA, GLUE, RESPONSES, S3

Response = tuple[int, dict[str, str], bytes]
_ENGINE_VERSION = "Athena engine version 3"
_LARGEST_PAGE = 1000
_INTERNAL_ERROR = 200


def _answer(status: int, body: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def _api(call: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Callable[[dict[str, Any]], Response]:
    """An API operation: its answer, or its InvalidRequestException."""

    @functools.wraps(call)
    def operation(request: dict[str, Any]) -> Response:
        try:
            return _answer(200, call(request))
        except InvalidRequestError as error:
            code = {"AthenaErrorCode": error.athena_error_code} if error.athena_error_code else {}
            return _answer(400, {"__type": "InvalidRequestException", "message": str(error), **code})

    return operation


def _work_group(name: str) -> dict[str, Any]:
    group: dict[str, Any] | None = ATHENA._workgroups.get(name)
    if group is None:
        raise InvalidRequestError(f"WorkGroup {name} is not found.")
    return group


def _is_enforced(group: Mapping[str, Any]) -> bool:
    return str((group.get("Configuration") or {}).get("EnforceWorkGroupConfiguration", False)).lower() == "true"


def _result_configuration(group: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The workgroup's where it is enforced, else the client's, else the workgroup's."""
    configuration = group.get("Configuration") or {}
    own = configuration.get("ResultConfiguration") or {}
    asked = request.get("ResultConfiguration") or {}
    chosen = own if _is_enforced(group) or not asked.get("OutputLocation") else asked
    if not chosen.get("OutputLocation"):
        raise InvalidRequestError(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    bucket = Location.parse(chosen["OutputLocation"]).bucket
    owner = chosen.get("ExpectedBucketOwner")
    if bucket not in S3._buckets or (owner and owner != RESPONSES.get_account_id()):
        raise InvalidRequestError(f"Unable to verify/create output bucket {bucket}")
    return dict(chosen)


def _encryption_headers(configuration: Mapping[str, Any]) -> dict[str, str]:
    encryption = configuration.get("EncryptionConfiguration") or {}
    match encryption.get("EncryptionOption"):
        case None:
            return {}
        case "SSE_S3":
            return {"x-amz-server-side-encryption": "AES256"}
        case "SSE_KMS":
            return {
                "x-amz-server-side-encryption": "aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id": encryption["KmsKey"],
            }
        case other:
            raise InvalidRequestError(f"the local cloud does not emulate {other} results; use SSE_KMS or SSE_S3")


def _statement_type(expression: exp.Expr) -> str:
    unloads = isinstance(expression, exp.Command) and expression.name.upper() == "UNLOAD"
    if unloads or isinstance(expression, (exp.Query, exp.Insert)):
        return "DML"
    return "DDL" if isinstance(expression, (exp.Create, exp.Drop)) else "UTILITY"


@_api
def start_query_execution(request: dict[str, Any]) -> Mapping[str, Any]:
    """Check the request, then run the query in a thread; a statement that cannot be parsed never starts.

    Source of the refusal of a place beside an enforced one: https://github.com/dbt-labs/dbt-athena/issues/176
    """
    name = request.get("WorkGroup") or "primary"
    group = _work_group(name)
    if group.get("State") == "DISABLED":
        raise InvalidRequestError(f"WorkGroup {name} is disabled.")
    configuration = _result_configuration(group, request)
    headers = _encryption_headers(configuration)
    expression = parse(request["QueryString"], request.get("ExecutionParameters"))
    if _is_enforced(group) and names_a_place(expression):
        raise InvalidRequestError(
            "The Create Table As Select query failed because it was submitted with an 'external_location' property to "
            "an Athena Workgroup that enforces a centralized output location for all queries. Please remove the "
            "'external_location' property and resubmit the query."
        )
    limit = (group.get("Configuration") or {}).get("BytesScannedCutoffPerQuery")
    query_id = str(uuid.uuid4())
    folder = configuration["OutputLocation"].rstrip("/") + "/"
    kind = _statement_type(expression)
    context = {"Catalog": "AwsDataCatalog", "Database": "default", **(request.get("QueryExecutionContext") or {})}
    context["Database"] = context["Database"].lower()
    engine = Engine(int(limit) if limit else None)
    execution: dict[str, Any] = {
        "QueryExecutionId": query_id,
        "Query": request["QueryString"],
        "StatementType": kind,
        "ResultConfiguration": {
            **configuration,
            "OutputLocation": f"{folder}{query_id}.{'csv' if kind == 'DML' else 'txt'}",
        },
        "QueryExecutionContext": context,
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
        "Statistics": {"DataScannedInBytes": 0, "EngineExecutionTimeInMillis": 0, "TotalExecutionTimeInMillis": 0},
        "WorkGroup": name,
        "EngineVersion": {"SelectedEngineVersion": _ENGINE_VERSION, "EffectiveEngineVersion": _ENGINE_VERSION},
        "_engine": engine,
        "_result": None,
    }
    ATHENA._executions[query_id] = execution
    statement = Statement(expression, request["QueryString"], context["Database"], engine, query_id, folder)
    background.start(f"athena-{query_id}", _run, execution, statement, headers)
    return {"QueryExecutionId": query_id}


def _run(execution: dict[str, Any], statement: Statement, headers: dict[str, str]) -> None:
    status, statistics = execution["Status"], execution["Statistics"]
    if status["State"] == "CANCELLED":
        return
    status["State"] = "RUNNING"
    started = time.monotonic()
    try:
        result = statement.run()
        location = Location.parse(execution["ResultConfiguration"]["OutputLocation"])
        put_object(location.bucket, location.prefix.rstrip("/"), result.file(), headers)
        outcome: dict[str, Any] = {"State": "SUCCEEDED"}
        execution["_result"] = result
        statistics["DataScannedInBytes"] = result.scanned_bytes
    except BytesScannedLimitError as error:
        statistics["DataScannedInBytes"] = error.limit
        outcome = {"State": "CANCELLED", "StateChangeReason": str(error)}
    except QueryFailedError as error:
        outcome = _failed(str(error), error.category, error.error_type)
    except Exception as error:
        message = f"INTERNAL_ERROR of the local cloud: {type(error).__name__}: {error}"
        outcome = _failed(message, SYSTEM, _INTERNAL_ERROR)
    milliseconds = int((time.monotonic() - started) * 1000)
    statistics.update(EngineExecutionTimeInMillis=milliseconds, TotalExecutionTimeInMillis=milliseconds)
    if status["State"] != "CANCELLED":
        status.update(outcome, CompletionDateTime=time.time())


def _failed(message: str, category: int, error_type: int) -> dict[str, Any]:
    details = {"ErrorCategory": category, "ErrorType": error_type, "Retryable": False, "ErrorMessage": message}
    return {"State": "FAILED", "StateChangeReason": message, "AthenaError": details}


def _execution(request: Mapping[str, Any]) -> dict[str, Any]:
    execution: dict[str, Any] | None = ATHENA._executions.get(request.get("QueryExecutionId"))
    if execution is None:
        raise InvalidRequestError(f"QueryExecution {request.get('QueryExecutionId')} was not found")
    return execution


@_api
def get_query_results(request: dict[str, Any]) -> Mapping[str, Any]:
    """One page of at most 1000 rows. The first row of a query's results names the columns."""
    execution = _execution(request)
    state = execution["Status"]["State"]
    if state in ("QUEUED", "RUNNING"):
        raise InvalidRequestError(f"Query has not yet finished. Current state: {state}")
    result: Result | None = execution["_result"]
    if result is None:
        raise InvalidRequestError(f"Query did not finish successfully. Final query state: {state}")
    size = request.get("MaxResults", _LARGEST_PAGE)
    if not 1 <= size <= _LARGEST_PAGE:
        raise InvalidRequestError(f"MaxResults is {size}; allowed: 1 to {_LARGEST_PAGE}")
    rows, following = result.page(int(request.get("NextToken") or 0), size)
    answer: dict[str, Any] = {
        "ResultSet": {"Rows": rows, "ResultSetMetadata": {"ColumnInfo": [c.info() for c in result.columns]}},
        "UpdateCount": result.updated_rows or 0,
    }
    return answer if following is None else {**answer, "NextToken": str(following)}


def get_table_metadata(original: Callable[[dict[str, Any]], Response], request: dict[str, Any]) -> Response:
    """Fails for a table that does not exist; MiniStack answers with an empty one."""
    database, table = request.get("DatabaseName", ""), request.get("TableName", "")
    if f"{database}/{table}" not in GLUE._tables:
        return _answer(400, {"__type": "MetadataException", "message": f"Table {database}.{table} was not found"})
    return original(request)


@_api
def stop_query_execution(request: dict[str, Any]) -> Mapping[str, Any]:
    execution = _execution(request)
    status = execution["Status"]
    if status["State"] in ("QUEUED", "RUNNING"):
        status.update(
            State="CANCELLED", StateChangeReason="Query was cancelled by user", CompletionDateTime=time.time()
        )
        execution["_engine"].stop()
    return {}


@_api
def delete_work_group(request: dict[str, Any]) -> Mapping[str, Any]:
    """Refuses a workgroup that holds named queries or executions, unless RecursiveDeleteOption is set."""
    name = request.get("WorkGroup", "")
    if name == "primary":
        raise InvalidRequestError("Cannot delete the primary WorkGroup.")
    _work_group(name)
    contents = [
        (store, key)
        for store in (ATHENA._named_queries, ATHENA._executions)
        for key, entry in store.items()
        if entry["WorkGroup"] == name
    ]
    if contents and str(request.get("RecursiveDeleteOption", False)).lower() != "true":
        raise InvalidRequestError(f"WorkGroup {name} is not empty")
    for store, key in contents:
        del store[key]
    del ATHENA._workgroups[name]
    ATHENA._tags.pop(ATHENA._arn_workgroup(name), None)
    return {}


def _delete_work_group_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    if physical_id not in ATHENA._workgroups:
        return
    recursive = properties.get("RecursiveDeleteOption", False)
    status, _, body = delete_work_group({"WorkGroup": physical_id, "RecursiveDeleteOption": recursive})
    if status >= 400:
        raise ValueError(json.loads(body)["message"])


def _create_named_query(_: str, properties: Mapping[str, Any], __: str) -> tuple[str, dict[str, Any]]:
    ATHENA._ensure_default_workgroup()
    query = {
        "Name": properties.get("Name", ""),
        "Description": properties.get("Description", ""),
        "Database": properties["Database"],
        "QueryString": properties["QueryString"],
        "WorkGroup": properties.get("WorkGroup") or "primary",
    }
    try:
        _work_group(query["WorkGroup"])
    except InvalidRequestError as error:
        raise ValueError(str(error)) from error
    query_id = str(uuid.uuid4())
    ATHENA._named_queries[query_id] = {**query, "NamedQueryId": query_id}
    return query_id, {"NamedQueryId": query_id}


def _replace_named_query(
    _: str, __: Mapping[str, Any], new: Mapping[str, Any], stack: str
) -> tuple[str, dict[str, Any]]:
    """Every property is replaced, never updated; CloudFormation then deletes the old query."""
    return _create_named_query("", new, stack)


def _delete_named_query(physical_id: str, _: Mapping[str, Any]) -> None:
    ATHENA._named_queries.pop(physical_id, None)


RESOURCE_HANDLERS: dict[str, Any] = {
    "AWS::Athena::NamedQuery": {
        "create": _create_named_query,
        "update": _replace_named_query,
        "delete": _delete_named_query,
    },
    "AWS::Athena::WorkGroup": {"delete": _delete_work_group_resource},
}
ROUTES: dict[tuple[str, str], Any] = {}


def install() -> None:
    ATHENA._start_query_execution = start_query_execution
    ATHENA._get_query_results = get_query_results
    ATHENA._get_table_metadata = functools.partial(get_table_metadata, ATHENA._get_table_metadata)
    ATHENA._stop_query_execution = stop_query_execution
    ATHENA._delete_workgroup = delete_work_group
