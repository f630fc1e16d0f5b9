"""The Feature Store runtime on the local cloud: what is stored of each write, online and offline."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud, LocalCloudError
from tests.feature_groups import FEATURES, KEY, Group, customer, definitions, features, offline_store, values_of
from tests.local_lake import Lake

JANUARY, FEBRUARY, MARCH = (f"2026-0{month}-01T00:00:00Z" for month in (1, 2, 3))


@pytest.fixture
def lake(local_cloud: LocalCloud) -> Lake:
    return Lake(local_cloud)


@pytest.fixture
def group(local_cloud: LocalCloud, lake: Lake) -> Group:
    return Group(local_cloud, lake)


# -- the online store


def test_a_record_is_read_as_it_was_put(group: Group) -> None:
    record = customer(T="7", spend="0.10")
    group.put(record)
    assert group.get("C-1") == record


def test_a_group_is_named_by_its_arn_too(group: Group) -> None:
    group.runtime.put_record(FeatureGroupName=group.arn, Record=features(customer()))
    found = group.runtime.get_record(FeatureGroupName=group.arn, RecordIdentifierValueAsString="C-1")
    assert values_of(found["Record"]) == customer()


def test_of_a_record_the_features_asked_for_are_read(group: Group) -> None:
    group.put(customer(T="7", spend="1"))
    assert group.get("C-1", FeatureNames=["spend", "T"]) == {"spend": "1", "T": "7"}
    with pytest.raises(ClientError, match="other: no feature of"):
        group.get("C-1", FeatureNames=["other"])


def test_a_record_that_was_never_put_is_not_there(group: Group) -> None:
    assert group.get("C-1") is None


def test_a_newer_record_replaces_the_whole_older_one(group: Group) -> None:
    group.put(customer(event_time=JANUARY, T="1", spend="1"))
    group.put(customer(event_time=FEBRUARY, T="2"))
    assert group.get("C-1") == customer(event_time=FEBRUARY, T="2")


@pytest.mark.parametrize("late", [JANUARY, FEBRUARY], ids=["older", "of the same time"])
def test_a_record_that_is_not_newer_is_kept_offline_only(group: Group, late: str) -> None:
    group.put(customer(event_time=FEBRUARY, T="2"))
    group.put(customer(event_time=late, T="1"))
    assert group.get("C-1") == customer(event_time=FEBRUARY, T="2")
    assert group.rows("event_time, t", "ORDER BY t") == [[late, "1"], [FEBRUARY, "2"]]


def test_times_are_compared_as_moments_not_as_text(group: Group) -> None:
    group.put(customer(event_time="2026-01-01T00:00:00.500Z"))
    group.put(customer(event_time="2026-01-01T00:00:00Z"))
    assert group.get("C-1") == customer(event_time="2026-01-01T00:00:00.500Z")


def test_an_event_time_can_be_unix_seconds(local_cloud: LocalCloud, lake: Lake) -> None:
    group = Group(local_cloud, lake, FeatureDefinitions=definitions(FEATURES | {"event_time": "Fractional"}))
    group.put(customer(event_time="1767225600.5", T="2"))
    group.put(customer(event_time="999999999", T="1"))
    assert group.get("C-1") == customer(event_time="1767225600.5", T="2")
    assert group.rows("year, month, day, hour", "WHERE event_time = 1767225600.5") == [["2026", "01", "01", "00"]]


# -- what is refused


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (customer(unknown="1"), "unknown: no feature of"),
        ({"customer_id": "C-1"}, "event_time has no value"),
        ({"event_time": JANUARY}, "customer_id has no value"),
        (customer(T="1.5"), "T is '1.5'; an Integral"),
        (customer(spend="much"), "spend is 'much'; a Fractional"),
        (customer(event_time="2026-01-01"), "event time event_time is '2026-01-01'; allowed: yyyy-MM-dd"),
    ],
)
def test_a_record_that_does_not_fit_the_group_is_refused(group: Group, record: dict[str, str], message: str) -> None:
    with pytest.raises(group.runtime.exceptions.ValidationError, match=message):
        group.put(record)
    assert group.get("C-1") is None
    assert group.rows() == []


def test_a_group_that_does_not_exist_is_refused_as_each_operation_can(local_cloud: LocalCloud) -> None:
    runtime = local_cloud.client("sagemaker-featurestore-runtime")
    unknown = {"FeatureGroupName": "unknown"}
    with pytest.raises(runtime.exceptions.ValidationError, match="can't find a FeatureGroup with name unknown"):
        runtime.put_record(**unknown, Record=features(customer()))
    with pytest.raises(runtime.exceptions.ResourceNotFound, match="can't find a FeatureGroup with name unknown"):
        runtime.get_record(**unknown, RecordIdentifierValueAsString="C-1")


def test_partial_updates_are_refused(group: Group) -> None:
    with pytest.raises(group.runtime.exceptions.ValidationError, match="needs a group of StorageType Standard_V2"):
        group.runtime.update_record(
            FeatureGroupName=group.name, RecordIdentifierValueAsString="C-1", Features=features({"T": "1"})
        )


# -- which stores


def test_a_record_goes_into_the_stores_that_are_named(group: Group) -> None:
    group.put(customer("C-1"), TargetStores=["OnlineStore"])
    group.put(customer("C-2"), TargetStores=["OfflineStore"])
    assert (group.get("C-1"), group.get("C-2")) == (customer("C-1"), None)
    assert group.rows("customer_id") == [["C-2"]]


def test_a_store_that_the_group_has_not_is_refused(local_cloud: LocalCloud, lake: Lake) -> None:
    group = Group(local_cloud, lake, OnlineStoreConfig={"EnableOnlineStore": False})
    with pytest.raises(ClientError, match="TargetStores has OnlineStore"):
        group.put(customer(), TargetStores=["OnlineStore"])
    with pytest.raises(ClientError, match="has no online store to read from"):
        group.get("C-1")
    group.put(customer())
    assert group.rows("customer_id") == [["C-1"]]


# -- deletion


def test_a_soft_deletion_hides_the_record_and_marks_it_offline(group: Group) -> None:
    group.put(customer(event_time=JANUARY, T="1"))
    group.delete("C-1", FEBRUARY)
    assert group.get("C-1") is None
    assert group.rows("event_time, t, is_deleted", "ORDER BY event_time") == [
        [JANUARY, "1", "false"],
        [FEBRUARY, None, "true"],
    ]


def test_a_late_record_does_not_undo_a_soft_deletion_and_a_newer_one_does(group: Group) -> None:
    group.put(customer(event_time=JANUARY))
    group.delete("C-1", MARCH)
    group.put(customer(event_time=FEBRUARY))
    assert group.get("C-1") is None
    group.put(customer(event_time="2026-04-01T00:00:00Z"))
    assert group.get("C-1") is not None


def test_a_soft_deletion_that_is_not_newer_leaves_the_record_and_is_marked_offline(group: Group) -> None:
    group.put(customer(event_time=FEBRUARY))
    group.delete("C-1", FEBRUARY)
    assert group.get("C-1") is not None
    assert group.rows("is_deleted", "ORDER BY is_deleted") == [["false"], ["true"]]


def test_a_hard_deletion_removes_the_record_and_marks_it_offline(group: Group) -> None:
    group.put(customer(event_time=JANUARY))
    group.delete("C-1", FEBRUARY, DeletionMode="HardDelete")
    assert group.get("C-1") is None
    listed = group.runtime.list_records(FeatureGroupName=group.name, IncludeSoftDeletedRecords=True)
    assert listed["RecordIdentifiers"] == []
    assert group.rows("event_time, is_deleted", "WHERE is_deleted") == [[FEBRUARY, "true"]]


def test_a_hard_deletion_that_is_not_newer_is_refused_and_not_marked(group: Group) -> None:
    group.put(customer(event_time=FEBRUARY))
    with pytest.raises(group.runtime.exceptions.ValidationError, match="not later than the record's"):
        group.delete("C-1", FEBRUARY, DeletionMode="HardDelete")
    assert group.get("C-1") is not None
    assert group.rows("is_deleted") == [["false"]]


def test_a_deletion_goes_into_the_stores_that_are_named(group: Group) -> None:
    for identifier in ("C-1", "C-2"):
        group.put(customer(identifier, JANUARY))
    group.delete("C-1", FEBRUARY, TargetStores=["OnlineStore"])
    group.delete("C-2", FEBRUARY, TargetStores=["OfflineStore"])
    assert (group.get("C-1"), group.get("C-2")) == (None, customer("C-2", JANUARY))
    assert group.rows("customer_id", "WHERE is_deleted") == [["C-2"]]


def test_a_deletion_needs_an_event_time_too(group: Group) -> None:
    with pytest.raises(group.runtime.exceptions.ValidationError, match="event time event_time is 'now'"):
        group.delete("C-1", "now")


# -- time to live


def expires(group: Group, identifier: str) -> str | None:
    found: dict[str, str] = group.runtime.get_record(
        FeatureGroupName=group.name, RecordIdentifierValueAsString=identifier, ExpirationTimeResponse="Enabled"
    )
    return found.get("ExpiresAt")


def test_a_record_expires_after_its_own_time_to_live_or_else_the_groups(local_cloud: LocalCloud, lake: Lake) -> None:
    online = {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Days", "Value": 1}}
    group = Group(local_cloud, lake, OnlineStoreConfig=online)
    group.put(customer("C-1", "2999-01-01T00:00:00Z"))
    group.put(customer("C-2", "2999-01-01T00:00:00Z"), TtlDuration={"Unit": "Weeks", "Value": 1})
    group.put(customer("C-3", JANUARY), TtlDuration={"Unit": "Seconds", "Value": 1})
    assert (expires(group, "C-1"), expires(group, "C-2")) == ("2999-01-02T00:00:00Z", "2999-01-08T00:00:00Z")
    assert group.get("C-3") is None
    assert "ExpiresAt" not in group.runtime.get_record(FeatureGroupName=group.name, RecordIdentifierValueAsString="C-1")


def test_the_groups_time_to_live_can_be_set_and_taken_away_for_records_to_come(group: Group) -> None:
    def limit(time_to_live: dict[str, Any]) -> None:
        config = {"TtlDuration": time_to_live}
        group.sagemaker.update_feature_group(FeatureGroupName=group.name, OnlineStoreConfig=config)

    group.put(customer("C-1", "2999-01-01T00:00:00Z"))
    limit({"Unit": "Days", "Value": 1})
    group.put(customer("C-2", "2999-01-01T00:00:00Z"))
    limit({})
    group.put(customer("C-3", "2999-01-01T00:00:00Z"))
    assert [expires(group, f"C-{number}") for number in (1, 2, 3)] == [None, "2999-01-02T00:00:00Z", None]


# -- batches and lists


def test_a_batch_is_read_from_several_groups_without_what_is_missing(
    local_cloud: LocalCloud, lake: Lake, group: Group
) -> None:
    other = Group(local_cloud, lake, OfflineStoreConfig=offline_store(lake, DisableGlueTableCreation=True))
    group.put(customer("C-1", T="1"))
    other.put(customer("C-2", T="2"))
    found = group.runtime.batch_get_record(
        Identifiers=[
            {"FeatureGroupName": group.name, "RecordIdentifiersValueAsString": ["C-1", "C-2"], "FeatureNames": ["T"]},
            {"FeatureGroupName": other.name, "RecordIdentifiersValueAsString": ["C-2"]},
            {"FeatureGroupName": "unknown", "RecordIdentifiersValueAsString": ["C-9"]},
        ]
    )
    assert [(r["FeatureGroupName"], r["RecordIdentifierValueAsString"]) for r in found["Records"]] == [
        (group.name, "C-1"),
        (other.name, "C-2"),
    ]
    assert values_of(found["Records"][0]["Record"]) == {"T": "1"}
    (error,) = found["Errors"]
    assert (error["FeatureGroupName"], error["RecordIdentifierValueAsString"]) == ("unknown", "C-9")
    assert error["ErrorCode"] == "ResourceNotFound"
    assert found["UnprocessedIdentifiers"] == []


def test_in_a_batch_written_a_bad_record_does_not_keep_the_others_back(group: Group) -> None:
    bad: dict[str, Any] = {"FeatureGroupName": group.name, "Record": features(customer("C-2", T="x"))}
    good = {"FeatureGroupName": group.name, "Record": features(customer("C-1", "2999-01-01T00:00:00Z"))}
    answer = group.runtime.batch_write_record(Entries=[bad, good], TtlDuration={"Unit": "Days", "Value": 1})
    (error,) = answer["Errors"]
    assert (error["Entry"], error["ErrorCode"]) == (bad, "ValidationError")
    assert answer["UnprocessedEntries"] == []
    assert expires(group, "C-1") == "2999-01-02T00:00:00Z"


def test_identifiers_are_listed_in_pages_without_the_deleted(group: Group) -> None:
    for number in range(4):
        group.put(customer(f"C-{number}", JANUARY))
    group.delete("C-1", FEBRUARY)
    first = group.runtime.list_records(FeatureGroupName=group.name, MaxResults=2)
    rest = group.runtime.list_records(FeatureGroupName=group.name, NextToken=first["NextToken"])
    assert (first["RecordIdentifiers"], rest["RecordIdentifiers"]) == (["C-0", "C-2"], ["C-3"])
    everything = group.runtime.list_records(FeatureGroupName=group.name, IncludeSoftDeletedRecords=True)
    assert everything["RecordIdentifiers"] == ["C-0", "C-1", "C-2", "C-3"]


# -- the offline store


def keys(lake: Lake) -> list[str]:
    return [item["Key"] for item in lake.s3.list_objects_v2(Bucket=lake.bucket).get("Contents", ())]


def test_writes_are_files_in_a_folder_per_hour_of_the_event_time(group: Group, lake: Lake) -> None:
    for event_time in ("2026-01-02T03:04:05Z", "2026-01-02T03:59:59Z", "2026-01-02T04:00:00Z"):
        group.put(customer(event_time=event_time))
    assert group.flush() == 3
    first, second = (key.partition("/data/")[2] for key in keys(lake))
    assert first.startswith("year=2026/month=01/day=02/hour=03/20260102T035959Z_")
    assert second.startswith("year=2026/month=01/day=02/hour=04/20260102T040000Z_")
    assert {len(key.rpartition("_")[2]) for key in (first, second)} == {len("16letters-digits.parquet")}


def test_a_folder_that_the_catalog_knows_already_is_no_hindrance(group: Group, lake: Lake) -> None:
    lake.glue.create_partition(
        DatabaseName=lake.database,
        TableName="customers",
        PartitionInput={"Values": ["2026", "01", "01", "00"], "StorageDescriptor": {}},
    )
    group.put(customer(event_time=JANUARY))
    assert group.rows("customer_id") == [["C-1"]]


def test_files_are_encrypted_with_the_groups_key(group: Group, lake: Lake) -> None:
    group.put(customer())
    group.flush()
    found = lake.s3.head_object(Bucket=lake.bucket, Key=keys(lake)[0])
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", KEY)


def test_of_iceberg_files_lie_in_a_folder_per_day_of_the_event_time(local_cloud: LocalCloud, lake: Lake) -> None:
    group = Group(local_cloud, lake, OfflineStoreConfig=offline_store(lake, TableFormat="Iceberg"))
    group.put(customer(event_time="2026-01-02T03:04:05Z"))
    assert group.rows("customer_id") == [["C-1"]]
    random, folder, name = keys(lake)[0].partition("/data/")[2].split("/")
    assert (len(random), folder) == (8, "event_time_trunc=2026-01-02")
    assert name.startswith("20260102T030405Z_")


def test_a_row_has_the_times_of_the_call_and_of_the_delivery(group: Group) -> None:
    group.put(customer())
    ((in_order,),) = group.rows("api_invocation_time <= write_time")
    assert in_order == "true"


def test_a_duplicate_is_kept_twice_offline(group: Group) -> None:
    for _ in range(2):
        group.put(customer(T="1"))
        group.flush()
    assert group.rows("count(*), count(DISTINCT api_invocation_time)") == [["2", "2"]]


def test_what_is_buffered_is_delivered_once(group: Group) -> None:
    group.put(customer())
    assert (group.flush(), group.flush()) == (1, 0)


def test_what_is_buffered_is_delivered_without_being_asked(group: Group, lake: Lake) -> None:
    group.put(customer())
    while not keys(lake):
        time.sleep(0.05)
    assert group.flush() == 0


def test_what_s3_does_not_take_is_delivered_later(group: Group, lake: Lake) -> None:
    group.put(customer(event_time=JANUARY))
    group.put(customer(event_time=FEBRUARY))
    lake.s3.delete_bucket(Bucket=lake.bucket)
    with pytest.raises(LocalCloudError, match="NoSuchBucket"):
        group.flush()
    group.put(customer(event_time=MARCH))
    lake.s3.create_bucket(Bucket=lake.bucket)
    assert group.rows("event_time", "ORDER BY event_time") == [[JANUARY], [FEBRUARY], [MARCH]]


def test_no_write_of_concurrent_writers_is_lost(group: Group) -> None:
    def write(writer: int) -> None:
        for number in range(50):
            group.put(customer(f"C-{writer}-{number}", f"2026-01-01T0{number % 5}:00:00Z"))

    with ThreadPoolExecutor(5) as pool:
        writing = [pool.submit(write, writer) for writer in range(4)]
        while not all(future.done() for future in writing):
            group.flush()
    for future in writing:
        future.result()
    assert group.rows("count(*), count(DISTINCT customer_id)") == [["200", "200"]]
    assert len(list_every_record(group)) == 200


def list_every_record(group: Group) -> list[str]:
    found: list[str] = []
    request: dict[str, str] = {}
    while True:
        page = group.runtime.list_records(FeatureGroupName=group.name, **request)
        found += page["RecordIdentifiers"]
        if "NextToken" not in page:
            return found
        request = {"NextToken": page["NextToken"]}


POINT_IN_TIME = """
SELECT customer_id, t FROM (
  SELECT *, row_number() OVER (
    PARTITION BY customer_id ORDER BY event_time DESC, api_invocation_time DESC, write_time DESC
  ) AS n
  FROM customers WHERE event_time <= '{moment}'
) WHERE n = 1 AND NOT is_deleted ORDER BY customer_id
"""


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-12-31T00:00:00Z", []),
        (JANUARY, [["C-1", "1"], ["C-2", "1"]]),
        (FEBRUARY, [["C-1", "3"], ["C-2", "1"]]),
        (MARCH, [["C-2", "4"]]),
    ],
)
def test_athena_knows_what_was_known_of_each_customer_at_a_point_in_time(
    group: Group, lake: Lake, moment: str, expected: list[list[str]]
) -> None:
    group.put(customer("C-1", FEBRUARY, T="2"))
    group.put(customer("C-1", JANUARY, T="1"))  # late
    group.put(customer("C-1", FEBRUARY, T="3"))  # corrects the first
    group.put(customer("C-2", JANUARY, T="1"))
    group.put(customer("C-2", JANUARY, T="1"))  # a duplicate
    group.put(customer("C-2", MARCH, T="4"))
    group.delete("C-1", MARCH)
    group.flush()
    assert lake.rows(POINT_IN_TIME.format(moment=moment)) == expected
