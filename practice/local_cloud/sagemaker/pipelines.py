"""SageMaker Pipelines: definitions that are kept and executions that really run.

Refused, since nothing stands behind it: versions of a pipeline, selective execution, definitions in S3, MLflow.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreatePipeline.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StartPipelineExecution.html. Not documented: the order of
a list without SortOrder; here the latest execution and the latest step come first, as notebooks of AWS show them.
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Iterable, Mapping

from practice.local_cloud.sagemaker import tags
from practice.local_cloud.sagemaker.api import (
    ApiError,
    Operation,
    Record,
    Records,
    Request,
    arn,
    invalid,
    not_found,
    page,
)
from practice.local_cloud.sagemaker.pipeline_definition import read
from practice.local_cloud.sagemaker.pipeline_execution import Execution
from practice.local_cloud.sagemaker.pipeline_values import text_of

_PIPELINES: Records[str, Record] = Records()
_EXECUTIONS: Records[str, Execution] = Records()
_STARTED: Records[tuple[str, str], str] = Records()
"""The executions' ARNs by what was started or retried, and ClientRequestToken."""

_REFUSED = ("MlflowExperimentName", "PipelineDefinitionS3Location", "PipelineVersionId", "SelectiveExecutionConfig")
_UPDATED = ("PipelineDefinition", "PipelineDescription", "PipelineDisplayName", "RoleArn", "ParallelismConfiguration")


def _conflict(message: str) -> ApiError:
    return ApiError("ConflictException", message)


def _check(request: Request) -> None:
    if refused := [name for name in _REFUSED if name in request]:
        raise invalid(f"the local cloud does not emulate {', '.join(refused)} of a pipeline; leave it out.")


def _pipeline(request: Request) -> Record:
    """The pipeline by its name or ARN."""
    name = request["PipelineName"].rpartition("/")[2]
    try:
        return _PIPELINES.here[name]
    except KeyError:
        raise not_found(f"Pipeline {arn(f'pipeline/{name}')} does not exist.") from None


def _execution(request: Request) -> Execution:
    found = _EXECUTIONS.here.get(request.get("PipelineExecutionArn", ""))
    if found is None:
        raise not_found(f"Pipeline execution {request.get('PipelineExecutionArn')} does not exist.")
    return found


def _executions(pipeline: Record) -> list[Execution]:
    return [e for e in _EXECUTIONS.here.values() if e.record["PipelineArn"] == pipeline["Arn"]]


# -- pipelines


def _create(request: Request) -> Record:
    _check(request)
    name = request["PipelineName"]
    if name in _PIPELINES.here:
        raise invalid(
            "Pipeline names must be unique within an AWS account and region. "
            f"Pipeline with name ({name}) already exists."
        )
    if "PipelineDefinition" not in request:
        raise invalid("PipelineDefinition is missing.")
    read(request["PipelineDefinition"])
    now = time.time()
    _PIPELINES.here[name] = record = {
        "PipelineDisplayName": name,
        **request,
        "PipelineArn": arn(f"pipeline/{name}"),
        "Arn": arn(f"pipeline/{name}"),
        "PipelineStatus": "Active",
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": {},
    }
    tags.attach(record["Arn"], request.get("Tags"))
    return record


def _describe(request: Request) -> Record:
    _check(request)
    return _pipeline(request)


def _update(request: Request) -> Record:
    """What runs already goes on with the definition it was started with."""
    _check(request)
    record = _pipeline(request)
    if "PipelineDefinition" in request:
        read(request["PipelineDefinition"])
    record.update({name: request[name] for name in _UPDATED if name in request}, LastModifiedTime=time.time())
    return record


def _list(request: Request) -> Record:
    prefix = request.get("PipelineNamePrefix", "")
    found = [record for record in _PIPELINES.here.values() if record["PipelineName"].startswith(prefix)]
    return page(request, "PipelineSummaries", _created(request, found), name="PipelineName")


def _created(request: Request, records: Iterable[Record]) -> list[Record]:
    after, before = request.get("CreatedAfter", float("-inf")), request.get("CreatedBefore", float("inf"))
    return [record for record in records if after <= record["CreationTime"] <= before]


