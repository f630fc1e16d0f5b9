"""Logs of the functions that the CDK adds by itself."""

from typing import cast

from aws_cdk import CfnResource, CustomResourceProviderBase, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from guardrails.encrypted_logs import EncryptedLogs, use_of_key_for_logs


class CustomResourceLogs(Construct):
    """A log group for the functions behind the CDK's own custom resources, if the stack has any.

    The CDK adds such a function, to empty a bucket or to close a default security group, without a log group;
    Lambda would create one on its first call, which never expires and stays in the account after the stack is
    gone. Add this after everything else in the stack. Their roles may write to any log group, and get the key for it
    here.
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey, retention: logs.RetentionDays) -> None:
        super().__init__(scope, construct_id)
        providers = [
            cast(CustomResourceProviderBase, child)
            for child in Stack.of(self).node.children
            if child.node.id.startswith("Custom::") and child.node.id.endswith("CustomResourceProvider")
        ]
        if not providers:
            return
        log_group = EncryptedLogs(self, "Logs", key=key, retention=retention)
        for provider in providers:
            function = cast(CfnResource, provider.node.find_child("Handler"))
            function.add_property_override("LoggingConfig.LogGroup", log_group.log_group_name)
            provider.add_to_role_policy(use_of_key_for_logs(key).to_statement_json())
