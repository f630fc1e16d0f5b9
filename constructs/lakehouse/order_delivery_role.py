"""What Firehose may do on its way from producers to the zones."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources


class OrderDeliveryRole(iam.Role):
    """A role with the permissions the Firehose guide lists, and no others.

    The L2 would grant more on its own: deleting and tagging objects anywhere in the buckets, and every
    version of the function. Pass it `without_policy_updates()` of this role.

    Source: https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        transform: lambda_.IFunction,
        table: glue.CfnTable,
        key: kms.IKey,
        log_group: logs.ILogGroup,
        order_stream: kinesis.IStream | None,
    ) -> None:
        super().__init__(scope, construct_id, assumed_by=iam.ServicePrincipal("firehose.amazonaws.com"))
        stack = Stack.of(self)
        self._allow(
            ["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"],
            [transform.function_arn, f"{transform.function_arn}:$LATEST"],
        )
        self._allow(
            ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
            [
                stack.format_arn(service="glue", resource="catalog"),
                stack.format_arn(service="glue", resource="database", resource_name=table.database_name),
                stack.format_arn(service="glue", resource="table", resource_name=f"{table.database_name}/{table.ref}"),
            ],
        )
        self._allow(["kms:Decrypt", "kms:GenerateDataKey"], [key.key_arn])
        log_group.grant_write(self)
        if order_stream:
            self._allow(
                ["kinesis:DescribeStream", "kinesis:GetRecords", "kinesis:GetShardIterator", "kinesis:ListShards"],
                [order_stream.stream_arn],
            )

    def allow_writing(self, bucket: s3.IBucket, prefixes: Sequence[str]) -> None:
        """Allow objects to be written under the prefixes of the bucket, and uploads to be resumed."""
        self._allow(["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], [bucket.bucket_arn])
        objects = [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
        self._allow(["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], objects)
        acknowledge_wildcard_resources(
            self, dict.fromkeys(objects, "Firehose names its objects itself; the wildcard ends at the prefix")
        )

    def _allow(self, actions: Sequence[str], resources: Sequence[str]) -> None:
        self.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
