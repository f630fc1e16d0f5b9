"""What a crawler may do."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from lakehouse.bucket import DataBucket
from lakehouse.glue_encryption import GlueEncryption


class CrawlerRole(iam.Role):
    """A role to read the objects under some prefixes, and to add tables and partitions to one database.

    Narrower than the managed policy AWSGlueServiceRole, which allows every Glue action on everything.

    Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-prereqs.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: glue.CfnDatabase,
        bucket: DataBucket,
        prefixes: Sequence[str],
        encryption: GlueEncryption,
    ) -> None:
        super().__init__(scope, construct_id, assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        stack = Stack.of(self)
        bucket.grant_read_objects(self, prefixes, why_all="A crawler reads whatever lies under its prefix")
        tables = stack.format_arn(service="glue", resource="table", resource_name=f"{database.ref}/*")
        self.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "glue:BatchCreatePartition",
                    "glue:BatchGetPartition",
                    "glue:CreatePartition",
                    "glue:CreateTable",
                    "glue:GetDatabase",
                    "glue:GetPartition",
                    "glue:GetPartitions",
                    "glue:GetTable",
                    "glue:GetTables",
                    "glue:UpdatePartition",
                    "glue:UpdateTable",
                ],
                resources=[
                    stack.format_arn(service="glue", resource="catalog"),
                    stack.format_arn(service="glue", resource="database", resource_name=database.ref),
                    tables,
                ],
            )
        )
        encryption.grant_log(
            self,
            "/aws-glue/*",
            why_all="Glue names a crawler's log group itself; the wildcard ends at Glue's log groups",
        )
        acknowledge_wildcard_resources(
            self, {tables: "A crawler names its tables after the folders it finds; the wildcard ends at its database"}
        )

    def allow_reading_events(self, queue: sqs.Queue) -> None:
        """Let the crawler read from the queue what is new, and set the queue up and empty it as Glue does.

        Glue tries these permissions when the crawler is created.

        Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html
        """
        self.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:GetQueueUrl",
                    "sqs:ListDeadLetterSourceQueues",
                    "sqs:ListQueueTags",
                    "sqs:PurgeQueue",
                    "sqs:ReceiveMessage",
                    "sqs:SetQueueAttributes",
                ],
                resources=[queue.queue_arn],
            )
        )
