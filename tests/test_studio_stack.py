"""What the Studio stack guarantees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, cast

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template
from botocore.model import StringShape
from botocore.session import get_session

from machine_learning.instance_types import StudioInstanceType
from machine_learning.studio_endpoints import StudioEndpoints, monthly_cost
from machine_learning.studio_instance_types import hidden_instance_types
from stacks.notes import notes
from stacks.sandbox import sandbox_app
from tests.synthesis import Resource, SynthesizedStack, synthesize

APP_SETTINGS = [
    ("DefaultUserSettings", "JupyterLabAppSettings"),
    ("DefaultUserSettings", "CodeEditorAppSettings"),
    ("DefaultSpaceSettings", "JupyterLabAppSettings"),
]
"""SageMaker has no Code Editor in shared spaces."""

POLICIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")


@pytest.fixture(scope="module")
def studio() -> SynthesizedStack:
    return synthesize("default")["Studio"]


@pytest.fixture(scope="module")
def vpc_only() -> SynthesizedStack:
    return synthesize("vpc-only")["Studio"]


@pytest.fixture(scope="module")
def two_users() -> SynthesizedStack:
    return synthesize("two-users")["Studio"]


@pytest.fixture(scope="module", params=["default", "vpc-only", "two-users"])
def any_studio(request: pytest.FixtureRequest) -> SynthesizedStack:
    return synthesize(request.param)["Studio"]


def studio_of(**settings: Any) -> Stack:
    return cast(Stack, sandbox_app(**settings).node.find_child("Studio"))


def service_values(shape: str) -> set[str]:
    """The values of a closed set, as the SageMaker API defines it."""
    return set(cast(StringShape, get_session().get_service_model("sagemaker").shape_for(shape)).enum)


def domain(stack: SynthesizedStack) -> Mapping[str, Any]:
    return stack.one("AWS::SageMaker::Domain").properties


def rendered(value: Any) -> str:
    """An ARN or name as one string, intrinsic functions by the name of what they refer to."""
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return f"<{name}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(rendered(part) for part in parts)
        case _:
            return str(value)


PSEUDO_PARAMETERS = {
    "AWS::Partition": "aws",
    "AWS::Region": "ap-southeast-2",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com",
}


def deployed(value: Any) -> Any:
    """A policy about as long as it is when it is deployed: ARNs of 100 characters, names and ids of 40."""
    match value:
        case {"Ref": name} if name in PSEUDO_PARAMETERS:
            return PSEUDO_PARAMETERS[name]
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(deployed(part) for part in parts)
        case {"Ref": _} | {"Fn::GetAtt": _} | {"Fn::ImportValue": _}:
            return "x" * (100 if "Arn" in json.dumps(value) else 40)
        case dict():
            return {key: deployed(item) for key, item in value.items()}
        case list():
            return [deployed(item) for item in value]
        case _:
            return value


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(stack: SynthesizedStack, role: str) -> Iterator[dict[str, Any]]:
    """The statements of all policies of a role."""
    logical_id = stack.one("AWS::IAM::Role", role).logical_id
    for policy in stack.all():
        if policy.type in POLICIES and {"Ref": logical_id} in policy.properties["Roles"]:
            yield from policy.properties["PolicyDocument"]["Statement"]


def actions_of(stack: SynthesizedStack, role: str) -> set[str]:
    """What a role may do, beside using the key for what it logs."""
    return {
        action
        for s in statements(stack, role)
        if "kms:ViaService" not in s.get("Condition", {}).get("StringEquals", {})
        for action in as_list(s["Action"])
    }


def statement(stack: SynthesizedStack, sid: str) -> dict[str, Any]:
    (found,) = [s for s in statements(stack, "LearnerRole") if s.get("Sid") == sid]
    return found


class TestNetwork:
    def test_has_two_zones(self, any_studio: SynthesizedStack) -> None:
        zones = [json.dumps(s.properties["AvailabilityZone"]) for s in any_studio.of_type("AWS::EC2::Subnet")]
        assert len(set(zones)) == len(zones) == 2

    @pytest.mark.parametrize(
        "type_", ["AWS::EC2::NatGateway", "AWS::EC2::InternetGateway", "AWS::EC2::EIP", "AWS::EC2::Route"]
    )
    def test_has_no_way_to_the_internet(self, any_studio: SynthesizedStack, type_: str) -> None:
        assert any_studio.count("AWS::EC2::VPC") == 1
        assert any_studio.count(type_) == 0

    def test_gives_no_public_addresses(self, any_studio: SynthesizedStack) -> None:
        for subnet in any_studio.of_type("AWS::EC2::Subnet"):
            assert subnet.properties["MapPublicIpOnLaunch"] is False

    def test_reaches_s3_through_a_gateway_from_every_subnet(self, any_studio: SynthesizedStack) -> None:
        endpoint = any_studio.one("AWS::EC2::VPCEndpoint", "S3").properties
        tables = {table.logical_id for table in any_studio.of_type("AWS::EC2::RouteTable")}
        assert endpoint["VpcEndpointType"] == "Gateway"
        assert {table["Ref"] for table in endpoint["RouteTableIds"]} == tables

    def test_lets_only_this_accounts_principals_reach_only_this_accounts_buckets(
        self, any_studio: SynthesizedStack
    ) -> None:
        account = {"Ref": "AWS::AccountId"}
        assert any_studio.one("AWS::EC2::VPCEndpoint", "S3").properties["PolicyDocument"]["Statement"] == [
            {
                "Sid": "OwnBucketsByOwnPrincipals",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "s3:*",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalAccount": account, "aws:ResourceAccount": account}},
            }
        ]

    def test_closes_the_default_security_group(self, any_studio: SynthesizedStack) -> None:
        closed = any_studio.one("Custom::VpcRestrictDefaultSG").properties["DefaultSecurityGroupId"]
        assert closed == {"Fn::GetAtt": [any_studio.one("AWS::EC2::VPC").logical_id, "DefaultSecurityGroup"]}

    @pytest.mark.parametrize("type_", ["AWS::EC2::SecurityGroup", "AWS::EC2::FlowLog"])
    def test_needs_no_security_group_and_no_log_while_nothing_runs_in_it(
        self, studio: SynthesizedStack, type_: str
    ) -> None:
        assert studio.count(type_) == 0
        assert studio.count("AWS::EC2::VPCEndpoint") == 1


ENDPOINTS_OF_THE_PAGE = {
    "com.amazonaws.{region}.sagemaker.api": "",
    "com.amazonaws.{region}.sagemaker.runtime": "",
    "com.amazonaws.{region}.s3": "",
    "com.amazonaws.{region}.sts": "",
    "com.amazonaws.{region}.logs": "",
    "com.amazonaws.{region}.servicecatalog": "SageMaker Projects alone need it, and a sandbox has none",
    "aws.sagemaker.{region}.studio": "for browsers inside the VPC; a learner's is outside, and no app calls it",
}
"""The endpoints that AWS lists for Studio without internet access, and why one is left out, USD 14.60 a month each.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html (the list),
https://docs.aws.amazon.com/sagemaker/latest/dg/studio-interface-endpoint.html (whom the last one is for)
"""


class TestVpcOnlyNetwork:
    @pytest.mark.parametrize(
        "service",
        [
            "sagemaker.api",
            "sagemaker.runtime",
            "sagemaker.featurestore-runtime",
            "sts",
            "logs",
            "athena",
            "glue",
        ],
    )
    def test_has_an_endpoint_with_private_dns_in_both_zones(self, vpc_only: SynthesizedStack, service: str) -> None:
        (endpoint,) = [
            e.properties
            for e in vpc_only.of_type("AWS::EC2::VPCEndpoint")
            if rendered(e.properties["ServiceName"]) == f"com.amazonaws.<AWS::Region>.{service}"
        ]
        assert endpoint["VpcEndpointType"] == "Interface"
        assert endpoint["PrivateDnsEnabled"] is True
        assert len(endpoint["SubnetIds"]) == 2

    @pytest.mark.parametrize(("service", "why_not"), ENDPOINTS_OF_THE_PAGE.items())
    def test_has_each_endpoint_that_aws_lists_or_a_reason_for_none(
        self, vpc_only: SynthesizedStack, service: str, why_not: str
    ) -> None:
        there = {rendered(e.properties["ServiceName"]) for e in vpc_only.of_type("AWS::EC2::VPCEndpoint")}
        assert (service.replace("{region}", "<AWS::Region>") in there) is not bool(why_not)

    def test_hides_what_would_need_an_endpoint_that_is_left_out(self, vpc_only: SynthesizedStack) -> None:
        """Projects are made from Service Catalog's products, and the domain offers none."""
        assert "servicecatalog" not in json.dumps(vpc_only.template).lower()

    def test_has_no_endpoint_that_nothing_calls(self, vpc_only: SynthesizedStack) -> None:
        assert vpc_only.count("AWS::EC2::VPCEndpoint") == 7 + 1

    def test_lets_apps_and_nothing_else_reach_the_endpoints(self, vpc_only: SynthesizedStack) -> None:
        group = vpc_only.one("AWS::EC2::SecurityGroup", "NetworkEndpointsBB")
        apps = vpc_only.one("AWS::EC2::SecurityGroup", "EndpointsApps1")
        into_endpoints = [
            rule.properties
            for rule in vpc_only.of_type("AWS::EC2::SecurityGroupIngress")
            if rule.properties["GroupId"] == {"Fn::GetAtt": [group.logical_id, "GroupId"]}
        ]
        (rule,) = into_endpoints
        assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": [apps.logical_id, "GroupId"]}
        assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
        for endpoint in vpc_only.of_type("AWS::EC2::VPCEndpoint"):
            if endpoint.properties["VpcEndpointType"] == "Interface":
                assert endpoint.properties["SecurityGroupIds"] == [{"Fn::GetAtt": [group.logical_id, "GroupId"]}]

    def test_lets_nobody_in_by_address(self, vpc_only: SynthesizedStack) -> None:
        inline = [g.properties.get("SecurityGroupIngress", []) for g in vpc_only.of_type("AWS::EC2::SecurityGroup")]
        separate = [rule.properties for rule in vpc_only.of_type("AWS::EC2::SecurityGroupIngress")]
        rules = [*chain(*inline), *separate]
        assert rules
        assert all("SourceSecurityGroupId" in rule and "CidrIp" not in rule for rule in rules)

    def test_lets_apps_out_over_https_alone(self, vpc_only: SynthesizedStack) -> None:
        (rule,) = vpc_only.one("AWS::EC2::SecurityGroup", "EndpointsApps1").properties["SecurityGroupEgress"]
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 443, 443)

    def test_lets_the_endpoints_open_no_connection(self, vpc_only: SynthesizedStack) -> None:
        # the CDK's rule that allows nothing: without a rule EC2 allows everything
        (rule,) = vpc_only.one("AWS::EC2::SecurityGroup", "NetworkEndpointsBB").properties["SecurityGroupEgress"]
        assert (rule["CidrIp"], rule["IpProtocol"]) == ("255.255.255.255/32", "icmp")

    def test_connects_the_apps_of_each_user_and_not_those_of_different_users(self) -> None:
        stack = SynthesizedStack(
            Template.from_stack(studio_of(studio_network="vpc-only", studio_users="ana,bo")).to_json()
        )
        for user in ("ana", "bo"):
            group = {"Fn::GetAtt": [stack.one("AWS::EC2::SecurityGroup", f"AppsOf{user}").logical_id, "GroupId"]}
            profile = stack.one("AWS::SageMaker::UserProfile", user).properties
            assert profile["UserSettings"]["SecurityGroups"] == [group]
            ingress = stack.of_type("AWS::EC2::SecurityGroupIngress")
            (let_in,) = [rule.properties for rule in ingress if rule.properties["GroupId"] == group]
            assert let_in["SourceSecurityGroupId"] == group
            (let_out,) = stack.one("AWS::EC2::SecurityGroup", f"AppsOf{user}").properties["SecurityGroupEgress"]
            assert let_out["CidrIp"] == {"Fn::GetAtt": [stack.one("AWS::EC2::VPC").logical_id, "CidrBlock"]}
            # https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html
            for rule in (let_in, let_out):
                assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 8192, 65535)

    def test_has_no_group_without_an_egress_rule_since_ec2_would_then_allow_everything(
        self, vpc_only: SynthesizedStack
    ) -> None:
        for group in vpc_only.of_type("AWS::EC2::SecurityGroup"):
            assert group.properties["SecurityGroupEgress"]
            assert "-1" not in {rule["IpProtocol"] for rule in group.properties["SecurityGroupEgress"]}

    @pytest.mark.parametrize("settings", ["DefaultUserSettings", "DefaultSpaceSettings"])
    def test_is_where_all_apps_run(self, vpc_only: SynthesizedStack, settings: str) -> None:
        apps = vpc_only.one("AWS::EC2::SecurityGroup", "EndpointsApps1").logical_id
        assert domain(vpc_only)["AppNetworkAccessType"] == "VpcOnly"
        assert domain(vpc_only)[settings]["SecurityGroups"] == [{"Fn::GetAtt": [apps, "GroupId"]}]

    def test_logs_refused_connections(self, vpc_only: SynthesizedStack) -> None:
        flow_log = vpc_only.one("AWS::EC2::FlowLog").properties
        assert flow_log["TrafficType"] == "REJECT"
        assert flow_log["ResourceId"] == {"Ref": vpc_only.one("AWS::EC2::VPC").logical_id}
        assert flow_log["LogGroupName"] == {"Ref": vpc_only.one("AWS::Logs::LogGroup", "FlowLogs").logical_id}

    def test_resolves_the_names_of_services_to_its_endpoints(self, vpc_only: SynthesizedStack) -> None:
        # https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
        vpc = vpc_only.one("AWS::EC2::VPC").properties
        assert vpc["EnableDnsSupport"] is True
        assert vpc["EnableDnsHostnames"] is True

    def test_says_once_at_synth_what_it_costs(self) -> None:
        stack = Stack(App(), "Stack")
        StudioEndpoints(stack, "Endpoints", vpc=ec2.Vpc(stack, "Vpc", max_azs=2, nat_gateways=0), users=["ana", "bo"])
        assert [*notes(stack.node.root)] == [f"Stack: {monthly_cost(endpoints=7, zones=2)}"]

    def test_costs_the_hours_of_a_month_for_each_endpoint_in_each_zone(self) -> None:
        assert "about $102 a month" in monthly_cost(endpoints=7, zones=2)
        assert "about $7 a month" in monthly_cost(endpoints=1, zones=1)
        assert "https://aws.amazon.com/privatelink/pricing/" in monthly_cost(endpoints=1, zones=1)

    def test_is_not_announced_where_there_is_none(self) -> None:
        assert [told for told in notes(studio_of().node.root) if told.startswith("Studio")] == []


