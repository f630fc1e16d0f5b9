"""What a training job may do."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from lakehouse.bucket import DataBucket
from machine_learning.training_storage import ARTIFACTS_PREFIX, CHECKPOINTS_PREFIX, TrainingStorage

_IMAGES = ("sagemaker-scikit-learn", "sagemaker-xgboost")
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
_METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"


class SpotTrainingRole(iam.Role):
    """The execution role of managed spot training (guide 6.6): reads features, writes models and checkpoints.

    It reads the curated zone, and with it the offline feature store, and writes under two prefixes of the training
    bucket; it pulls the framework images that AWS publishes, and no others. SageMaker assumes it for this account
    alone. The volume of a training instance is encrypted through a grant, which outlives the call that starts a job.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, curated: DataBucket, storage: TrainingStorage, key: kms.IKey
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Managed spot training",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        stack = Stack.of(self)
        curated.grant_read_objects(self, [""], why_all="Training reads whatever features and tables curated holds")
        prefixes = [ARTIFACTS_PREFIX, CHECKPOINTS_PREFIX]
        why_all = "SageMaker names what a job writes after the job; the wildcard ends at the prefix"
        storage.grant_read_objects(self, prefixes, why_all=why_all)
        storage.grant_write_objects(self, prefixes, why_all=why_all)
        self._allow(["kms:DescribeKey"], [key.key_arn])
        self._allow(["kms:CreateGrant"], [key.key_arn], {"Bool": {"kms:GrantIsForAWSResource": "true"}})

        images = [stack.format_arn(service="ecr", account="*", resource="repository", resource_name=n) for n in _IMAGES]
        self._allow(["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], images)
        self._allow(["ecr:GetAuthorizationToken"], ["*"])

        log_group = stack.format_arn(
            service="logs", resource="log-group", resource_name=LOG_GROUP, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        log_streams = f"{log_group}:log-stream:*"
        self._allow(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [log_group, log_streams],
        )
        self._allow(["cloudwatch:PutMetricData"], ["*"], {"StringEquals": {"cloudwatch:namespace": _METRIC_NAMESPACE}})
        acknowledge_wildcard_resources(
            self,
            {
                **dict.fromkeys(images, "AWS publishes the image from an account of its own in each region"),
                log_streams: "SageMaker names the log streams after job and instance",
                "*": "A registry token has no resource, nor has a metric; its namespace is a condition",
            },
        )

    def _allow(
        self, actions: Sequence[str], resources: Sequence[str], conditions: dict[str, dict[str, str]] | None = None
    ) -> None:
        self.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions))
