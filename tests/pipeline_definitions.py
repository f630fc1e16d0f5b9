"""Pipeline definitions judged without AWS: their form, their references, and every request that a run would send.

The form is judged by ``tests/schemas/pipeline_definition.json``, a schema of our own, written from
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching-enabling.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-experiments.html and what the SageMaker Python SDK writes
(https://github.com/aws/sagemaker-python-sdk/tree/0097221/src/sagemaker/workflow). The schema that AWS published,
https://github.com/aws-sagemaker-mlops/sagemaker-model-building-pipeline-definition-JSON-schema at 02a0602, holds
no licence, so no copy of it lies here. It lags too. What it refuses although the service's documentation or
SDK has it:

- ``Tuning`` and ``Fail`` as steps of the pipeline, conditions within branches, ``Not``, ``In`` as the SDK writes it;
- ``Std:Join`` as an argument, and ``Std:JsonGet`` anywhere;
- ``PropertyFiles``, ``CacheConfig``, ``PipelineExperimentConfig``, ``EnumValues``, lists of exception types;
- members of requests: a processing input's ``DatasetDefinition``, a training job's ``Environment`` and
  ``ProfilerConfig``, the strategies ``Hyperband`` and ``Grid``, a registration's ``ModelApprovalStatus``.

Hence what a step's Arguments may hold is judged by botocore's model of the operation they go to, which is current.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import fastjsonschema
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from practice.local_cloud.sagemaker.api import ApiError
from practice.local_cloud.sagemaker.model import Api
from practice.local_cloud.sagemaker.pipeline_definition import Definition, Step, read
from practice.local_cloud.sagemaker.pipeline_steps import JOBS, job_request
from practice.local_cloud.sagemaker.pipeline_values import at, outcome, resolve, segments

Json = dict[str, Any]

_SCHEMA = Path(__file__).parent / "schemas" / "pipeline_definition.json"
_API = Api("sagemaker", "ValidationException")
_EXECUTION_ID = "kytlemm1lvpq"
_EXECUTION = {
    "StartDateTime": "2026-01-01T00:00:00+00:00",
    "CurrentDateTime": "2026-01-01T00:00:00+00:00",
    "PipelineName": "churn",
    "PipelineArn": "arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn",
    "PipelineExecutionId": _EXECUTION_ID,
    "PipelineExecutionArn": f"arn:aws:sagemaker:us-east-1:111122223333:pipeline/churn/execution/{_EXECUTION_ID}",
}
_OF_TYPE = {"String": "placeholder", "Integer": 1, "Float": 0.5, "Boolean": True}
_LIKE = {"Arn": "arn:aws:sagemaker:us-east-1:111122223333:placeholder/x", "Uri": "s3://placeholder/x"}
"""Texts by a part of their shape's name."""
_OF_SHAPE = {"integer": 1, "long": 1, "float": 0.5, "double": 0.5, "boolean": True}


@dataclass(frozen=True)
class Sent:
    """A request that a run would send, with values that stand in for those that only a run knows."""

    step: str
    operation: str
    request: Json


def complaints(text: str) -> list[str]:
    """All that is wrong with a definition, a sentence each: nothing, if it could be deployed and run.

    The form is judged first: of what has none, nothing else is said.
    """
    try:
        _fits_the_schema()(json.loads(text))
        definition = read(text)
    except (ValueError, fastjsonschema.JsonSchemaException, ApiError) as error:
        return [str(error)]
    return [
        *(f"Step {name}: a property file is read outside of a condition." for name in _reads_files(json.loads(text))),
        *(complaint for step in definition.steps.values() for complaint in _of_step(step, definition)),
    ]


def requests(text: str) -> list[Sent]:
    """The requests that a run of a good definition would send, every branch taken."""
    definition = read(text)
    return [sent for step in definition.steps.values() if (sent := _sent(step, definition))]


def _reads_files(definition: Json) -> Iterator[str]:
    """The steps that read a property file anywhere but in the values that a condition compares.

    AWS documents ``Std:JsonGet`` for conditions; whether it stands elsewhere, no page and no example shows.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html
    """
    for step in definition["Steps"]:
        arguments = step.get("Arguments", {})
        if step["Type"] != "Condition":
            if "Std:JsonGet" in json.dumps(arguments):
                yield step["Name"]
            continue
        for branch in ("IfSteps", "ElseSteps"):
            yield from _reads_files({"Steps": arguments.get(branch, [])})


