"""Logs of the functions that the CDK adds by itself."""

from typing import cast

from aws_cdk import CfnResource, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


class CustomResourceLogs(logs.LogGroup):
    """A log group for the function that empties the stack's buckets on deletion.

    The CDK adds that function without a log group; Lambda would create one on its first call, which never
    expires and stays in the account after the stack is gone. Add this after the stack's buckets.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey, retention: logs.RetentionDays) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption_key=key,
            retention=retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        provider = Stack.of(self).node.find_child("Custom::S3AutoDeleteObjectsCustomResourceProvider")
        function = cast(CfnResource, provider.node.find_child("Handler"))
        function.add_property_override("LoggingConfig.LogGroup", self.log_group_name)
