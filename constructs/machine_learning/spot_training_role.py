"""What a training job may do."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from lakehouse.bucket import DataBucket
from machine_learning.container_permissions import allow_containers
from machine_learning.training_storage import ARTIFACTS_PREFIX, CHECKPOINTS_PREFIX, DATASETS_PREFIX, TrainingStorage

_IMAGES = ("sagemaker-scikit-learn", "sagemaker-xgboost")
LOG_GROUP = "/aws/sagemaker/TrainingJobs"


class SpotTrainingRole(iam.Role):
    """The execution role of managed spot training (guide 6.6): reads features, writes models and checkpoints.

    It reads the curated zone, and with it the offline feature store, and writes under two prefixes of the training
    bucket; it pulls the framework images that AWS publishes, and no others. SageMaker assumes it for this account
    alone.

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
        curated.grant_read_objects(self, [""], why_all="Training reads whatever features and tables curated holds")
        written = [ARTIFACTS_PREFIX, CHECKPOINTS_PREFIX]
        why_all = "SageMaker names what a job writes after the job; the wildcard ends at the prefix"
        storage.grant_read_objects(self, [*written, DATASETS_PREFIX], why_all=why_all)
        storage.grant_write_objects(self, written, why_all=why_all)
        allow_containers(self, images=_IMAGES, log_group=LOG_GROUP, key=key)
