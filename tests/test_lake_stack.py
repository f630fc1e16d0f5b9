"""What the lake stack guarantees."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from aws_cdk import App, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from contracts import Contract
from lakehouse.access_logs import AccessLogs
from lakehouse.bucket import DataBucket
from lakehouse.catalog import LakeCatalog
from lakehouse.crawler import CrawlerTrigger, ZoneCrawlers
from lakehouse.glue_encryption import GlueEncryption
from lakehouse.zone import Zone
from tests.synthesis import CDK_JSON, ROOT, Resource, SynthesizedStack, synthesize


@pytest.fixture(scope="module")
def lake() -> SynthesizedStack:
    return synthesize("default")["Lake"]


@pytest.fixture(scope="module")
def event_lake() -> SynthesizedStack:
    return synthesize("s3-events")["Lake"]


def zone_buckets(lake: SynthesizedStack) -> list[Resource]:
    return [lake.one("AWS::S3::Bucket", f"Storage{zone.capitalize()}") for zone in Zone]


def data_buckets(lake: SynthesizedStack) -> list[Resource]:
    return [*zone_buckets(lake), lake.one("AWS::S3::Bucket", "Results")]


def statements(policy: Resource, key: str = "PolicyDocument") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policy.properties[key]["Statement"]
    return found


def table(lake: SynthesizedStack, name: str) -> dict[str, Any]:
    found: dict[str, Any] = lake.one("AWS::Glue::Table", name).properties["TableInput"]
    return found


class TestKey:
    def test_rotates(self, lake: SynthesizedStack) -> None:
        assert lake.one("AWS::KMS::Key").properties["EnableKeyRotation"] is True

    def test_is_deleted_seven_days_after_the_stack(self, lake: SynthesizedStack) -> None:
        assert lake.one("AWS::KMS::Key").properties["PendingWindowInDays"] == 7

    def test_leaves_it_to_iam_who_uses_it(self, lake: SynthesizedStack) -> None:
        """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""
        (ours,) = [s for s in statements(lake.one("AWS::KMS::Key"), "KeyPolicy") if "AWS" in s["Principal"]]
        assert (ours["Effect"], ours["Action"], ours["Resource"]) == ("Allow", "kms:*", "*")
        assert json.dumps(ours["Principal"]).endswith('{"Ref": "AWS::AccountId"}, ":root"]]}}')
        assert "Condition" not in ours

    def test_encrypts_the_log_groups_of_this_account_only(self, lake: SynthesizedStack) -> None:
        (statement,) = [
            s for s in statements(lake.one("AWS::KMS::Key"), "KeyPolicy") if s["Sid"] == "UseByCloudWatchLogs"
        ]
        arn = json.dumps(statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"])
        assert statement["Principal"]["Service"]["Fn::Join"][1][0] == "logs."
        assert "AWS::AccountId" in arn
        assert ":log-group:*" in arn

    def test_names_the_services_that_call_kms_as_themselves_and_no_others(self, lake: SynthesizedStack) -> None:
        by_services = [s for s in statements(lake.one("AWS::KMS::Key"), "KeyPolicy") if "Service" in s["Principal"]]
        assert {s["Sid"] for s in by_services} == {"UseByAlarms", "UseByCloudWatchLogs", "UseByLogDelivery"}
        # AWS's example of log delivery has no condition
        for statement in (s for s in by_services if s["Sid"] != "UseByLogDelivery"):
            assert "AWS::AccountId" in json.dumps(statement["Condition"])


class TestBuckets:
    def test_are_one_per_zone_and_one_each_for_query_results_and_access_logs(self, lake: SynthesizedStack) -> None:
        assert lake.count("AWS::S3::Bucket") == len(Zone) + 2

    def test_have_generated_names_so_that_a_sandbox_can_be_deployed_again(self, lake: SynthesizedStack) -> None:
        assert not [b for b in lake.of_type("AWS::S3::Bucket") if "BucketName" in b.properties]

    def test_are_closed_to_the_public(self, lake: SynthesizedStack) -> None:
        for bucket in lake.of_type("AWS::S3::Bucket"):
            assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}

    def test_have_no_access_control_lists(self, lake: SynthesizedStack) -> None:
        for bucket in lake.of_type("AWS::S3::Bucket"):
            assert "AccessControl" not in bucket.properties
            assert bucket.properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]

    def test_refuse_requests_without_tls(self, lake: SynthesizedStack) -> None:
        policies = {p.properties["Bucket"]["Ref"]: p for p in lake.of_type("AWS::S3::BucketPolicy")}
        for bucket in lake.of_type("AWS::S3::Bucket"):
            denied = [s["Condition"] for s in statements(policies[bucket.logical_id]) if s["Effect"] == "Deny"]
            assert {"Bool": {"aws:SecureTransport": "false"}} in denied
            assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denied

    def test_with_data_are_versioned(self, lake: SynthesizedStack) -> None:
        for bucket in data_buckets(lake):
            assert bucket.properties["VersioningConfiguration"] == {"Status": "Enabled"}

    def test_with_data_are_encrypted_with_the_key_through_a_bucket_key(self, lake: SynthesizedStack) -> None:
        key = lake.one("AWS::KMS::Key").logical_id
        for bucket in data_buckets(lake):
            (rule,) = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
            assert rule["ServerSideEncryptionByDefault"] == {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": {"Fn::GetAtt": [key, "Arn"]},
            }
            assert rule["BucketKeyEnabled"] is True

    def test_with_data_log_who_accesses_them_each_under_its_own_prefix(self, lake: SynthesizedStack) -> None:
        logging = [bucket.properties["LoggingConfiguration"] for bucket in data_buckets(lake)]
        log_bucket = lake.one("AWS::S3::Bucket", "AccessLogs").logical_id
        assert {entry["DestinationBucketName"]["Ref"] for entry in logging} == {log_bucket}
        assert len({entry["LogFilePrefix"] for entry in logging}) == len(logging)

    def test_announce_their_objects_on_eventbridge(self, lake: SynthesizedStack) -> None:
        for bucket in data_buckets(lake):
            notifications = bucket.properties["NotificationConfiguration"]
            assert notifications["EventBridgeConfiguration"] == {"EventBridgeEnabled": True}

    def test_need_no_function_to_set_notifications(self, event_lake: SynthesizedStack) -> None:
        assert event_lake.count("Custom::S3BucketNotifications") == 0

    def test_with_data_expire_what_was_overwritten(self, lake: SynthesizedStack) -> None:
        for bucket in zone_buckets(lake):
            rules = bucket.properties["LifecycleConfiguration"]["Rules"]
            assert {"NoncurrentDays": 7} in [rule.get("NoncurrentVersionExpiration") for rule in rules]

    def test_abort_uploads_that_were_never_completed(self, lake: SynthesizedStack) -> None:
        for bucket in lake.of_type("AWS::S3::Bucket"):
            rules = bucket.properties["LifecycleConfiguration"]["Rules"]
            assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]

    def test_move_raw_data_alone_to_colder_storage(self, lake: SynthesizedStack) -> None:
        transitions = {
            bucket.logical_id: [
                (transition["StorageClass"], transition["TransitionInDays"])
                for rule in bucket.properties["LifecycleConfiguration"]["Rules"]
                for transition in rule.get("Transitions", [])
            ]
            for bucket in data_buckets(lake)
        }
        raw = lake.one("AWS::S3::Bucket", "StorageRaw").logical_id
        assert transitions.pop(raw) == [("STANDARD_IA", 30), ("GLACIER_IR", 90)]
        assert not any(transitions.values())


