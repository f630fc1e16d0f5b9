"""What a learner may do in Studio."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from machine_learning.container_permissions import FOR_VOLUMES

_OWNER = "sagemaker:OwnerUserProfileArn"
_SHARING = "sagemaker:SpaceSharingType"


class LearnerRole(iam.Role):
    """The execution role of the domain: notebooks, and the Studio page, act as this role.

    SageMaker assumes it for this account alone. All learners share it; what belongs to one of them is told apart
    by the policy variable of the user profile, which SageMaker sets for each session. Reading data, querying,
    features and training come as grants from the constructs that own them; here is what Studio itself needs, and
    `LearnerLimits` says what no grant may loosen.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-spaces-admin-guide-user-policy.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Learners in Studio",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )

    def allow_studio(self, *, domain_id: str, key: kms.IKey) -> None:
        """Let a learner open Studio, and run spaces and apps of their own, and apps in shared spaces.

        The volume of a space is encrypted with the key, through a grant that is made as this role.
        """
        arns = {name: _in_domain(self, name, domain_id) for name in ("app", "space", "user-profile")}
        own = {"ArnLike": {_OWNER: own_profile(self, domain_id)}}
        self._allow(
            "FindStudio",
            ["sagemaker:ListApps", "sagemaker:ListDomains", "sagemaker:ListSpaces", "sagemaker:ListUserProfiles"],
            ["*"],
        )
        self._allow(
            "SeeStudio",
            [
                "sagemaker:DescribeApp",
                "sagemaker:DescribeDomain",
                "sagemaker:DescribeSpace",
                "sagemaker:DescribeUserProfile",
                "sagemaker:ListTags",
            ],
            [
                Stack.of(self).format_arn(service="sagemaker", resource="domain", resource_name=domain_id),
                *arns.values(),
            ],
        )
        self._allow("OpenOwnStudio", ["sagemaker:CreatePresignedDomainUrl"], [own_profile(self, domain_id)])
        self._allow(
            "OwnSpaces",
            ["sagemaker:CreateSpace", "sagemaker:DeleteSpace", "sagemaker:UpdateSpace"],
            [arns["space"]],
            own | {"StringEquals": {_SHARING: ["Private", "Shared"]}},
        )
        self._allow(
            "OwnApps",
            ["sagemaker:CreateApp", "sagemaker:DeleteApp"],
            [arns["app"]],
            own | {"StringEquals": {_SHARING: "Private"}},
        )
        self._allow(
            "SharedApps",
            ["sagemaker:CreateApp", "sagemaker:DeleteApp"],
            [arns["app"]],
            {"StringEquals": {_SHARING: "Shared"}},
        )
        self._allow(
            "TagWhatIsCreated",
            ["sagemaker:AddTags"],
            [arns["app"], arns["space"]],
            {"Null": {"sagemaker:TaggingAction": "false"}},
        )
        self._allow("EncryptSpaces", FOR_VOLUMES, [key.key_arn])
        acknowledge_wildcard_resources(
            self,
            {
                "*": "Listing cannot be narrowed to a domain",
                **dict.fromkeys(arns.values(), "Learners name what they start; the wildcard ends at the domain"),
            },
        )

    def _allow(
        self, sid: str, actions: Sequence[str], resources: Sequence[str], conditions: Mapping[str, Any] | None = None
    ) -> None:
        self.add_to_policy(iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions))


def own_profile(scope: Construct, domain_id: str) -> str:
    """The user profile of whoever is at work, as IAM fills it in."""
    return _in_domain(scope, "user-profile", domain_id, "${sagemaker:UserProfileName}")


def _in_domain(scope: Construct, resource: str, domain_id: str, name: str = "*") -> str:
    return Stack.of(scope).format_arn(service="sagemaker", resource=resource, resource_name=f"{domain_id}/{name}")
