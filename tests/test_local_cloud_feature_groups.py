"""Feature groups on the local cloud: which can be created, what of them can change, and what is left of them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.feature_groups import FEATURES, Group, customer, definitions, flush, group_properties, offline_store
from tests.local_lake import Lake


@pytest.fixture
def lake(local_cloud: LocalCloud) -> Lake:
    return Lake(local_cloud)


def table(lake: Lake, name: str = "customers") -> dict[str, Any]:
    found: dict[str, Any] = lake.glue.get_table(DatabaseName=lake.database, Name=name)["Table"]
    return found


def columns(lake: Lake) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in table(lake)["StorageDescriptor"]["Columns"]}


def test_a_group_is_described_as_it_was_created(local_cloud: LocalCloud, lake: Lake) -> None:
    group = Group(local_cloud, lake, Description="customers")
    described = group.describe()
    assert described["FeatureGroupStatus"] == "Created"
    assert described["FeatureDefinitions"] == definitions(FEATURES)
    assert described["ThroughputConfig"] == {"ThroughputMode": "OnDemand"}
    assert described["OfflineStoreConfig"]["TableFormat"] == "Glue"
    assert described["OfflineStoreStatus"] == {"Status": "Active"}
    assert described["Description"] == "customers"
    assert group.sagemaker.describe_feature_group(FeatureGroupName=group.arn)["FeatureGroupName"] == group.name


def test_the_offline_store_has_a_place_of_its_own(local_cloud: LocalCloud, lake: Lake) -> None:
    group = Group(local_cloud, lake)
    described = group.describe()
    created = int(described["CreationTime"].timestamp())
    assert described["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"] == (
        f"s3://{lake.bucket}/feature-store/000000000000/sagemaker/us-east-1/offline-store/{group.name}-{created}/data"
    )


def test_the_offline_store_has_a_glue_table_of_the_features_and_of_each_row(
    local_cloud: LocalCloud, lake: Lake
) -> None:
    group = Group(local_cloud, lake)
    assert columns(lake) == {
        "customer_id": "string",
        "event_time": "string",
        "t": "bigint",
        "spend": "double",
        "write_time": "timestamp",
        "api_invocation_time": "timestamp",
        "is_deleted": "boolean",
    }
    assert [key["Name"] for key in table(lake)["PartitionKeys"]] == ["year", "month", "day", "hour"]
    resolved = group.describe()["OfflineStoreConfig"]["S3StorageConfig"]["ResolvedOutputS3Uri"]
    assert table(lake)["StorageDescriptor"]["Location"] == resolved


def test_an_iceberg_table_has_no_partition_keys(local_cloud: LocalCloud, lake: Lake) -> None:
    Group(local_cloud, lake, OfflineStoreConfig=offline_store(lake, TableFormat="Iceberg"))
    assert table(lake)["Parameters"]["table_type"] == "ICEBERG"
    assert table(lake)["PartitionKeys"] == []


def test_without_a_catalog_the_table_is_in_the_services_database(local_cloud: LocalCloud, lake: Lake) -> None:
    store = {"S3StorageConfig": {"S3Uri": f"s3://{lake.bucket}/"}}
    names = set()
    for _ in range(2):
        described = Group(local_cloud, lake, OfflineStoreConfig=store).describe()
        place = described["OfflineStoreConfig"]["DataCatalogConfig"]
        assert (place["Catalog"], place["Database"]) == ("AwsDataCatalog", "sagemaker_featurestore")
        names.add(lake.glue.get_table(DatabaseName=place["Database"], Name=place["TableName"])["Table"]["Name"])
    assert len(names) == 2


def test_no_table_is_created_when_that_is_disabled(local_cloud: LocalCloud, lake: Lake) -> None:
    Group(local_cloud, lake, OfflineStoreConfig=offline_store(lake, DisableGlueTableCreation=True))
    assert lake.glue.get_tables(DatabaseName=lake.database)["TableList"] == []


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"FeatureDefinitions": definitions(FEATURES | {"is_deleted": "String"})}, "is_deleted: reserved"),
        ({"FeatureDefinitions": definitions(FEATURES | {"write_time": "String"})}, "write_time: reserved"),
        ({"FeatureDefinitions": definitions(FEATURES | {"api_invocation_time": "String"})}, "reserved"),
        ({"FeatureDefinitions": definitions(FEATURES | {"t": "String"})}, "t: defined more than once"),
        ({"FeatureDefinitions": definitions(FEATURES | {"a b": "String"})}, "FeatureName is 'a b'"),
        ({"FeatureDefinitions": definitions(FEATURES | {"a": "Text"})}, "allowed: Integral, Fractional, String"),
        ({"FeatureDefinitions": definitions(FEATURES | {"event_time": "Integral"})}, "String or Fractional"),
        (
            {"FeatureDefinitions": [*definitions(FEATURES), {"FeatureName": "tags", "FeatureType": "String",
                                                             "CollectionType": "List"}]},
            "emulates no collection types",
        ),
        ({"RecordIdentifierFeatureName": "id"}, "RecordIdentifierFeatureName is 'id'"),
        ({"EventTimeFeatureName": "when"}, "EventTimeFeatureName is 'when'"),
        ({"FeatureGroupName": "-x"}, "FeatureGroupName is '-x'"),
    ],
)  # fmt: skip
def test_definitions_that_no_group_can_have_are_refused(
    local_cloud: LocalCloud, lake: Lake, properties: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message) as refusal:
        Group(local_cloud, lake, **properties)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("online", [{}, {"OnlineStoreConfig": {"EnableOnlineStore": False}}])
def test_a_group_without_any_store_is_refused(local_cloud: LocalCloud, lake: Lake, online: dict[str, Any]) -> None:
    request = group_properties(lake)
    del request["OnlineStoreConfig"], request["OfflineStoreConfig"]
    with pytest.raises(ClientError, match="the group has no store"):
        local_cloud.client("sagemaker").create_feature_group(**request, **online)


def test_an_offline_store_needs_a_role(local_cloud: LocalCloud, lake: Lake) -> None:
    request = group_properties(lake)
    del request["RoleArn"]
    with pytest.raises(ClientError, match="RoleArn is missing"):
        local_cloud.client("sagemaker").create_feature_group(**request)


def test_iceberg_needs_the_glue_table(local_cloud: LocalCloud, lake: Lake) -> None:
    store = offline_store(lake, TableFormat="Iceberg", DisableGlueTableCreation=True)
    with pytest.raises(ClientError, match="Iceberg needs the table"):
        Group(local_cloud, lake, OfflineStoreConfig=store)


def test_a_second_group_of_the_same_name_is_refused(local_cloud: LocalCloud, lake: Lake) -> None:
    group = Group(local_cloud, lake)
    with pytest.raises(group.sagemaker.exceptions.ResourceInUse, match=group.name):
        Group(local_cloud, lake, FeatureGroupName=group.name)


def test_an_unknown_group_is_not_found(local_cloud: LocalCloud) -> None:
    sagemaker = local_cloud.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ResourceNotFound, match="unknown"):
        sagemaker.describe_feature_group(FeatureGroupName="unknown")


@pytest.mark.parametrize("missing", ["bucket", "database"])
def test_a_group_whose_offline_store_cannot_be_created_has_failed(
    local_cloud: LocalCloud, lake: Lake, missing: str
) -> None:
    if missing == "bucket":
        lake.s3.delete_bucket(Bucket=lake.bucket)
    else:
        lake.glue.delete_database(Name=lake.database)
    described = Group(local_cloud, lake).describe()
    assert described["FeatureGroupStatus"] == "CreateFailed"
    assert lake.bucket in described["FailureReason"]


def test_a_feature_that_is_added_is_a_column_and_can_be_put(local_cloud: LocalCloud, lake: Lake) -> None:
    group = Group(local_cloud, lake)
    group.put(customer())
    additions = definitions({"Favourite": "String"})
    group.sagemaker.update_feature_group(FeatureGroupName=group.name, FeatureAdditions=additions)
    group.put(customer("C-2", Favourite="books"))
    assert columns(lake)["favourite"] == "string"
    assert group.get("C-2") == customer("C-2", Favourite="books")
    assert group.rows("customer_id, favourite", "ORDER BY customer_id") == [["C-1", None], ["C-2", "books"]]
    assert group.describe()["LastUpdateStatus"] == {"Status": "Successful"}


@pytest.mark.parametrize(("name", "message"), [("spend", "defined more than once"), ("is_deleted", "reserved")])
def test_a_feature_that_cannot_be_added_is_refused(
    local_cloud: LocalCloud, lake: Lake, name: str, message: str
) -> None:
    group = Group(local_cloud, lake)
    with pytest.raises(ClientError, match=message):
        group.sagemaker.update_feature_group(
            FeatureGroupName=group.name, FeatureAdditions=definitions({name: "String"})
        )
    assert group.describe()["FeatureDefinitions"] == definitions(FEATURES)


def test_one_thing_is_updated_at_a_time(local_cloud: LocalCloud, lake: Lake) -> None:
    group = Group(local_cloud, lake)
    with pytest.raises(ClientError, match="give one of"):
        group.sagemaker.update_feature_group(
            FeatureGroupName=group.name,
            FeatureAdditions=definitions({"a": "String"}),
            ThroughputConfig={"ThroughputMode": "OnDemand"},
        )


def test_a_deleted_group_leaves_its_table_and_data_and_nothing_buffered_is_lost(
    local_cloud: LocalCloud, lake: Lake
) -> None:
    group = Group(local_cloud, lake)
    group.put(customer())
    group.sagemaker.delete_feature_group(FeatureGroupName=group.name)
    with pytest.raises(group.sagemaker.exceptions.ResourceNotFound):
        group.describe()
    assert lake.rows("SELECT customer_id FROM customers") == [["C-1"]]
    assert group.name not in flush(local_cloud)


def test_a_group_that_is_created_again_is_empty_online(local_cloud: LocalCloud, lake: Lake) -> None:
    store = offline_store(lake, DisableGlueTableCreation=True)
    group = Group(local_cloud, lake, OfflineStoreConfig=store)
    group.put(customer())
    group.sagemaker.delete_feature_group(FeatureGroupName=group.name)
    again = Group(local_cloud, lake, FeatureGroupName=group.name, OfflineStoreConfig=store)
    assert again.get("C-1") is None


def test_groups_are_listed_by_name_and_status(local_cloud: LocalCloud, lake: Lake) -> None:
    names = sorted(
        Group(local_cloud, lake, OfflineStoreConfig=offline_store(lake, DisableGlueTableCreation=True)).name
        for _ in range(2)
    )
    pages = (
        local_cloud.client("sagemaker")
        .get_paginator("list_feature_groups")
        .paginate(
            NameContains="test-", FeatureGroupStatusEquals="Created", SortBy="Name", PaginationConfig={"PageSize": 1}
        )
    )
    found = [group["FeatureGroupName"] for page in pages for group in page["FeatureGroupSummaries"]]
    assert [name for name in found if name in names] == names
