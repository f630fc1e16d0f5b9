"""Where training leaves what it makes."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from lakehouse.access_logs import AccessLogs
from lakehouse.bucket import DataBucket

ARTIFACTS_PREFIX = "artifacts/"
CHECKPOINTS_PREFIX = "checkpoints/"
_CHECKPOINTS_KEPT_DAYS = 7


class TrainingStorage(DataBucket):
    """A bucket for model artefacts, and for the checkpoints a job resumes from after an interruption.

    Checkpoints expire: they are of no use once a job has ended, and each is as large as a model.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        access_logs: AccessLogs,
        noncurrent_version_days: int,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            key=key,
            access_logs=access_logs,
            noncurrent_version_days=noncurrent_version_days,
            removal_policy=removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ExpireCheckpoints",
                    prefix=CHECKPOINTS_PREFIX,
                    expiration=Duration.days(_CHECKPOINTS_KEPT_DAYS),
                )
            ],
        )
