"""What a learner may not do, whatever else is allowed."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from machine_learning.instance_types import StudioInstanceType
from machine_learning.learner_role import LearnerRole, own_profile

_APPS_THAT_NEVER_IDLE_OUT = (
    "Canvas",
    "DetailedProfiler",
    "JupyterServer",
    "KernelGateway",
    "RSessionGateway",
    "RStudioServerPro",
    "TensorBoard",
)

_DENIED: Mapping[str, Sequence[str]] = {
    "DenyWhatIdlesAtACost": (
        "sagemaker:CreateCluster",
        "sagemaker:CreateEndpoint",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateInferenceComponent",
        "sagemaker:CreateInferenceExperiment",
        "sagemaker:CreateMlflowApp",
        "sagemaker:CreateMlflowTrackingServer",
        "sagemaker:CreateMonitoringSchedule",
        "sagemaker:CreateNotebookInstance",
        "sagemaker:CreatePartnerApp",
        "sagemaker:CreateReservedCapacity",
        "sagemaker:CreateTrainingPlan",
        "sagemaker:StartNotebookInstance",
        "sagemaker:UpdateCluster",
        "sagemaker:UpdateEndpoint",
    ),
    "DenyJobsWithoutBounds": (
        "sagemaker:CreateAutoMLJob",
        "sagemaker:CreateAutoMLJobV2",
        "sagemaker:CreateCompilationJob",
        "sagemaker:CreateHyperParameterTuningJob",
        "sagemaker:CreateInferenceRecommendationsJob",
        "sagemaker:CreateLabelingJob",
        "sagemaker:CreateOptimizationJob",
        "sagemaker:CreateProcessingJob",
        "sagemaker:CreateTransformJob",
    ),
    "DenyChangingTheDomain": (
        "sagemaker:CreateDomain",
        "sagemaker:CreateUserProfile",
        "sagemaker:DeleteDomain",
        "sagemaker:DeleteUserProfile",
        "sagemaker:UpdateDomain",
        "sagemaker:UpdateUserProfile",
    ),
    "DenyRemovingTags": ("sagemaker:DeleteTags",),
    "DenyChangingFeatureGroups": (
        "sagemaker:CreateFeatureGroup",
        "sagemaker:DeleteFeatureGroup",
        "sagemaker:UpdateFeatureGroup",
    ),
    "DenyChangingTheCatalog": (
        "glue:BatchDeletePartition",
        "glue:BatchDeleteTable",
        "glue:DeleteDatabase",
        "glue:DeletePartition",
        "glue:DeleteTable",
        "glue:UpdateDatabase",
        "glue:UpdatePartition",
        "glue:UpdateTable",
    ),
    "DenyChangingIdentities": (
        "iam:Add*",
        "iam:Attach*",
        "iam:Create*",
        "iam:Delete*",
        "iam:Detach*",
        "iam:Put*",
        "iam:Remove*",
        "iam:Set*",
        "iam:Update*",
    ),
    "DenyBecomingAnotherRole": ("sts:AssumeRole",),
    "DenyLosingTheKey": (
        "kms:DisableKey",
        "kms:DisableKeyRotation",
        "kms:PutKeyPolicy",
        "kms:RevokeGrant",
        "kms:ScheduleKeyDeletion",
    ),
}


class LearnerLimits(iam.ManagedPolicy):
    """Explicit denials: a policy that somebody attaches to the learner's role later cannot loosen them.

    They keep what costs money while idle from being started, the sandbox's data and settings from being changed,
    and one learner out of another's Studio. Each statement is named after what it prevents.

    An app may run on the allowed instance types and on ``system``, on which Studio runs what needs no instance; a
    space carries the instance type of its app, so the limit holds for spaces too. Apps without idle shutdown cannot
    be started; their type is matched in both spellings that AWS's own policies use.

    It is a policy of its own because a role's inline policies may have 10,240 characters together, which denials and
    grants exceed.

    Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        role: LearnerRole,
        domain_id: str,
        training_role: iam.IRole,
        zones: Sequence[s3.IBucket],
        instance_types: Sequence[StudioInstanceType],
    ) -> None:
        super().__init__(scope, construct_id, description="What no learner may do", roles=[role])
        self._deny(
            "DenyOtherInstanceTypes",
            ["sagemaker:CreateApp", "sagemaker:CreateSpace", "sagemaker:UpdateSpace"],
            conditions={"ForAnyValue:StringNotEquals": {"sagemaker:InstanceTypes": [*instance_types, "system"]}},
        )
        self._deny(
            "DenyAppsWithoutIdleShutdown",
            ["sagemaker:CreateApp"],
            resources=[
                f"arn:{Aws.PARTITION}:sagemaker:*:*:app/*/*/{spelling}/*"
                for app_type in _APPS_THAT_NEVER_IDLE_OUT
                for spelling in (app_type, app_type.lower())
            ],
        )
        self._deny(
            "DenyStudioOfOthers",
            ["sagemaker:CreatePresignedDomainUrl"],
            not_resources=[own_profile(self, domain_id)],
        )
        self._deny(
            "DenyChangingTheZones",
            ["s3:Delete*", "s3:Put*"],
            resources=[arn for zone in zones for arn in (zone.bucket_arn, zone.arn_for_objects("*"))],
        )
        self._deny("DenyPassingOtherRoles", ["iam:PassRole"], not_resources=[training_role.role_arn])
        for sid, actions in _DENIED.items():
            self._deny(sid, actions)

    def _deny(
        self,
        sid: str,
        actions: Sequence[str],
        *,
        resources: Sequence[str] | None = None,
        not_resources: Sequence[str] | None = None,
        conditions: Mapping[str, Any] | None = None,
    ) -> None:
        self.add_statements(
            iam.PolicyStatement(
                sid=sid,
                effect=iam.Effect.DENY,
                actions=list(actions),
                resources=None if not_resources else resources or ["*"],
                not_resources=not_resources,
                conditions=conditions,
            )
        )
