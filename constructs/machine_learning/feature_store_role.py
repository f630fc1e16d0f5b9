"""What Feature Store may do to keep the offline copy of a feature group."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from lakehouse.bucket import DataBucket
from machine_learning.table_format import TableFormat


class FeatureStoreRole(iam.Role):
    """A role to write the offline store under one prefix, and to keep its one table in the catalog.

    The managed policy AmazonSageMakerFeatureStoreAccess does not fit: it reaches only buckets with "sagemaker" in
    their name, all of them. An Iceberg table keeps its state in metadata files, which Feature Store reads back;
    plain Parquet is written and never read. SageMaker tries the key as this role itself, not through a service. Which
    account SageMaker acts for it may not say here: that is documented for training jobs, not for feature groups.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-adding-policies.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/security-iam-awsmanpol-feature-store.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: DataBucket,
        prefix: str,
        database: glue.CfnDatabase,
        table_name: str,
        table_format: TableFormat,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id, assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        stack = Stack.of(self)
        objects = bucket.arn_for_objects(f"{prefix}*")
        self._allow(["s3:PutObject", "s3:PutObjectAcl"], [objects])
        self._allow(["s3:GetBucketAcl"], [bucket.bucket_arn])
        if table_format == TableFormat.ICEBERG:
            metadata = bucket.arn_for_objects(f"{prefix}*/metadata/*")
            self._allow(["s3:GetObject"], [metadata])
            acknowledge_wildcard_resources(self, {metadata: "Feature Store names the folder of a group itself"})
        self._allow(["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
        self._allow(
            ["glue:GetTable", "glue:UpdateTable"],
            [
                stack.format_arn(service="glue", resource="catalog"),
                stack.format_arn(service="glue", resource="database", resource_name=database.ref),
                stack.format_arn(service="glue", resource="table", resource_name=f"{database.ref}/{table_name}"),
            ],
        )
        acknowledge_wildcard_resources(
            self, {objects: "Feature Store names its objects itself; the wildcard ends at the prefix"}
        )

    def _allow(self, actions: Sequence[str], resources: Sequence[str]) -> None:
        self.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
