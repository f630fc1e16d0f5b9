"""What the feature store stack guarantees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts import Contract
from tests.synthesis import Resource, SynthesizedStack, synthesize

RESERVED = {"is_deleted", "write_time", "api_invocation_time"}


@pytest.fixture(scope="module")
def feature_store() -> SynthesizedStack:
    return synthesize("default")["FeatureStore"]


@pytest.fixture(scope="module")
def group(feature_store: SynthesizedStack) -> Resource:
    return feature_store.one("AWS::SageMaker::FeatureGroup")


def allowed(stack: SynthesizedStack) -> dict[str, str]:
    """Where the role may do each action, as JSON."""
    found: dict[str, str] = {}
    for statement in stack.one("AWS::IAM::Policy", "CustomerFeaturesRole").properties["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        found |= dict.fromkeys(actions, json.dumps(statement["Resource"]))
    return found


class TestCustomerFeatures:
    def test_are_the_features_of_the_contract_in_its_types(self, group: Resource) -> None:
        assert group.properties["FeatureDefinitions"] == [
            {"FeatureName": field.name, "FeatureType": field.feature_type}
            for field in Contract.load("customer_features").fields
        ]

    def test_are_kept_by_customer_and_event_time_as_in_the_guide(self, group: Resource) -> None:
        assert group.properties["FeatureGroupName"] == "ml-sandbox-customer-features"
        assert group.properties["RecordIdentifierFeatureName"] == "customer_id"
        assert group.properties["EventTimeFeatureName"] == "event_time"

    def test_have_an_event_time_of_a_type_that_sagemaker_takes(self, group: Resource) -> None:
        types = {d["FeatureName"]: d["FeatureType"] for d in group.properties["FeatureDefinitions"]}
        assert types[group.properties["EventTimeFeatureName"]] in ("String", "Fractional")

    def test_have_no_name_that_the_offline_store_keeps_for_itself(self, group: Resource) -> None:
        assert not RESERVED & {d["FeatureName"] for d in group.properties["FeatureDefinitions"]}

    def test_cover_recency_frequency_and_monetary_value_of_the_literature_and_windows(self) -> None:
        features = {field.name for field in Contract.load("customer_features").fields}
        windows = {f"{what}_{days}d" for what in ("orders", "spend") for days in (7, 30, 90)}
        assert features >= {"recency", "frequency", "T", "monetary_value", "favourite_category"} | windows


class TestOnlineStore:
    def test_is_on_standard_and_encrypted_with_the_key(self, group: Resource) -> None:
        online = group.properties["OnlineStoreConfig"]
        assert online["EnableOnlineStore"] is True
        assert online["StorageType"] == "Standard"
        assert "Key" in json.dumps(online["SecurityConfig"]["KmsKeyId"])

    def test_is_billed_by_request_and_not_by_the_hour(self, group: Resource) -> None:
        assert group.properties["ThroughputConfig"] == {"ThroughputMode": "OnDemand"}


class TestOfflineStore:
    def test_lies_under_a_prefix_of_the_curated_zone(self, group: Resource) -> None:
        uri = group.properties["OfflineStoreConfig"]["S3StorageConfig"]["S3Uri"]["Fn::Join"][1]
        assert uri[0] == "s3://"
        assert "StorageCurated" in uri[1]["Fn::ImportValue"]
        assert uri[2] == "/feature-store"

    def test_is_encrypted_with_the_key(self, group: Resource) -> None:
        assert "Key" in json.dumps(group.properties["OfflineStoreConfig"]["S3StorageConfig"]["KmsKeyId"])

    def test_is_catalogued_in_a_database_that_goes_with_the_stack(
        self, feature_store: SynthesizedStack, group: Resource
    ) -> None:
        catalog = group.properties["OfflineStoreConfig"]["DataCatalogConfig"]
        assert catalog == {
            "Catalog": "AwsDataCatalog",
            "Database": {"Ref": feature_store.one("AWS::Glue::Database").logical_id},
            "TableName": "customer_features",
        }

    def test_has_a_lower_case_database_name_that_needs_no_quotes(self, feature_store: SynthesizedStack) -> None:
        assert feature_store.one("AWS::Glue::Database").properties["DatabaseInput"]["Name"] == "ml_sandbox_features"

    @pytest.mark.parametrize(("combination", "table_format"), [("default", "Glue"), ("iceberg", "Iceberg")])
    def test_has_the_format_of_the_setting_and_a_table_made_by_sagemaker(
        self, combination: str, table_format: str
    ) -> None:
        offline = synthesize(combination)["FeatureStore"].one("AWS::SageMaker::FeatureGroup")
        assert offline.properties["OfflineStoreConfig"]["TableFormat"] == table_format
        assert offline.properties["OfflineStoreConfig"]["DisableGlueTableCreation"] is False

    def test_is_no_target_of_the_crawler_of_the_curated_zone(self) -> None:
        crawler = synthesize("default")["Lake"].one("AWS::Glue::Crawler", "Curated")
        targets = [target["Path"]["Fn::Join"][1][-1] for target in crawler.properties["Targets"]["S3Targets"]]
        assert targets == ["/customer_features/", "/customer_labels/"]

    def test_is_configured_in_the_case_that_cloudformation_reads(self, group: Resource) -> None:
        def keys(value: Any) -> list[str]:
            return [k for key, item in value.items() for k in (key, *keys(item))] if isinstance(value, dict) else []

        for configuration in ("OnlineStoreConfig", "ThroughputConfig"):
            assert all(key[0].isupper() for key in keys(group.properties[configuration]))
        assert set(group.properties["OfflineStoreConfig"]) == {
            "DataCatalogConfig",
            "DisableGlueTableCreation",
            "S3StorageConfig",
            "TableFormat",
        }


class TestRole:
    def test_waits_in_front_of_the_group_with_its_policy(
        self, feature_store: SynthesizedStack, group: Resource
    ) -> None:
        assert set(group.depends_on) == {
            feature_store.one("AWS::IAM::Role").logical_id,
            feature_store.one("AWS::IAM::Policy").logical_id,
        }

    def test_has_exactly_what_the_service_needs(self, feature_store: SynthesizedStack) -> None:
        assert set(allowed(feature_store)) == {
            "glue:GetTable",
            "glue:UpdateTable",
            "kms:Decrypt",
            "kms:GenerateDataKey",
            "s3:GetBucketAcl",
            "s3:PutObject",
            "s3:PutObjectAcl",
        }

    def test_writes_under_the_prefix_alone(self, feature_store: SynthesizedStack) -> None:
        for action in ("s3:PutObject", "s3:PutObjectAcl"):
            assert "StorageCurated" in allowed(feature_store)[action]
            assert "/feature-store/*" in allowed(feature_store)[action]

    def test_reads_nothing_but_the_metadata_of_an_iceberg_table(self) -> None:
        assert "/feature-store/*/metadata/*" in allowed(synthesize("iceberg")["FeatureStore"])["s3:GetObject"]

    def test_changes_one_table(self, feature_store: SynthesizedStack) -> None:
        assert "/customer_features" in allowed(feature_store)["glue:UpdateTable"]
        assert "*" not in allowed(feature_store)["glue:UpdateTable"]
