"""Removes what learners leave running, so that the domain can be deleted."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from machine_learning.cleaner import Cleaner
from machine_learning.studio_domain import StudioDomain


class StudioCleaner(Cleaner):
    """Deletes the apps and then the spaces of one domain when the stack is deleted; its code is
    ``lambda/studio_cleaner``.

    SageMaker refuses to delete a user profile that has apps and a domain that has spaces, and CloudFormation knows
    of neither: learners start them. It may delete apps and spaces of this domain, and nothing else.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/gs-studio-delete-domain.html
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
        stack = Stack.of(scope)
        apps = stack.format_arn(service="sagemaker", resource="app", resource_name=f"{domain.id}/*")
        spaces = stack.format_arn(service="sagemaker", resource="space", resource_name=f"{domain.id}/*")
        super().__init__(
            scope,
            construct_id,
            package="studio_cleaner",
            description="Removes apps and spaces of a Studio domain that is being deleted",
            properties={"DomainId": domain.id},
            cleaned=domain.user_profiles,
            statements=[
                iam.PolicyStatement(actions=["sagemaker:ListApps", "sagemaker:ListSpaces"], resources=["*"]),
                iam.PolicyStatement(actions=["sagemaker:DeleteApp"], resources=[apps]),
                iam.PolicyStatement(actions=["sagemaker:DeleteSpace"], resources=[spaces]),
            ],
            wildcards={
                "*": "Listing apps and spaces cannot be narrowed to a domain",
                apps: "Learners name what they start; the wildcard ends at the domain",
                spaces: "Learners name what they start; the wildcard ends at the domain",
            },
            key=key,
            log_retention=log_retention,
        )
