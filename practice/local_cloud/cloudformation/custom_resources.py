"""The CDK's own custom resources, done natively.

On AWS a Node.js function stands behind each; here that function would need Node.js, and a stack would hang
without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from practice.local_cloud.cloudformation import provider_framework
from practice.local_cloud.ec2.service import default_egress, default_ingress
from practice.local_cloud.hooks import CUSTOM_RESOURCE
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route

_CONSENT = {"Key": "aws-cdk:auto-delete-objects", "Value": "true"}


def _create(_logical_id: str, _properties: Properties, _stack_name: str) -> tuple[str, Attributes]:
    return str(uuid4()), {}


def _update(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> tuple[str, Attributes]:
    if old["BucketName"] != new["BucketName"]:
        _empty_bucket(physical_id, old)
    return physical_id, {}


def _empty_bucket(_physical_id: str, properties: Properties) -> None:
    """Delete every object, version and delete marker of a bucket that carries the CDK's tag of consent.

    Source: https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.aws_s3/BucketProps.html (auto_delete_objects)
    """
    s3 = client("s3")
    bucket = properties["BucketName"]
    try:
        tags: list[Any] = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] in {"NoSuchBucket", "NoSuchTagSet"}:
            return
        raise
    if _CONSENT not in tags:
        return
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        ]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def _restrict(_logical_id: str, properties: Properties, _stack_name: str) -> tuple[str, Attributes]:
    """Take its default rules from a VPC's default security group; what is gone already may be.

    Source: https://github.com/aws/aws-cdk/tree/main/packages/@aws-cdk/custom-resource-handlers/lib/aws-ec2
    """
    ec2, group = client("ec2"), properties["DefaultSecurityGroupId"]
    ingress = default_ingress(group, properties["Account"])
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[default_egress()])
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[ingress])
    return str(uuid4()), {}


def _restrict_other(physical_id: str, old: Properties, new: Properties, stack_name: str) -> tuple[str, Attributes]:
    if old["DefaultSecurityGroupId"] != new["DefaultSecurityGroupId"]:
        _restore(physical_id, old)
        _restrict("", new, stack_name)
    return physical_id, {}


def _restore(_physical_id: str, properties: Properties) -> None:
    ec2, group = client("ec2"), properties["DefaultSecurityGroupId"]
    ingress = default_ingress(group, properties["Account"])
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[ingress])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[default_egress()])


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    "Custom::S3AutoDeleteObjects": {"create": _create, "update": _update, "delete": _empty_bucket},
    "Custom::VpcRestrictDefaultSG": {"create": _restrict, "update": _restrict_other, "delete": _restore},
}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Refuse a function of Node.js that is not done natively; the stack would wait an hour for its answer."""
    invoke = CUSTOM_RESOURCE.invoke_custom_resource

    def invoke_python(request_type: str, logical_id: str, properties: Properties, *more: Any, **named: Any) -> Any:
        function = client("lambda").get_function_configuration(FunctionName=properties["ServiceToken"])
        if function["Runtime"].startswith("nodejs") and function["Handler"] not in provider_framework.FUNCTIONS:
            raise ValueError(
                f"the local cloud does not run {function['Runtime']}, which {function['FunctionName']} is written for; "
                f"of the CDK's own custom resources it knows {', '.join(RESOURCE_HANDLERS)} and those of a Provider."
            )
        return invoke(request_type, logical_id, properties, *more, **named)

    CUSTOM_RESOURCE.invoke_custom_resource = invoke_python
