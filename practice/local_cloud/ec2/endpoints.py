"""VPC endpoints with all that they are created with, and with their network interfaces and routes.

MiniStack stores an endpoint's security groups, policy and private DNS, but does not tell them; an interface endpoint
has no network interfaces, a gateway endpoint no routes, and filters are ignored. Requests do not pass through an
endpoint here, so its policy is kept and not enforced.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from practice.local_cloud.hooks import EC2, PROVISIONERS
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route

_IDENTITY = ("ServiceName", "VpcEndpointType", "VpcId")
_KNOWN = frozenset(
    {*_IDENTITY, "PolicyDocument", "PrivateDnsEnabled", "RouteTableIds", "SecurityGroupIds", "SubnetIds", "Tags"}
)
_FULL_ACCESS = {
    "Version": "2008-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
}


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    _refuse_unknown(properties)
    if properties.get("PrivateDnsEnabled"):
        _require_private_dns(properties["VpcId"], properties["ServiceName"])
    endpoint, attributes = PROVISIONERS._ec2_vpc_endpoint_create(logical_id, properties, stack_name)
    return endpoint, {**attributes, "NetworkInterfaceIds": _connect(endpoint)}


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Attributes]:
    """Another service, type or VPC is another endpoint; CloudFormation deletes the old one after the update."""
    if any(old.get(key) != new.get(key) for key in _IDENTITY):
        return _create("", new, stack_name)
    _refuse_unknown(new)
    if new.get("PrivateDnsEnabled") and not old.get("PrivateDnsEnabled"):
        _require_private_dns(new["VpcId"], new["ServiceName"])
    _disconnect(physical_id)
    endpoint, attributes = PROVISIONERS._ec2_vpc_endpoint_update(physical_id, old, new, stack_name)
    return endpoint, {**attributes, "NetworkInterfaceIds": _connect(endpoint)}


def _delete(physical_id: str, properties: Properties) -> None:
    _disconnect(physical_id)
    PROVISIONERS._ec2_vpc_endpoint_delete(physical_id, properties)


def _refuse_unknown(properties: Properties) -> None:
    if unknown := sorted(properties.keys() - _KNOWN):
        raise ValueError(
            f"the local cloud does not emulate {', '.join(unknown)} of AWS::EC2::VPCEndpoint; "
            f"it knows {', '.join(sorted(_KNOWN))}."
        )


def _require_private_dns(vpc: str, service: str) -> None:
    """A private name needs the VPC's DNS, and cannot lead to two endpoints.

    Source: https://docs.aws.amazon.com/vpc/latest/privatelink/interface-endpoints.html
    """
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = client("ec2").describe_vpc_attribute(VpcId=vpc, Attribute=attribute)
        if not answer[attribute[0].upper() + attribute[1:]]["Value"]:
            raise ValueError(f"private DNS needs {attribute} of {vpc}, which is off. Turn it on.")
    for endpoint in EC2._vpc_endpoints.values():
        if endpoint["PrivateDnsEnabled"] and (endpoint["VpcId"], endpoint["ServiceName"]) == (vpc, service):
            raise ValueError(
                f"private DNS of {service} leads to {endpoint['VpcEndpointId']} in {vpc} already. "
                "Keep one endpoint, or turn off PrivateDnsEnabled of the other."
            )


def _connect(endpoint_id: str) -> list[str]:
    """Give an interface endpoint its network interfaces, and the route tables their way to a gateway endpoint."""
    endpoint = EC2._vpc_endpoints[endpoint_id]
    for table in endpoint["RouteTableIds"]:
        route = {"GatewayId": endpoint_id, "State": "active", "Origin": "CreateRoute"}
        destination = {"DestinationPrefixListId": EC2._aws_pl_id_from_name(endpoint["ServiceName"])}
        EC2._route_tables[table]["Routes"].append(route | destination)
    for subnet in endpoint["SubnetIds"]:
        created = client("ec2").create_network_interface(
            SubnetId=subnet, Groups=endpoint["SecurityGroupIds"], Description=f"VPC Endpoint Interface {endpoint_id}"
        )
        interface = created["NetworkInterface"]["NetworkInterfaceId"]
        EC2._network_interfaces[interface] |= {"Status": "in-use", "InterfaceType": "vpc_endpoint"}
        endpoint["NetworkInterfaceIds"].append(interface)
    return list(endpoint["NetworkInterfaceIds"])


def _disconnect(endpoint_id: str) -> None:
    endpoint = EC2._vpc_endpoints.get(endpoint_id, {})
    for table in endpoint.get("RouteTableIds", ()):
        if record := EC2._route_tables.get(table):
            record["Routes"] = [route for route in record["Routes"] if route.get("GatewayId") != endpoint_id]
    for interface in endpoint.get("NetworkInterfaceIds", ()):
        EC2._network_interfaces.pop(interface, None)
    endpoint["NetworkInterfaceIds"] = []


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    "AWS::EC2::VPCEndpoint": {"create": _create, "update": _update, "delete": _delete}
}
ROUTES: Mapping[tuple[str, str], Route] = {}

Values = Callable[[Mapping[str, Any]], Iterable[str]]

_ENDPOINT_FILTERS: Mapping[str, Values] = {
    "service-name": lambda endpoint: [endpoint["ServiceName"]],
    "vpc-endpoint-id": lambda endpoint: [endpoint["VpcEndpointId"]],
    "vpc-endpoint-type": lambda endpoint: [endpoint["VpcEndpointType"]],
    "vpc-id": lambda endpoint: [endpoint["VpcId"]],
}
_INTERFACE_FILTERS: Mapping[str, Values] = {
    "description": lambda interface: [interface["Description"]],
    "group-id": lambda interface: [group["GroupId"] for group in interface["Groups"]],
    "interface-type": lambda interface: [interface["InterfaceType"]],
    "network-interface-id": lambda interface: [interface["NetworkInterfaceId"]],
    "status": lambda interface: [interface["Status"]],
    "subnet-id": lambda interface: [interface["SubnetId"]],
    "vpc-id": lambda interface: [interface["VpcId"]],
}


def install() -> None:
    _filter("DescribeNetworkInterfaces", "NetworkInterfaceId", lambda: EC2._network_interfaces, _INTERFACE_FILTERS)
    _filter("DescribeVpcEndpoints", "VpcEndpointId", lambda: EC2._vpc_endpoints, _ENDPOINT_FILTERS)
    describe = EC2._vpce_fields_xml

    def describe_completely(endpoint: Mapping[str, Any], tag: str = "item") -> str:
        end = f"</{tag}>"
        return str(describe(endpoint, tag)).removesuffix(end) + _more_fields(endpoint) + end

    EC2._vpce_fields_xml = describe_completely


def _filter(action: str, identifier: str, records: Callable[[], Any], filters: Mapping[str, Values]) -> None:
    """Apply a request's filters by asking for the records that match them."""
    answer = EC2._ACTION_MAP[action]

    def answer_filtered(parameters: Mapping[str, Any]) -> Any:
        wanted = EC2._parse_filters(parameters)
        if unknown := sorted(name for name in wanted if name not in filters and not name.startswith("tag")):
            message = f"the local cloud does not emulate the filter {', '.join(unknown)}; it knows {', '.join(filters)}"
            return EC2._error("InvalidParameterValue", message, 400)
        if not wanted:
            return answer(parameters)
        asked = {values[0] for name, values in parameters.items() if name.startswith(f"{identifier}.")}
        matching = [
            record[identifier]
            for record in records().values()
            if EC2._resource_matches_tag_filters(record[identifier], wanted)
            and all(set(filters[name](record)) & set(wanted[name]) for name in wanted if name in filters)
            and (not asked or record[identifier] in asked)
        ]
        return answer({f"{identifier}.{index}": [match] for index, match in enumerate(matching or ["none"], 1)})

    EC2._ACTION_MAP[action] = answer_filtered


def _more_fields(endpoint: Mapping[str, Any]) -> str:
    policy = endpoint.get("PolicyDocument") or _FULL_ACCESS
    document = policy if isinstance(policy, str) else json.dumps(policy)
    groups = "".join(
        f"<item><groupId>{group}</groupId><groupName>{escape(EC2._security_groups[group]['GroupName'])}</groupName></item>"
        for group in endpoint.get("SecurityGroupIds", ())
    )
    interfaces = "".join(f"<item>{interface}</item>" for interface in endpoint.get("NetworkInterfaceIds", ()))
    return (
        f"<policyDocument>{escape(document)}</policyDocument>"
        f"<privateDnsEnabled>{str(bool(endpoint.get('PrivateDnsEnabled'))).lower()}</privateDnsEnabled>"
        f"<networkInterfaceIdSet>{interfaces}</networkInterfaceIdSet>"
        f"<groupSet>{groups}</groupSet>"
    )
