"""``AWS::S3::Bucket`` with its encryption, lifecycle, logging, ownership and tags; MiniStack drops those.

MiniStack still creates the bucket and handles versioning, notifications, CORS, website and public access block.
A property that neither knows is refused. A bucket that still holds objects is not deleted, as on AWS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from practice.local_cloud.hooks import PROVISIONERS, RESPONSES, S3
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route

_BY_MINISTACK = frozenset(
    {
        "BucketName",
        "CorsConfiguration",
        "NotificationConfiguration",
        "PublicAccessBlockConfiguration",
        "VersioningConfiguration",
        "WebsiteConfiguration",
    }
)
_HERE = frozenset(
    {"AccessControl", "BucketEncryption", "LifecycleConfiguration", "LoggingConfiguration", "OwnershipControls", "Tags"}
)


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    _refuse_unknown(properties)
    bucket, attributes = PROVISIONERS._s3_create(logical_id, properties, stack_name)
    _configure(bucket, properties)
    return bucket, attributes


def _update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Attributes]:
    _refuse_unknown(new)
    bucket, attributes = PROVISIONERS._s3_update(physical_id, old, new, stack_name)
    versioning = new.get("VersioningConfiguration", {"Status": "Suspended"})
    if "VersioningConfiguration" in old and versioning["Status"] == "Suspended":
        client("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration=versioning)
    _configure(bucket, new)
    return bucket, attributes


def _delete(physical_id: str, _properties: Properties) -> None:
    """One that is gone already does not keep its stack."""
    s3 = client("s3")
    with suppress(s3.exceptions.NoSuchBucket):
        s3.delete_bucket(Bucket=physical_id)


def _refuse_unknown(properties: Properties) -> None:
    if unknown := sorted(properties.keys() - _BY_MINISTACK - _HERE):
        raise ValueError(
            f"the local cloud does not emulate {', '.join(unknown)} of AWS::S3::Bucket; "
            f"it knows {', '.join(sorted(_BY_MINISTACK | _HERE))}."
        )


def _configure(bucket: str, properties: Properties) -> None:
    """Bring the bucket to the properties through the S3 API; one that is absent is taken away."""
    s3 = client("s3")
    if ownership := properties.get("OwnershipControls"):
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=ownership)
    else:
        s3.delete_bucket_ownership_controls(Bucket=bucket)
    if (access := properties.get("AccessControl", "Private")) != "Private":
        s3.put_bucket_acl(Bucket=bucket, ACL=re.sub(r"(?<!^)(?=[A-Z])", "-", access).lower())
    if encryption := properties.get("BucketEncryption"):
        rules = [_renamed(rule, _ENCRYPTION) for rule in encryption["ServerSideEncryptionConfiguration"]]
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    else:
        s3.delete_bucket_encryption(Bucket=bucket)
    if lifecycle := properties.get("LifecycleConfiguration"):
        rules = [_lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    else:
        s3.delete_bucket_lifecycle(Bucket=bucket)
    if tags := properties.get("Tags"):
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    else:
        s3.delete_bucket_tagging(Bucket=bucket)
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=_logging(properties.get("LoggingConfiguration")))


_ENCRYPTION = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
_TRANSITION = {"TransitionInDays": "Days", "TransitionDate": "Date"}
_NONCURRENT_TRANSITION = {"TransitionInDays": "NoncurrentDays"}
_KEPT_IN_RULE = ("Status", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")
_EXPIRATION = {
    "ExpirationInDays": "Days",
    "ExpirationDate": "Date",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The rule as the S3 API spells it.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
    """
    known = {"Id", "Prefix", "Transitions", "NoncurrentVersionTransitions", *_KEPT_IN_RULE, *_EXPIRATION}
    if unknown := sorted(rule.keys() - known):
        raise ValueError(f"the local cloud does not emulate {', '.join(unknown)} of a lifecycle rule.")
    api = {key: rule[key] for key in _KEPT_IN_RULE if key in rule} | {"Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        api["ID"] = rule["Id"]
    if expiration := {_EXPIRATION[key]: rule[key] for key in _EXPIRATION if key in rule}:
        api["Expiration"] = expiration
    if transitions := rule.get("Transitions"):
        api["Transitions"] = [_renamed(transition, _TRANSITION) for transition in transitions]
    if transitions := rule.get("NoncurrentVersionTransitions"):
        api["NoncurrentVersionTransitions"] = [
            _renamed(transition, _NONCURRENT_TRANSITION) for transition in transitions
        ]
    return api


def _logging(configuration: Mapping[str, Any] | None) -> dict[str, Any]:
    if not configuration:
        return {}
    target = {
        "TargetBucket": configuration["DestinationBucketName"],
        "TargetPrefix": configuration.get("LogFilePrefix", ""),
    }
    return {"LoggingEnabled": target}


def _renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): item for key, item in value.items()}


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    "AWS::S3::Bucket": {"create": _create, "update": _update, "delete": _delete}
}
ROUTES: Mapping[tuple[str, str], Route] = {}


_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"


def install() -> None:
    """Let a write ask for KMS without naming a key, as the CDK CLI does: AWS then takes its own key for S3.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html
    """
    original = S3._resolve_sse_write_headers

    def resolve(headers: dict[str, str], bucket: str) -> Any:
        if headers.get("x-amz-server-side-encryption") == "aws:kms" and _KEY_HEADER not in headers:
            managed = f"arn:aws:kms:{RESPONSES.get_region()}:{RESPONSES.get_account_id()}:alias/aws/s3"
            headers = {**headers, _KEY_HEADER: managed}
        return original(headers, bucket)

    S3._resolve_sse_write_headers = resolve
