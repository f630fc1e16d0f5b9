"""Crawlers on the local cloud: the tables, columns and partitions they find, and what they leave alone."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.local_lake import Lake

ROLE = "arn:aws:iam::000000000000:role/crawler"
LOG = {"UpdateBehavior": "LOG", "DeleteBehavior": "LOG"}
NEW_FOLDERS: dict[str, Any] = {
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
    "SchemaChangePolicy": LOG,
}
CUSTOMERS = "Customer_ID,birth_year,opted_in\nC-1,1980,true\nC-2,1990,false\n"


@pytest.fixture
def lake(local_cloud: LocalCloud) -> Lake:
    return Lake(local_cloud)


def create_crawler(lake: Lake, *prefixes: str, exclusions: tuple[str, ...] = (), **properties: Any) -> str:
    name = f"crawler-{lake.bucket}"
    targets = [{"Path": f"s3://{lake.bucket}/{prefix}", "Exclusions": list(exclusions)} for prefix in prefixes]
    lake.glue.create_crawler(
        Name=name, Role=ROLE, DatabaseName=lake.database, Targets={"S3Targets": targets}, **properties
    )
    return name


def crawl(lake: Lake, name: str) -> Mapping[str, Any]:
    """Run a crawler to its end; how the run went."""
    lake.glue.start_crawler(Name=name)
    while (crawler := lake.glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
        time.sleep(0.02)
    last: Mapping[str, Any] = crawler["LastCrawl"]
    return last


def tables(lake: Lake) -> dict[str, Any]:
    return {table["Name"]: table for table in lake.glue.get_tables(DatabaseName=lake.database)["TableList"]}


def columns(table: Mapping[str, Any]) -> dict[str, str]:
    return {column["Name"]: column["Type"] for column in table["StorageDescriptor"]["Columns"]}


def partitions(lake: Lake, table: str, expression: str = "") -> list[list[str]]:
    found = lake.glue.get_partitions(DatabaseName=lake.database, TableName=table, Expression=expression)
    return sorted(partition["Values"] for partition in found["Partitions"])


def test_a_csv_with_a_header_becomes_a_table_that_can_be_queried(lake: Lake) -> None:
    lake.put("customers/snapshot_date=2024-01-01/customers.csv", CUSTOMERS)
    lake.put("customers/snapshot_date=2024-01-02/customers.csv", CUSTOMERS)
    assert crawl(lake, create_crawler(lake, "customers/"))["Status"] == "SUCCEEDED"
    table = tables(lake)["customers"]
    assert columns(table) == {"customer_id": "string", "birth_year": "bigint", "opted_in": "boolean"}
    assert [key["Name"] for key in table["PartitionKeys"]] == ["snapshot_date"]
    assert (table["Parameters"]["classification"], table["Parameters"]["skip.header.line.count"]) == ("csv", "1")
    assert partitions(lake, "customers") == [["2024-01-01"], ["2024-01-02"]]
    assert lake.rows("SELECT customer_id, birth_year FROM customers WHERE snapshot_date = '2024-01-02'") == [
        ["C-1", "1980"],
        ["C-2", "1990"],
    ]


def test_a_csv_of_text_alone_has_no_header(lake: Lake) -> None:
    lake.put("words/a.csv", "name,colour\napple,red\npear,green\n")
    crawl(lake, create_crawler(lake, "words/"))
    assert columns(tables(lake)["words"]) == {"col0": "string", "col1": "string"}


def test_json_lines_become_a_table_with_nested_types(lake: Lake) -> None:
    rows = [
        {"Id": 1, "price": 1, "tags": ["a"], "at": {"city": "x"}, "big": 2**40},
        {"Id": 2, "price": 1.5, "late": None},
    ]
    lake.put("events/a.json.gz", gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    crawl(lake, create_crawler(lake, "events/"))
    table = tables(lake)["events"]
    assert columns(table) == {
        "id": "int",
        "price": "double",
        "tags": "array<string>",
        "at": "struct<city:string>",
        "big": "bigint",
        "late": "string",
    }
    assert (table["Parameters"]["classification"], table["Parameters"]["compressionType"]) == ("json", "gzip")
    assert lake.rows("SELECT id, price, at.city FROM events ORDER BY id") == [["1", "1.0", "x"], ["2", "1.5", None]]


def test_parquet_keeps_the_types_of_its_schema(lake: Lake) -> None:
    schema = {"id": "bigint", "price": "decimal(10,2)", "at": "timestamp", "day": "date"}
    lake.put_parquet("typed/a.parquet", schema, [["1", "2.50", "2024-01-01 10:00:00", "2024-01-01"]])
    crawl(lake, create_crawler(lake, "typed/"))
    assert columns(tables(lake)["typed"]) == schema
    assert lake.rows("SELECT * FROM typed") == [["1", "2.50", "2024-01-01 10:00:00.000", "2024-01-01"]]


def test_folders_with_different_columns_are_tables_of_their_own(lake: Lake) -> None:
    lake.put("landing/First-Set/a.json", '{"a": 1, "b": 2}')
    lake.put("landing/second/a.json", '{"x": 1, "y": 2}')
    crawl(lake, create_crawler(lake, "landing/", TablePrefix="in_"))
    assert sorted(tables(lake)) == ["in_first_set", "in_second"]


def test_folders_with_the_same_columns_are_partitions_of_one_table(lake: Lake) -> None:
    lake.put("landing/one/a.json", '{"a": 1, "b": 2}')
    lake.put("landing/two/a.json", '{"a": 3, "b": 4}')
    crawl(lake, create_crawler(lake, "landing/"))
    assert [key["Name"] for key in tables(lake)["landing"]["PartitionKeys"]] == ["partition_0"]
    assert partitions(lake, "landing") == [["one"], ["two"]]


def test_a_table_level_makes_each_folder_at_that_depth_a_table(lake: Lake) -> None:
    lake.put("landing/one/a.json", '{"a": 1, "b": 2}')
    lake.put("landing/two/a.json", '{"a": 3, "b": 4}')
    level = json.dumps({"Version": 1.0, "Grouping": {"TableLevelConfiguration": 3}})
    crawl(lake, create_crawler(lake, "landing/", Configuration=level))
    assert sorted(tables(lake)) == ["one", "two"]


def test_what_is_excluded_is_not_crawled(lake: Lake) -> None:
    lake.put("data/keep/a.json", '{"a": 1}')
    lake.put("data/drop/deep/b.json", '{"b": 1}')
    lake.put("data/keep/readme.txt", "not a table")
    crawl(lake, create_crawler(lake, "data/", exclusions=("drop/**", "keep/*.{txt,md}")))
    assert list(tables(lake)) == ["data"]
    assert columns(tables(lake)["data"]) == {"a": "int"}


def test_a_table_elsewhere_keeps_its_name(lake: Lake) -> None:
    lake.create_table("orders", {"id": "string"}, prefix="elsewhere/")
    lake.put("orders/a.json", '{"a": 1}')
    crawl(lake, create_crawler(lake, "orders/"))
    assert columns(tables(lake)["orders"]) == {"id": "string"}
    assert any(name.startswith("orders_") for name in tables(lake))


def test_an_incremental_crawl_adds_partitions_and_leaves_schemas_alone(lake: Lake) -> None:
    lake.put("customers/day=1/a.csv", CUSTOMERS)
    name = create_crawler(lake, "customers/", **NEW_FOLDERS)
    crawl(lake, name)
    before = tables(lake)["customers"]["StorageDescriptor"]
    lake.put("customers/day=1/later.csv", "other,n\nx,1\ny,2\n")
    lake.put("customers/day=2/a.csv", CUSTOMERS.replace("opted_in", "renamed"))
    crawl(lake, name)
    assert tables(lake)["customers"]["StorageDescriptor"] == before
    assert partitions(lake, "customers") == [["1"], ["2"]]


def test_an_incremental_crawl_adds_tables_for_new_data_sets(lake: Lake) -> None:
    lake.put("landing/one/a.json", '{"a": 1, "b": 2}')
    lake.put("landing/two/a.json", '{"x": 1, "y": 2}')
    name = create_crawler(lake, "landing/", **NEW_FOLDERS)
    crawl(lake, name)
    lake.put("landing/three/a.json", '{"q": 1, "r": 2}')
    crawl(lake, name)
    assert sorted(tables(lake)) == ["one", "three", "two"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"UpdateBehavior": "UPDATE_IN_DATABASE"}, {"a": "int", "b": "int"}),
        ({"UpdateBehavior": "LOG"}, {"a": "int"}),
    ],
)
def test_a_full_crawl_changes_a_schema_as_its_policy_says(
    lake: Lake, policy: dict[str, str], expected: dict[str, str]
) -> None:
    lake.put("data/a.json", '{"a": 1}')
    name = create_crawler(lake, "data/", SchemaChangePolicy=policy)
    crawl(lake, name)
    lake.put("data/a.json", '{"a": 1, "b": 2}')
    crawl(lake, name)
    assert columns(tables(lake)["data"]) == expected


@pytest.mark.parametrize(
    ("behavior", "left", "deprecated"),
    [
        ("DELETE_FROM_DATABASE", [], None),
        ("DEPRECATE_IN_DATABASE", ["data"], True),
        ("LOG", ["data"], False),
    ],
)
def test_a_table_without_objects_goes_as_the_policy_says(
    lake: Lake, behavior: str, left: list[str], deprecated: bool | None
) -> None:
    lake.put("data/a.json", '{"a": 1}')
    name = create_crawler(lake, "data/", SchemaChangePolicy={"DeleteBehavior": behavior})
    crawl(lake, name)
    lake.s3.delete_object(Bucket=lake.bucket, Key="data/a.json")
    crawl(lake, name)
    assert list(tables(lake)) == left
    if left:
        assert ("DEPRECATED_BY_CRAWLER" in tables(lake)["data"]["Parameters"]) == deprecated


@pytest.mark.parametrize("kind", ["UpdateBehavior", "DeleteBehavior"])
def test_an_incremental_crawler_must_log(lake: Lake, kind: str) -> None:
    other = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "DELETE_FROM_DATABASE"}[kind]
    with pytest.raises(ClientError, match="both must be LOG") as refusal:
        create_crawler(lake, "x/", **{**NEW_FOLDERS, "SchemaChangePolicy": {**LOG, kind: other}})
    assert refusal.value.response["Error"]["Code"] == "InvalidInputException"
    name = create_crawler(lake, "x/", **NEW_FOLDERS)
    with pytest.raises(ClientError, match="both must be LOG"):
        lake.glue.update_crawler(Name=name, SchemaChangePolicy={**LOG, kind: other})


def test_an_incremental_crawler_keeps_its_targets(lake: Lake) -> None:
    name = create_crawler(lake, "x/", **NEW_FOLDERS)
    other = {"S3Targets": [{"Path": f"s3://{lake.bucket}/y/"}]}
    lake.glue.update_crawler(
        Name=name, Targets=lake.glue.get_crawler(Name=name)["Crawler"]["Targets"], Description="as it was"
    )
    with pytest.raises(ClientError, match="cannot change while its RecrawlBehavior is CRAWL_NEW_FOLDERS_ONLY"):
        lake.glue.update_crawler(Name=name, Targets=other)


@pytest.mark.parametrize(
    ("queues", "why"),
    [(["a", "a"], "has one target, not 2"), ([], "has one target, not 0"), ([""], "Event queue ARN is required")],
)
def test_a_crawler_in_event_mode_has_one_target_with_a_queue(lake: Lake, queues: list[str], why: str) -> None:
    targets: list[Any] = [
        {"Path": f"s3://{lake.bucket}/{i}/"} | ({"EventQueueArn": queue} if queue else {})
        for i, queue in enumerate(queues)
    ]
    with pytest.raises(ClientError, match=why) as refusal:
        lake.glue.create_crawler(
            Name=f"crawler-{lake.bucket}",
            Role=ROLE,
            DatabaseName=lake.database,
            Targets={"S3Targets": targets},
            RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"},
        )
    assert refusal.value.response["Error"]["Code"] == "InvalidInputException"


def test_a_crawl_that_cannot_run_ends_as_failed(lake: Lake) -> None:
    lake.s3.delete_bucket(Bucket=lake.bucket)
    last = crawl(lake, create_crawler(lake, "data/"))
    assert (last["Status"], last["ErrorMessage"]) == (
        "FAILED",
        f"The specified bucket does not exist: {lake.bucket}",
    )


def test_a_crawler_in_event_mode_keeps_its_queue_and_crawls_everything(lake: Lake) -> None:
    queue = "arn:aws:sqs:us-east-1:000000000000:new-objects"
    name = f"crawler-{lake.bucket}"
    target = {"Path": f"s3://{lake.bucket}/data/", "EventQueueArn": queue}
    lake.glue.create_crawler(
        Name=name,
        Role=ROLE,
        DatabaseName=lake.database,
        Targets={"S3Targets": [target]},
        RecrawlPolicy={"RecrawlBehavior": "CRAWL_EVENT_MODE"},
        SchemaChangePolicy=LOG,
    )
    lake.put("data/a.json", '{"a": 1}')
    crawl(lake, name)
    assert list(tables(lake)) == ["data"]
    assert lake.glue.get_crawler(Name=name)["Crawler"]["Targets"]["S3Targets"] == [target]


def test_partitions_are_selected_by_an_expression(lake: Lake) -> None:
    lake.create_table("t", {"id": "string"}, prefix="t/", keys={"day": "date", "shard": "int"})
    for day, shard in (("2024-01-01", "1"), ("2024-01-02", "2"), ("2024-01-02", "10")):
        lake.glue.create_partition(
            DatabaseName=lake.database, TableName="t", PartitionInput={"Values": [day, shard], "StorageDescriptor": {}}
        )
    assert partitions(lake, "t", "day = '2024-01-02' AND shard > 2") == [["2024-01-02", "10"]]
    assert len(partitions(lake, "t")) == 3


CRAWLER_PROPERTIES = {
    "Description": "Finds what was dropped",
    "TablePrefix": "in_",
    "Configuration": '{"Version":1.0,"CrawlerOutput":{"Partitions":{"AddOrUpdateBehavior":"InheritFromTable"}}}',
    "CrawlerSecurityConfiguration": "encrypted",
    "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
    "SchemaChangePolicy": LOG,
}
TABLE_PARAMETERS = {
    "projection.enabled": "true",
    "projection.day.type": "date",
    "projection.day.range": "2020-01-01,NOW",
    "projection.day.format": "yyyy-MM-dd",
}


def test_a_template_keeps_what_it_says_of_crawlers_and_tables(lake: Lake, local_cloud: LocalCloud) -> None:
    name, client = f"stack-{lake.bucket}", local_cloud.client("cloudformation")
    table = {
        "Name": "projected",
        "Parameters": TABLE_PARAMETERS,
        "PartitionKeys": [{"Name": "day", "Type": "date"}],
        "StorageDescriptor": {"Columns": [{"Name": "id", "Type": "string"}], "Location": f"s3://{lake.bucket}/p/"},
    }
    crawler = {
        **CRAWLER_PROPERTIES,
        "Name": name,
        "Role": ROLE,
        "DatabaseName": lake.database,
        "Targets": {"S3Targets": [{"Path": f"s3://{lake.bucket}/landing/", "Exclusions": ["tmp/**"]}]},
        "Schedule": {"ScheduleExpression": "cron(0 3 * * ? *)"},
    }
    resources = {
        "Crawler": {"Type": "AWS::Glue::Crawler", "Properties": crawler},
        "Table": {
            "Type": "AWS::Glue::Table",
            "Properties": {"CatalogId": "000000000000", "DatabaseName": lake.database, "TableInput": table},
        },
    }
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    described = lake.glue.get_crawler(Name=name)["Crawler"]
    assert described.items() >= {**CRAWLER_PROPERTIES, "Targets": crawler["Targets"]}.items()
    assert described["Schedule"]["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert tables(lake)["projected"]["Parameters"] == TABLE_PARAMETERS


def test_a_template_with_an_incremental_crawler_that_does_not_log_fails(lake: Lake, local_cloud: LocalCloud) -> None:
    name, client = f"bad-{lake.bucket}", local_cloud.client("cloudformation")
    crawler = {
        "Role": ROLE,
        "DatabaseName": lake.database,
        "Targets": {"S3Targets": []},
        "RecrawlPolicy": {"RecrawlBehavior": "CRAWL_NEW_FOLDERS_ONLY"},
    }
    resources = {"Crawler": {"Type": "AWS::Glue::Crawler", "Properties": crawler}}
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}), OnFailure="DO_NOTHING")
    while (status := client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]) == "CREATE_IN_PROGRESS":
        time.sleep(0.05)
    assert status == "CREATE_FAILED"
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    assert any("both must be LOG" in event.get("ResourceStatusReason", "") for event in events)
