"""Crawlers: schema discovery for what has no contract."""

import json
import re
from collections.abc import Mapping, Sequence
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


class ZoneCrawlers(Construct):
    """What crawls a zone: one crawler for all its prefixes, or with `S3_EVENTS` one for each.

    A crawler that reads events takes a single target. Any other takes several, and shares the ten minutes that every
    crawl is billed for at least; that an event crawl is billed for nothing while its queue is empty makes up for it.

    Sources: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html ("Only a single target",
    "no cost if there are no events"), https://aws.amazon.com/glue/pricing/
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        database: glue.CfnDatabase,
        bucket: DataBucket,
        prefixes: Sequence[str],
        encryption: GlueEncryption,
        trigger: CrawlerTrigger,
    ) -> None:
        super().__init__(scope, construct_id)
        illustrates(self, "3.2")
        by_events = trigger == CrawlerTrigger.S3_EVENTS
        queues: dict[str, sqs.Queue] = {}
        names: dict[str, str] = {}
        for targets in [[prefix] for prefix in prefixes] if by_events else [prefixes]:
            found = "-".join(prefix.strip("/") for prefix in targets)
            identity = f"{found}-{'events' if by_events else 'new-folders'}"
            names[found] = f"{name}-{identity}"
            crawler = _Crawler(
                self,
                "".join(word.capitalize() for word in re.split("[-_]", identity)),
                name=names[found],
                database=database,
                bucket=bucket,
                prefixes=targets,
                encryption=encryption,
                trigger=trigger,
            )
            if crawler.queue:
                queues[targets[0]] = crawler.queue
        if queues:
            bucket.announce_new_objects(queues)
        self.names: Mapping[str, str] = names
        """The crawlers' names, by what they find."""


class _Crawler(Construct):
    """A crawler that adds the tables and partitions it finds under some prefixes to a database.

    Under a prefix, Glue decides by how alike the data is what becomes a table and what a partition; a prefix
    that holds one data set becomes one table. The crawler looks only at folders it has not seen, and never
    changes a table that exists: a schema that others query does not move because one odd file arrived. Partitions
    take the table's schema, else they would drift from it file by file. Its logs are encrypted with the sandbox's key.

    Glue changes the targets of no crawler that looks at new folders only. Name and construct id say the targets and
    the way of crawling, so that another choice makes another crawler; and by its name, which no other stack imports,
    the refinery knows it.

    Sources: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-folder-table-partition.html,
    https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html,
    https://docs.aws.amazon.com/glue/latest/dg/crawler-schema-changes-prevent.html,
    https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        database: glue.CfnDatabase,
        bucket: DataBucket,
        prefixes: Sequence[str],
        encryption: GlueEncryption,
        trigger: CrawlerTrigger,
    ) -> None:
        super().__init__(scope, construct_id)
        role = CrawlerRole(self, "Role", database=database, bucket=bucket, prefixes=prefixes, encryption=encryption)
        self.queue = self._new_objects_queue(role) if trigger == CrawlerTrigger.S3_EVENTS else None
        crawler = glue.CfnCrawler(
            self,
            "Crawler",
            name=name,
            role=role.role_arn,
            database_name=database.ref,
            targets=glue.CfnCrawler.TargetsProperty(
                s3_targets=[
                    glue.CfnCrawler.S3TargetProperty(
                        path=bucket.s3_url_for_object(prefix),
                        event_queue_arn=self.queue.queue_arn if self.queue else None,
                    )
                    for prefix in prefixes
                ]
            ),
            recrawl_policy=glue.CfnCrawler.RecrawlPolicyProperty(
                recrawl_behavior="CRAWL_EVENT_MODE" if self.queue else "CRAWL_NEW_FOLDERS_ONLY"
            ),
            schema_change_policy=glue.CfnCrawler.SchemaChangePolicyProperty(
                update_behavior="LOG", delete_behavior="LOG"
            ),
            configuration=json.dumps(
                {"Version": 1.0, "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}}}
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

    def _new_objects_queue(self, role: CrawlerRole) -> sqs.Queue:
        queue = sqs.Queue(
            self,
            "NewObjects",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        role.allow_reading_events(queue)
        lost_event = "An event that is lost costs nothing but time: a crawl on demand lists every object"
        acknowledge(queue, {"AwsSolutions-SQS3": lost_event, "Serverless-SQSRedrivePolicy": lost_event})
        return queue
