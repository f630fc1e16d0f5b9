"""Flow logs of a VPC: a record that can be described. No traffic passes here, so nothing is ever logged."""

from __future__ import annotations

from collections.abc import Mapping

from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route


def _create(_logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Attributes]:
    request = {key: value for key, value in properties.items() if key not in ("ResourceId", "Tags")}
    if tags := properties.get("Tags"):
        request["TagSpecifications"] = [{"ResourceType": "vpc-flow-log", "Tags": tags}]
    (flow_log,) = client("ec2").create_flow_logs(ResourceIds=[properties["ResourceId"]], **request)["FlowLogIds"]
    return flow_log, {"Id": flow_log}


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Attributes]:
    """Whatever changes but tags is another flow log; CloudFormation deletes the old one after the update."""
    if {**old, "Tags": None} != {**new, "Tags": None}:
        return _create("", new, stack_name)
    return physical_id, {"Id": physical_id}


def _delete(physical_id: str, _properties: Properties) -> None:
    client("ec2").delete_flow_logs(FlowLogIds=[physical_id])


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    "AWS::EC2::FlowLog": {"create": _create, "update": _update, "delete": _delete}
}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Nothing to replace."""
