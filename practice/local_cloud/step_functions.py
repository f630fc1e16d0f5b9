"""``AWS::StepFunctions::StateMachine`` with its logging and tracing, which MiniStack spells wrongly or drops.

Executions are not written to the log group: MiniStack keeps their history only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from practice.local_cloud.hooks import PROVISIONERS, STEP_FUNCTIONS
from practice.local_cloud.service import Attributes, Operations, Properties, Route


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    return _traced(PROVISIONERS._sfn_state_machine_create(logical_id, _as_api(properties), stack_name), properties)


def _update(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, Attributes]:
    properties = _as_api(old), _as_api(new)
    return _traced(PROVISIONERS._sfn_state_machine_update(physical_id, *properties, stack_name, logical_id), new)


def _as_api(properties: Properties) -> Properties:
    if "LoggingConfiguration" not in properties:
        return properties
    return {**properties, "LoggingConfiguration": _lower_camel(properties["LoggingConfiguration"])}


def _lower_camel(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key[0].lower() + key[1:]: _lower_camel(item) for key, item in value.items()}
    return [_lower_camel(item) for item in value] if isinstance(value, list) else value


def _traced(machine: tuple[str, Attributes], properties: Properties) -> tuple[str, Attributes]:
    enabled = bool(properties.get("TracingConfiguration", {}).get("Enabled"))
    STEP_FUNCTIONS._state_machines[machine[0]]["tracingConfiguration"] = {"enabled": enabled}
    return machine


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    "AWS::StepFunctions::StateMachine": {"create": _create, "update": _update}
}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Nothing to replace."""