@cache
def _fits_the_schema() -> Any:
    return fastjsonschema.compile(json.loads(_SCHEMA.read_text(encoding="utf-8")))


def _of_step(step: Step, definition: Definition) -> Iterator[str]:
    try:
        sent = _sent(step, definition)
        if step.type == "Condition":
            for condition in step.arguments["Conditions"]:
                outcome(condition, Placeholders(definition))
    except ValueError as error:
        yield f"Step {step.name}: {error}"
        return
    if sent:
        yield from (f"Step {sent.step}, {sent.operation}: {complaint}" for complaint in _refused(sent))


def _refused(sent: Sent) -> list[str]:
    """What botocore refuses to send; if nothing, what the service would refuse: values, patterns and ranges."""
    shape: Any = _model().operation_model(sent.operation).input_shape
    report = ParamValidator().validate(sent.request, shape)
    if report.has_errors():
        return str(report.generate_report()).splitlines()
    try:
        _API.call(sent.operation, lambda _: None, sent.request)
    except ApiError as error:
        return [str(error)]
    return []


def _sent(step: Step, definition: Definition) -> Sent | None:
    values = Placeholders(definition)
    arguments = resolve(step.arguments, values) if step.type != "Condition" else {}
    if step.type == "RegisterModel":
        return Sent(step.name, "CreateModelPackage", arguments)
    if step.type not in JOBS:
        return None
    job = JOBS[step.type]
    experiment = resolve(definition.experiment, values)
    return Sent(step.name, job.create, job_request(job, job.name(_EXECUTION_ID, step.name), arguments, experiment))


@dataclass(frozen=True)
class Placeholders:
    """Stand-ins of the right type. A step's properties are those of the shape that describes what it made."""

    definition: Definition

    def get(self, path: str) -> Any:
        root, name, *rest = path.split(".", 2)
        if root == "Parameters":
            parameter = self.definition.parameters[name]
            return _OF_TYPE[parameter.type] if parameter.default is None else parameter.default
        if root == "Execution":
            return _EXECUTION[name]
        return _property(self.definition.steps[name], rest[0], path, self)

    def property_file(self, path: str) -> Any:
        return _AnyDocument(0.5)


class _AnyDocument(float):
    """A JSON document that has a number wherever one is looked for."""

    def __getitem__(self, key: str | int) -> float:
        return self


def _property(step: Step, path: str, reference: str, values: Placeholders) -> Any:
    """What a step's property is if the step asks for it, and else what stands in for it.

    That is of the type that the description of what the step makes has there.
    """
    if step.type == "Condition" and path == "Outcome":
        return "True"
    if step.type in JOBS:
        described = JOBS[step.type].describe
    elif step.type == "RegisterModel":
        described = "DescribeModelPackage"
    else:
        raise ValueError(f"{reference}: a {step.type} step has no such property.")
    shape = _model().operation_model(described).output_shape
    keys = segments(path)
    for key in keys:
        shape = _inner(shape, key, f"{reference}: {described}")
    if keys[0] in step.arguments:
        return resolve(at(step.arguments, path, f"what step {step.name} asks for"), values)
    return _stand_in(shape)


def _inner(shape: Any, key: str | int, where: str) -> Any:
    if shape.type_name == "list":
        return shape.member
    members = getattr(shape, "members", {})
    if key not in members:
        raise ValueError(f"{where} answers with no {key} there; it has {', '.join(members) or 'a value'}.")
    return members[key]


def _stand_in(shape: Any) -> Any:
    if shape.type_name == "string":
        like = next((text for part, text in _LIKE.items() if part in shape.name), "placeholder")
        return shape.enum[0] if shape.enum else like
    if shape.type_name not in _OF_SHAPE:
        raise ValueError(f"a {shape.type_name} ({shape.name}) is no single value; refer to what is in it.")
    return _OF_SHAPE[shape.type_name]


@cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("sagemaker")
