"""A record of a feature group: read from a request, checked against the group's definitions.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_PutRecord.html and, for event
times, https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateFeatureGroup.html
Not in AWS's documentation: the limits of Integral and Fractional. Here they are Athena's bigint and finite double,
which is what the offline store makes of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")
_LARGEST_INTEGRAL = 2**63 - 1


class RecordError(Exception):
    """A record that does not fit its feature group."""


@dataclass(frozen=True)
class FeatureRecord:
    """The values of a record as text, in the order of the definitions; a feature without a value is left out."""

    identifier: str
    moment: datetime
    values: Mapping[str, str]


def read_record(group: Mapping[str, Any], features: Sequence[Mapping[str, Any]]) -> FeatureRecord:
    """The record of a request; RecordError says what is wrong with it."""
    given: dict[str, str] = {}
    for feature in features:
        name = feature["FeatureName"]
        if name in given:
            raise RecordError(f"feature {name} is given twice.")
        if "ValueAsStringList" in feature:
            raise RecordError(f"feature {name} has a ValueAsStringList; the local cloud emulates no collection types.")
        if feature.get("ValueAsString") is not None:
            given[name] = feature["ValueAsString"]
    types = {definition["FeatureName"]: definition["FeatureType"] for definition in group["FeatureDefinitions"]}
    if unknown := sorted({feature["FeatureName"] for feature in features} - types.keys()):
        raise RecordError(
            f"{', '.join(unknown)}: no feature of {group['FeatureGroupName']}, which has {', '.join(types)}. "
            "Add the feature to the group first."
        )
    for required in (group["RecordIdentifierFeatureName"], group["EventTimeFeatureName"]):
        if not given.get(required):
            raise RecordError(f"feature {required} has no value; every record of the group needs one.")
    for name, value in given.items():
        _check(name, value, types[name])
    return FeatureRecord(
        given[group["RecordIdentifierFeatureName"]],
        read_event_time(group, given[group["EventTimeFeatureName"]]),
        {name: given[name] for name in types if name in given},
    )


def _check(name: str, value: str, feature_type: str) -> None:
    if feature_type == "Integral" and not _is_integral(value):
        raise RecordError(f"feature {name} is {value!r}; an Integral feature is a whole number of 64 bits.")
    if feature_type == "Fractional" and not _is_fractional(value):
        raise RecordError(f"feature {name} is {value!r}; a Fractional feature is a finite number.")


def _is_integral(value: str) -> bool:
    return bool(re.fullmatch(r"[+-]?\d{1,19}", value)) and -_LARGEST_INTEGRAL - 1 <= int(value) <= _LARGEST_INTEGRAL


def _is_fractional(value: str) -> bool:
    try:
        return math.isfinite(float(value)) and "_" not in value
    except ValueError:
        return False


def read_event_time(group: Mapping[str, Any], text: str) -> datetime:
    """ISO 8601 in UTC, to the second or millisecond, or Unix seconds, as the group's event time feature has it."""
    name = group["EventTimeFeatureName"]
    types = {definition["FeatureName"]: definition["FeatureType"] for definition in group["FeatureDefinitions"]}
    if types[name] == "Fractional":
        try:
            return datetime.fromtimestamp(float(text), UTC)
        except (ValueError, OverflowError, OSError):
            raise RecordError(f"event time {name} is {text!r}; allowed: Unix seconds, such as 1795341600.") from None
    try:
        if _ISO_8601.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise RecordError(
        f"event time {name} is {text!r}; allowed: yyyy-MM-dd'T'HH:mm:ssZ and yyyy-MM-dd'T'HH:mm:ss.SSSZ, "
        "such as 2026-11-22T10:00:00Z."
    )
