"""Removes what blocks a deletion and CloudFormation does not know of."""

from collections.abc import Mapping, Sequence

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from guardrails.acknowledge import acknowledge, acknowledge_wildcard_resources
from guardrails.encrypted_logs import EncryptedLogs
from guardrails.provider_framework import LAMBDA_FINDINGS
from guardrails.python_function import python_function
from machine_learning.cleaner_provider import CleanerProvider

_WAIT = Duration.hours(1)
_PATIENCE = Duration.minutes(55)
"""Less than the framework waits, so that the code has the last word and says what is still there."""


class Cleaner(Construct):
    """A custom resource that is deleted before what it cleans, when its code has nothing more to remove.

    That may take an hour; a custom resource can wait no longer. What is there after 55 minutes fails the deletion, and
    is named in the reason. The code is a package of ``lambda/``, whose handler has ``on_event`` and ``is_complete``;
    only the latter removes, and has the permissions for it. Both and the framework's functions write to one log group,
    which goes with the stack.

    A cleaner with another path in the stack is another resource: an update would delete the old one, and so clean.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-customresource.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        package: str,
        description: str,
        properties: Mapping[str, str],
        cleaned: Sequence[IDependable],
        statements: Sequence[iam.PolicyStatement],
        wildcards: Mapping[str, str],
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self._package = package
        self._description = description
        self._log_group = EncryptedLogs(self, "Logs", key=key, retention=log_retention)
        on_event = self._function("OnEvent", "on_event", role=self._role("OnEventRole"))
        on_event.add_environment("PATIENCE_SECONDS", str(_PATIENCE.to_seconds()))
        cleaning_role = self._role("IsCompleteRole")
        for statement in statements:
            cleaning_role.add_to_policy(statement)
        acknowledge_wildcard_resources(cleaning_role, wildcards)
        is_complete = self._function("IsComplete", "is_complete", role=cleaning_role)
        provider = CleanerProvider(
            self,
            "Provider",
            on_event=on_event,
            is_complete=is_complete,
            log_group=self._log_group,
            longest_wait=_WAIT,
        )
        resource = CustomResource(
            self,
            "Resource",
            resource_type=f"Custom::{package.title().replace('_', '')}",
            service_token=provider.service_token,
            service_timeout=_WAIT,
            properties=dict(properties),
        )
        resource.node.add_dependency(*cleaned)

    def _function(self, construct_id: str, entry_point: str, *, role: iam.Role) -> lambda_.Function:
        function = python_function(
            self,
            construct_id,
            description=self._description,
            handler=f"{self._package}.handler.{entry_point}",
            memory_size=256,
            timeout=Duration.minutes(5),
            role=role,
            log_group=self._log_group,
        )
        acknowledge(function, LAMBDA_FINDINGS)
        return function

    def _role(self, construct_id: str) -> iam.Role:
        role = iam.Role(self, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self._log_group.grant_write(role)
        return role
