"""Feature groups on the local cloud, for the tests of the Feature Store."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from practice.local_cloud.lifecycle import LocalCloud
from tests.local_lake import Lake

FEATURES = {"customer_id": "String", "event_time": "String", "T": "Integral", "spend": "Fractional"}
ROLE = "arn:aws:iam::000000000000:role/feature-store"
KEY = "arn:aws:kms:us-east-1:000000000000:key/features"

Values = dict[str, str]


def definitions(features: dict[str, str]) -> list[dict[str, str]]:
    return [{"FeatureName": name, "FeatureType": kind} for name, kind in features.items()]


def group_properties(lake: Lake, **properties: Any) -> dict[str, Any]:
    """A group of customers with both stores, its table in the lake's database."""
    return {
        "FeatureGroupName": f"test-{uuid4().hex[:8]}",
        "RecordIdentifierFeatureName": "customer_id",
        "EventTimeFeatureName": "event_time",
        "FeatureDefinitions": definitions(FEATURES),
        "OnlineStoreConfig": {"EnableOnlineStore": True},
        "OfflineStoreConfig": offline_store(lake),
        "RoleArn": ROLE,
        **properties,
    }


def offline_store(lake: Lake, **properties: Any) -> dict[str, Any]:
    return {
        "S3StorageConfig": {"S3Uri": f"s3://{lake.bucket}/feature-store", "KmsKeyId": KEY},
        "DataCatalogConfig": {"Catalog": "AwsDataCatalog", "Database": lake.database, "TableName": "customers"},
        **properties,
    }


def flush(cloud: LocalCloud) -> dict[str, int]:
    """Deliver what is buffered for offline stores; rows by group."""
    delivered: dict[str, int] = cloud.post("/_sandbox/feature-store/flush")
    return delivered


class Group:
    """A feature group, and records put into it and read from it."""

    def __init__(self, cloud: LocalCloud, lake: Lake, **properties: Any) -> None:
        self.cloud, self.lake = cloud, lake
        self.sagemaker = cloud.client("sagemaker")
        self.runtime = cloud.client("sagemaker-featurestore-runtime")
        created = group_properties(lake, **properties)
        self.name = created["FeatureGroupName"]
        self.arn = self.sagemaker.create_feature_group(**created)["FeatureGroupArn"]

    def describe(self) -> dict[str, Any]:
        described: dict[str, Any] = self.sagemaker.describe_feature_group(FeatureGroupName=self.name)
        return described

    def put(self, values: Values, **request: Any) -> None:
        self.runtime.put_record(FeatureGroupName=self.name, Record=features(values), **request)

    def get(self, identifier: str, **request: Any) -> Values | None:
        found = self.runtime.get_record(FeatureGroupName=self.name, RecordIdentifierValueAsString=identifier, **request)
        return values_of(found["Record"]) if "Record" in found else None

    def delete(self, identifier: str, event_time: str, **request: Any) -> None:
        self.runtime.delete_record(
            FeatureGroupName=self.name, RecordIdentifierValueAsString=identifier, EventTime=event_time, **request
        )

    def flush(self) -> int:
        return flush(self.cloud)[self.name]

    def rows(self, columns: str = "*", rest: str = "") -> list[list[str | None]]:
        """Rows of the offline store, delivered and queried with Athena."""
        self.flush()
        return self.lake.rows(f"SELECT {columns} FROM customers {rest}")  # noqa: S608 - the tests' own SQL


def features(values: Values) -> list[dict[str, str]]:
    return [{"FeatureName": name, "ValueAsString": value} for name, value in values.items()]


def values_of(record: list[dict[str, str]]) -> Values:
    return {feature["FeatureName"]: feature["ValueAsString"] for feature in record}


def customer(identifier: str = "C-1", event_time: str = "2026-01-01T00:00:00Z", **values: str) -> Values:
    return {"customer_id": identifier, "event_time": event_time, **values}
