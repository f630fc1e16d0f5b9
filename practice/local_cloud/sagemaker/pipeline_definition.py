"""Pipeline definitions: read, and refused when an execution could not follow them.

A definition that is read has steps of known types with members of known names, references to what exists, and an
order. What a step asks of a job is checked by the job's own operation when the step runs, as on AWS.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html and, for the JSON itself, what the
SageMaker Python SDK writes: https://github.com/aws/sagemaker-python-sdk/tree/0097221/src/sagemaker/workflow
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, NoReturn

from practice.local_cloud.sagemaker.api import Record, invalid

VERSION = "2020-12-01"
EXECUTION_VARIABLES = (
    "StartDateTime",
    "CurrentDateTime",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionId",
    "PipelineExecutionArn",
)
_MEMBERS = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps")
_OF_EVERY_STEP = ("Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description")
_OF_JOBS = (*_OF_EVERY_STEP, "RetryPolicies", "CacheConfig")
STEP_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "Processing": (*_OF_JOBS, "PropertyFiles"),
    "Training": _OF_JOBS,
    "Tuning": _OF_JOBS,
    "RegisterModel": (*_OF_EVERY_STEP, "RetryPolicies"),
    "Condition": _OF_EVERY_STEP,
    "Fail": _OF_EVERY_STEP,
}
"""The members that a step of each type can have. RetryPolicies and CacheConfig are accepted and change nothing."""

_BRANCHES = {"IfSteps": True, "ElseSteps": False}
_TYPES = {"String": str, "Integer": int, "Float": float, "Boolean": bool}


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    default: Any
    allowed: tuple[str, ...]

    def value(self, text: str) -> Any:
        """What a text given to an execution means; the API takes every value as text."""
        if self.allowed and text not in self.allowed:
            raise invalid(f"Parameter {self.name} is {text!r}; allowed: {', '.join(self.allowed)}.")
        if self.type == "Boolean" and text.lower() not in ("true", "false"):
            raise invalid(f"Parameter {self.name} is {text!r}; a Boolean is true or false.")
        try:
            return text.lower() == "true" if self.type == "Boolean" else _TYPES[self.type](text)
        except ValueError:
            raise invalid(f"Parameter {self.name} is {text!r}, which is no {self.type}.") from None


@dataclass(frozen=True)
class Step:
    """A step, wherever it stands: one of a condition's branches knows the condition and the outcome it waits for."""

    body: Record
    branch: tuple[str, bool] | None

    @property
    def name(self) -> str:
        return str(self.body["Name"])

    @property
    def type(self) -> str:
        return str(self.body["Type"])

    @property
    def arguments(self) -> Record:
        """Without the steps of a condition's branches, which are steps of their own."""
        return {name: value for name, value in self.body["Arguments"].items() if name not in _BRANCHES}

    @property
    def property_files(self) -> Mapping[str, Record]:
        return {file["PropertyFileName"]: file for file in self.body.get("PropertyFiles", ())}

    @property
    def waits_for(self) -> set[str]:
        referred = {path.split(".")[1] for path in references(self.arguments) if path.startswith("Steps.")}
        return {*self.body.get("DependsOn", ()), *referred, *([self.branch[0]] if self.branch else [])}


