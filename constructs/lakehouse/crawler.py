"""Crawlers: schema discovery for what has no contract."""

from collections.abc import Sequence
from enum import StrEnum

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from guardrails.acknowledge import acknowledge, acknowledge_wildcard_resources
from lakehouse.bucket import DataBucket


class CrawlerTrigger(StrEnum):
    """What starts the crawlers."""

    ON_DEMAND = "on-demand"
    DAILY = "daily"
    S3_EVENTS = "s3-events"
    """A daily crawl that lists nothing: it reads from a queue which objects S3 has received since the last."""


class ZoneCrawler(Construct):
    """A crawler that adds the tables and partitions it finds under some prefixes of a zone to its database.

    It looks only at folders it has not seen and never changes a table that exists: a schema that others query
    does not move because one odd file arrived. Its logs are encrypted with the sandbox's key.

    Sources: https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html,
    https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        database: glue.CfnDatabase,
        bucket: DataBucket,
        prefixes: Sequence[str],
        key: kms.IKey,
        security_configuration: glue.CfnSecurityConfiguration,
        trigger: CrawlerTrigger,
    ) -> None:
        super().__init__(scope, construct_id)
        role = self._role(database=database, bucket=bucket, prefixes=prefixes, key=key)
        queue = self._new_objects_queue(bucket, prefixes) if trigger == CrawlerTrigger.S3_EVENTS else None
        if queue:
            queue.grant_consume_messages(role)
        crawler = glue.CfnCrawler(
            self,
            "Crawler",
            role=role.role_arn,
            database_name=database.ref,
            targets=glue.CfnCrawler.TargetsProperty(
                s3_targets=[
                    glue.CfnCrawler.S3TargetProperty(
                        path=bucket.s3_url_for_object(prefix), event_queue_arn=queue.queue_arn if queue else None
                    )
                    for prefix in prefixes
                ]
            ),
            recrawl_policy=glue.CfnCrawler.RecrawlPolicyProperty(
                recrawl_behavior="CRAWL_EVENT_MODE" if queue else "CRAWL_NEW_FOLDERS_ONLY"
            ),
            schema_change_policy=glue.CfnCrawler.SchemaChangePolicyProperty(
                update_behavior="LOG", delete_behavior="LOG"
            ),
            schedule=(
                None
                if trigger == CrawlerTrigger.ON_DEMAND
                else glue.CfnCrawler.ScheduleProperty(schedule_expression="cron(0 3 * * ? *)")
            ),
            crawler_security_configuration=security_configuration.ref,
        )
        # the L1 orders nothing by itself; without the role's policy the first crawl fails
        crawler.node.add_dependency(role, security_configuration)
        self.name = crawler.ref

    def _role(
        self, *, database: glue.CfnDatabase, bucket: DataBucket, prefixes: Sequence[str], key: kms.IKey
    ) -> iam.Role:
        stack = Stack.of(self)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        objects = [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
        tables = stack.format_arn(service="glue", resource="table", resource_name=f"{database.ref}/*")
        log_groups = stack.format_arn(
            service="logs", resource="log-group", resource_name="/aws-glue/*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        for actions, resources in (
            (["s3:GetObject"], objects),
            (["s3:GetBucketLocation", "s3:ListBucket"], [bucket.bucket_arn]),
            (["kms:Decrypt"], [key.key_arn]),
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
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        acknowledge_wildcard_resources(
            role,
            {
                **dict.fromkeys(objects, "A crawler reads whatever lies under its prefix"),
                tables: "A crawler names its tables after the folders it finds; the wildcard ends at its database",
                log_groups: "Glue names a crawler's log group itself; the wildcard ends at Glue's log groups",
                "*": "Reading a security configuration cannot be narrowed to one",
            },
        )
        return role

    def _new_objects_queue(self, bucket: DataBucket, prefixes: Sequence[str]) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "NewObjects",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        bucket.announce_new_objects(queue, prefixes)
        lost_event = "An event that is lost costs nothing but time: a crawl on demand lists every object"
        acknowledge(queue, {"AwsSolutions-SQS3": lost_event, "Serverless-SQSRedrivePolicy": lost_event})
        return queue
