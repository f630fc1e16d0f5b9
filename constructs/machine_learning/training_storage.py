"""Where training leaves what it makes."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from lakehouse.access_logs import AccessLogs
from lakehouse.bucket import DataBucket

ARTIFACTS_PREFIX = "artifacts/"
CHECKPOINTS_PREFIX = "checkpoints/"
DATASETS_PREFIX = "datasets/"
EVALUATIONS_PREFIX = "evaluations/"

_KEPT_DAYS = {CHECKPOINTS_PREFIX: 7, DATASETS_PREFIX: 30}
"""Of no use once a job has ended, or easily made again, and each as large as a model or the data."""


class TrainingStorage(DataBucket):
    """A bucket for model artefacts and evaluations, and for what training needs on the way, which expires.

    That is the checkpoints a job resumes from after an interruption, and the data sets.
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
                    id=f"Expire{prefix.rstrip('/').capitalize()}", prefix=prefix, expiration=Duration.days(days)
                )
                for prefix, days in _KEPT_DAYS.items()
            ],
        )