class TestAccessLogs:
    def test_are_encrypted_by_s3_because_log_delivery_cannot_use_a_kms_key(self, lake: SynthesizedStack) -> None:
        bucket = lake.one("AWS::S3::Bucket", "AccessLogs")
        (rule,) = bucket.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}

    def test_expire(self, lake: SynthesizedStack) -> None:
        bucket = lake.one("AWS::S3::Bucket", "AccessLogs")
        assert [rule.get("ExpirationInDays") for rule in bucket.properties["LifecycleConfiguration"]["Rules"]] == [7]

    def test_come_only_from_buckets_of_this_sandbox_in_this_account(self, lake: SynthesizedStack) -> None:
        policy = lake.one("AWS::S3::BucketPolicy", "AccessLogs")
        (statement,) = [s for s in statements(policy) if s["Principal"] == {"Service": "logging.s3.amazonaws.com"}]
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1] == ":s3:::ml-sandbox-*"

    def test_are_emptied_only_after_the_buckets_that_write_them_are_gone(self, lake: SynthesizedStack) -> None:
        emptying = lake.one("Custom::S3AutoDeleteObjects", "AccessLogs")
        for bucket in data_buckets(lake):
            assert emptying.logical_id in bucket.depends_on


class TestCatalog:
    def test_has_a_database_per_zone_with_a_name_that_needs_no_quotes(self, lake: SynthesizedStack) -> None:
        names = [database.properties["DatabaseInput"]["Name"] for database in lake.of_type("AWS::Glue::Database")]
        assert names == ["ml_sandbox_raw", "ml_sandbox_processed", "ml_sandbox_curated"]

    def test_leaves_the_settings_of_the_account_alone(self, lake: SynthesizedStack) -> None:
        assert lake.count("AWS::Glue::DataCatalogEncryptionSettings") == 0
        assert lake.count("AWS::LakeFormation::DataLakeSettings") == 0

    def test_keeps_raw_orders_as_text_because_raw_data_may_hold_anything(self, lake: SynthesizedStack) -> None:
        columns = table(lake, "OrdersRaw")["StorageDescriptor"]["Columns"]
        sent = [field.name for field in Contract.load("orders").fields if not field.read_only]
        assert [(column["Name"], column["Type"]) for column in columns] == [(name, "string") for name in sent]

    def test_gives_processed_orders_the_types_of_the_contract(self, lake: SynthesizedStack) -> None:
        columns = table(lake, "OrdersProcessed")["StorageDescriptor"]["Columns"]
        declared = [(field.name, field.glue_type) for field in Contract.load("orders").fields]
        assert [(column["Name"], column["Type"]) for column in columns] == declared

    def test_reads_raw_lines_that_are_not_json_as_empty_rows(self, lake: SynthesizedStack) -> None:
        serde = table(lake, "OrdersRaw")["StorageDescriptor"]["SerdeInfo"]
        assert serde["SerializationLibrary"] == "org.openx.data.jsonserde.JsonSerDe"
        assert serde["Parameters"] == {"ignore.malformed.json": "true"}

    @pytest.mark.parametrize(
        ("name", "partition_key"),
        [("OrdersRaw", "ingest_date"), ("OrdersProcessed", "order_date"), ("OrdersFailed", "failed_date")],
    )
    def test_projects_the_partitions_of_orders_so_that_no_crawler_has_to_run(
        self, lake: SynthesizedStack, name: str, partition_key: str
    ) -> None:
        found = table(lake, name)
        parameters = found["Parameters"]
        assert found["PartitionKeys"] == [{"Name": partition_key, "Type": "date"}]
        assert parameters["projection.enabled"] == "true"
        assert parameters[f"projection.{partition_key}.type"] == "date"
        assert parameters[f"projection.{partition_key}.format"] == "yyyy-MM-dd"
        assert parameters[f"projection.{partition_key}.range"] == "2020-01-01,NOW"
        template = parameters["storage.location.template"]["Fn::Join"][1][-1]
        assert template.endswith(f"{partition_key}=${{{partition_key}}}/")

    def test_never_repeats_a_partition_key_as_a_column(self, lake: SynthesizedStack) -> None:
        for resource in lake.of_type("AWS::Glue::Table"):
            columns = {column["Name"] for column in resource.properties["TableInput"]["StorageDescriptor"]["Columns"]}
            keys = {key["Name"] for key in resource.properties["TableInput"]["PartitionKeys"]}
            assert not columns & keys


