"""Crawlers: schema discovery for what has no contract."""

from collections.abc import Sequence
from enum import StrEnum

from aws_cdk import Duration
from aws_cdk import aws_glue as glue
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.guide import illustrates
from lakehouse.bucket import DataBucket
from lakehouse.crawler_role import CrawlerRole
from lakehouse.glue_encryption import GlueEncryption


class CrawlerTrigger(StrEnum):
    """What starts the crawlers."""

    ON_DEMAND = "on-demand"
    DAILY = "daily"
    S3_EVENTS = "s3-events"
    """A daily crawl that lists nothing: it reads from a queue which objects S3 has received since the last."""


class ZoneCrawler(Construct):
    """A crawler that adds the tables and partitions it finds under some prefixes of a zone to its database.

    Under a prefix, Glue decides by how alike the data is what becomes a table and what a partition; a prefix
    that holds one data set becomes one table. The crawler looks only at folders it has not seen, and never
    changes a table that exists: a schema that others query does not move because one odd file arrived. Its
    logs are encrypted with the sandbox's key.

    Sources: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-folder-table-partition.html,
    https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html,
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
        encryption: GlueEncryption,
        trigger: CrawlerTrigger,
    ) -> None:
        super().__init__(scope, construct_id)
        illustrates(self, "3.2")
        role = CrawlerRole(self, "Role", database=database, bucket=bucket, prefixes=prefixes, encryption=encryption)
        queue = self._new_objects_queue(bucket, prefixes) if trigger == CrawlerTrigger.S3_EVENTS else None
        if queue:
            role.allow_consuming(queue)
        crawler = glue.CfnCrawler(
            self,
            "Crawler",
            role=role.role_arn,
            database_name=database.ref,
            targets=glue.CfnCrawler.TargetsProperty(
                s3_targets=[
                    glue.CfnCrawler.S3TargetProperty(
                        path=bucket.s3_url_for_object(prefix),
                        event_queue_arn=queue.queue_arn if queue else None,
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
            crawler_security_configuration=encryption.ref,
        )
        # the L1 orders nothing by itself; without the role's policy the first crawl fails
        crawler.node.add_dependency(role, encryption)
        self.name = crawler.ref

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
