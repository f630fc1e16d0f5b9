"""What the processing jobs of training may do."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from machine_learning.container_permissions import allow_containers
from machine_learning.training_storage import (
    ARTIFACTS_PREFIX,
    DATASETS_PREFIX,
    EVALUATIONS_PREFIX,
    TrainingStorage,
)

IMAGE = "sagemaker-xgboost"
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"


class TrainingProcessingRole(iam.Role):
    """The execution role of the jobs that make data sets and evaluate models.

    It reads models, and writes data sets and evaluations; querying the feature store comes as a grant from there.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createprocessingjob-perms
    """

    def __init__(self, scope: Construct, construct_id: str, *, storage: TrainingStorage, key: kms.IKey) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Data sets and evaluations of training",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        why_all = "Named after the run or the job; the wildcard ends at the prefix"
        storage.grant_read_objects(self, [ARTIFACTS_PREFIX, DATASETS_PREFIX, EVALUATIONS_PREFIX], why_all=why_all)
        storage.grant_write_objects(self, [DATASETS_PREFIX, EVALUATIONS_PREFIX], why_all=why_all)
        allow_containers(self, images=[IMAGE], log_group=LOG_GROUP, key=key)
