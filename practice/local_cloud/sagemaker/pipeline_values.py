"""The values in a pipeline definition that are known only when it runs: references, functions and conditions.

A value keeps its type: a number that a string is wanted for goes through ``Std:Join``, as on AWS.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html and, for the JSON of functions and
conditions, https://github.com/aws/sagemaker-python-sdk/tree/0097221/src/sagemaker/workflow (functions.py,
conditions.py). Not in them: how ``Std:Join`` writes what is no string; here as JSON does.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from practice.local_cloud.sagemaker.api import Record

_SEGMENT = re.compile(r"""\.?([^.\[\]'"]+)|\[(\d+)\]|\[['"]([^'"]+)['"]\]""")

_BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


class Values(Protocol):
    """Where values come from."""

    def get(self, path: str) -> Any:
        """What ``{"Get": path}`` means."""

    def property_file(self, path: str) -> Any:
        """The JSON document of a property file, by ``Steps.<step>.PropertyFiles.<file>``."""


def resolve(value: Any, values: Values) -> Any:
    """The value with every reference and function in it replaced."""
    match value:
        case {"Get": str(path), **rest} if not rest:
            return values.get(path)
        case {"Std:Join": {"Values": list(parts), **options}, **rest} if not rest:
            return str(options.get("On", "")).join(text_of(resolve(part, values)) for part in parts)
        case {"Std:JsonGet": {"PropertyFile": {"Get": str(file)}, "Path": str(path)}, **rest} if not rest:
            return at(values.property_file(file), path, file)
        case dict() if unknown := [name for name in value if name.startswith("Std:")]:
            raise ValueError(f"{unknown[0]} is not of a form that the local cloud knows: {json.dumps(value)}.")
        case dict():
            return {name: resolve(item, values) for name, item in value.items()}
        case list():
            return [resolve(item, values) for item in value]
        case _:
            return value


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def at(document: Any, path: str, where: str) -> Any:
    """What lies at a path like ``a.b[0]['c']`` or ``$.a.b``. In a list of named things, a text is one's name."""
    found = document
    for segment in segments(path):
        try:
            found = _named(found, segment) if isinstance(found, list) and isinstance(segment, str) else found[segment]
        except (KeyError, IndexError, TypeError):
            there = ", ".join(map(str, found)) if isinstance(found, Mapping) else json.dumps(found, default=str)
            raise ValueError(f"{where} has nothing at {path}: no {segment!r} in {there}.") from None
    return found


def segments(path: str) -> list[str | int]:
    """The keys and positions that a path goes through."""
    bare = path.removeprefix("$")
    if "".join(match.group(0) for match in _SEGMENT.finditer(bare)) != bare:
        raise ValueError(f"{path!r} is no path; write it as a.b[0]['c'].")
    return [int(index) if index else name or quoted for name, index, quoted in _SEGMENT.findall(bare)]


def _named(items: list[Record], name: str) -> Record:
    """``Outputs['train']`` is the output with the OutputName ``train``."""
    for item in items:
        if any(key.endswith("Name") and value == name for key, value in item.items()):
            return item
    raise KeyError(name)


def outcome(condition: Record, values: Values) -> bool:
    """Whether a condition holds."""
    match condition:
        case {"Type": "Not", "Expression": dict(negated)}:
            return not outcome(negated, values)
        case {"Type": "Or", "Conditions": list(conditions)}:
            return any(outcome(each, values) for each in conditions)
        case {"Type": "In", "QueryValue": sought, "Values": list(among)}:
            return resolve(sought, values) in resolve(among, values)
        case {"Type": str(kind), "LeftValue": left, "RightValue": right} if kind in _BINARY:
            return _compared(kind, resolve(left, values), resolve(right, values))
        case _:
            raise ValueError(f"{json.dumps(condition)} is no condition; there are {', '.join(_BINARY)}, In, Or, Not.")


def _compared(kind: str, left: Any, right: Any) -> bool:
    try:
        return bool(_BINARY[kind](left, right))
    except TypeError:
        raise ValueError(f"{kind} cannot compare {left!r} with {right!r}.") from None