class TestDomain:
    def test_has_no_home_file_system(self, any_studio: SynthesizedStack) -> None:
        assert domain(any_studio)["HomeEfsFileSystemCreation"] == "Disabled"
        assert domain(any_studio)["DefaultUserSettings"]["AutoMountHomeEFS"] == "Disabled"
        assert not [r for r in any_studio.all() if r.type.startswith("AWS::EFS::")]

    def test_names_the_network_and_subnets_that_it_does_not_use_by_default(self, any_studio: SynthesizedStack) -> None:
        subnets = [{"Ref": subnet.logical_id} for subnet in any_studio.of_type("AWS::EC2::Subnet")]
        assert domain(any_studio)["VpcId"] == {"Ref": any_studio.one("AWS::EC2::VPC").logical_id}
        assert domain(any_studio)["SubnetIds"] == subnets

    def test_costs_nothing_while_idle_by_default(self, studio: SynthesizedStack) -> None:
        assert domain(studio)["AppNetworkAccessType"] == "PublicInternetOnly"
        assert "SecurityGroups" not in domain(studio)["DefaultUserSettings"]

    @pytest.mark.parametrize(("settings", "app"), APP_SETTINGS)
    def test_shuts_down_idle_apps_after_an_hour_and_nobody_can_change_it(
        self, any_studio: SynthesizedStack, settings: str, app: str
    ) -> None:
        assert domain(any_studio)[settings][app]["AppLifecycleManagement"]["IdleSettings"] == {
            "LifecycleManagement": "ENABLED",
            "IdleTimeoutInMinutes": 60,
            "MinIdleTimeoutInMinutes": 60,
            "MaxIdleTimeoutInMinutes": 60,
        }

    @pytest.mark.parametrize("settings", ["DefaultUserSettings", "DefaultSpaceSettings"])
    def test_gives_small_volumes_to_users_and_shared_spaces(self, any_studio: SynthesizedStack, settings: str) -> None:
        assert domain(any_studio)[settings]["SpaceStorageSettings"]["DefaultEbsStorageSettings"] == {
            "DefaultEbsVolumeSizeInGb": 5,
            "MaximumEbsVolumeSizeInGb": 20,
        }

    @pytest.mark.parametrize(("settings", "app"), APP_SETTINGS)
    def test_starts_on_the_first_allowed_instance_type(
        self, any_studio: SynthesizedStack, settings: str, app: str
    ) -> None:
        assert domain(any_studio)[settings][app]["DefaultResourceSpec"] == {"InstanceType": "ml.t3.medium"}

    def test_hides_the_instance_types_that_are_not_allowed(self, any_studio: SynthesizedStack) -> None:
        hidden = domain(any_studio)["DefaultUserSettings"]["StudioWebPortalSettings"]["HiddenInstanceTypes"]
        assert hidden == hidden_instance_types(["ml.t3.medium", "ml.t3.large", "ml.m5.large"])

    @pytest.mark.parametrize("settings", ["DefaultUserSettings", "DefaultSpaceSettings"])
    def test_runs_as_the_learner(self, any_studio: SynthesizedStack, settings: str) -> None:
        role = any_studio.one("AWS::IAM::Role", "LearnerRole").logical_id
        assert domain(any_studio)[settings]["ExecutionRole"] == {"Fn::GetAtt": [role, "Arn"]}

    def test_encrypts_volumes_with_the_key(self, any_studio: SynthesizedStack) -> None:
        assert "ExportsOutputFnGetAttKey" in rendered(domain(any_studio)["KmsKeyId"])

    def test_keeps_what_would_replace_it_if_it_changed(self, any_studio: SynthesizedStack) -> None:
        # AuthMode, DomainName and KmsKeyId: a replacement loses what lies in the spaces
        assert domain(any_studio)["AuthMode"] == "IAM"
        assert domain(any_studio)["DomainName"] == "ml-sandbox"

    def test_tags_what_learners_start(self, any_studio: SynthesizedStack) -> None:
        assert domain(any_studio)["TagPropagation"] == "ENABLED"
        assert {"Key": "sandbox", "Value": "ml-sandbox"} in domain(any_studio)["Tags"]

    def test_opens_studio_and_not_studio_classic(self, any_studio: SynthesizedStack) -> None:
        # Studio Classic needs the home file system
        assert domain(any_studio)["DefaultUserSettings"]["StudioWebPortal"] == "ENABLED"
        assert domain(any_studio)["DefaultUserSettings"]["DefaultLandingUri"] == "studio::"

    def test_is_written_in_the_case_that_cloudformation_reads(self, any_studio: SynthesizedStack) -> None:
        def keys(value: Any) -> Iterator[str]:
            if isinstance(value, dict):
                yield from value
            for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                yield from keys(item)

        resources = [any_studio.one("AWS::SageMaker::Domain"), *any_studio.of_type("AWS::SageMaker::UserProfile")]
        for resource in resources:
            assert [key for key in keys(resource.properties) if not key[0].isupper()] == []

    def test_tells_its_id_and_address(self, any_studio: SynthesizedStack) -> None:
        assert {"DomainId", "DomainUrl", "LearnerRole", "StudioUsers"} <= any_studio.template["Outputs"].keys()


