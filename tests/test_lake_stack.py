"""What the lake stack guarantees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts import Contract
from lakehouse.zone import Zone
from tests.synthesis import ROOT, Resource, SynthesizedStack, synthesize


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
        targets = lake.one("AWS::Glue::Crawler", "RawCrawler").properties["Targets"]["S3Targets"]
        assert [target["Path"]["Fn::Join"][1][-1] for target in targets] == ["/customers/", "/landing/"]

    def test_visit_new_folders_only_and_change_no_table(self, lake: SynthesizedStack) -> None:
        # Glue refuses the recrawl behaviour with any other policy
        for crawler in lake.of_type("AWS::Glue::Crawler"):
            assert crawler.properties["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"}
            assert crawler.properties["SchemaChangePolicy"] == {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}

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

    def test_in_event_mode_read_new_objects_from_a_queue_that_s3_may_write_to(
        self, event_lake: SynthesizedStack
    ) -> None:
        for zone in (Zone.RAW, Zone.CURATED):
            crawler = event_lake.one("AWS::Glue::Crawler", f"{zone.capitalize()}Crawler")
            bucket = event_lake.one("AWS::S3::Bucket", f"Storage{zone.capitalize()}")
            queue = event_lake.one("AWS::SQS::Queue", f"{zone.capitalize()}Crawler").logical_id
            policy = event_lake.one("AWS::SQS::QueuePolicy", f"{zone.capitalize()}Crawler")
            targets = crawler.properties["Targets"]["S3Targets"]
            queues = bucket.properties["NotificationConfiguration"]["QueueConfigurations"]
            assert crawler.properties["RecrawlPolicy"] == {"RecrawlBehavior": "CRAWL_EVENT_MODE"}
            assert {json.dumps(t["EventQueueArn"]) for t in targets} == {json.dumps({"Fn::GetAtt": [queue, "Arn"]})}
            assert {json.dumps(q["Queue"]) for q in queues} == {json.dumps({"Fn::GetAtt": [queue, "Arn"]})}
            assert "sqs:ReceiveMessage" in role_actions(event_lake, crawler)
            assert [s for s in statements(policy) if s["Principal"] == {"Service": "s3.amazonaws.com"}]
            assert policy.logical_id in bucket.depends_on

    def test_in_event_mode_hear_of_what_they_crawl_and_of_nothing_else(self, event_lake: SynthesizedStack) -> None:
        prefixes = {
            zone: [
                rule["Value"]
                for configuration in event_lake.one("AWS::S3::Bucket", f"Storage{zone}").properties[
                    "NotificationConfiguration"
                ]["QueueConfigurations"]
                for rule in configuration["Filter"]["S3Key"]["Rules"]
            ]
            for zone in ("Raw", "Curated")
        }
        assert prefixes == {
            "Raw": ["customers/", "landing/"],
            "Curated": ["customer_features/", "customer_labels/"],
        }


def role_actions(lake: SynthesizedStack, crawler: Resource) -> set[str]:
    role = crawler.properties["Role"]["Fn::GetAtt"][0]
    (policy,) = [p for p in lake.of_type("AWS::IAM::Policy") if {"Ref": role} in p.properties["Roles"]]
    actions: set[str] = set()
    for statement in statements(policy):
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