@dataclass(frozen=True)
class Definition:
    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]
    """In an order that has each step after those it waits for."""
    experiment: Record | None

    def values(self, given: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Every parameter's value in an execution that is started with these."""
        texts = {parameter["Name"]: parameter["Value"] for parameter in given}
        if unknown := sorted(texts.keys() - self.parameters.keys()):
            raise invalid(f"The pipeline has no parameter {', '.join(unknown)}; it has {_listed(self.parameters)}.")
        values = {
            name: parameter.value(texts[name]) if name in texts else parameter.default
            for name, parameter in self.parameters.items()
        }
        if missing := [name for name, value in values.items() if value is None]:
            raise invalid(f"Parameters without a default need a value: {', '.join(missing)}.")
        return values


def references(value: Any) -> Iterator[str]:
    """What ``{"Get": ...}`` refers to, at any depth."""
    if isinstance(value, Mapping):
        if set(value) == {"Get"}:
            yield value["Get"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def read(text: str) -> Definition:
    """The definition that a text holds; a text that holds none is refused with the reason."""
    try:
        body = json.loads(text)
    except ValueError as error:
        _refuse(f"It is no JSON: {error}.")
    _check_members(body, _MEMBERS, "the definition")
    if body.get("Version", VERSION) != VERSION:
        _refuse(f"Version is {body['Version']!r}; allowed: {VERSION}.")
    parameters = {p.name: p for p in map(_parameter, body.get("Parameters", ()))}
    steps: dict[str, Step] = {}
    for step in _steps(body.get("Steps", ()), None):
        if step.name in steps:
            _refuse(f"Step {step.name} is there twice; a step's name is unique, those of branches included.")
        steps[step.name] = step
    if not steps:
        _refuse("It has no Steps.")
    experiment = body.get("PipelineExperimentConfig")
    for path in references(experiment):
        _check_reference(path, "PipelineExperimentConfig", parameters, {})
    for step in steps.values():
        _check_step(step, parameters, steps)
    return Definition(parameters, {name: steps[name] for name in _order(steps)}, experiment)


def _steps(bodies: Iterable[Record], branch: tuple[str, bool] | None) -> Iterator[Step]:
    for body in bodies:
        if not isinstance(body, dict):
            _refuse(f"A step is {body!r}; it must be an object.")
        name, kind = str(body.get("Name")), str(body.get("Type"))
        if not re.fullmatch(r"[A-Za-z0-9\-_]{1,64}", name):
            _refuse(f"A step's Name is {name!r}; it is 1 to 64 letters, digits, hyphens and underscores.")
        if kind not in STEP_MEMBERS:
            _refuse(f"Step {name} has the Type {kind!r}; the local cloud emulates {_listed(STEP_MEMBERS)}.")
        _check_members(body, STEP_MEMBERS[kind], f"step {name}")
        if not isinstance(body.get("Arguments"), dict):
            _refuse(f"Step {name} has no Arguments.")
        yield Step(body, branch)
        if kind == "Condition":
            for member, outcome in _BRANCHES.items():
                yield from _steps(body["Arguments"].get(member, ()), (name, outcome))


def _parameter(body: Record) -> Parameter:
    name, kind, default = body.get("Name"), body.get("Type", "String"), body.get("DefaultValue")
    _check_members(body, ("Name", "Type", "DefaultValue", "Description", "EnumValues"), f"parameter {name}")
    if kind not in _TYPES:
        _refuse(f"Parameter {name} has the Type {kind!r}; allowed: {_listed(_TYPES)}.")
    whole_for_float = kind == "Float" and type(default) is int
    if default is not None and type(default) is not _TYPES[kind] and not whole_for_float:
        _refuse(f"Parameter {name} has the DefaultValue {default!r}, which is no {kind}.")
    return Parameter(str(name), kind, default, tuple(body.get("EnumValues", ())))


def _check_step(step: Step, parameters: Mapping[str, Parameter], steps: Mapping[str, Step]) -> None:
    for name in step.body.get("DependsOn", ()):
        if name not in steps:
            _refuse(f"Step {step.name} depends on {name}, which is no step; there are {_listed(steps)}.")
    for path in references(step.arguments):
        _check_reference(path, f"step {step.name}", parameters, steps)


def _check_reference(path: str, where: str, parameters: Mapping[str, Parameter], steps: Mapping[str, Step]) -> None:
    root, _, rest = path.partition(".")
    name, _, rest = rest.partition(".")
    known: Mapping[str, Iterable[str]] = {"Parameters": parameters, "Execution": EXECUTION_VARIABLES, "Steps": steps}
    if root not in known:
        _refuse(f"{where} refers to {path}; a reference starts with {_listed(known)}.")
    if name not in known[root]:
        _refuse(f"{where} refers to {path}, but {root} has no {name}; it has {_listed(known[root])}.")
    if root == "Steps":
        member, _, file = rest.partition(".")
        if not member:
            _refuse(f"{where} refers to {path}; name a property of the step.")
        if member == "PropertyFiles" and file not in steps[name].property_files:
            _refuse(f"{where} refers to {path}, but step {name} has no property file {file}.")


def _order(steps: Mapping[str, Step]) -> list[str]:
    try:
        return list(TopologicalSorter({name: step.waits_for for name, step in steps.items()}).static_order())
    except CycleError as error:
        _refuse(f"Steps wait for each other: {' -> '.join(reversed(error.args[1]))}.")


def _check_members(body: Any, allowed: Iterable[str], where: str) -> None:
    if not isinstance(body, dict):
        _refuse(f"{where} is {body!r}; it must be an object.")
    if unknown := [name for name in body if name not in allowed]:
        _refuse(f"{where} has {', '.join(unknown)}; it can have {_listed(allowed)}.")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _refuse(reason: str) -> NoReturn:
    raise invalid(f"Unable to parse pipeline definition. {reason[0].upper()}{reason[1:]}")
