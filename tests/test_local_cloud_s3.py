"""A bucket in the local cloud is what its template says, and goes away as on AWS."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import Deploy, DeploymentError, delete_stack

KEY = "arn:aws:kms:us-east-1:000000000000:key/any"
CONSENT = {"Key": "aws-cdk:auto-delete-objects", "Value": "true"}


def bucket(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


@pytest.fixture
def s3(local_cloud: LocalCloud) -> Any:
    return local_cloud.client("s3")


def test_encryption_is_kept(deploy: Deploy, s3: Any) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    rule = {"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    name = deploy({"Bucket": bucket(BucketEncryption={"ServerSideEncryptionConfiguration": [rule]})})["Bucket"]
    (found,) = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert found == {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}


def test_a_bucket_that_is_gone_already_does_not_keep_its_stack(
    local_cloud: LocalCloud, deploy: Deploy, s3: Any
) -> None:
    s3.delete_bucket(Bucket=deploy({"Bucket": bucket()}, "test-bucket-gone")["Bucket"])
    assert delete_stack(local_cloud.client("cloudformation"), "test-bucket-gone")[0] == "DELETE_COMPLETE"


def test_an_object_is_encrypted_as_its_bucket_says(deploy: Deploy, s3: Any) -> None:
    rule = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}
    auto_delete = {"Type": "Custom::S3AutoDeleteObjects", "Properties": {"BucketName": {"Ref": "Bucket"}}}
    encrypted = bucket(BucketEncryption={"ServerSideEncryptionConfiguration": [rule]}, Tags=[CONSENT])
    name = deploy({"Bucket": encrypted, "AutoDelete": auto_delete})["Bucket"]
    s3.put_object(Bucket=name, Key="a", Body=b"")
    assert s3.head_object(Bucket=name, Key="a")["SSEKMSKeyId"] == KEY


def test_a_write_may_ask_for_kms_without_a_key(deploy: Deploy, s3: Any) -> None:
    auto_delete = {"Type": "Custom::S3AutoDeleteObjects", "Properties": {"BucketName": {"Ref": "Bucket"}}}
    name = deploy({"Bucket": bucket(Tags=[CONSENT]), "AutoDelete": auto_delete})["Bucket"]
    s3.put_object(Bucket=name, Key="a", Body=b"", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket=name, Key="a")["SSEKMSKeyId"].endswith(":alias/aws/s3")


def test_lifecycle_is_kept(deploy: Deploy, s3: Any) -> None:
    rule = {
        "Id": "tier",
        "Status": "Enabled",
        "Prefix": "orders/",
        "ExpirationInDays": 400,
        "Transitions": [{"StorageClass": "STANDARD_IA", "TransitionInDays": 30}],
        "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 10}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 60},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    name = deploy({"Bucket": bucket(LifecycleConfiguration={"Rules": [rule]})})["Bucket"]
    (found,) = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert found == {
        "ID": "tier",
        "Status": "Enabled",
        "Filter": {"Prefix": "orders/"},
        "Expiration": {"Days": 400},
        "Transitions": [{"StorageClass": "STANDARD_IA", "Days": 30}],
        "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER_IR", "NoncurrentDays": 10}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 60},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }


def test_a_lifecycle_property_it_does_not_know_is_refused(deploy: Deploy) -> None:
    rule = {"Status": "Enabled", "ExpirationInDays": 1, "TagFilters": [{"Key": "a", "Value": "b"}]}
    with pytest.raises(DeploymentError, match="does not emulate TagFilters of a lifecycle rule"):
        deploy({"Bucket": bucket(LifecycleConfiguration={"Rules": [rule]})})


def test_access_logging_is_kept(deploy: Deploy, s3: Any) -> None:
    logging = {"DestinationBucketName": {"Ref": "Logs"}, "LogFilePrefix": "raw/"}
    ids = deploy({"Logs": bucket(), "Bucket": bucket(LoggingConfiguration=logging)})
    found = s3.get_bucket_logging(Bucket=ids["Bucket"])["LoggingEnabled"]
    assert found == {"TargetBucket": ids["Logs"], "TargetPrefix": "raw/"}


def test_event_bridge_notifications_are_kept(deploy: Deploy, s3: Any) -> None:
    on = {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    name = deploy({"Bucket": bucket(NotificationConfiguration=on)})["Bucket"]
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket=name)


def test_ownership_access_control_and_public_access_block_are_kept(deploy: Deploy, s3: Any) -> None:
    block = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    ownership = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    logs = bucket(AccessControl="LogDeliveryWrite", OwnershipControls=ownership, PublicAccessBlockConfiguration=block)
    name = deploy({"Bucket": logs})["Bucket"]
    grantees = [grant["Grantee"].get("URI", "") for grant in s3.get_bucket_acl(Bucket=name)["Grants"]]
    assert s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"] == ownership
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == block
    assert "http://acs.amazonaws.com/groups/s3/LogDelivery" in grantees


def test_a_property_that_is_taken_away_is_gone(deploy: Deploy, s3: Any) -> None:
    rules = {"Rules": [{"Status": "Enabled", "ExpirationInDays": 1}]}
    before = bucket(
        LifecycleConfiguration=rules, VersioningConfiguration={"Status": "Enabled"}, Tags=[{"Key": "a", "Value": "b"}]
    )
    deploy({"Bucket": before}, "test-taken-away")
    name = deploy({"Bucket": bucket()}, "test-taken-away")["Bucket"]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)
    with pytest.raises(ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=name)


def test_a_property_it_does_not_know_is_refused(deploy: Deploy) -> None:
    with pytest.raises(DeploymentError, match="does not emulate ReplicationConfiguration of AWS::S3::Bucket"):
        deploy({"Bucket": bucket(ReplicationConfiguration={"Role": "r", "Rules": []})})


def test_a_bucket_that_holds_objects_is_not_deleted(local_cloud: LocalCloud, deploy: Deploy, s3: Any) -> None:
    name = deploy({"Bucket": bucket()}, "test-not-empty")["Bucket"]
    s3.put_object(Bucket=name, Key="a", Body=b"")
    status, reason = delete_stack(local_cloud.client("cloudformation"), "test-not-empty")
    assert status == "DELETE_FAILED"
    assert "BucketNotEmpty" in reason
    s3.delete_object(Bucket=name, Key="a")


@pytest.mark.parametrize(
    ("tags", "status"),
    [([CONSENT], "DELETE_COMPLETE"), ([{"Key": "a", "Value": "b"}], "DELETE_FAILED"), ([], "DELETE_FAILED")],
    ids=["with consent", "with another tag", "without tags"],
)
def test_auto_delete_removes_every_version_where_the_tag_consents(
    local_cloud: LocalCloud, deploy: Deploy, s3: Any, tags: list[dict[str, str]], status: str
) -> None:
    stack = f"test-auto-delete-{uuid4().hex[:8]}"
    auto_delete = {"Type": "Custom::S3AutoDeleteObjects", "Properties": {"BucketName": {"Ref": "Bucket"}}}
    versioned = bucket(VersioningConfiguration={"Status": "Enabled"}, Tags=tags)
    name = deploy({"Bucket": versioned, "AutoDelete": auto_delete}, stack)["Bucket"]
    for _ in range(2):
        s3.put_object(Bucket=name, Key="a key with spaces", Body=b"")
    s3.delete_object(Bucket=name, Key="a key with spaces")
    assert delete_stack(local_cloud.client("cloudformation"), stack)[0] == status