def _delete(request: Request) -> Record:
    """A pipeline is deleted with its executions, unless one of them runs."""
    record = _pipeline(request)
    executions = _executions(record)
    if running := [e.record["PipelineExecutionArn"] for e in executions if e.runs]:
        raise _conflict(
            f"Pipeline {record['Arn']} cannot be deleted while it has running executions. "
            f"Stop first: {', '.join(running)}."
        )
    for execution in executions:
        del _EXECUTIONS.here[execution.record["PipelineExecutionArn"]]
    del _PIPELINES.here[record["PipelineName"]]
    tags.forget(record["Arn"])
    return record


# -- executions


def _start(request: Request) -> Record:
    """Started again with the same token, it answers with the execution that was started."""
    _check(request)
    pipeline = _pipeline(request)
    key = pipeline["Arn"], request["ClientRequestToken"]
    started = _EXECUTIONS.here.get(_STARTED.here.get(key, ""))
    if started is None:
        started = _new_execution(pipeline, request)
        _STARTED.here[key] = started.record["PipelineExecutionArn"]
        started.start()
    return started.record


def _new_execution(pipeline: Record, request: Request) -> Execution:
    text = pipeline["PipelineDefinition"]
    definition = read(text)
    parameters = definition.values(request.get("PipelineParameters", ()))
    now, identity = time.time(), "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
    execution_arn = f"{pipeline['Arn']}/execution/{identity}"
    record = {
        "PipelineExecutionDisplayName": f"execution-{int(now * 1000)}",
        "ParallelismConfiguration": pipeline.get("ParallelismConfiguration"),
        **request,
        "PipelineName": pipeline["PipelineName"],
        "PipelineArn": pipeline["Arn"],
        "PipelineExecutionArn": execution_arn,
        "Arn": execution_arn,
        "PipelineExecutionStatus": "Executing",
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": {},
    }
    pipeline["LastRunTime"] = pipeline["LastExecutionTime"] = now
    _EXECUTIONS.here[execution_arn] = execution = Execution(record, definition, text, parameters)
    return execution


def _describe_execution(request: Request) -> Record:
    return _execution(request).record


def _list_executions(request: Request) -> Record:
    records = _created(request, [execution.record for execution in _executions(_pipeline(request))])
    summaries = [
        record | {"StartTime": record["CreationTime"], "PipelineExecutionFailureReason": record.get("FailureReason")}
        for record in records
    ]
    return page({"SortOrder": "Descending", **request}, "PipelineExecutionSummaries", summaries)


def _list_steps(request: Request) -> Record:
    latest_first = {"SortOrder": "Descending", **request, "SortBy": "StartTime"}
    return page(latest_first, "PipelineExecutionSteps", list(_execution(request).steps))


def _definition(request: Request) -> Record:
    execution = _execution(request)
    return {"PipelineDefinition": execution.text, "CreationTime": execution.record["CreationTime"]}


def _list_parameters(request: Request) -> Record:
    values = _execution(request).parameters.items()
    records = [{"Name": name, "Value": text_of(value), "Arn": name} for name, value in values]
    return page(request, "PipelineParameters", records)


def _retry(request: Request) -> Record:
    """Retried again with the same token, it answers and does nothing more."""
    execution = _execution(request)
    key = execution.record["PipelineExecutionArn"], request["ClientRequestToken"]
    if key not in _STARTED.here:
        if not execution.retry():
            status = execution.record["PipelineExecutionStatus"]
            raise _conflict(f"{key[0]} is {status}; only what is Failed or Stopped can be retried.")
        _STARTED.here[key] = key[0]
    return execution.record


def _stop(request: Request) -> Record:
    execution = _execution(request)
    record = execution.record
    if not execution.stop():
        raise _conflict(
            f"{record['Arn']} is {record['PipelineExecutionStatus']}; only what is Executing can be stopped."
        )
    return record


OPERATIONS: Mapping[str, Operation] = {
    "CreatePipeline": _create,
    "DescribePipeline": _describe,
    "UpdatePipeline": _update,
    "ListPipelines": _list,
    "DeletePipeline": _delete,
    "StartPipelineExecution": _start,
    "DescribePipelineExecution": _describe_execution,
    "ListPipelineExecutions": _list_executions,
    "ListPipelineExecutionSteps": _list_steps,
    "DescribePipelineDefinitionForExecution": _definition,
    "ListPipelineParametersForExecution": _list_parameters,
    "RetryPipelineExecution": _retry,
    "StopPipelineExecution": _stop,
}