class TestUsers:
    def test_have_a_profile_each(self, studio: SynthesizedStack, two_users: SynthesizedStack) -> None:
        for stack, names in ((studio, ["learner"]), (two_users, ["ana", "bo"])):
            profiles = stack.of_type("AWS::SageMaker::UserProfile")
            assert [profile.properties["UserProfileName"] for profile in profiles] == names
            assert stack.template["Outputs"]["StudioUsers"]["Value"] == ",".join(names)

    def test_belong_to_the_domain(self, any_studio: SynthesizedStack) -> None:
        domain_id = {"Fn::GetAtt": [any_studio.one("AWS::SageMaker::Domain").logical_id, "DomainId"]}
        for profile in any_studio.of_type("AWS::SageMaker::UserProfile"):
            assert profile.properties["DomainId"] == domain_id

    def test_have_the_settings_of_the_domain(self, studio: SynthesizedStack, two_users: SynthesizedStack) -> None:
        for stack in (studio, two_users):
            assert not [p for p in stack.of_type("AWS::SageMaker::UserProfile") if "UserSettings" in p.properties]


class TestHiddenInstanceTypes:
    def test_with_the_allowed_ones_are_all_that_the_service_offers(self) -> None:
        # what CloudFormation does not know yet cannot be hidden
        offered = service_values("AppInstanceType")
        unknown_to_cloudformation = {t for t in offered if t.startswith("ml.g7.")}
        assert set(hidden_instance_types([])) == offered - unknown_to_cloudformation - {"system"}

    def test_are_all_but_the_allowed_ones(self) -> None:
        assert set(hidden_instance_types([])) - set(hidden_instance_types(["ml.t3.medium"])) == {"ml.t3.medium"}

    def test_could_be_each_type_that_the_settings_allow(self) -> None:
        assert set(StudioInstanceType) <= set(hidden_instance_types([]))


