"""A network in the local cloud is what its template says, and is not deleted while something uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from aws_cdk import App, Fn, Stack, aws_ec2, aws_iam
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import Deploy, DeploymentError, delete_stack, temporary_stacks

ACCOUNT = "000000000000"
VPC: Mapping[str, Any] = {
    "Type": "AWS::EC2::VPC",
    "Properties": {"CidrBlock": "10.9.0.0/16", "EnableDnsSupport": True, "EnableDnsHostnames": True},
}


def in_vpc(resource_type: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::EC2::{resource_type}", "Properties": {"VpcId": {"Ref": "Vpc"}, **properties}}


def subnet(cidr: str = "10.9.0.0/24") -> dict[str, Any]:
    return in_vpc("Subnet", CidrBlock=cidr)


def group(**properties: Any) -> dict[str, Any]:
    return in_vpc("SecurityGroup", GroupDescription="test", **properties)


def rule(direction: str, **properties: Any) -> dict[str, Any]:
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    group_id = {"Fn::GetAtt": ["Group", "GroupId"]}
    return {"Type": f"AWS::EC2::SecurityGroup{direction}", "Properties": {"GroupId": group_id, **https, **properties}}


def interface_endpoint(**properties: Any) -> dict[str, Any]:
    given = {"ServiceName": "com.amazonaws.us-east-1.sts", "VpcEndpointType": "Interface", **properties}
    return in_vpc("VPCEndpoint", **given)


def restriction(vpc: str = "Vpc") -> dict[str, Any]:
    default_group = {"Fn::GetAtt": [vpc, "DefaultSecurityGroup"]}
    return {
        "Type": "Custom::VpcRestrictDefaultSG",
        "Properties": {"DefaultSecurityGroupId": default_group, "Account": ACCOUNT},
    }


@pytest.fixture
def ec2(local_cloud: LocalCloud) -> Any:
    return local_cloud.client("ec2")


def where(name: str, *values: str) -> list[dict[str, Any]]:
    return [{"Name": name, "Values": list(values)}]


def rules(ec2: Any, group_id: str) -> list[tuple[bool, Any]]:
    """Every rule of a group: whether it is egress, and its range or other group."""
    found = ec2.describe_security_group_rules(Filters=where("group-id", group_id))["SecurityGroupRules"]
    return sorted((one["IsEgress"], one.get("CidrIpv4") or one["ReferencedGroupInfo"]["GroupId"]) for one in found)


def default_group(ec2: Any, vpc: str) -> str:
    groups = ec2.describe_security_groups(Filters=[*where("vpc-id", vpc), *where("group-name", "default")])
    return str(groups["SecurityGroups"][0]["GroupId"])


def network_of_the_cdk() -> dict[str, Any]:
    """A network as the CDK writes it."""
    stack = Stack(App(), "Network")
    vpc = aws_ec2.Vpc(
        stack,
        "Vpc",
        ip_addresses=aws_ec2.IpAddresses.cidr("10.8.0.0/16"),
        max_azs=2,
        nat_gateways=0,
        restrict_default_security_group=False,
        subnet_configuration=[
            aws_ec2.SubnetConfiguration(name="Public", subnet_type=aws_ec2.SubnetType.PUBLIC, cidr_mask=24),
            aws_ec2.SubnetConfiguration(name="Isolated", subnet_type=aws_ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
        ],
    )
    bucket_policy = aws_iam.PolicyStatement(
        actions=["s3:GetObject"], resources=["*"], principals=[aws_iam.AnyPrincipal()]
    )
    vpc.add_gateway_endpoint("S3", service=aws_ec2.GatewayVpcEndpointAwsService.S3).add_to_policy(bucket_policy)
    endpoints = aws_ec2.SecurityGroup(stack, "Endpoints", vpc=vpc, allow_all_outbound=False)
    endpoints.add_ingress_rule(aws_ec2.Peer.ipv4(vpc.vpc_cidr_block), aws_ec2.Port.tcp(443))
    vpc.add_interface_endpoint(
        "Api",
        service=aws_ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API,
        security_groups=[endpoints],
        open=False,
        subnets=aws_ec2.SubnetSelection(subnet_type=aws_ec2.SubnetType.PRIVATE_ISOLATED),
    )
    aws_ec2.CfnSubnet(
        stack,
        "Sliced",
        vpc_id=vpc.vpc_id,
        availability_zone=Fn.select(1, Fn.get_azs()),
        cidr_block=Fn.select(200, Fn.cidr(vpc.vpc_cidr_block, 201, "8")),
    )
    resources: dict[str, Any] = Template.from_stack(stack).to_json()["Resources"]
    return resources


@pytest.fixture(scope="module")
def network(local_cloud: LocalCloud) -> Iterator[dict[str, str]]:
    """The physical ids of a network as the CDK writes it."""
    with temporary_stacks(local_cloud) as deploy_stack:
        yield deploy_stack(network_of_the_cdk())


def one(network: Mapping[str, str], prefix: str) -> str:
    return next(physical_id for physical_id in network.values() if physical_id.startswith(prefix))


def test_subnets_lie_in_the_zones_and_ranges_that_the_template_computes(network: dict[str, str], ec2: Any) -> None:
    found = ec2.describe_subnets(Filters=where("vpc-id", one(network, "vpc-")))["Subnets"]
    assert {(subnet["CidrBlock"], subnet["AvailabilityZone"][-1]) for subnet in found} == {
        ("10.8.0.0/24", "a"),
        ("10.8.1.0/24", "b"),
        ("10.8.2.0/24", "a"),
        ("10.8.3.0/24", "b"),
        ("10.8.200.0/24", "b"),
    }


def test_only_public_subnets_have_a_route_to_the_internet(network: dict[str, str], ec2: Any) -> None:
    tables = ec2.describe_route_tables(Filters=where("vpc-id", one(network, "vpc-")))["RouteTables"]
    public = {
        association["SubnetId"]
        for table in tables
        for association in table["Associations"]
        if any(route.get("GatewayId", "").startswith("igw-") for route in table["Routes"])
    }
    assert public == {network[name] for name in network if name.startswith("VpcPublic") and "Subnet" in name[-16:]}


def test_a_rule_takes_the_range_of_the_vpc(network: dict[str, str], ec2: Any) -> None:
    endpoints = next(physical_id for name, physical_id in network.items() if name.startswith("Endpoints"))
    assert rules(ec2, endpoints) == [(False, "10.8.0.0/16"), (True, "255.255.255.255/32")]


def test_an_interface_endpoint_keeps_what_it_was_created_with(network: dict[str, str], ec2: Any) -> None:
    api = next(physical_id for name, physical_id in network.items() if name.startswith("VpcApi"))
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[api])["VpcEndpoints"]
    assert endpoint["ServiceName"] == "com.amazonaws.us-east-1.sagemaker.api"
    assert endpoint["PrivateDnsEnabled"]
    assert [group["GroupId"] for group in endpoint["Groups"]] == [
        physical_id for name, physical_id in network.items() if name.startswith("Endpoints")
    ]
    interfaces = ec2.describe_network_interfaces(NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])
    assert sorted(found["SubnetId"] for found in interfaces["NetworkInterfaces"]) == sorted(endpoint["SubnetIds"])
    for found in interfaces["NetworkInterfaces"]:
        assert (found["InterfaceType"], found["Status"]) == ("vpc_endpoint", "in-use")
        assert found["Groups"] == endpoint["Groups"]
    assert len(endpoint["SubnetIds"]) == 2


def test_a_gateway_endpoint_keeps_its_policy_and_is_in_every_route_table(network: dict[str, str], ec2: Any) -> None:
    s3 = next(physical_id for name, physical_id in network.items() if name.startswith("VpcS3"))
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[s3])["VpcEndpoints"]
    tables = ec2.describe_route_tables(RouteTableIds=endpoint["RouteTableIds"])["RouteTables"]
    (statement,) = json.loads(endpoint["PolicyDocument"])["Statement"]
    assert statement["Action"] == "s3:GetObject"
    assert len(tables) == 4
    for table in tables:
        assert [route["DestinationPrefixListId"][:3] for route in table["Routes"] if route.get("GatewayId") == s3] == [
            "pl-"
        ]


def test_endpoints_and_interfaces_are_found_by_filters(network: dict[str, str], ec2: Any) -> None:
    vpc, api = one(network, "vpc-"), next(found for name, found in network.items() if name.startswith("VpcApi"))
    in_vpc = where("vpc-id", vpc)

    def endpoints(*filters: Any) -> list[str]:
        return [found["VpcEndpointId"] for found in ec2.describe_vpc_endpoints(Filters=list(filters))["VpcEndpoints"]]

    assert endpoints(*in_vpc, *where("vpc-endpoint-type", "Interface")) == [api]
    assert endpoints(*in_vpc, *where("tag:aws:cloudformation:logical-id", "none")) == []
    assert endpoints(*where("vpc-id", "vpc-none")) == []
    interfaces = ec2.describe_network_interfaces(
        Filters=[*in_vpc, *where("description", f"VPC Endpoint Interface {api}")]
    )
    assert len(interfaces["NetworkInterfaces"]) == 2
    assert ec2.describe_network_interfaces(Filters=where("subnet-id", "subnet-none"))["NetworkInterfaces"] == []
    (asked, _) = [found["NetworkInterfaceId"] for found in interfaces["NetworkInterfaces"]]
    found = ec2.describe_network_interfaces(NetworkInterfaceIds=[asked], Filters=in_vpc)["NetworkInterfaces"]
    assert [interface["NetworkInterfaceId"] for interface in found] == [asked]


def test_a_filter_it_does_not_know_is_refused(ec2: Any) -> None:
    with pytest.raises(ClientError, match="does not emulate the filter requester-id"):
        ec2.describe_network_interfaces(Filters=where("requester-id", "a"))


def test_nothing_is_left_of_a_network(local_cloud: LocalCloud, deploy: Deploy, ec2: Any) -> None:
    ids = deploy(network_of_the_cdk() | {"Restrict": restriction(one_vpc())}, "test-network")
    assert delete_stack(local_cloud.client("cloudformation"), "test-network")[0] == "DELETE_COMPLETE"
    in_vpc = where("vpc-id", one(ids, "vpc-"))
    assert ec2.describe_vpcs(Filters=in_vpc)["Vpcs"] == []
    assert ec2.describe_subnets(Filters=in_vpc)["Subnets"] == []
    assert ec2.describe_route_tables(Filters=in_vpc)["RouteTables"] == []
    assert ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"] == []
    assert ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"] == []
    assert ec2.describe_network_interfaces(Filters=in_vpc)["NetworkInterfaces"] == []
    assert ec2.describe_tags(Filters=where("resource-id", *ids.values()))["Tags"] == []


def one_vpc() -> str:
    """The logical id that the CDK gives the VPC."""
    return next(name for name, resource in network_of_the_cdk().items() if resource["Type"] == "AWS::EC2::VPC")


def test_the_default_security_group_lets_in_its_members(deploy: Deploy, ec2: Any) -> None:
    group_id = default_group(ec2, deploy({"Vpc": VPC})["Vpc"])
    assert rules(ec2, group_id) == [(False, group_id), (True, "0.0.0.0/0")]


def test_a_restricted_default_security_group_has_no_rules(deploy: Deploy, ec2: Any) -> None:
    vpc = deploy({"Vpc": VPC, "Restrict": restriction(), "Again": restriction() | {"DependsOn": "Restrict"}})["Vpc"]
    assert rules(ec2, default_group(ec2, vpc)) == []


def test_a_default_security_group_that_is_no_longer_restricted_has_its_rules_again(deploy: Deploy, ec2: Any) -> None:
    deploy({"Vpc": VPC, "Restrict": restriction()}, "test-unrestricted")
    group_id = default_group(ec2, deploy({"Vpc": VPC}, "test-unrestricted")["Vpc"])
    assert rules(ec2, group_id) == [(False, group_id), (True, "0.0.0.0/0")]


def test_the_restriction_moves_to_another_vpc(deploy: Deploy, ec2: Any) -> None:
    vpcs = {"Vpc": VPC, "Other": VPC}
    deploy({**vpcs, "Restrict": restriction()}, "test-moved")
    ids = deploy({**vpcs, "Restrict": restriction("Other")}, "test-moved")
    assert len(rules(ec2, default_group(ec2, ids["Vpc"]))) == 2
    assert rules(ec2, default_group(ec2, ids["Other"])) == []


def test_rules_are_resources_of_their_own(deploy: Deploy, ec2: Any) -> None:
    other = {"Fn::GetAtt": ["Other", "GroupId"]}
    resources = {
        "Vpc": VPC,
        "Group": group(SecurityGroupEgress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.1/32"}]),
        "Other": group(),
        "In": rule("Ingress", SourceSecurityGroupId=other, Description="from the other"),
        "Out": rule("Egress", DestinationSecurityGroupId=other, Description="to the other"),
        "Range": rule("Egress", CidrIp="10.9.0.0/16"),
    }
    ids = deploy(resources)
    assert rules(ec2, ids["Group"]) == sorted(
        [(False, ids["Other"]), (True, "10.0.0.1/32"), (True, "10.9.0.0/16"), (True, ids["Other"])]
    )
    (found,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[ids["In"]])["SecurityGroupRules"]
    assert (found["IpProtocol"], found["FromPort"], found["ToPort"]) == ("tcp", 443, 443)
    assert found["Description"] == "from the other"


def test_a_rule_that_is_taken_away_is_gone(deploy: Deploy, ec2: Any) -> None:
    network = {"Vpc": VPC, "Group": group(SecurityGroupIngress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.1/32"}])}
    taken = {"In": rule("Ingress", CidrIp="10.9.0.0/16"), "Out": rule("Egress", CidrIp="10.9.0.0/16")}
    deploy({**network, **taken}, "test-rule-taken")
    group_id = deploy(network, "test-rule-taken")["Group"]
    assert rules(ec2, group_id) == [(False, "10.0.0.1/32"), (True, "0.0.0.0/0")]


@pytest.mark.parametrize(
    ("changed", "same_rule"),
    [({"Description": "after"}, True), ({"CidrIp": "10.10.0.0/16"}, False)],
    ids=["its description", "its range"],
)
def test_a_rule_changes(deploy: Deploy, ec2: Any, changed: dict[str, str], same_rule: bool) -> None:
    network, name = {"Vpc": VPC, "Group": group()}, f"test-rule-{next(iter(changed)).lower()}"
    before = {"CidrIp": "10.9.0.0/16", "Description": "before"}
    first = deploy({**network, "In": rule("Ingress", **before)}, name)
    second = deploy({**network, "In": rule("Ingress", **before | changed)}, name)
    found = ec2.describe_security_group_rules(Filters=where("group-id", second["Group"]))["SecurityGroupRules"]
    (ingress,) = [rule for rule in found if not rule["IsEgress"]]
    assert (first["In"] == second["In"]) == same_rule
    assert (ingress["CidrIpv4"], ingress["Description"]) == tuple((before | changed).values())


def test_a_rule_that_is_replaced_is_there_again_after_a_rollback(deploy: Deploy, ec2: Any) -> None:
    network = {"Vpc": VPC, "Group": group(SecurityGroupEgress=[{"IpProtocol": "-1", "CidrIp": "10.0.0.1/32"}])}
    group_id = deploy({**network, "In": rule("Ingress", CidrIp="10.9.0.0/16")}, "test-rule-rollback")["Group"]
    broken = rule("Ingress", SourcePrefixListId="pl-1") | {"DependsOn": "In"}
    with pytest.raises(DeploymentError):
        deploy({**network, "In": rule("Ingress", CidrIp="10.9.0.0/24"), "Broken": broken}, "test-rule-rollback")
    assert rules(ec2, group_id) == [(False, "10.9.0.0/16"), (True, "10.0.0.1/32")]


def test_a_property_of_a_rule_it_does_not_know_is_refused(deploy: Deploy) -> None:
    resources = {"Vpc": VPC, "Group": group(), "In": rule("Ingress", SourcePrefixListId="pl-1")}
    with pytest.raises(DeploymentError, match="does not emulate SourcePrefixListId of a security group's ingress rule"):
        deploy(resources)


def test_a_property_of_an_endpoint_it_does_not_know_is_refused(deploy: Deploy) -> None:
    with pytest.raises(DeploymentError, match=r"does not emulate DnsOptions of AWS::EC2::VPCEndpoint"):
        deploy({"Vpc": VPC, "Endpoint": interface_endpoint(DnsOptions={})})


def test_a_property_that_an_endpoint_is_given_later_is_refused_too(deploy: Deploy) -> None:
    deploy({"Vpc": VPC, "Endpoint": interface_endpoint()}, "test-endpoint-unknown")
    with pytest.raises(DeploymentError, match=r"does not emulate DnsOptions of AWS::EC2::VPCEndpoint"):
        deploy({"Vpc": VPC, "Endpoint": interface_endpoint(DnsOptions={})}, "test-endpoint-unknown")


def test_an_endpoint_without_a_policy_allows_everything(deploy: Deploy, ec2: Any) -> None:
    endpoint_id = deploy({"Vpc": VPC, "Endpoint": interface_endpoint()})["Endpoint"]
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
    (statement,) = json.loads(endpoint["PolicyDocument"])["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", "*", "*")


def test_an_endpoint_changes_in_place(deploy: Deploy, ec2: Any) -> None:
    network = {"Vpc": VPC, "Group": group(), "A": subnet("10.9.0.0/24"), "B": subnet("10.9.1.0/24")}
    groups, statements = [{"Ref": "Group"}], [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]
    before = interface_endpoint(SubnetIds=[{"Ref": "A"}])
    after = interface_endpoint(
        SubnetIds=[{"Ref": "B"}], SecurityGroupIds=groups, PolicyDocument={"Statement": statements}
    )
    first = deploy({**network, "Endpoint": before}, "test-endpoint-changed")
    second = deploy({**network, "Endpoint": after}, "test-endpoint-changed")
    (endpoint,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[second["Endpoint"]])["VpcEndpoints"]
    interfaces = ec2.describe_network_interfaces(Filters=where("vpc-id", second["Vpc"]))["NetworkInterfaces"]
    assert first["Endpoint"] == second["Endpoint"]
    assert json.loads(endpoint["PolicyDocument"])["Statement"] == statements
    assert [(found["SubnetId"], found["Groups"][0]["GroupId"]) for found in interfaces] == [
        (second["B"], second["Group"])
    ]


def test_an_endpoint_of_another_service_is_another_endpoint(deploy: Deploy, ec2: Any) -> None:
    network = {"Vpc": VPC, "Subnet": subnet()}
    endpoint = interface_endpoint(SubnetIds=[{"Ref": "Subnet"}])
    first = deploy({**network, "Endpoint": endpoint}, "test-endpoint-replaced")
    other = endpoint | {"Properties": endpoint["Properties"] | {"ServiceName": "com.amazonaws.us-east-1.logs"}}
    second = deploy({**network, "Endpoint": other}, "test-endpoint-replaced")
    found = ec2.describe_vpc_endpoints(Filters=where("vpc-id", second["Vpc"]))["VpcEndpoints"]
    interfaces = ec2.describe_network_interfaces(Filters=where("vpc-id", second["Vpc"]))["NetworkInterfaces"]
    assert first["Endpoint"] != second["Endpoint"]
    assert [endpoint["VpcEndpointId"] for endpoint in found] == [second["Endpoint"]]
    assert [interface["NetworkInterfaceId"] for interface in interfaces] == found[0]["NetworkInterfaceIds"]


def test_a_gateway_endpoint_that_is_taken_away_takes_its_routes(deploy: Deploy, ec2: Any) -> None:
    network = {"Vpc": VPC, "Table": in_vpc("RouteTable")}
    s3 = in_vpc(
        "VPCEndpoint",
        ServiceName="com.amazonaws.us-east-1.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[{"Ref": "Table"}],
    )
    deploy({**network, "S3": s3}, "test-gateway-taken")
    table = deploy(network, "test-gateway-taken")["Table"]
    (found,) = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert [route["GatewayId"] for route in found["Routes"]] == ["local"]


@pytest.mark.parametrize("attribute", ["EnableDnsSupport", "EnableDnsHostnames"])
def test_private_dns_needs_the_dns_of_the_vpc(deploy: Deploy, attribute: str) -> None:
    without = {**VPC, "Properties": {**VPC["Properties"], attribute: False}}
    with pytest.raises(DeploymentError, match=rf"private DNS needs e{attribute[1:]} of vpc-\w+, which is off"):
        deploy({"Vpc": without, "Endpoint": interface_endpoint(PrivateDnsEnabled=True)})


def test_private_dns_that_is_turned_on_later_needs_the_dns_of_the_vpc_too(deploy: Deploy) -> None:
    vpc = {**VPC, "Properties": {"CidrBlock": "10.9.0.0/16"}}
    deploy({"Vpc": vpc, "Endpoint": interface_endpoint()}, "test-private-dns-later")
    with pytest.raises(DeploymentError, match="private DNS needs enableDnsHostnames"):
        deploy({"Vpc": vpc, "Endpoint": interface_endpoint(PrivateDnsEnabled=True)}, "test-private-dns-later")


def test_a_private_name_leads_to_one_endpoint(deploy: Deploy) -> None:
    first = interface_endpoint(PrivateDnsEnabled=True)
    second = first | {"DependsOn": "First"}
    with pytest.raises(DeploymentError, match=r"private DNS of com\.amazonaws\.us-east-1\.sts leads to vpce-\w+"):
        deploy({"Vpc": VPC, "First": first, "Second": second})


def test_a_subnet_is_not_deleted_while_an_interface_is_in_it(local_cloud: LocalCloud, deploy: Deploy, ec2: Any) -> None:
    ids = deploy({"Vpc": VPC, "Subnet": subnet(), "Group": group()}, "test-in-use")
    created = ec2.create_network_interface(SubnetId=ids["Subnet"], Groups=[ids["Group"]])
    interface = created["NetworkInterface"]["NetworkInterfaceId"]
    status, reason = delete_stack(local_cloud.client("cloudformation"), "test-in-use")
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert status == "DELETE_FAILED"
    assert f"The subnet '{ids['Subnet']}' has dependencies and cannot be deleted: {interface}" in reason
    assert f"resource {ids['Group']} has a dependent object and cannot be deleted: {interface}" in reason
    assert f"The vpc '{ids['Vpc']}'" not in reason  # not tried, since the others need it
    assert delete_stack(local_cloud.client("cloudformation"), "test-in-use")[0] == "DELETE_COMPLETE"


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_security_group_is_not_deleted_while_a_rule_of_another_names_it(
    deploy: Deploy, ec2: Any, direction: str
) -> None:
    ids = deploy({"Vpc": VPC, "Group": group(), "Other": group()})
    naming = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": ids["Group"]}]}]
    getattr(ec2, f"authorize_security_group_{direction}")(GroupId=ids["Other"], IpPermissions=naming)
    with pytest.raises(ClientError, match=rf"DependencyViolation.*cannot be deleted: {ids['Other']}"):
        ec2.delete_security_group(GroupId=ids["Group"])
    ec2.delete_security_group(GroupId=ids["Other"])


def test_a_security_group_that_names_itself_is_deleted(deploy: Deploy, ec2: Any) -> None:
    ids = deploy({"Vpc": VPC, "Group": group()})
    naming = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": ids["Group"]}]}]
    ec2.authorize_security_group_ingress(GroupId=ids["Group"], IpPermissions=naming)
    ec2.delete_security_group(GroupId=ids["Group"])
    assert ec2.describe_security_groups(Filters=where("vpc-id", ids["Vpc"]))["SecurityGroups"][1:] == []


def test_a_route_table_is_not_deleted_while_a_subnet_has_it(deploy: Deploy, ec2: Any) -> None:
    association = {
        "Type": "AWS::EC2::SubnetRouteTableAssociation",
        "Properties": {"RouteTableId": {"Ref": "Table"}, "SubnetId": {"Ref": "Subnet"}},
    }
    ids = deploy({"Vpc": VPC, "Subnet": subnet(), "Table": in_vpc("RouteTable"), "Association": association})
    with pytest.raises(ClientError, match=rf"DependencyViolation.*cannot be deleted: {ids['Subnet']}"):
        ec2.delete_route_table(RouteTableId=ids["Table"])


@pytest.mark.parametrize("resource", ["RouteTable", "VPCEndpoint"])
def test_a_vpc_is_not_deleted_while_it_holds_something(deploy: Deploy, ec2: Any, resource: str) -> None:
    held = {"RouteTable": in_vpc("RouteTable"), "VPCEndpoint": interface_endpoint()}[resource]
    ids = deploy({"Vpc": VPC, "Held": held})
    with pytest.raises(ClientError, match=rf"DependencyViolation.*cannot be deleted: {ids['Held']}"):
        ec2.delete_vpc(VpcId=ids["Vpc"])


def test_what_somebody_else_deleted_is_deleted_with_its_stack(
    local_cloud: LocalCloud, deploy: Deploy, ec2: Any
) -> None:
    ids = deploy({"Vpc": VPC, "Subnet": subnet(), "Group": group()}, "test-deleted-before")
    ec2.delete_subnet(SubnetId=ids["Subnet"])
    ec2.delete_security_group(GroupId=ids["Group"])
    ec2.delete_vpc(VpcId=ids["Vpc"])
    assert delete_stack(local_cloud.client("cloudformation"), "test-deleted-before")[0] == "DELETE_COMPLETE"


def test_a_flow_log_is_another_one_when_it_logs_something_else(deploy: Deploy, ec2: Any) -> None:
    def logging(traffic: str) -> dict[str, Any]:
        given = {
            "ResourceId": {"Ref": "Vpc"},
            "ResourceType": "VPC",
            "TrafficType": traffic,
            "LogGroupName": "refused",
            "DeliverLogsPermissionArn": f"arn:aws:iam::{ACCOUNT}:role/logs",
        }
        return {"Vpc": VPC, "FlowLog": {"Type": "AWS::EC2::FlowLog", "Properties": given}}

    def flow_logs(vpc: str) -> dict[str, str]:
        found = ec2.describe_flow_logs(Filters=where("resource-id", vpc))["FlowLogs"]
        return {one["FlowLogId"]: one["TrafficType"] for one in found}

    first = deploy(logging("REJECT"), "flow-logs")
    assert flow_logs(first["Vpc"]) == {first["FlowLog"]: "REJECT"}
    second = deploy(logging("ALL"), "flow-logs")
    assert second["FlowLog"] != first["FlowLog"]
    assert flow_logs(second["Vpc"]) == {second["FlowLog"]: "ALL"}
    third = deploy({"Vpc": VPC}, "flow-logs")
    assert flow_logs(third["Vpc"]) == {}
