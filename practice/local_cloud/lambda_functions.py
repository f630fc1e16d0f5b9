"""``AWS::Lambda::Function`` with its key, network, dead letters and concurrency, which MiniStack drops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from practice.local_cloud import function_environment
from practice.local_cloud.hooks import PROVISIONERS
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route

_CONFIGURATION: Mapping[str, tuple[str, Any]] = {
    "DeadLetterConfig": ("DeadLetterConfig", {"TargetArn": ""}),
    "KmsKeyArn": ("KMSKeyArn", ""),
    "VpcConfig": ("VpcConfig", {"SubnetIds": [], "SecurityGroupIds": []}),
}
"""By property: the API's name, and the value that takes the property away."""


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    created: tuple[str, Attributes] = PROVISIONERS._lambda_create(logical_id, properties, stack_name)
    _configure(created[0], {}, properties)
    return created


def _update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, Attributes]:
    updated: tuple[str, Attributes] = PROVISIONERS._lambda_update(physical_id, old, new, stack_name, logical_id)
    _configure(updated[0], old if updated[0] == physical_id else {}, new)
    return updated


def _configure(function: str, old: Properties, new: Properties) -> None:
    changed = {
        name: new.get(key, nothing)
        for key, (name, nothing) in _CONFIGURATION.items()
        if old.get(key, nothing) != new.get(key, nothing)
    }
    if changed:
        client("lambda").update_function_configuration(FunctionName=function, **changed)
    reserved = new.get("ReservedConcurrentExecutions")
    if reserved is not None:
        client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=int(reserved))
    elif "ReservedConcurrentExecutions" in old:
        client("lambda").delete_function_concurrency(FunctionName=function)


RESOURCE_HANDLERS: Mapping[str, Operations] = {"AWS::Lambda::Function": {"create": _create, "update": _update}}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    function_environment.install()