DENIED = {
    "DenyOtherInstanceTypes": ["sagemaker:CreateApp", "sagemaker:CreateSpace", "sagemaker:UpdateSpace"],
    "DenyAppsWithoutIdleShutdown": ["sagemaker:CreateApp"],
    "DenyStudioOfOthers": ["sagemaker:CreatePresignedDomainUrl"],
    "DenyChangingTheZones": ["s3:Delete*", "s3:Put*"],
    "DenyPassingOtherRoles": ["iam:PassRole"],
    "DenyWhatIdlesAtACost": [
        "sagemaker:CreateCluster",
        "sagemaker:CreateEndpoint",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateInferenceComponent",
        "sagemaker:CreateInferenceExperiment",
        "sagemaker:CreateMlflowApp",
        "sagemaker:CreateMlflowTrackingServer",
        "sagemaker:CreateMonitoringSchedule",
        "sagemaker:CreateNotebookInstance",
        "sagemaker:CreatePartnerApp",
        "sagemaker:CreateReservedCapacity",
        "sagemaker:CreateTrainingPlan",
        "sagemaker:StartNotebookInstance",
        "sagemaker:UpdateCluster",
        "sagemaker:UpdateEndpoint",
    ],
    "DenyJobsWithoutBounds": [
        "sagemaker:CreateAutoMLJob",
        "sagemaker:CreateAutoMLJobV2",
        "sagemaker:CreateCompilationJob",
        "sagemaker:CreateHyperParameterTuningJob",
        "sagemaker:CreateInferenceRecommendationsJob",
        "sagemaker:CreateLabelingJob",
        "sagemaker:CreateOptimizationJob",
        "sagemaker:CreateProcessingJob",
        "sagemaker:CreateTransformJob",
    ],
    "DenyChangingTheDomain": [
        "sagemaker:CreateDomain",
        "sagemaker:CreateUserProfile",
        "sagemaker:DeleteDomain",
        "sagemaker:DeleteUserProfile",
        "sagemaker:UpdateDomain",
        "sagemaker:UpdateUserProfile",
    ],
    "DenyRemovingTags": ["sagemaker:DeleteTags"],
    "DenyChangingFeatureGroups": [
        "sagemaker:CreateFeatureGroup",
        "sagemaker:DeleteFeatureGroup",
        "sagemaker:UpdateFeatureGroup",
    ],
    "DenyChangingTheCatalog": [
        "glue:BatchDeletePartition",
        "glue:BatchDeleteTable",
        "glue:DeleteDatabase",
        "glue:DeletePartition",
        "glue:DeleteTable",
        "glue:UpdateDatabase",
        "glue:UpdatePartition",
        "glue:UpdateTable",
    ],
    "DenyChangingIdentities": [
        "iam:Add*",
        "iam:Attach*",
        "iam:Create*",
        "iam:Delete*",
        "iam:Detach*",
        "iam:Put*",
        "iam:Remove*",
        "iam:Set*",
        "iam:Update*",
    ],
    "DenyBecomingAnotherRole": ["sts:AssumeRole"],
    "DenyLosingTheKey": [
        "kms:DisableKey",
        "kms:DisableKeyRotation",
        "kms:PutKeyPolicy",
        "kms:RevokeGrant",
        "kms:ScheduleKeyDeletion",
    ],
}


