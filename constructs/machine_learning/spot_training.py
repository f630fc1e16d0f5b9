"""Managed spot training: the role, and the bounds within which it may be used (guide 6.6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from lakehouse.bucket import DataBucket
from machine_learning.instance_types import TrainingInstanceType
from machine_learning.spot_training_role import LOG_GROUP, SpotTrainingRole
from machine_learning.training_storage import ARTIFACTS_PREFIX, TrainingStorage

_RESOURCES = {"Training": "training-job", "HyperParameterTuning": "hyper-parameter-tuning-job"}
"""The resource type by kind of job."""

_OF_TRAINING_ALONE = "DenyInstancesKeptWarm"
"""The bound that there is no condition key for in a tuning job."""


class SpotTraining(Construct):
    """A role for training jobs, and a grant to start jobs with it that cannot run long, large or unencrypted.

    The bounds are explicit denials, so that no other policy of the grantee loosens them. What IAM cannot ask for
    is managed spot itself: no condition key tells a spot request from an on-demand one. `guardrails.spot_guard` stops
    those jobs.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        curated: DataBucket,
        storage: TrainingStorage,
        key: kms.IKey,
        instance_types: Sequence[TrainingInstanceType],
        max_runtime: Duration,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = SpotTrainingRole(self, "Role", curated=curated, storage=storage, key=key)
        self._sandbox_name = sandbox_name
        self._storage = storage
        self._bounds: Mapping[str, Mapping[str, Any]] = {
            "DenyTrainingOnOtherInstanceTypes": {
                "ForAnyValue:StringNotEquals": {"sagemaker:InstanceTypes": list(instance_types)}
            },
            "DenyTrainingWithoutInstanceTypes": {"Null": {"sagemaker:InstanceTypes": "true"}},
            "DenyTrainingForTooLong": {
                "NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": max_runtime.to_seconds()}
            },
            "DenyTrainingWithoutMaximumRuntime": {"Null": {"sagemaker:MaxRuntimeInSeconds": "true"}},
            "DenyTrainingWithoutTheVolumeKey": {"ArnNotEquals": {"sagemaker:VolumeKmsKeyArn": key.key_arn}},
            "DenyTrainingWithoutTheSandboxTag": {"StringNotEquals": {"aws:RequestTag/sandbox": sandbox_name}},
            _OF_TRAINING_ALONE: {"NumericGreaterThan": {"sagemaker:KeepAlivePeriod": 0}},
        }

    def grant_start(
        self, grantee: iam.Role, *, names: Sequence[str] = (), kinds: Sequence[str] = ("Training",)
    ) -> None:
        """Let the role start training jobs named ``<sandbox>-*`` within the bounds, watch and stop them.

        Watching includes what a job logs, and the artefacts that it leaves. What is allowed and what bounds it is one
        managed policy, so that the two are read, attached and detached together. The training jobs that a tuning job
        starts are within the bounds too, since they are of its definition.
        """
        stack = Stack.of(self)
        jobs = [
            stack.format_arn(service="sagemaker", resource=_RESOURCES[kind], resource_name=name)
            for kind in kinds
            for name in names or [f"{self._sandbox_name}-*"]
        ]
        policy = iam.ManagedPolicy(
            grantee,
            "StartSpotTraining",
            description="Start spot training within bounds",
            roles=[grantee],
            statements=[
                iam.PolicyStatement(
                    actions=[
                        "sagemaker:AddTags",
                        *(f"sagemaker:{verb}{kind}Job" for kind in kinds for verb in ("Create", "Describe", "Stop")),
                    ],
                    resources=jobs,
                ),
                iam.PolicyStatement(
                    actions=["iam:PassRole"],
                    resources=[self.role.role_arn],
                    conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
                ),
                *(
                    iam.PolicyStatement(
                        sid=sid,
                        effect=iam.Effect.DENY,
                        actions=[
                            f"sagemaker:Create{kind}Job"
                            for kind in _RESOURCES
                            if kind == "Training" or sid != _OF_TRAINING_ALONE
                        ],
                        resources=["*"],
                        conditions=conditions,
                    )
                    for sid, conditions in self._bounds.items()
                ),
            ],
        )
        acknowledge_wildcard_resources(
            policy, dict.fromkeys(jobs, "A job's name is chosen when it starts; the prefix is not")
        )
        self._grant_watch(grantee)

    def _grant_watch(self, grantee: iam.Role) -> None:
        logs = Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"{LOG_GROUP}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        grantee.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"], resources=[logs]
            )
        )
        acknowledge_wildcard_resources(grantee, {logs: "SageMaker names the log streams after job and instance"})
        self._storage.grant_read_objects(
            grantee,
            [ARTIFACTS_PREFIX],
            why_all="SageMaker names artefacts after the job; the wildcard ends at the prefix",
        )
