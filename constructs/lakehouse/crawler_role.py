"""What a crawler may do."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from lakehouse.bucket import DataBucket


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
    ) -> None:
        super().__init__(scope, construct_id, assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        stack = Stack.of(self)
        bucket.grant_read_objects(self, prefixes, why_all="A crawler reads whatever lies under its prefix")
        tables = stack.format_arn(service="glue", resource="table", resource_name=f"{database.ref}/*")
        log_groups = stack.format_arn(
            service="logs", resource="log-group", resource_name="/aws-glue/*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        permissions = (
            (
                [
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
                [
                    stack.format_arn(service="glue", resource="catalog"),
                    stack.format_arn(service="glue", resource="database", resource_name=database.ref),
                    tables,
                ],
            ),
            (["glue:GetSecurityConfiguration"], ["*"]),
            (
                ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                [log_groups],
            ),
        )
        for actions, resources in permissions:
            self.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        acknowledge_wildcard_resources(
            self,
            {
                tables: "A crawler names its tables after the folders it finds; the wildcard ends at its database",
                log_groups: "Glue names a crawler's log group itself; the wildcard ends at Glue's log groups",
                "*": "Reading a security configuration cannot be narrowed to one",
            },
        )
