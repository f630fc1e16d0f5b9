"""When the offline store delivers what it buffers, and that it delivers it once though S3 fails in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from practice.local_cloud.feature_store import offline as feature_store_offline
from practice.local_cloud.feature_store.offline import INTERVAL_SECONDS, OfflineStore, Write
from tests.feature_groups import FEATURES, customer, definitions

DATA = "s3://lake/features/data"
GROUP = {
    "FeatureGroupName": "customers",
    "EventTimeFeatureName": "event_time",
    "FeatureDefinitions": definitions(FEATURES),
    "OfflineStoreConfig": {"S3StorageConfig": {"ResolvedOutputS3Uri": DATA}, "DisableGlueTableCreation": True},
}
PUT = {"Bucket": "lake", "Key": ANY, "Body": ANY, "ContentType": ANY, "ServerSideEncryption": "aws:kms"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")  # noqa: S106
    monkeypatch.setattr(feature_store_offline, "client", lambda _: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def write(hour: int) -> Write:
    moment = datetime(2026, 1, 1, hour, tzinfo=UTC)
    return Write(customer(event_time=f"2026-01-01T{hour:02}:00:00Z"), moment, moment)


def test_a_file_that_was_written_is_not_written_again_when_the_next_one_fails(s3: Stubber) -> None:
    store = OfflineStore(GROUP)
    for hour in (1, 2, 3):
        store.accept(write(hour))
    s3.add_response("put_object", {}, PUT)
    s3.add_client_error("put_object", "SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        store.deliver()
    s3.add_response("put_object", {}, PUT)
    s3.add_response("put_object", {}, PUT)
    assert (store.deliver(), store.deliver()) == (2, 0)


def test_a_delivery_is_due_when_the_oldest_write_has_waited_for_the_interval() -> None:
    now = 0.0
    store = OfflineStore(GROUP, clock=lambda: now)
    assert not store.is_due
    store.accept(write(1))
    now = INTERVAL_SECONDS / 2
    store.accept(write(2))
    assert not store.is_due
    now = INTERVAL_SECONDS
    assert store.is_due
