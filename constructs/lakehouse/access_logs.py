"""Where S3 records who read and wrote the data."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from guardrails.acknowledge import acknowledge

_KEPT_DAYS = 7


class AccessLogs(s3.Bucket):
    """The bucket for S3 server access logs of all other buckets.

    Encrypted with S3's own key because log delivery cannot use a customer managed key, and destroyed with
    the sandbox even when its data is kept: access logs of a practice environment are not data.

    The bucket policy accepts logs from buckets by the sandbox's name instead of naming each bucket. A bucket
    that the policy names is deleted after this bucket was emptied, and the requests of its own deletion
    are logged here: the deletion then fails, because the bucket is not empty (aws/aws-cdk#16332).

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, sandbox_name: str) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.DESTROY,
            auto_delete_objects=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="ExpireLogs",
                    expiration=Duration.days(_KEPT_DAYS),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AllowLogDelivery",
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects("*")],
                conditions={
                    "ArnLike": {"aws:SourceArn": f"arn:{Aws.PARTITION}:s3:::{sandbox_name}-*"},
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                },
            )
        )
        acknowledge(self, {"AwsSolutions-S1": "Logging access to the access logs would never end"})

    def receive_from(self, bucket: s3.CfnBucket, *, prefix: str) -> None:
        """Log access to the bucket here, and let the bucket be deleted before this one is emptied."""
        bucket.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=self.bucket_name, log_file_prefix=prefix
        )
        bucket.node.add_dependency(self.node.find_child("AutoDeleteObjectsCustomResource"))