class TestLearnerLimits:
    @pytest.mark.parametrize(("sid", "actions"), DENIED.items(), ids=DENIED)
    def test_deny(self, any_studio: SynthesizedStack, sid: str, actions: list[str]) -> None:
        denied = statement(any_studio, sid)
        assert denied["Effect"] == "Deny"
        assert as_list(denied["Action"]) == actions

    def test_are_all_listed_here(self, studio: SynthesizedStack) -> None:
        policy = studio.one("AWS::IAM::ManagedPolicy", "LearnerLimits")
        assert {s["Sid"] for s in policy.properties["PolicyDocument"]["Statement"]} == DENIED.keys()

    def test_hold_without_condition_for_every_resource_unless_named_below(self, studio: SynthesizedStack) -> None:
        narrower = {
            "DenyOtherInstanceTypes",
            "DenyAppsWithoutIdleShutdown",
            "DenyStudioOfOthers",
            "DenyChangingTheZones",
            "DenyPassingOtherRoles",
        }
        for sid in DENIED.keys() - narrower:
            assert statement(studio, sid)["Resource"] == "*"
            assert "Condition" not in statement(studio, sid)

    def test_leave_the_allowed_instance_types_and_what_needs_none(self, studio: SynthesizedStack) -> None:
        denied = statement(studio, "DenyOtherInstanceTypes")
        assert denied["Resource"] == "*"
        assert denied["Condition"] == {
            "ForAnyValue:StringNotEquals": {
                "sagemaker:InstanceTypes": ["ml.t3.medium", "ml.t3.large", "ml.m5.large", "system"]
            }
        }

    def test_leave_no_app_without_idle_shutdown(self, studio: SynthesizedStack) -> None:
        app_types = service_values("AppType") - {"JupyterLab", "CodeEditor"}
        spellings = app_types | {app_type.lower() for app_type in app_types}
        denied = {rendered(arn) for arn in statement(studio, "DenyAppsWithoutIdleShutdown")["Resource"]}
        assert denied == {f"arn:<AWS::Partition>:sagemaker:*:*:app/*/*/{spelling}/*" for spelling in spellings}

    def test_leave_the_learners_own_studio(self, studio: SynthesizedStack) -> None:
        own = rendered(statement(studio, "DenyStudioOfOthers")["NotResource"])
        assert re.search(r":user-profile/<StudioDomain\w+\.DomainId>/\$\{sagemaker:UserProfileName\}$", own)

    def test_leave_the_training_role_to_be_passed(self, studio: SynthesizedStack) -> None:
        denied = statement(studio, "DenyPassingOtherRoles")
        assert "SpotTrainingRole" in rendered(denied["NotResource"])

    def test_cover_each_zone_and_the_objects_in_it(self, studio: SynthesizedStack) -> None:
        covered = [rendered(arn) for arn in statement(studio, "DenyChangingTheZones")["Resource"]]
        assert len(covered) == 6
        for zone in ("Raw", "Processed", "Curated"):
            bucket, objects = [arn for arn in covered if f"GetAttStorage{zone}" in arn]
            assert objects == f"{bucket}/*"

    @pytest.mark.parametrize("service", ["sagemaker", "kms", "glue", "iam", "sts"])
    def test_name_actions_that_exist(self, service: str) -> None:
        # endpoints, jobs and the like cannot be denied by a name that AWS does not know
        model = get_session().get_service_model(service)
        named = [action.split(":")[1] for action in chain(*DENIED.values()) if action.startswith(f"{service}:")]
        permission_only = {"CreateReservedCapacity", "PassRole"}
        assert named
        for name in set(named) - permission_only:
            pattern = re.compile(name.replace("*", ".*"))
            assert any(pattern.fullmatch(operation) for operation in model.operation_names), name


