"""What the training stack guarantees."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from lakehouse.access_logs import AccessLogs
from lakehouse.encryption import SandboxKey
from machine_learning.instance_types import StudioInstanceType, TrainingInstanceType
from machine_learning.spot_training import SpotTraining
from machine_learning.training_storage import TrainingStorage
from stacks.settings import Settings
from tests.synthesis import SynthesizedStack, synthesize


@pytest.fixture(scope="module")
def training() -> SynthesizedStack:
    return synthesize("default")["Training"]


def statements(stack: SynthesizedStack, action: str) -> list[dict[str, Any]]:
    document = stack.one("AWS::IAM::Policy", "SpotTrainingRole").properties["PolicyDocument"]
    return [s for s in document["Statement"] if action in s["Action"]]


def resources(stack: SynthesizedStack, action: str) -> str:
    (statement,) = statements(stack, action)
    return json.dumps(statement["Resource"])


class TestArtifacts:
    def test_are_kept_in_a_bucket_like_all_data(self, training: SynthesizedStack) -> None:
        bucket = training.one("AWS::S3::Bucket").properties
        encryption = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]
        assert encryption["BucketKeyEnabled"] is True
        assert "Key" in json.dumps(encryption["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert "AccessLogs" in json.dumps(bucket["LoggingConfiguration"]["DestinationBucketName"])

    def test_outlive_checkpoints_and_data_sets_which_expire(self, training: SynthesizedStack) -> None:
        rules = training.one("AWS::S3::Bucket").properties["LifecycleConfiguration"]["Rules"]
        expiring = [rule for rule in rules if "ExpirationInDays" in rule]
        assert [(rule["Prefix"], rule["ExpirationInDays"]) for rule in expiring] == [
            ("checkpoints/", 7),
            ("datasets/", 30),
        ]


class TestSpotTrainingRole:
    def test_is_assumed_by_sagemaker_for_this_account_only(self, training: SynthesizedStack) -> None:
        (statement,) = training.one("AWS::IAM::Role", "SpotTrainingRole").properties["AssumeRolePolicyDocument"][
            "Statement"
        ]
        assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

    def test_reads_curated_with_the_offline_store_its_own_bucket_and_the_code(self, training: SynthesizedStack) -> None:
        (statement,) = statements(training, "s3:GetObject")
        places = [arn["Fn::Join"][1] for arn in statement["Resource"]]
        assert sorted(place[-1] for place in places[1:]) == ["/*", "/artifacts/*", "/checkpoints/*", "/datasets/*"]
        assert "cdk-hnb659fds-assets" in json.dumps(places[0])
        (curated,) = [place[0] for place in places if place[-1] == "/*"]
        assert "StorageCurated" in curated["Fn::ImportValue"]

    def test_writes_artifacts_and_checkpoints_and_nothing_else(self, training: SynthesizedStack) -> None:
        (statement,) = statements(training, "s3:PutObject")
        places = [arn["Fn::Join"][1] for arn in statement["Resource"]]
        bucket = {"Fn::GetAtt": [training.one("AWS::S3::Bucket").logical_id, "Arn"]}
        assert places == [[bucket, "/artifacts/*"], [bucket, "/checkpoints/*"]]

    def test_deletes_nothing(self, training: SynthesizedStack) -> None:
        policy = json.dumps(training.one("AWS::IAM::Policy", "SpotTrainingRole").properties)
        assert "Delete" not in policy
        assert "s3:*" not in policy

    def test_pulls_framework_images_by_name(self, training: SynthesizedStack) -> None:
        for action in ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"):
            names = resources(training, action)
            assert ":*:repository/sagemaker-xgboost" in names
            assert "repository/*" not in names
        assert resources(training, "ecr:GetAuthorizationToken") == '"*"'

    def test_writes_the_log_group_of_training_jobs_alone(self, training: SynthesizedStack) -> None:
        for action in ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"):
            groups = resources(training, action)
            assert groups.count(":log-group:") == groups.count(":log-group:/aws/sagemaker/TrainingJobs") == 2

    def test_puts_metrics_into_one_namespace(self, training: SynthesizedStack) -> None:
        (statement,) = statements(training, "cloudwatch:PutMetricData")
        assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}}

    def test_has_no_permission_in_the_network_it_does_not_use(self, training: SynthesizedStack) -> None:
        assert "ec2:" not in json.dumps(training.template)


@pytest.fixture(scope="module")
def granted() -> list[dict[str, Any]]:
    stack = Stack(App(), "Stack")
    key = SandboxKey(stack, "Key", sandbox_name="box", removal_policy=Settings().removal_policy)
    storage = TrainingStorage(
        stack,
        "Storage",
        key=key,
        access_logs=AccessLogs(stack, "Logs", sandbox_name="box"),
        noncurrent_version_days=1,
        removal_policy=Settings().removal_policy,
    )
    training = SpotTraining(
        stack,
        "Training",
        sandbox_name="box",
        curated=storage,
        storage=storage,
        key=key,
        instance_types=[TrainingInstanceType.ML_M5_LARGE],
        max_runtime=Duration.minutes(30),
    )
    training.grant_start(iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal()))
    template = Template.from_stack(stack).to_json()["Resources"]
    (policy,) = [resource for resource in template.values() if resource["Type"] == "AWS::IAM::ManagedPolicy"]
    found: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return found


class TestGrantToStart:
    @staticmethod
    def denial(granted: list[dict[str, Any]], sid: str) -> Any:
        (statement,) = [s for s in granted if s.get("Sid") == sid]
        assert (statement["Effect"], statement["Resource"]) == ("Deny", "*")
        both = ["sagemaker:CreateTrainingJob", "sagemaker:CreateHyperParameterTuningJob"]
        assert statement["Action"] == (both[0] if sid == "DenyInstancesKeptWarm" else both)
        return statement["Condition"]

    def test_names_jobs_after_the_sandbox(self, granted: list[dict[str, Any]]) -> None:
        (statement,) = [s for s in granted if "sagemaker:CreateTrainingJob" in s["Action"] and s["Effect"] == "Allow"]
        assert statement["Resource"]["Fn::Join"][1][-1] == ":training-job/box-*"

    def test_passes_this_role_to_sagemaker_and_to_no_other_service(self, granted: list[dict[str, Any]]) -> None:
        (statement,) = [s for s in granted if s["Action"] == "iam:PassRole"]
        assert statement["Resource"]["Fn::GetAtt"][0].startswith("TrainingRole")
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}

    def test_denies_other_instance_types(self, granted: list[dict[str, Any]]) -> None:
        assert self.denial(granted, "DenyTrainingOnOtherInstanceTypes") == {
            "ForAnyValue:StringNotEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]}
        }

    def test_denies_a_request_that_names_no_instance_type(self, granted: list[dict[str, Any]]) -> None:
        assert self.denial(granted, "DenyTrainingWithoutInstanceTypes") == {"Null": {"sagemaker:InstanceTypes": "true"}}

    def test_denies_a_longer_runtime(self, granted: list[dict[str, Any]]) -> None:
        assert self.denial(granted, "DenyTrainingForTooLong") == {
            "NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": 1800}
        }

    def test_denies_a_missing_runtime(self, granted: list[dict[str, Any]]) -> None:
        assert self.denial(granted, "DenyTrainingWithoutMaximumRuntime") == {
            "Null": {"sagemaker:MaxRuntimeInSeconds": "true"}
        }

    def test_denies_volumes_with_another_key_or_with_none(self, granted: list[dict[str, Any]]) -> None:
        condition = self.denial(granted, "DenyTrainingWithoutTheVolumeKey")
        assert condition["ArnNotEquals"]["sagemaker:VolumeKmsKeyArn"]["Fn::GetAtt"][0].startswith("Key")

    def test_denies_jobs_without_the_sandbox_tag(self, granted: list[dict[str, Any]]) -> None:
        assert self.denial(granted, "DenyTrainingWithoutTheSandboxTag") == {
            "StringNotEquals": {"aws:RequestTag/sandbox": "box"}
        }

    def test_denies_instances_that_stay_after_the_job(self, granted: list[dict[str, Any]]) -> None:
        assert self.denial(granted, "DenyInstancesKeptWarm") == {"NumericGreaterThan": {"sagemaker:KeepAlivePeriod": 0}}


class TestInstanceTypes:
    def test_for_training_exist(self) -> None:
        assert set(TrainingInstanceType) <= set(shape("TrainingInstanceType"))

    def test_for_studio_exist(self) -> None:
        assert set(StudioInstanceType) <= set(shape("AppInstanceType"))

    def test_for_training_have_no_local_storage_since_that_takes_no_volume_key(self) -> None:
        families = {type_.split(".")[1] for type_ in TrainingInstanceType}
        assert not [f for f in families if f.endswith(("d", "dn")) or f.startswith(("g", "p4", "p5", "trn"))]


def shape(name: str) -> list[str]:
    service: Any = botocore.session.get_session().get_service_model("sagemaker")
    found: list[str] = service.shape_for(name).enum
    return found


class TestModelRegistry:
    def test_has_a_group_for_the_churn_model(self, training: SynthesizedStack) -> None:
        group = training.one("AWS::SageMaker::ModelPackageGroup").properties
        assert group["ModelPackageGroupName"] == "ml-sandbox-customer-churn"


class TestRegistryCleaner:
    def test_is_deleted_before_pipeline_group_and_bucket(self, training: SynthesizedStack) -> None:
        cleaned = ("SageMaker::Pipeline", "SageMaker::ModelPackageGroup", "S3::Bucket")
        ids = {training.one(f"AWS::{kind}").logical_id for kind in cleaned}
        assert ids <= set(training.one("Custom::RegistryCleaner").depends_on)

    def test_ends_executions_before_the_bucket_is_emptied(self, training: SynthesizedStack) -> None:
        emptied = training.one("Custom::S3AutoDeleteObjects").logical_id
        assert emptied in training.one("Custom::RegistryCleaner").depends_on

    def test_leaves_the_role_that_stops_jobs_until_executions_have_ended(self, training: SynthesizedStack) -> None:
        permissions = training.one("AWS::IAM::Policy", "PipelineRole").logical_id
        assert permissions in training.one("Custom::RegistryCleaner").depends_on

    def test_cleans_this_pipeline_and_this_group(self, training: SynthesizedStack) -> None:
        properties = training.one("Custom::RegistryCleaner").properties
        assert properties["PipelineName"] == {"Ref": training.one("AWS::SageMaker::Pipeline").logical_id}
        assert properties["ModelPackageGroupName"] == "ml-sandbox-customer-churn"

    def test_runs_the_tested_code(self, training: SynthesizedStack) -> None:
        for construct_id, entry_point in (("OnEvent", "on_event"), ("IsComplete", "is_complete")):
            function = training.one("AWS::Lambda::Function", f"RegistryCleaner{construct_id}").properties
            assert function["Handler"] == f"registry_cleaner.handler.{entry_point}"

    def test_keeps_the_packages_of_a_group_that_is_kept_and_could_not_delete_them(self) -> None:
        kept = synthesize("retained")["Training"]
        assert "ModelPackageGroupName" not in kept.one("Custom::RegistryCleaner").properties
        policy = json.dumps(kept.one("AWS::IAM::Policy", "RegistryCleanerIsComplete").properties)
        assert "sagemaker:StopPipelineExecution" in policy
        assert "ModelPackage" not in policy
