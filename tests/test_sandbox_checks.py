"""The sandbox's own rules: each passes over what is as it must be, and notices what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, CfnResource, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from guardrails.acknowledge import acknowledge
from guardrails.sandbox_checks import SandboxChecks
from guardrails.sandbox_rules import RULES

IDLE = {"AppLifecycleManagement": {"IdleSettings": {"LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": 60}}}
ANY_JOB = {"Action": "sagemaker:CreateTrainingJob", "Resource": "*"}

GOOD: dict[str, dict[str, Any]] = {
    "AWS::SageMaker::Domain": {
        "HomeEfsFileSystemCreation": "Disabled",
        "DefaultUserSettings": {
            "AutoMountHomeEFS": "Disabled",
            "JupyterLabAppSettings": IDLE,
            "CodeEditorAppSettings": IDLE,
        },
        "DefaultSpaceSettings": {"JupyterLabAppSettings": IDLE},
    },
    "AWS::SageMaker::FeatureGroup": {
        "OnlineStoreConfig": {"EnableOnlineStore": True, "SecurityConfig": {"KmsKeyId": "key"}},
        "OfflineStoreConfig": {
            "S3StorageConfig": {"S3Uri": "s3://curated/feature-store", "KmsKeyId": "key"},
            "DataCatalogConfig": {"Catalog": "AwsDataCatalog", "Database": {"Ref": "Database"}},
        },
    },
    "AWS::Athena::WorkGroup": {
        "WorkGroupConfiguration": {"EnforceWorkGroupConfiguration": True, "BytesScannedCutoffPerQuery": 10_000_000}
    },
    "AWS::IAM::Policy": {
        "PolicyDocument": {
            "Statement": [
                {"Effect": "Allow", **ANY_JOB},
                {
                    "Effect": "Deny",
                    **ANY_JOB,
                    "Condition": {"ForAnyValue:StringNotEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]}},
                },
                {
                    "Effect": "Deny",
                    **ANY_JOB,
                    "Condition": {"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": 3600}},
                },
                {"Effect": "Deny", **ANY_JOB, "Condition": {"Null": {"sagemaker:MaxRuntimeInSeconds": "true"}}},
                {"Effect": "Deny", **ANY_JOB, "Condition": {"Null": {"sagemaker:VolumeKmsKeyArn": "true"}}},
            ]
        }
    },
}

BAD: list[tuple[str, str, str, Any]] = [
    *(
        ("AWS::SageMaker::Domain", f"StudioIdleShutdown[{app}]", f"{app}.AppLifecycleManagement.IdleSettings", off)
        for app in (
            "DefaultUserSettings.JupyterLabAppSettings",
            "DefaultUserSettings.CodeEditorAppSettings",
            "DefaultSpaceSettings.JupyterLabAppSettings",
        )
        for off in (None, {"LifecycleManagement": "DISABLED"})
    ),
    *(
        ("AWS::SageMaker::Domain", f"StudioWithoutHomeEfs[{switch}]", switch, value)
        for switch in ("HomeEfsFileSystemCreation", "DefaultUserSettings.AutoMountHomeEFS")
        for value in (None, "Enabled")
    ),
    (
        "AWS::SageMaker::FeatureGroup",
        "FeatureGroupEncryption[OnlineStoreConfig]",
        "OnlineStoreConfig.SecurityConfig",
        None,
    ),
    (
        "AWS::SageMaker::FeatureGroup",
        "FeatureGroupEncryption[OfflineStoreConfig]",
        "OfflineStoreConfig.S3StorageConfig.KmsKeyId",
        None,
    ),
    *(
        (
            "AWS::SageMaker::FeatureGroup",
            "FeatureGroupCatalog[OfflineStoreConfig.DataCatalogConfig.Database]",
            "OfflineStoreConfig.DataCatalogConfig",
            catalog,
        )
        for catalog in (None, {"Catalog": "AwsDataCatalog", "Database": "sagemaker_featurestore"})
    ),
    *(
        ("AWS::Athena::WorkGroup", f"AthenaWorkgroupEnforced[{setting}]", f"WorkGroupConfiguration.{setting}", value)
        for setting, value in (
            ("EnforceWorkGroupConfiguration", False),
            ("EnforceWorkGroupConfiguration", None),
            ("BytesScannedCutoffPerQuery", None),
        )
    ),
    *(
        ("AWS::IAM::Policy", f"TrainingJobBounds[{bound}]", f"PolicyDocument.Statement.{number}", weaker)
        for number, bound in enumerate(
            ("OtherInstanceTypes", "LongerRuntime", "MissingRuntime", "MissingVolumeKey"), start=1
        )
        for weaker in (
            None,
            {"Effect": "Allow"},
            {"Resource": "arn:aws:sagemaker:*:*:training-job/one"},
            {"Action": "sagemaker:CreateTransformJob"},
            {"Condition": {"StringEquals": {"aws:RequestTag/sandbox": "another"}}},
        )
    ),
    *(
        ("AWS::IAM::Policy", f"TrainingJobBounds[{bound}]", f"PolicyDocument.Statement.{number}.Condition", weaker)
        for number, bound, weaker in (
            (1, "OtherInstanceTypes", {"ForAllValues:StringNotEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]}}),
            (3, "MissingRuntime", {"Null": {"sagemaker:MaxRuntimeInSeconds": "false"}}),
            (4, "MissingVolumeKey", {"ArnNotEqualsIfExists": {"sagemaker:VolumeKmsKeyArn": "arn"}}),
            (4, "MissingVolumeKey", {"Null": {"sagemaker:VolumeKmsKey": "true"}}),
        )
    ),
]


def findings(app: App) -> list[str]:
    return [violation.rule_name for violation in SandboxChecks(verbose=True).validate_scope(app).violations]


def found(type_: str, properties: dict[str, Any]) -> list[str]:
    app = App()
    CfnResource(Stack(app, "Stack"), "Resource", type=type_, properties=properties)
    return findings(app)


def changed(properties: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The properties with one of them replaced, or left out for None; a change to a statement is merged into it."""
    copy: dict[str, Any] = json.loads(json.dumps(properties))
    *parents, last = (int(name) if name.isdigit() else name for name in path.split("."))
    parent: Any = copy
    for name in parents:
        parent = parent[name]
    if value is None:
        del parent[last]
    else:
        parent[last] = parent[last] | value if isinstance(last, int) else value
    return copy


