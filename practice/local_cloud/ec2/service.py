"""The network of a stack, with what MiniStack lacks: rules as resources of their own, and refused deletions.

A subnet, security group, route table or VPC that something still uses is not deleted, as on AWS. What uses it is
found among network interfaces, endpoints, route tables and the rules of other groups. Instances, load balancers and
mount targets have no network interface here, so they stop no deletion. No packet is routed or filtered.

Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html (DependencyViolation)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from practice.local_cloud.hooks import EC2, PROVISIONERS, RESPONSES
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route

Permission = dict[str, Any]


def default_ingress(group: str, account: str) -> Permission:
    """Everything from members of the group: what AWS lets into a VPC's default security group."""
    return {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group, "UserId": account}]}


def default_egress() -> Permission:
    return {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def _create_vpc(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    vpc, attributes = PROVISIONERS._ec2_vpc_create(logical_id, properties, stack_name)
    return _complete_vpc(vpc, attributes, properties)


def _update_vpc(
    physical_id: str, old: Properties, new: Properties, stack_name: str, logical_id: str
) -> tuple[str, Attributes]:
    vpc, attributes = PROVISIONERS._ec2_vpc_update(physical_id, old, new, stack_name, logical_id)
    if vpc != physical_id:
        return _complete_vpc(vpc, attributes, new)
    return vpc, {**attributes, "CidrBlock": new["CidrBlock"]}


def _complete_vpc(vpc: str, attributes: Attributes, properties: Properties) -> tuple[str, Attributes]:
    """Source: https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html"""
    group = attributes["DefaultSecurityGroup"]
    ingress = default_ingress(group, RESPONSES.get_account_id())
    client("ec2").authorize_security_group_ingress(GroupId=group, IpPermissions=[ingress])
    return vpc, {**attributes, "CidrBlock": properties["CidrBlock"]}


_RULE = frozenset({"CidrIp", "CidrIpv6", "Description", "FromPort", "GroupId", "IpProtocol", "ToPort"})


class _Rules:
    """``AWS::EC2::SecurityGroupIngress`` or ``AWS::EC2::SecurityGroupEgress``, through the EC2 API."""

    def __init__(self, direction: str, peer: str) -> None:
        self._direction = direction
        self._peer = peer

    def create(self, _logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Attributes]:
        authorize = getattr(client("ec2"), f"authorize_security_group_{self._direction}")
        answer = authorize(GroupId=properties["GroupId"], IpPermissions=[self._permission(properties)])
        rule = answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]
        return rule, {"Id": rule}

    def update(self, physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Attributes]:
        """Only the description changes in place; another rule comes first, and CloudFormation deletes the old."""
        if {**old, "Description": ""} == {**new, "Description": ""}:
            self.delete(physical_id, old)
        return self.create("", new, stack_name)

    def delete(self, physical_id: str, properties: Properties) -> None:
        revoke = getattr(client("ec2"), f"revoke_security_group_{self._direction}")
        _unless_gone(revoke, GroupId=properties["GroupId"], SecurityGroupRuleIds=[physical_id])

    def _permission(self, properties: Properties) -> Permission:
        known = _RULE | {self._peer}
        if unknown := sorted(properties.keys() - known):
            raise ValueError(
                f"the local cloud does not emulate {', '.join(unknown)} of a security group's {self._direction} rule; "
                f"it knows {', '.join(sorted(known))}."
            )
        described = {"Description": properties["Description"]} if "Description" in properties else {}
        permission: Permission = {"IpProtocol": str(properties["IpProtocol"])}
        permission |= {port: int(properties[port]) for port in ("FromPort", "ToPort") if port in properties}
        if "CidrIp" in properties:
            permission["IpRanges"] = [{"CidrIp": properties["CidrIp"], **described}]
        if "CidrIpv6" in properties:
            permission["Ipv6Ranges"] = [{"CidrIpv6": properties["CidrIpv6"], **described}]
        if self._peer in properties:
            permission["UserIdGroupPairs"] = [{"GroupId": properties[self._peer], **described}]
        return permission

    def operations(self) -> Operations:
        return {"create": self.create, "update": self.update, "delete": self.delete}


def _unless_gone(call: Callable[..., Any], **arguments: Any) -> None:
    """Call the EC2 API; what somebody else deleted already is deleted well enough for CloudFormation."""
    try:
        call(**arguments)
    except ClientError as error:
        if not error.response["Error"]["Code"].endswith(".NotFound"):
            raise


def _delete_vpc(physical_id: str, properties: Properties) -> None:
    _unless_gone(client("ec2").delete_vpc, VpcId=physical_id)
    PROVISIONERS._ec2_vpc_delete(physical_id, properties)


def _delete_subnet(physical_id: str, properties: Properties) -> None:
    _unless_gone(client("ec2").delete_subnet, SubnetId=physical_id)
    PROVISIONERS._ec2_subnet_delete(physical_id, properties)


def _delete_security_group(physical_id: str, properties: Properties) -> None:
    _unless_gone(client("ec2").delete_security_group, GroupId=physical_id)
    PROVISIONERS._ec2_sg_delete(physical_id, properties)


def _delete_route_table(physical_id: str, properties: Properties) -> None:
    _unless_gone(client("ec2").delete_route_table, RouteTableId=physical_id)
    PROVISIONERS._ec2_rtb_delete(physical_id, properties)


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    "AWS::EC2::RouteTable": {"delete": _delete_route_table},
    "AWS::EC2::SecurityGroup": {"delete": _delete_security_group},
    "AWS::EC2::SecurityGroupEgress": _Rules("egress", "DestinationSecurityGroupId").operations(),
    "AWS::EC2::SecurityGroupIngress": _Rules("ingress", "SourceSecurityGroupId").operations(),
    "AWS::EC2::Subnet": {"delete": _delete_subnet},
    "AWS::EC2::VPC": {"create": _create_vpc, "update": _update_vpc, "delete": _delete_vpc},
}
ROUTES: Mapping[tuple[str, str], Route] = {}


