"""What every bucket with data has in common."""

from collections.abc import Mapping, Sequence
from typing import cast

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from lakehouse.access_logs import AccessLogs


class DataBucket(s3.Bucket):
    """A private, versioned, encrypted, access-logged bucket that announces its objects on EventBridge.

    Every request must come over TLS 1.2 or later; objects are encrypted with the sandbox's key, through an
    S3 bucket key so that a query over thousands of objects is not billed as many KMS requests. What an
    overwrite or a delete replaced is kept for `noncurrent_version_days`, and parts of uploads that were
    never completed, which are invisible but billed, are removed after a day.

    Notifications are set on the resource itself: the L2's way adds a custom resource and its Lambda function
    for the same few lines.
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
        lifecycle_rules: Sequence[s3.LifecycleRule] = (),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal_policy,
            auto_delete_objects=removal_policy == RemovalPolicy.DESTROY,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="RemoveWhatIsNotCurrent",
                    noncurrent_version_expiration=Duration.days(noncurrent_version_days),
                    expired_object_delete_marker=True,
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                ),
                *lifecycle_rules,
            ],
        )
        access_logs.receive_from(self._resource, prefix=f"{construct_id.lower()}/")
        self._resource.add_property_override(
            "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", True
        )

    def announce_new_objects(self, queues: Mapping[str, sqs.Queue]) -> None:
        """Send a message for each object created under a prefix to the prefix's queue.

        A queue trusts S3 on behalf of this account, not of this bucket alone: naming the bucket would make
        bucket and queue policy wait for each other.
        """
        for queue in queues.values():
            queue.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                    actions=["sqs:SendMessage"],
                    resources=[queue.queue_arn],
                    conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
                )
            )
            self._resource.node.add_dependency(queue.node.find_child("Policy"))
        self._resource.add_property_override(
            "NotificationConfiguration.QueueConfigurations",
            [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Queue": queue.queue_arn,
                    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": prefix}]}},
                }
                for prefix, queue in queues.items()
            ],
        )

    def grant_read_objects(self, grantee: iam.Role, prefixes: Sequence[str], *, why_all: str) -> None:
        """Let the role read and list objects, those under the prefixes alone; "" is the whole bucket.

        Narrower than the L2's `grant_read`, whose wildcards in actions also cover ACLs, tags and legal holds.
        """
        self._grant_objects(grantee, ["s3:GetObject"], prefixes, why_all)
        grantee.add_to_policy(
            iam.PolicyStatement(actions=["s3:GetBucketLocation", "s3:ListBucket"], resources=[self.bucket_arn])
        )
        grantee.add_to_policy(iam.PolicyStatement(actions=["kms:Decrypt"], resources=[self._key.key_arn]))

    def grant_write_objects(self, grantee: iam.Role, prefixes: Sequence[str], *, why_all: str) -> None:
        """Let the role add and overwrite objects under the prefixes, in parts if they are large; never delete."""
        self._grant_objects(grantee, ["s3:AbortMultipartUpload", "s3:PutObject"], prefixes, why_all)
        grantee.add_to_policy(
            # decrypting is what completing an upload in parts needs
            iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[self._key.key_arn])
        )

    def grant_replace_objects(self, grantee: iam.Role, prefixes: Sequence[str], *, why_all: str) -> None:
        """Let the role read, write and remove objects under the prefixes, as Spark does to overwrite a partition.

        Spark's commits through S3A are uploads in parts that are completed together; which ones a failed task has left
        open, it lists.

        Sources: https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-spark-magic-commit-protocol.html,
        https://hadoop.apache.org/docs/r3.4.1/hadoop-aws/tools/hadoop-aws/assumed_roles.html
        """
        self.grant_read_objects(grantee, prefixes, why_all=why_all)
        self.grant_write_objects(grantee, prefixes, why_all=why_all)
        self._grant_objects(grantee, ["s3:DeleteObject"], prefixes, why_all)
        grantee.add_to_policy(
            iam.PolicyStatement(actions=["s3:ListBucketMultipartUploads"], resources=[self.bucket_arn])
        )

    def _grant_objects(self, grantee: iam.Role, actions: Sequence[str], prefixes: Sequence[str], why_all: str) -> None:
        objects = [self.arn_for_objects(f"{prefix}*") for prefix in prefixes]
        grantee.add_to_policy(iam.PolicyStatement(actions=actions, resources=objects))
        acknowledge_wildcard_resources(grantee, dict.fromkeys(objects, why_all))

    @property
    def _key(self) -> kms.IKey:
        return cast(kms.IKey, self.encryption_key)

    @property
    def _resource(self) -> s3.CfnBucket:
        return cast(s3.CfnBucket, self.node.default_child)