ALLOWED_IN_STUDIO = {
    "FindStudio": [
        "sagemaker:ListApps",
        "sagemaker:ListDomains",
        "sagemaker:ListSpaces",
        "sagemaker:ListUserProfiles",
    ],
    "SeeStudio": [
        "sagemaker:DescribeApp",
        "sagemaker:DescribeDomain",
        "sagemaker:DescribeSpace",
        "sagemaker:DescribeUserProfile",
        "sagemaker:ListTags",
    ],
    "OpenOwnStudio": ["sagemaker:CreatePresignedDomainUrl"],
    "OwnSpaces": ["sagemaker:CreateSpace", "sagemaker:DeleteSpace", "sagemaker:UpdateSpace"],
    "OwnApps": ["sagemaker:CreateApp", "sagemaker:DeleteApp"],
    "SharedApps": ["sagemaker:CreateApp", "sagemaker:DeleteApp"],
    "TagWhatIsCreated": ["sagemaker:AddTags"],
    "EncryptSpaces": [
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
    ],
}


class TestLearnerRole:
    @pytest.mark.parametrize(("sid", "actions"), ALLOWED_IN_STUDIO.items(), ids=ALLOWED_IN_STUDIO)
    def test_may_in_studio(self, any_studio: SynthesizedStack, sid: str, actions: list[str]) -> None:
        assert statement(any_studio, sid)["Effect"] == "Allow"
        assert as_list(statement(any_studio, sid)["Action"]) == actions

    def test_opens_the_own_studio(self, studio: SynthesizedStack) -> None:
        assert statement(studio, "OpenOwnStudio")["Resource"] == statement(studio, "DenyStudioOfOthers")["NotResource"]

    def test_is_trusted_by_sagemaker_for_this_account_alone(self, any_studio: SynthesizedStack) -> None:
        role = any_studio.one("AWS::IAM::Role", "LearnerRole").properties
        assert role["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            }
        ]

    def test_has_no_managed_policy_of_aws(self, any_studio: SynthesizedStack) -> None:
        assert "ManagedPolicyArns" not in any_studio.one("AWS::IAM::Role", "LearnerRole").properties

    def test_may_do_nothing_with_a_wildcard_in_the_action(self, any_studio: SynthesizedStack) -> None:
        allowed = [s for s in statements(any_studio, "LearnerRole") if s["Effect"] == "Allow"]
        assert allowed
        assert not [action for s in allowed for action in as_list(s["Action"]) if "*" in action]

    def test_may_do_on_everything_only_what_lists_and_searches(self, any_studio: SynthesizedStack) -> None:
        reading = re.compile("sagemaker:(List|Search$|GetSearchSuggestions$|QueryLineage$)")
        for s in statements(any_studio, "LearnerRole"):
            if s["Effect"] == "Allow" and s["Resource"] == "*":
                assert all(reading.match(action) for action in s["Action"])

    @pytest.mark.parametrize("sid", ["OwnSpaces", "OwnApps"])
    def test_runs_spaces_and_private_apps_of_the_user_at_work(self, studio: SynthesizedStack, sid: str) -> None:
        owner = rendered(statement(studio, sid)["Condition"]["ArnLike"]["sagemaker:OwnerUserProfileArn"])
        assert owner == rendered(statement(studio, "DenyStudioOfOthers")["NotResource"])

    def test_shares_apps_of_shared_spaces_alone(self, studio: SynthesizedStack) -> None:
        assert statement(studio, "OwnSpaces")["Condition"]["StringEquals"] == {
            "sagemaker:SpaceSharingType": ["Private", "Shared"]
        }
        assert statement(studio, "OwnApps")["Condition"]["StringEquals"] == {"sagemaker:SpaceSharingType": "Private"}
        assert statement(studio, "SharedApps")["Condition"] == {
            "StringEquals": {"sagemaker:SpaceSharingType": "Shared"}
        }

    @pytest.mark.parametrize(
        ("sid", "resources"),
        [
            ("OwnSpaces", ["space"]),
            ("OwnApps", ["app"]),
            ("SharedApps", ["app"]),
            ("TagWhatIsCreated", ["app", "space"]),
            ("SeeStudio", ["app", "domain", "space", "user-profile"]),
        ],
    )
    def test_reaches_no_other_domain(self, studio: SynthesizedStack, sid: str, resources: list[str]) -> None:
        arns = [rendered(arn) for arn in as_list(statement(studio, sid)["Resource"])]
        found = [re.search(r":([a-z-]+)/<StudioDomain\w+\.DomainId>(/\*)?$", arn) for arn in arns]
        assert [match and match[1] for match in found] == resources

    def test_tags_only_what_is_being_created(self, studio: SynthesizedStack) -> None:
        assert statement(studio, "TagWhatIsCreated")["Condition"] == {"Null": {"sagemaker:TaggingAction": "false"}}

    @pytest.mark.parametrize("zone", ["Raw", "Processed", "Curated"])
    def test_reads_each_zone_and_its_tables(self, studio: SynthesizedStack, zone: str) -> None:
        readable = [
            rendered(arn)
            for s in statements(studio, "LearnerRole")
            if s["Effect"] == "Allow" and {"s3:GetObject", "glue:GetTable"} & set(as_list(s["Action"]))
            for arn in as_list(s["Resource"])
        ]
        assert [arn for arn in readable if re.search(rf"GetAttStorage{zone}\w+>/\*$", arn)]
        assert [arn for arn in readable if re.search(rf":table/<[\w:-]+RefCatalog{zone}\w+>/\*$", arn)]

    @pytest.mark.parametrize(
        "action",
        ["athena:StartQueryExecution", "sagemaker:PutRecord", "sagemaker:CreateTrainingJob", "iam:PassRole"],
    )
    def test_queries_uses_features_and_trains(self, studio: SynthesizedStack, action: str) -> None:
        allowed = [s for s in statements(studio, "LearnerRole") if s["Effect"] == "Allow"]
        assert [s for s in allowed if action in as_list(s["Action"])]

    def test_fits_into_the_sizes_that_iam_allows(self, any_studio: SynthesizedStack) -> None:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, white space not counted
        def size(policies: list[Resource]) -> int:
            return sum(
                len(json.dumps(deployed(p.properties["PolicyDocument"]), separators=(",", ":"))) for p in policies
            )

        role = {"Ref": any_studio.one("AWS::IAM::Role", "LearnerRole").logical_id}
        inline = [p for p in any_studio.of_type("AWS::IAM::Policy") if role in p.properties["Roles"]]
        assert inline
        assert size(inline) <= 10_240
        for managed in any_studio.of_type("AWS::IAM::ManagedPolicy"):
            assert size([managed]) <= 6_144