def _users_of_route_table(table: str) -> Iterator[str]:
    associations = EC2._route_tables.get(table, {}).get("Associations", ())
    return (association["SubnetId"] for association in associations if association.get("SubnetId"))


def _users_of_security_group(group: str) -> Iterator[str]:
    for interface in EC2._network_interfaces.values():
        if group in [member["GroupId"] for member in interface["Groups"]]:
            yield interface["NetworkInterfaceId"]
    for other in EC2._security_groups.values():
        rules = [*other["IpPermissions"], *other["IpPermissionsEgress"]]
        if other["GroupId"] != group and group in [
            pair.get("GroupId") for rule in rules for pair in rule.get("UserIdGroupPairs", ())
        ]:
            yield other["GroupId"]


def _users_of_subnet(subnet: str) -> Iterator[str]:
    interfaces = EC2._network_interfaces.values()
    return (interface["NetworkInterfaceId"] for interface in interfaces if interface["SubnetId"] == subnet)


def _users_of_vpc(vpc: str) -> Iterator[str]:
    for endpoint in EC2._vpc_endpoints.values():
        if endpoint["VpcId"] == vpc:
            yield endpoint["VpcEndpointId"]
    for table in EC2._route_tables.values():
        if table["VpcId"] == vpc and not any(association["Main"] for association in table["Associations"]):
            yield table["RouteTableId"]


def install() -> None:
    _refuse_while_used(
        "DeleteRouteTable", "RouteTableId", _users_of_route_table, "The routeTable '{}' has dependencies"
    )
    _refuse_while_used("DeleteSecurityGroup", "GroupId", _users_of_security_group, "resource {} has a dependent object")
    _refuse_while_used("DeleteSubnet", "SubnetId", _users_of_subnet, "The subnet '{}' has dependencies")
    _refuse_while_used("DeleteVpc", "VpcId", _users_of_vpc, "The vpc '{}' has dependencies")


def _refuse_while_used(action: str, identifier: str, users: Callable[[str], Iterator[str]], message: str) -> None:
    delete = EC2._ACTION_MAP[action]

    def delete_unused(parameters: Mapping[str, Any]) -> Any:
        resource = EC2._p(parameters, identifier)
        if found := ", ".join(sorted(set(users(resource)))):
            return EC2._error("DependencyViolation", f"{message.format(resource)} and cannot be deleted: {found}", 400)
        return delete(parameters)

    EC2._ACTION_MAP[action] = delete_unused
