"""botocore's model of SageMaker's APIs: what a request may hold, and which members an answer has.

So an operation works on plain records: a member that an answer does not have is left out of it. botocore checks no
enumeration and no pattern before it sends a request; here both are, as on AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

import botocore.session
from botocore.model import ServiceModel

from practice.local_cloud.sagemaker.api import ApiError, Operation, Record, Request


class Api:
    """One of SageMaker's APIs, by the name botocore has for it."""

    def __init__(self, service: str, validation_error: str) -> None:
        self._service = service
        self._validation_error = validation_error

    @cached_property
    def _model(self) -> ServiceModel:
        return botocore.session.get_session().get_service_model(self._service)

    def call(self, name: str, operation: Operation, request: Request) -> Record:
        """Answer a request that fits the model."""
        model = self._model.operation_model(name)
        if found := list(_complaints(model.input_shape, request, "")):
            raise ApiError(self._validation_error, " ".join(found))
        answer = operation(request) or {}
        shaped: Record = _shaped(model.output_shape, answer) if model.output_shape else {}
        return shaped

    def has_error(self, operation: str, code: str) -> bool:
        """Whether the operation can answer with that error."""
        return code in {shape.name for shape in self._model.operation_model(operation).error_shapes}


def _complaints(shape: Any, value: Any, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            yield from _complaints_of_members(shape, value, f"{path}." if path else "")
        case "list":
            yield from _out_of_range(shape, len(value), f"{path} has %s items")
            for position, item in enumerate(value):
                yield from _complaints(shape.member, item, f"{path}.{position}")
        case "string":
            yield from _complaints_of_text(shape, value, path)
        case "integer" | "long":
            yield from _out_of_range(shape, value, f"{path} is %s")


def _complaints_of_members(shape: Any, value: Any, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"{path}{name} is missing."
    for name, item in value.items():
        if item is not None and name in shape.members:
            yield from _complaints(shape.members[name], item, f"{path}{name}")


def _complaints_of_text(shape: Any, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield f"{path} is {value!r}; allowed: {', '.join(shape.enum)}."
    yield from _out_of_range(shape, len(value), f"{path} has %s characters")
    pattern = _compiled(shape.metadata.get("pattern", ""))
    if pattern and not pattern.fullmatch(value):
        yield f"{path} is {value!r}; it must match {pattern.pattern}."


def _out_of_range(shape: Any, number: int, what: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and number < low:
        yield f"{what % number}; the least is {low}."
    if high is not None and number > high:
        yield f"{what % number}; the most is {high}."


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern, unless it is one that only Java understands."""
    try:
        return re.compile(pattern) if pattern else None
    except re.error:
        return None


def _shaped(shape: Any, value: Any) -> Any:
    match shape.type_name:
        case "structure":
            members = shape.members.items()
            return {name: _shaped(member, value[name]) for name, member in members if value.get(name) is not None}
        case "list":
            return [_shaped(shape.member, item) for item in value]
        case _:
            return value
