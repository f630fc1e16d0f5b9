"""Resources of the two stacks that MiniStack lacks or drops properties of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import Deploy, delete_stack

ENCRYPTION = {
    "S3Encryptions": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/a"}],
    "CloudWatchEncryption": {"CloudWatchEncryptionMode": "DISABLED"},
}


def security_configuration(name: str) -> dict[str, Any]:
    properties = {"Name": name, "EncryptionConfiguration": ENCRYPTION}
    return {"Type": "AWS::Glue::SecurityConfiguration", "Properties": properties}


def test_a_stack_has_settled_when_its_status_is_asked_for(local_cloud: LocalCloud) -> None:
    cloudformation = local_cloud.client("cloudformation")
    body = json.dumps({"Resources": {"Security": security_configuration("test-settled")}})
    stack_id = cloudformation.create_stack(StackName="test-settled", TemplateBody=body)["StackId"]
    created = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
    cloudformation.delete_stack(StackName=stack_id)
    deleted = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
    assert (created, deleted) == ("CREATE_COMPLETE", "DELETE_COMPLETE")


def test_a_glue_security_configuration_is_created(local_cloud: LocalCloud, deploy: Deploy) -> None:
    name = deploy({"Security": security_configuration("test-security")})["Security"]
    found = local_cloud.client("glue").get_security_configuration(Name=name)["SecurityConfiguration"]
    assert found["EncryptionConfiguration"] == {
        "S3Encryption": ENCRYPTION["S3Encryptions"],
        "CloudWatchEncryption": ENCRYPTION["CloudWatchEncryption"],
    }


def test_a_glue_security_configuration_is_deleted_with_its_stack(local_cloud: LocalCloud, deploy: Deploy) -> None:
    glue = local_cloud.client("glue")
    topic = {"Type": "AWS::SNS::Topic"}
    deploy({"Security": security_configuration("test-removed"), "Other": topic}, "test-removed")
    deploy({"Other": topic}, "test-removed")
    with pytest.raises(glue.exceptions.EntityNotFoundException):
        glue.get_security_configuration(Name="test-removed")


def test_a_kinesis_stream_keeps_its_encryption(local_cloud: LocalCloud, deploy: Deploy) -> None:
    encryption = {"EncryptionType": "KMS", "KeyId": "alias/any"}
    mode = {"StreamMode": "ON_DEMAND"}
    properties = {"StreamModeDetails": mode, "StreamEncryption": encryption}
    name = deploy({"Stream": {"Type": "AWS::Kinesis::Stream", "Properties": properties}})["Stream"]
    found = local_cloud.client("kinesis").describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    assert (found["EncryptionType"], found["KeyId"]) == ("KMS", "alias/any")
    assert found["StreamModeDetails"] == mode


def test_a_kinesis_stream_loses_the_encryption_that_is_taken_away(local_cloud: LocalCloud, deploy: Deploy) -> None:
    encryption = {"EncryptionType": "KMS", "KeyId": "alias/any"}
    stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"Name": "test-stream", "StreamEncryption": encryption}}
    deploy({"Stream": stream}, "test-stream-update")
    deploy({"Stream": stream | {"Properties": {"Name": "test-stream"}}}, "test-stream-update")
    found = local_cloud.client("kinesis").describe_stream_summary(StreamName="test-stream")
    assert found["StreamDescriptionSummary"]["EncryptionType"] == "NONE"


def test_a_kms_key_waits_for_its_deletion_and_loses_its_alias(local_cloud: LocalCloud, deploy: Deploy) -> None:
    kms, cloudformation = local_cloud.client("kms"), local_cloud.client("cloudformation")
    alias = {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/test", "TargetKeyId": {"Ref": "Key"}}}
    ids = deploy(
        {"Key": {"Type": "AWS::KMS::Key", "Properties": {"PendingWindowInDays": 7}}, "Alias": alias}, "test-key"
    )
    assert delete_stack(cloudformation, "test-key")[0] == "DELETE_COMPLETE"
    assert kms.describe_key(KeyId=ids["Key"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert "alias/test" not in [found["AliasName"] for found in kms.list_aliases()["Aliases"]]


def test_what_a_resource_needs_that_cannot_be_deleted_is_kept_until_it_can(
    local_cloud: LocalCloud, deploy: Deploy
) -> None:
    cloudformation, s3 = local_cloud.client("cloudformation"), local_cloud.client("s3")
    topic = {"Type": "AWS::SNS::Topic"}
    bucket = {"Type": "AWS::S3::Bucket", "DependsOn": "Needed"}
    name = deploy({"Needed": topic, "Other": topic, "Bucket": bucket}, "test-needed")["Bucket"]
    s3.put_object(Bucket=name, Key="a", Body=b"")
    cloudformation.delete_stack(StackName="test-needed")
    kept = cloudformation.describe_stack_resources(StackName="test-needed")["StackResources"]
    assert {resource["LogicalResourceId"] for resource in kept} == {"Bucket", "Needed"}
    s3.delete_object(Bucket=name, Key="a")
    assert delete_stack(cloudformation, "test-needed")[0] == "DELETE_COMPLETE"


def test_an_unknown_resource_type_is_refused(local_cloud: LocalCloud) -> None:
    cloudformation = local_cloud.client("cloudformation")
    body = '{"Resources": {"Group": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {}}}}'
    with pytest.raises(cloudformation.exceptions.ClientError, match=r"AWS::SageMaker::EndpointConfig"):
        cloudformation.create_stack(StackName="test-unknown", TemplateBody=body)
