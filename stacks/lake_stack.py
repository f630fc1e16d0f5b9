"""The storage layer of the lake-house, its catalog, and Athena to query it."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from guardrails.custom_resource_logs import CustomResourceLogs
from guardrails.notifications import NotificationTopic
from lakehouse.catalog import LakeCatalog
from lakehouse.crawler import ZoneCrawlers
from lakehouse.encryption import SandboxKey
from lakehouse.glue_encryption import GlueEncryption
from lakehouse.orders_tables import OrdersTables
from lakehouse.query_workgroup import QueryWorkgroup
from lakehouse.storage import LakeStorage
from lakehouse.zone import Zone
from stacks.settings import Settings

CUSTOMERS_PREFIX = "customers/"
LANDING_PREFIX = "landing/"
FEATURES_PREFIX = "customer_features/"
LABELS_PREFIX = "customer_labels/"
FEATURE_STORE_PREFIX = "feature-store/"
"""Where the offline store lies in the curated zone; SageMaker catalogues it, no crawler does."""


class LakeStack(Stack):
    """Zones, catalog, crawlers and workgroup (guide 3.2 and 3.5); every other stack builds on this one."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, **kwargs)

        self.key = SandboxKey(self, "Key", sandbox_name=settings.name, removal_policy=settings.removal_policy)
        self.notices = NotificationTopic(self, "Notices", key=self.key, email=settings.notice_email)
        self.notices.accept_alarms(settings.name)
        storage = LakeStorage(
            self,
            "Storage",
            sandbox_name=settings.name,
            key=self.key,
            raw_infrequent_access_days=settings.raw_infrequent_access_days,
            raw_glacier_days=settings.raw_glacier_days,
            noncurrent_version_days=settings.noncurrent_version_days,
            removal_policy=settings.removal_policy,
        )
        self.zones = storage.zones
        self.access_logs = storage.access_logs
        catalog = LakeCatalog(self, "Catalog", sandbox_name=settings.name)
        self.databases = catalog.databases
        self.orders_tables = OrdersTables(self, "Orders", databases=catalog.databases, zones=self.zones)

        glue_encryption = GlueEncryption(self, "GlueEncryption", name=settings.name, key=self.key)
        self.crawlers = {
            zone: ZoneCrawlers(
                self,
                f"{zone.capitalize()}Crawlers",
                name=f"{settings.name}-{zone}",
                database=catalog.databases[zone],
                bucket=self.zones[zone],
                prefixes=prefixes,
                encryption=glue_encryption,
                trigger=settings.crawler_trigger,
            ).names
            for zone, prefixes in {
                Zone.RAW: [CUSTOMERS_PREFIX, LANDING_PREFIX],
                Zone.CURATED: [FEATURES_PREFIX, LABELS_PREFIX],
            }.items()
        }
        self.workgroup = QueryWorkgroup(
            self,
            "Queries",
            name=settings.name,
            key=self.key,
            access_logs=storage.access_logs,
            databases=catalog.databases,
            scan_limit_mb=settings.athena_scan_limit_mb,
        )
        CustomResourceLogs(self, "CustomResourceLogs", key=self.key, retention=settings.log_retention)

        for zone in Zone:
            CfnOutput(self, f"{zone.capitalize()}Bucket", value=self.zones[zone].bucket_name)
            CfnOutput(self, f"{zone.capitalize()}Database", value=catalog.databases[zone].ref)
        for zone, names in self.crawlers.items():
            key = f"{zone.capitalize()}Crawlers"
            CfnOutput(self, f"{key}Names", key=key, value=",".join(names.values()))
        CfnOutput(self, "WorkGroup", value=self.workgroup.name)
        CfnOutput(self, "NoticeTopic", value=self.notices.topic_arn)
