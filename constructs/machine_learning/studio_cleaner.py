"""Removes what learners leave running, so that the domain can be deleted."""

from pathlib import Path

from aws_cdk import CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from guardrails.acknowledge import acknowledge, acknowledge_wildcard_resources
from machine_learning.studio_cleaner_provider import LAMBDA_FINDINGS, CleanerProvider
from machine_learning.studio_domain import StudioDomain

_LAMBDA_ROOT = Path(__file__).parents[2] / "lambda"
_WAIT = Duration.hours(1)


class StudioCleaner(Construct):
    """Deletes the apps and then the spaces of one domain when the stack is deleted; its code is
    ``lambda/studio_cleaner``.

    SageMaker refuses to delete a user profile that has apps and a domain that has spaces, and CloudFormation knows
    of neither: learners start them. The resource depends on the user profiles, so it is deleted before them, and
    its deletion is complete when SageMaker lists nothing more, which it may take an hour to do; a custom resource
    can wait no longer.

    The functions may delete apps and spaces of this domain, and nothing else. They and the framework's functions
    write to one log group, which goes with the stack.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/gs-studio-delete-domain.html,
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudformation-customresource.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        domain: StudioDomain,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self._log_group = logs.LogGroup(
            self, "Logs", encryption_key=key, retention=log_retention, removal_policy=RemovalPolicy.DESTROY
        )
        on_event = self._function("OnEvent", "on_event", role=self._role("OnEventRole"))
        is_complete = self._function("IsComplete", "is_complete", role=self._cleaning_role(domain.id))
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
            resource_type="Custom::StudioCleaner",
            service_token=provider.service_token,
            service_timeout=_WAIT,
            properties={"DomainId": domain.id},
        )
        resource.node.add_dependency(*domain.user_profiles)

    def _function(self, construct_id: str, entry_point: str, *, role: iam.Role) -> lambda_.Function:
        function = lambda_.Function(
            self,
            construct_id,
            description="Removes apps and spaces of a Studio domain that is being deleted",
            code=lambda_.Code.from_asset(str(_LAMBDA_ROOT), exclude=["**/__pycache__", "**/*.pyc"]),
            handler=f"studio_cleaner.handler.{entry_point}",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
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

    def _cleaning_role(self, domain_id: str) -> iam.Role:
        role = self._role("IsCompleteRole")
        stack = Stack.of(self)
        apps = stack.format_arn(service="sagemaker", resource="app", resource_name=f"{domain_id}/*")
        spaces = stack.format_arn(service="sagemaker", resource="space", resource_name=f"{domain_id}/*")
        for actions, resources in (
            (["sagemaker:ListApps", "sagemaker:ListSpaces"], ["*"]),
            (["sagemaker:DeleteApp"], [apps]),
            (["sagemaker:DeleteSpace"], [spaces]),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        acknowledge_wildcard_resources(
            role,
            {
                "*": "Listing apps and spaces cannot be narrowed to a domain",
                apps: "Learners name what they start; the wildcard ends at the domain",
                spaces: "Learners name what they start; the wildcard ends at the domain",
            },
        )
        return role