class TestCrawlers:
    def test_look_at_customers_and_landing_and_never_at_orders(self, lake: SynthesizedStack) -> None:
        targets = lake.one("AWS::Glue::Crawler", "RawCrawlers").properties["Targets"]["S3Targets"]
        assert [target["Path"]["Fn::Join"][1][-1] for target in targets] == ["/customers/", "/landing/"]

    def test_visit_new_folders_only_and_change_no_table(self, lake: SynthesizedStack) -> None:
        # Glue refuses the recrawl behaviour with any other policy
        for crawler in lake.of_type("AWS::Glue::Crawler"):
            assert crawler.properties["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
            assert crawler.properties["SchemaChangePolicy"] == {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}

    def test_let_partitions_take_the_schema_of_the_table(
        self, lake: SynthesizedStack, event_lake: SynthesizedStack
    ) -> None:
        """Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-schema-changes-prevent.html: with UpdateBehavior
        LOG, which new folders alone demand, this is all the output that a crawler that changes no schema has; merging
        new columns into the table would be a change."""
        for crawler in [*lake.of_type("AWS::Glue::Crawler"), *event_lake.of_type("AWS::Glue::Crawler")]:
            assert json.loads(crawler.properties["Configuration"]) == {
                "Version": 1.0,
                "CrawlerOutput": {"Partitions": {"AddOrUpdateBehavior": "InheritFromTable"}},
            }

    def test_have_no_schedule_by_default(self, lake: SynthesizedStack) -> None:
        assert not [c for c in lake.of_type("AWS::Glue::Crawler") if "Schedule" in c.properties]

    def test_wait_for_their_role_its_policy_and_the_security_configuration(self, lake: SynthesizedStack) -> None:
        for crawler in lake.of_type("AWS::Glue::Crawler"):
            role = crawler.properties["Role"]["Fn::GetAtt"][0]
            (policy,) = [p for p in lake.of_type("AWS::IAM::Policy") if {"Ref": role} in p.properties["Roles"]]
            security = lake.one("AWS::Glue::SecurityConfiguration")
            assert {role, policy.logical_id, security.logical_id} <= set(crawler.depends_on)

    def test_encrypt_their_logs(self, lake: SynthesizedStack) -> None:
        security = lake.one("AWS::Glue::SecurityConfiguration")
        encryption = security.properties["EncryptionConfiguration"]
        assert encryption["CloudWatchEncryption"]["CloudWatchEncryptionMode"] == "SSE-KMS"
        for crawler in lake.of_type("AWS::Glue::Crawler"):
            assert crawler.properties["CrawlerSecurityConfiguration"] == {"Ref": security.logical_id}
            actions = role_actions(lake, crawler)
            assert "logs:AssociateKmsKey" in actions

    def test_may_write_to_no_bucket(self, lake: SynthesizedStack) -> None:
        for crawler in lake.of_type("AWS::Glue::Crawler"):
            s3_actions = {action for action in role_actions(lake, crawler) if action.startswith("s3:")}
            assert s3_actions == {"s3:GetBucketLocation", "s3:GetObject", "s3:ListBucket"}

    def test_with_other_targets_or_another_way_of_crawling_are_other_crawlers(self) -> None:
        """Glue changes the targets of no crawler of new folders, so neither logical id nor name may stay.

        Source: https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html, "Notes and restrictions"
        """
        variants = [
            crawlers_of(trigger, *prefixes)
            for trigger in (CrawlerTrigger.ON_DEMAND, CrawlerTrigger.S3_EVENTS)
            for prefixes in (["a/"], ["b/"], ["a/", "b/"], ["a/", "c_d/"])
        ]
        for one, other in itertools.combinations(variants, 2):
            for identity in one.keys() & other.keys():
                assert one[identity] == other[identity], f"{identity} changes its targets in place"

    def test_keep_name_and_logical_id_when_only_their_schedule_changes(self) -> None:
        assert crawlers_of(CrawlerTrigger.DAILY, "a/", "b/") == crawlers_of(CrawlerTrigger.ON_DEMAND, "a/", "b/")

    def test_are_known_to_other_stacks_by_names_that_no_export_pins(self, lake: SynthesizedStack) -> None:
        """An export that another stack imports could not change, and no crawler could be replaced."""
        exported = json.dumps([output for output in lake.template["Outputs"].values() if "Export" in output])
        for crawler in lake.of_type("AWS::Glue::Crawler"):
            assert crawler.logical_id not in exported

    def test_in_event_mode_have_one_target_and_a_queue_of_its_own(self, event_lake: SynthesizedStack) -> None:
        """Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html, "Only a single
        target is supported by the crawler"."""
        crawlers = event_lake.of_type("AWS::Glue::Crawler")
        targets = [target for crawler in crawlers for target in crawler.properties["Targets"]["S3Targets"]]
        assert len(targets) == len(crawlers) == 4
        assert len({json.dumps(target["EventQueueArn"]) for target in targets}) == 4
        for crawler in crawlers:
            assert crawler.properties["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVENT_MODE"}

    def test_in_event_mode_may_do_with_their_queue_what_glue_asks_for_and_with_no_other(
        self, event_lake: SynthesizedStack
    ) -> None:
        """Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html, "Add the following
        SQS policy to the role used by the crawler"; CreateCrawler tries it (aws/aws-cdk#33907)."""
        for crawler in event_lake.of_type("AWS::Glue::Crawler"):
            (target,) = crawler.properties["Targets"]["S3Targets"]
            (statement,) = [s for s in role_statements(event_lake, crawler) if "sqs:" in json.dumps(s["Action"])]
            assert set(statement["Action"]) == {
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListDeadLetterSourceQueues",
                "sqs:ListQueueTags",
                "sqs:PurgeQueue",
                "sqs:ReceiveMessage",
                "sqs:SetQueueAttributes",
            }
            assert statement["Resource"] == target["EventQueueArn"]

    def test_in_event_mode_hear_of_what_they_crawl_and_of_nothing_else(self, event_lake: SynthesizedStack) -> None:
        """Source: https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html: "events filtered
        from the prefix which is the same as the S3 target"."""
        crawled = [
            (target["Path"]["Fn::Join"][1][1]["Ref"], target["Path"]["Fn::Join"][1][-1][1:], target["EventQueueArn"])
            for crawler in event_lake.of_type("AWS::Glue::Crawler")
            for target in crawler.properties["Targets"]["S3Targets"]
        ]
        assert sorted(crawled, key=str) == sorted(notified(event_lake), key=str)
        assert {prefix for _, prefix, _ in crawled} == {
            "customers/",
            "landing/",
            "customer_features/",
            "customer_labels/",
        }

    def test_in_event_mode_share_no_prefix_because_s3_refuses_notifications_that_overlap(
        self, event_lake: SynthesizedStack
    ) -> None:
        """Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html"""
        for one, other in itertools.permutations(notified(event_lake), 2):
            assert one[0] != other[0] or not one[1].startswith(other[1])

    def test_in_event_mode_have_queues_that_s3_may_write_to_before_it_is_told_to(
        self, event_lake: SynthesizedStack
    ) -> None:
        policies = {json.dumps(p.properties["Queues"]): p for p in event_lake.of_type("AWS::SQS::QueuePolicy")}
        for bucket, _, queue in notified(event_lake):
            policy = policies[json.dumps([{"Ref": queue["Fn::GetAtt"][0]}])]
            assert [s for s in statements(policy) if s["Principal"] == {"Service": "s3.amazonaws.com"}]
            (notifying,) = [r for r in event_lake.of_type("AWS::S3::Bucket") if r.logical_id == bucket]
            assert policy.logical_id in notifying.depends_on


def crawlers_of(trigger: CrawlerTrigger, *prefixes: str) -> dict[str, Any]:
    """What identifies the crawlers of a zone with these prefixes, in a stack of their own."""
    stack = Stack(App(context=CDK_JSON["context"]), "Stack")
    key = kms.Key(stack, "Key")
    bucket = DataBucket(
        stack,
        "Bucket",
        key=key,
        access_logs=AccessLogs(stack, "AccessLogs", sandbox_name="sandbox"),
        noncurrent_version_days=1,
        removal_policy=RemovalPolicy.DESTROY,
    )
    ZoneCrawlers(
        stack,
        "Crawlers",
        name="sandbox-raw",
        database=LakeCatalog(stack, "Catalog", sandbox_name="sandbox").databases[Zone.RAW],
        bucket=bucket,
        prefixes=prefixes,
        encryption=GlueEncryption(stack, "GlueEncryption", name="sandbox", key=key),
        trigger=trigger,
    )
    return identities(SynthesizedStack(Template.from_stack(stack).to_json()))


def identities(lake: SynthesizedStack) -> dict[str, Any]:
    """The targets of each crawler, by its logical id and by its name."""
    crawlers = lake.of_type("AWS::Glue::Crawler")
    return {
        identity: [crawler.properties["RecrawlPolicy"], crawler.properties["Targets"]]
        for crawler in crawlers
        for identity in (crawler.logical_id, crawler.properties["Name"])
    }


def notified(lake: SynthesizedStack) -> list[tuple[str, str, Any]]:
    """The notifications of new objects: bucket, prefix and queue."""
    return [
        (bucket.logical_id, rule["Value"], configuration["Queue"])
        for bucket in lake.of_type("AWS::S3::Bucket")
        for configuration in bucket.properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
        for rule in configuration["Filter"]["S3Key"]["Rules"]
    ]


def role_statements(lake: SynthesizedStack, crawler: Resource) -> list[dict[str, Any]]:
    role = crawler.properties["Role"]["Fn::GetAtt"][0]
    (policy,) = [p for p in lake.of_type("AWS::IAM::Policy") if {"Ref": role} in p.properties["Roles"]]
    return statements(policy)


def role_actions(lake: SynthesizedStack, crawler: Resource) -> set[str]:
    actions: set[str] = set()
    for statement in role_statements(lake, crawler):
        listed = statement["Action"]
        actions.update([listed] if isinstance(listed, str) else listed)
    return actions


class TestWorkgroup:
    def test_lets_no_query_override_its_settings(self, lake: SynthesizedStack) -> None:
        assert configuration(lake)["EnforceWorkGroupConfiguration"] is True

    def test_encrypts_results_with_the_key_in_a_bucket_of_this_account(self, lake: SynthesizedStack) -> None:
        results = configuration(lake)["ResultConfiguration"]
        key = lake.one("AWS::KMS::Key").logical_id
        bucket = lake.one("AWS::S3::Bucket", "Results").logical_id
        assert results["EncryptionConfiguration"] == {
            "EncryptionOption": "SSE_KMS",
            "KmsKey": {"Fn::GetAtt": [key, "Arn"]},
        }
        assert results["ExpectedBucketOwner"] == {"Ref": "AWS::AccountId"}
        assert {"Ref": bucket} in results["OutputLocation"]["Fn::Join"][1]

    def test_cancels_queries_that_scan_more_than_the_setting(self) -> None:
        cutoffs = {
            name: configuration(synthesize(name)["Lake"])["BytesScannedCutoffPerQuery"]
            for name in ("default", "smallest")
        }
        assert cutoffs == {"default": 1_000_000_000, "smallest": 10_000_000}

    def test_publishes_metrics(self, lake: SynthesizedStack) -> None:
        assert configuration(lake)["PublishCloudWatchMetricsEnabled"] is True

    def test_is_deleted_together_with_its_queries(self, lake: SynthesizedStack) -> None:
        assert lake.one("AWS::Athena::WorkGroup").properties["RecursiveDeleteOption"] is True

    def test_is_not_the_workgroup_that_every_account_has(self, lake: SynthesizedStack) -> None:
        assert lake.one("AWS::Athena::WorkGroup").properties["Name"] == "ml-sandbox"

    def test_holds_every_query_of_the_folder(self, lake: SynthesizedStack) -> None:
        names = {query.properties["Name"] for query in lake.of_type("AWS::Athena::NamedQuery")}
        assert names == {path.stem for path in (ROOT / "constructs/lakehouse/queries").glob("*.sql")}


class TestNotices:
    def test_are_encrypted_with_the_key_and_go_over_tls_alone(self, lake: SynthesizedStack) -> None:
        assert "Key" in json.dumps(lake.one("AWS::SNS::Topic").properties["KmsMasterKeyId"])
        assert "aws:SecureTransport" in json.dumps(lake.one("AWS::SNS::TopicPolicy").properties)

    def test_go_to_the_address_of_the_settings(self) -> None:
        lake = synthesize("smallest")["Lake"]
        subscription = lake.one("AWS::SNS::Subscription").properties
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "owner@example.com")
        assert subscription["TopicArn"] == {"Ref": lake.one("AWS::SNS::Topic").logical_id}

    def test_go_to_nobody_without_an_address(self, lake: SynthesizedStack) -> None:
        assert lake.count("AWS::SNS::Subscription") == 0


def configuration(lake: SynthesizedStack) -> dict[str, Any]:
    found: dict[str, Any] = lake.one("AWS::Athena::WorkGroup").properties["WorkGroupConfiguration"]
    return found