@pytest.mark.parametrize("type_", GOOD)
def test_what_is_as_it_must_be_is_passed_over(type_: str) -> None:
    assert found(type_, GOOD[type_]) == []


@pytest.mark.parametrize(("type_", "finding", "path", "value"), BAD)
def test_what_is_not_is_noticed(type_: str, finding: str, path: str, value: Any) -> None:
    assert found(type_, changed(GOOD[type_], path, value)) == [f"Sandbox-{finding}"]


def test_a_nat_gateway_is_noticed() -> None:
    app = App()
    ec2.CfnNatGateway(Stack(app, "Stack"), "NatGateway", subnet_id="subnet-1")
    assert findings(app) == ["Sandbox-NoNatGateway[AWS::EC2::NatGateway]"]


def test_every_rule_is_seen_to_notice_something() -> None:
    assert {finding.partition("[")[0] for _, finding, _, _ in BAD} | {"NoNatGateway"} == {rule.name for rule in RULES}


class TestTrainingJobBounds:
    @pytest.mark.parametrize("action", ["*", "sagemaker:*", "sagemaker:Create*", "SageMaker:createTrainingJob"])
    def test_are_missed_wherever_the_action_is_allowed(self, action: str) -> None:
        statement = {"Effect": "Allow", "Action": ["s3:GetObject", action], "Resource": "*"}
        assert len(found("AWS::IAM::ManagedPolicy", {"PolicyDocument": {"Statement": statement}})) == 4

    def test_are_missed_where_everything_but_something_is_allowed(self) -> None:
        statement = {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}
        assert len(found("AWS::IAM::Policy", {"PolicyDocument": {"Statement": [statement]}})) == 4

    def test_are_missed_in_a_policy_inside_a_role(self) -> None:
        app = App()
        allow = iam.PolicyStatement(actions=["sagemaker:CreateTrainingJob"], resources=["*"])
        iam.Role(
            Stack(app, "Stack"),
            "Role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"Train": iam.PolicyDocument(statements=[allow])},
        )
        assert len(findings(app)) == 4

    def test_are_asked_of_nothing_that_cannot_start_a_job(self) -> None:
        statement = {"Effect": "Allow", "Action": "sagemaker:Describe*", "Resource": "*"}
        assert found("AWS::IAM::Policy", {"PolicyDocument": {"Statement": [statement]}}) == []

    def test_may_ask_for_one_key_instead_of_any(self) -> None:
        condition = {"ArnNotEquals": {"sagemaker:VolumeKmsKeyArn": {"Ref": "Key"}}}
        policy = changed(GOOD["AWS::IAM::Policy"], "PolicyDocument.Statement.4.Condition", condition)
        assert found("AWS::IAM::Policy", policy) == []


class TestFeatureGroups:
    def test_with_one_store_answer_for_that_one(self) -> None:
        for store in ("OnlineStoreConfig", "OfflineStoreConfig"):
            assert found("AWS::SageMaker::FeatureGroup", {store: GOOD["AWS::SageMaker::FeatureGroup"][store]}) == []

    def test_written_as_constructs_are_seen_as_templates_write_them(self) -> None:
        app = App()
        sagemaker.CfnFeatureGroup(
            Stack(app, "Stack"),
            "Group",
            feature_group_name="group",
            record_identifier_feature_name="id",
            event_time_feature_name="at",
            feature_definitions=[],
            online_store_config={"EnableOnlineStore": True},
        )
        assert findings(app) == ["Sandbox-FeatureGroupEncryption[OnlineStoreConfig]"]


class TestThePack:
    @pytest.fixture
    def app(self) -> App:
        app = App()
        CfnResource(Stack(app, "Stack"), "Group", type="AWS::Athena::WorkGroup", properties={"Name": "group"})
        return app

    def test_names_the_resource_the_fix_and_the_reason(self, app: App) -> None:
        violation, *_ = SandboxChecks(verbose=True).validate_scope(app).violations
        (resource,) = violation.violating_resources
        assert resource.construct_path == "Stack/Group"
        assert "set EnforceWorkGroupConfiguration" in violation.description
        assert "https://docs.aws.amazon.com/athena/" in violation.description
        assert violation.severity == "error"

    def test_accepts_what_is_acknowledged_and_only_that(self, app: App) -> None:
        group = app.node.find_child("Stack").node.find_child("Group")
        acknowledge(group, {"Sandbox-AthenaWorkgroupEnforced[EnforceWorkGroupConfiguration]": "a client needs it"})
        assert findings(app) == ["Sandbox-AthenaWorkgroupEnforced[BytesScannedCutoffPerQuery]"]

    def test_fails_synth(self, app: App) -> None:
        Validations.of(app).add_plugins(SandboxChecks())
        with pytest.raises(RuntimeError, match="Sandbox::Sandbox-AthenaWorkgroupEnforced"):
            app.synth()