class TestCleaner:
    def test_is_deleted_before_every_user_profile_and_so_before_the_domain(self, any_studio: SynthesizedStack) -> None:
        profiles = {profile.logical_id for profile in any_studio.of_type("AWS::SageMaker::UserProfile")}
        assert profiles <= set(any_studio.one("Custom::StudioCleaner").depends_on)

    def test_is_one_for_the_domain(self, any_studio: SynthesizedStack) -> None:
        domain_id = {"Fn::GetAtt": [any_studio.one("AWS::SageMaker::Domain").logical_id, "DomainId"]}
        assert any_studio.one("Custom::StudioCleaner").properties["DomainId"] == domain_id

    def test_waits_for_as_long_as_cloudformation_does(self, studio: SynthesizedStack) -> None:
        definition = rendered(studio.one("AWS::StepFunctions::StateMachine").properties["DefinitionString"])
        (retry,) = json.loads(definition)["States"]["framework-isComplete-task"]["Retry"]
        assert retry["IntervalSeconds"] * retry["MaxAttempts"] == 3600
        assert studio.one("Custom::StudioCleaner").properties["ServiceTimeout"] == "3600"
        patience = studio.one("AWS::Lambda::Function", "CleanerOnEvent").properties["Environment"]["Variables"]
        assert int(patience["PATIENCE_SECONDS"]) < 3600 - 2 * retry["IntervalSeconds"]

    def test_has_what_it_needs_until_it_is_deleted(self, studio: SynthesizedStack) -> None:
        resources = {resource.logical_id: resource for resource in studio.all()}
        needed: set[str] = set()
        pending = [studio.one("Custom::StudioCleaner").logical_id]
        while pending:
            resource = resources[pending.pop()]
            needed.add(resource.logical_id)
            named = set(re.findall(r"\w+", json.dumps([resource.properties, resource.depends_on])))
            pending += [name for name in named & resources.keys() if name not in needed]
        cleaner = {r.logical_id for r in studio.all() if r.logical_id.startswith("Cleaner")}
        assert {r.type for r in studio.all() if r.logical_id in cleaner} >= {
            "AWS::IAM::Policy",
            "AWS::Lambda::Function",
        }
        assert cleaner <= needed

    def test_runs_the_tested_code_on_the_platform_of_the_other_functions(self, studio: SynthesizedStack) -> None:
        for construct_id, handler in (
            ("CleanerOnEvent", "studio_cleaner.handler.on_event"),
            ("CleanerIsComplete", "studio_cleaner.handler.is_complete"),
        ):
            function = studio.one("AWS::Lambda::Function", construct_id).properties
            assert function["Handler"] == handler
            assert function["Runtime"] == "python3.14"
            assert function["Architectures"] == ["arm64"]

    def test_may_delete_apps_and_spaces_of_its_domain_alone(self, studio: SynthesizedStack) -> None:
        deleting = {
            s["Action"]: rendered(s["Resource"])
            for s in statements(studio, "CleanerIsCompleteRole")
            if "sagemaker:Delete" in json.dumps(s["Action"])
        }
        assert deleting.keys() == {"sagemaker:DeleteApp", "sagemaker:DeleteSpace"}
        assert re.search(r":app/<StudioDomain\w+\.DomainId>/\*$", deleting["sagemaker:DeleteApp"])
        assert re.search(r":space/<StudioDomain\w+\.DomainId>/\*$", deleting["sagemaker:DeleteSpace"])

    def test_may_do_nothing_else_but_list_and_log(self, studio: SynthesizedStack) -> None:
        assert actions_of(studio, "CleanerIsCompleteRole") == {
            "logs:CreateLogStream",
            "logs:PutLogEvents",
            "sagemaker:DeleteApp",
            "sagemaker:DeleteSpace",
            "sagemaker:ListApps",
            "sagemaker:ListSpaces",
        }

    def test_may_do_nothing_when_it_is_created(self, studio: SynthesizedStack) -> None:
        assert actions_of(studio, "CleanerOnEventRole") == {"logs:CreateLogStream", "logs:PutLogEvents"}

    def test_leaves_no_resource_policy_of_logs_in_the_account(self, studio: SynthesizedStack) -> None:
        # Step Functions adds one, which no stack removes, when a state machine logs
        assert "LoggingConfiguration" not in studio.one("AWS::StepFunctions::StateMachine").properties

    def test_logs_with_the_frameworks_functions_to_one_group_of_the_stack(self, studio: SynthesizedStack) -> None:
        functions = [f for f in studio.of_type("AWS::Lambda::Function") if f.logical_id.startswith("Cleaner")]
        group = {"Ref": studio.one("AWS::Logs::LogGroup", "Cleaner").logical_id}
        assert len(functions) == 5
        assert [f.properties["LoggingConfig"]["LogGroup"] for f in functions] == [group] * 5
