"""The storage layer: one bucket per zone."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from lakehouse.access_logs import AccessLogs
from lakehouse.bucket import DataBucket
from lakehouse.zone import Zone


class LakeStorage(Construct):
    """The raw, processed and curated zones (guide 3.5), and the bucket that logs access to them.

    A bucket per zone, not a prefix per zone: permissions, life cycle and events differ by zone, and each is
    a property of a bucket. Only raw moves to colder storage classes: it is kept for the day something must
    be computed again, while the other zones are what queries read.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        key: kms.IKey,
        raw_infrequent_access_days: int,
        raw_glacier_days: int,
        noncurrent_version_days: int,
        removal_policy: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.access_logs = AccessLogs(self, "AccessLogs", sandbox_name=sandbox_name)
        lifecycle_rules = {
            Zone.RAW: [
                s3.LifecycleRule(
                    id="MoveToColderStorage",
                    transitions=[
                        s3.Transition(
                            storage_class=s3.StorageClass.INFREQUENT_ACCESS,
                            transition_after=Duration.days(raw_infrequent_access_days),
                        ),
                        s3.Transition(
                            storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                            transition_after=Duration.days(raw_glacier_days),
                        ),
                    ],
                )
            ]
        }
        self.zones: Mapping[Zone, DataBucket] = {
            zone: DataBucket(
                self,
                zone.capitalize(),
                key=key,
                access_logs=self.access_logs,
                noncurrent_version_days=noncurrent_version_days,
                removal_policy=removal_policy,
                lifecycle_rules=lifecycle_rules.get(zone, []),
            )
            for zone in Zone
        }
