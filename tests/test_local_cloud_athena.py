"""Athena on the local cloud: what is read, what it costs, where results go, and how a query fails."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.local_lake import OPENX_SERDE, Lake

ITEMS = {"id": "string", "price": "decimal(10,2)", "note": "string"}
DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
LAZY_SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


@pytest.fixture(scope="module")
def lake(local_cloud: LocalCloud) -> Lake:
    """Three days of three items each, in Parquet, the partitions projected."""
    lake = Lake(local_cloud)
    lake.create_table(
        "items", ITEMS, prefix="items/", keys={"day": "date"}, parameters=lake.date_projection("day", "items/")
    )
    for day in DAYS:
        rows = [[f"{day}-{i}", f"{i}.50", "x" * 1000 + str(i)] for i in range(3)]
        lake.put_parquet(f"items/day={day}/part.parquet", ITEMS, rows)
    return lake


def test_a_query_reads_the_objects_of_its_table(lake: Lake) -> None:
    answer = lake.query("SELECT day, count(*) AS n, sum(price) AS total FROM items GROUP BY day ORDER BY day")
    assert answer.rows == [[day, "3", "4.50"] for day in DAYS]
    assert answer.types == {"day": "date", "n": "bigint", "total": "decimal"}


def test_an_object_changed_is_read_anew(lake: Lake) -> None:
    lake.create_table("changing", {"id": "string"}, prefix="changing/")
    lake.put_parquet("changing/a.parquet", {"id": "string"}, [["old"]])
    assert lake.rows("SELECT id FROM changing") == [["old"]]
    lake.put_parquet("changing/a.parquet", {"id": "string"}, [["new"]])
    assert lake.rows("SELECT id FROM changing") == [["new"]]


def test_a_table_without_objects_has_no_rows(lake: Lake) -> None:
    lake.create_table("empty", ITEMS, prefix="nothing/")
    answer = lake.query("SELECT * FROM empty")
    assert (answer.rows, list(answer.types), answer.scanned) == ([], list(ITEMS), 0)


def test_a_column_that_an_older_file_lacks_is_null(lake: Lake) -> None:
    lake.create_table("evolved", {"id": "string", "added": "int"}, prefix="evolved/")
    lake.put_parquet("evolved/old.parquet", {"id": "string"}, [["a"]])
    lake.put_parquet("evolved/new.parquet", {"id": "string", "added": "int"}, [["b", "7"]])
    assert lake.rows("SELECT id, added FROM evolved ORDER BY id") == [["a", None], ["b", "7"]]


# -- what a query scans


def test_a_partition_outside_the_predicate_is_not_scanned(lake: Lake) -> None:
    every_day = lake.query("SELECT max(note) FROM items")
    one_day = lake.query("SELECT max(note) FROM items WHERE day = DATE '2024-01-02'")
    assert 0 < one_day.scanned < every_day.scanned / 2
    assert lake.rows("SELECT DISTINCT \"$path\" FROM items WHERE day = DATE '2024-01-02'") == [
        [f"s3://{lake.bucket}/items/day=2024-01-02/part.parquet"]
    ]


def test_a_partition_outside_the_predicate_is_not_even_opened(lake: Lake) -> None:
    lake.create_table("broken", {"id": "string"}, prefix="broken/", keys={"day": "date"},
                      parameters=lake.date_projection("day", "broken/"))  # fmt: skip
    lake.put_parquet("broken/day=2024-01-01/a.parquet", {"id": "string"}, [["a"]])
    lake.put("broken/day=2024-01-02/a.parquet", b"this is no Parquet")
    assert lake.rows("SELECT id FROM broken WHERE day < DATE '2024-01-02'") == [["a"]]
    assert lake.query("SELECT id FROM broken").state == "FAILED"


def test_of_parquet_only_the_columns_named_are_scanned(lake: Lake) -> None:
    narrow, wide = lake.query("SELECT id FROM items"), lake.query("SELECT id, note FROM items")
    assert 0 < narrow.scanned < wide.scanned / 2
    assert lake.query("SELECT count(*) FROM items").scanned == 0


def test_of_text_formats_whole_objects_are_scanned(lake: Lake) -> None:
    lake.create_table("lines", {"a": "string", "b": "string"}, prefix="lines/", serde=OPENX_SERDE)
    body = gzip.compress(b'{"a": "1", "b": "2"}\n' * 100)
    lake.put("lines/x.json.gz", body)
    assert lake.query("SELECT a FROM lines").scanned == len(body)


def test_a_query_over_the_workgroups_limit_is_cancelled(lake: Lake) -> None:
    group = f"{lake.workgroup}-limited"
    lake.create_work_group(group, BytesScannedCutoffPerQuery=10_000_000)
    lake.create_table("large", {"a": "string"}, prefix="large/", serde=OPENX_SERDE)
    lake.put("large/x.json", json.dumps({"a": "x" * 10_000_001}))
    answer = lake.query("SELECT length(a) FROM large", WorkGroup=group)
    assert (answer.state, answer.reason) == ("CANCELLED", "Bytes scanned limit was exceeded")
    assert answer.scanned == 10_000_000
    assert lake.query("SELECT count(*) FROM items", WorkGroup=group).state == "SUCCEEDED"


# -- partitions


def test_projection_covers_enums_integers_and_dates_up_to_now(lake: Lake) -> None:
    today, tomorrow = (datetime.now(UTC) + timedelta(days=d) for d in (0, 1))
    lake.create_table(
        "projected",
        {"id": "string"},
        prefix="projected/",
        keys={"region": "string", "shard": "int", "day": "string"},
        parameters={
            "projection.enabled": "true",
            "projection.region.type": "enum",
            "projection.region.values": "eu,us",
            "projection.shard.type": "integer",
            "projection.shard.range": "0,3",
            "projection.shard.digits": "2",
            "projection.day.type": "date",
            "projection.day.format": "yyyy/MM/dd",
            "projection.day.range": "NOW-2DAYS,NOW",
            "storage.location.template": f"s3://{lake.bucket}/projected/${{region}}/${{shard}}/${{day}}/",
        },
    )
    for region, shard, day in (("eu", "01", today), ("eu", "07", today), ("asia", "01", today), ("us", "00", tomorrow)):
        lake.put_parquet(f"projected/{region}/{shard}/{day:%Y/%m/%d}/a.parquet", {"id": "string"}, [["x"]])
    assert lake.rows("SELECT region, shard, day FROM projected") == [["eu", "1", f"{today:%Y/%m/%d}"]]


def test_without_projection_the_catalogs_partitions_are_read(lake: Lake) -> None:
    lake.create_table("registered", {"id": "string"}, prefix="registered/", keys={"day": "date"})
    for day in DAYS[:2]:
        lake.put_parquet(f"registered/day={day}/a.parquet", {"id": "string"}, [[day]])
    assert lake.rows("SELECT id FROM registered") == []
    assert lake.rows("MSCK REPAIR TABLE registered") == [
        [f"Repair: Added partition to metastore registered:day={day}"] for day in DAYS[:2]
    ]
    assert lake.rows("SELECT id FROM registered WHERE day = DATE '2024-01-02'") == [["2024-01-02"]]
    assert lake.rows("SHOW PARTITIONS registered") == [[f"day={day}"] for day in DAYS[:2]]


# -- text formats


def test_json_is_read_as_the_openx_serde_reads_it(lake: Lake) -> None:
    columns = {"name": "string", "amount": "string", "number": "int", "at": "timestamp", "tags": "array<string>"}
    lake.create_table("json", columns, prefix="json/", serde=OPENX_SERDE)
    lake.put(
        "json/a.json.gz",
        gzip.compress(
            b'{"Name": "upper", "amount": 12.50, "number": "7", "at": "2024-01-01T10:00:00.5Z", "tags": ["a", "b"]}\n'
            b'{"name": {"nested": 1.50}}'
        ),
    )
    assert lake.rows("SELECT * FROM json") == [
        ["upper", "12.50", "7", "2024-01-01 10:00:00.500", "[a, b]"],
        ['{"nested": 1.5}', None, None, None, None],
    ]


MALFORMED = b'{"a": "1"}\n{"a": NaN}\n\xff\xfe\n[1]\n{"a": "2"}\n'


def test_a_malformed_line_is_a_row_of_nulls_where_the_table_ignores_it(lake: Lake) -> None:
    lake.create_table("tolerant", {"a": "string"}, prefix="malformed/", serde=OPENX_SERDE,
                      serde_parameters={"ignore.malformed.json": "true"})  # fmt: skip
    lake.put("malformed/a.json", MALFORMED)
    assert lake.rows("SELECT a FROM tolerant") == [["1"], [None], [None], [None], ["2"]]


def test_a_malformed_line_fails_the_query_where_the_table_does_not_ignore_it(lake: Lake) -> None:
    lake.create_table("strict", {"a": "string"}, prefix="malformed-too/", serde=OPENX_SERDE)
    lake.put("malformed-too/a.json", MALFORMED)
    answer = lake.query("SELECT a FROM strict")
    assert answer.state == "FAILED"
    assert answer.reason.startswith("HIVE_CURSOR_ERROR: Row is not a valid JSON Object")


def test_quoted_csv_is_read_by_the_open_csv_serde(lake: Lake) -> None:
    lake.create_table("quoted", {"a": "string", "n": "int"}, prefix="quoted/", serde=OPEN_CSV,
                      parameters={"skip.header.line.count": "1"})  # fmt: skip
    lake.put("quoted/a.csv", 'a,n\n"x, y",7\n"say ""hi""",8\n')
    assert lake.rows("SELECT a, n FROM quoted") == [["x, y", "7"], ['say "hi"', "8"]]


def test_delimited_text_is_read_by_the_lazy_simple_serde(lake: Lake) -> None:
    lake.create_table("lazy", {"a": "string", "n": "int", "d": "date"}, prefix="lazy/", serde=LAZY_SIMPLE,
                      serde_parameters={"field.delim": ","}, parameters={"skip.header.line.count": "1"})  # fmt: skip
    lake.put("lazy/a.csv", 'a,n,d\n"q",7,2024-01-01\nplain,no number,\n\\N,8\n')
    assert lake.rows("SELECT a, n, d FROM lazy") == [
        ['"q"', "7", "2024-01-01"],
        ["plain", None, None],
        [None, "8", None],
    ]


# -- statements


def test_the_catalog_answers_show_and_describe(lake: Lake) -> None:
    assert [lake.database] in lake.rows("SHOW DATABASES")
    assert ["items"] in lake.rows(f"SHOW TABLES IN {lake.database}")
    assert lake.rows("SHOW TABLES 'item*'") == [["items"]]
    assert lake.rows("SHOW COLUMNS IN items") == [["id"], ["price"], ["note"], ["day"]]
    described = [[cell.strip() for cell in (row[0] or "").split("\t")] for row in lake.rows("DESCRIBE items")]
    assert described[:2] == [["id", "string", ""], ["price", "decimal(10,2)", ""]]
    assert described[-1] == ["day", "date", ""]
    created = "\n".join(row[0] or "" for row in lake.rows("SHOW CREATE TABLE items"))
    assert "`price` decimal(10,2)" in created
    assert f"'s3://{lake.bucket}/items/'" in created


def test_a_view_is_a_query_and_prunes_like_one(lake: Lake) -> None:
    lake.rows("CREATE VIEW dear AS SELECT id, price, day FROM items WHERE price > 1")
    answer = lake.query("SELECT id FROM dear WHERE day = DATE '2024-01-02' ORDER BY id")
    assert answer.rows == [["2024-01-02-1"], ["2024-01-02-2"]]
    assert 0 < answer.scanned < lake.query("SELECT id FROM dear").scanned / 2
    lake.rows("CREATE OR REPLACE VIEW dear AS SELECT id FROM items WHERE price > 2")
    assert lake.rows("SELECT count(*) FROM dear") == [["3"]]
    lake.rows("DROP VIEW dear")
    assert lake.query("SELECT * FROM dear").state == "FAILED"


@pytest.fixture(scope="module")
def free(lake: Lake) -> str:
    """A workgroup that lets a query name its own place."""
    name = f"{lake.workgroup}-free"
    lake.create_work_group(name, EnforceWorkGroupConfiguration=False)
    return name


def test_create_table_as_writes_parquet_and_catalogues_it(lake: Lake, free: str) -> None:
    created = lake.query(
        f"CREATE TABLE summary WITH (format = 'PARQUET', external_location = 's3://{lake.bucket}/summary/', "  # noqa: S608
        "partitioned_by = ARRAY['day']) AS SELECT count(*) AS n, sum(price) AS total, day FROM items GROUP BY day",
        WorkGroup=free,
    )
    assert created.reason == ""
    assert lake.rows("SELECT * FROM summary ORDER BY day") == [["3", "4.50", day] for day in DAYS]
    assert len(lake.glue.get_partitions(DatabaseName=lake.database, TableName="summary")["Partitions"]) == 3
    lake.rows("INSERT INTO summary SELECT 1, 2.25, DATE '2024-02-01'")
    assert lake.rows("SELECT n, total FROM summary WHERE day > DATE '2024-01-31'") == [["1", "2.25"]]


@pytest.mark.parametrize("there", ["a.parquet", "_SUCCESS", ".hidden", "deep/er/a.txt", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_place_that_holds_anything_is_refused_and_left_alone(lake: Lake, free: str, there: str, slash: str) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/ctas-considerations-limitations.html and unload.html."""
    prefix = f"taken-{uuid4().hex}"
    place = f"s3://{lake.bucket}/{prefix}{slash}"
    lake.put(f"{prefix}/{there}", b"")
    table = lake.query(f"CREATE TABLE mixed WITH (external_location = '{place}') AS SELECT 1 AS n", WorkGroup=free)
    assert table.reason.startswith(
        f"HIVE_PATH_ALREADY_EXISTS: Target directory for table '{lake.database}.mixed' already exists: {place}. "
    )
    unloaded = lake.query(f"UNLOAD (SELECT 1 AS n) TO '{place}' WITH (format = 'PARQUET')")
    assert unloaded.reason == "HIVE_PATH_ALREADY_EXISTS: Target directory already exists"
    assert ["mixed"] not in lake.rows("SHOW TABLES")
    assert [found["Key"] for found in lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix=prefix)["Contents"]] == [
        f"{prefix}/{there}"
    ]


def test_a_place_beside_one_of_the_same_first_letters_is_free(lake: Lake) -> None:
    lake.put("neighbour-1/a", b"x")
    unload = f"UNLOAD (SELECT 1 AS n) TO 's3://{lake.bucket}/neighbour' WITH (format = 'PARQUET')"
    assert lake.query(unload).reason == ""
    assert lake.query(unload).reason == "HIVE_PATH_ALREADY_EXISTS: Target directory already exists"


def test_a_workgroup_that_enforces_its_place_takes_no_other(lake: Lake) -> None:
    """https://docs.aws.amazon.com/athena/latest/ug/workgroups-troubleshooting.html."""
    with pytest.raises(ClientError, match="Please remove the 'external_location' property") as refusal:
        lake.query(f"CREATE TABLE t WITH (external_location = 's3://{lake.bucket}/elsewhere/') AS SELECT 1 AS n")
    assert refusal.value.response["Error"]["Code"] == "InvalidRequestException"


def test_unload_writes_parquet_of_the_columns_types_where_no_data_is_and_catalogues_nothing(lake: Lake) -> None:
    tables = lake.rows("SHOW TABLES")
    unload = (
        "UNLOAD (SELECT day, count(*) AS n, sum(price) AS total FROM items WHERE note <> ')' GROUP BY day) "  # noqa: S608
        f"TO 's3://{lake.bucket}/unloaded/' WITH (format = 'PARQUET')"
    )
    assert lake.query(unload).reason == ""
    (found,) = lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix="unloaded/")["Contents"]
    written = pq.read_table(io.BytesIO(lake.s3.get_object(Bucket=lake.bucket, Key=found["Key"])["Body"].read()))
    assert [str(type_) for type_ in written.schema.types] == ["date32[day]", "int64", "decimal128(38, 2)"]
    assert sorted(str(row["day"]) for row in written.to_pylist()) == list(DAYS)
    assert lake.rows("SHOW TABLES") == tables


def test_an_external_table_is_created_queried_and_dropped(lake: Lake) -> None:
    lake.rows(
        "CREATE EXTERNAL TABLE written (a string, n int) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' "
        f"LOCATION 's3://{lake.bucket}/written/'"
    )
    lake.put("written/a.csv", "x,7\n")
    assert lake.rows("SELECT a, n FROM written") == [["x", "7"]]
    lake.rows("DROP TABLE written")
    assert lake.query("SELECT a FROM written").reason.startswith("TABLE_NOT_FOUND")


def test_a_stopped_query_stays_cancelled(lake: Lake) -> None:
    query_id = lake.athena.start_query_execution(
        QueryString="WITH n AS (SELECT x FROM UNNEST(sequence(1, 3000)) AS t(x)) "
        "SELECT count(*) FROM n AS a CROSS JOIN n AS b CROSS JOIN n AS c WHERE sqrt(a.x * b.x + c.x) = 1.5",
        WorkGroup=lake.workgroup,
    )["QueryExecutionId"]
    lake.athena.stop_query_execution(QueryExecutionId=query_id)
    status = lake.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
    assert (status["State"], status["StateChangeReason"]) == ("CANCELLED", "Query was cancelled by user")
    with pytest.raises(ClientError, match="Final query state: CANCELLED"):
        lake.athena.get_query_results(QueryExecutionId=query_id)


@pytest.mark.parametrize(
    "sql", ["EXPLAIN SELECT 1", "UPDATE items SET id = 'x'", "UNLOAD (SELECT 1) TO 's3://x/' WITH (format = 'JSON')"]
)
def test_a_statement_that_is_not_emulated_fails_and_says_so(lake: Lake, sql: str) -> None:
    answer = lake.query(sql)
    assert answer.state == "FAILED"
    assert "the local cloud does not emulate" in answer.reason


# -- failures


def test_an_unknown_table_fails_as_in_athena(lake: Lake) -> None:
    answer = lake.query("SELECT * FROM nothing")
    message = f"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{lake.database}.nothing' does not exist"
    assert (answer.state, answer.reason) == ("FAILED", message)
    assert answer.execution["Status"]["AthenaError"] == {
        "ErrorCategory": 2, "ErrorType": 1301, "Retryable": False, "ErrorMessage": message
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"WorkGroup": "absent"}, "WorkGroup absent is not found."),
        ({"QueryString": "SELEC 1"}, "line 1:"),
        ({"WorkGroup": "primary"}, "No output location provided"),
        (
            {"WorkGroup": "primary", "ResultConfiguration": {"OutputLocation": "s3://absent-bucket/"}},
            "Unable to verify/create output bucket absent-bucket",
        ),
    ],
)
def test_a_request_that_cannot_start_is_refused(lake: Lake, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message) as refusal:
        lake.athena.start_query_execution(**{"QueryString": "SELECT 1", "WorkGroup": lake.workgroup, **request_})
    assert refusal.value.response["Error"]["Code"] == "InvalidRequestException"


def test_the_metadata_of_a_table_that_does_not_exist_is_refused(lake: Lake) -> None:
    request = {"CatalogName": "AwsDataCatalog", "DatabaseName": lake.database}
    columns = lake.athena.get_table_metadata(**request, TableName="items")["TableMetadata"]["Columns"]
    assert [column["Name"] for column in columns] == list(ITEMS)
    with pytest.raises(ClientError, match="MetadataException"):
        lake.athena.get_table_metadata(**request, TableName="absent")


# -- results


def test_results_are_paged_and_the_first_row_names_the_columns(lake: Lake) -> None:
    execution = lake.query("SELECT id FROM items ORDER BY id").execution
    client, query_id = lake.athena, execution["QueryExecutionId"]
    first = client.get_query_results(QueryExecutionId=query_id, MaxResults=4)
    second = client.get_query_results(QueryExecutionId=query_id, MaxResults=6, NextToken=first["NextToken"])
    pages = [row["Data"][0]["VarCharValue"] for page in (first, second) for row in page["ResultSet"]["Rows"]]
    assert pages == ["id", *(f"{day}-{i}" for day in DAYS for i in range(3))]
    assert "NextToken" not in second


def test_an_enforced_workgroup_decides_where_results_go_and_their_key(lake: Lake, local_cloud: LocalCloud) -> None:
    key = local_cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    group = f"{lake.workgroup}-encrypted"
    encryption = {"EncryptionOption": "SSE_KMS", "KmsKey": key}
    results = {"OutputLocation": f"s3://{lake.results}/enforced/", "EncryptionConfiguration": encryption}
    lake.create_work_group(group, ResultConfiguration=results)
    answer = lake.query(
        "SELECT 'a \"b\"' AS x, CAST(NULL AS varchar) AS y",
        WorkGroup=group,
        ResultConfiguration={"OutputLocation": f"s3://{lake.bucket}/elsewhere/"},
    )
    location = answer.execution["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{lake.results}/enforced/{answer.execution['QueryExecutionId']}.csv"
    stored = lake.s3.get_object(Bucket=lake.results, Key=location.split("/", 3)[3])
    assert stored["Body"].read() == b'"x","y"\n"a ""b""",\n'
    assert (stored["ServerSideEncryption"], stored["SSEKMSKeyId"]) == ("aws:kms", key)


def test_a_workgroup_that_does_not_enforce_leaves_the_location_to_the_client(lake: Lake, free: str) -> None:
    chosen = {"OutputLocation": f"s3://{lake.bucket}/chosen/"}
    answer = lake.query("SELECT 1", WorkGroup=free, ResultConfiguration=chosen)
    assert answer.execution["ResultConfiguration"]["OutputLocation"].startswith(f"s3://{lake.bucket}/chosen/")


# -- workgroups and named queries

Deploy = Callable[[dict[str, Any]], str]


@pytest.fixture
def deploy(local_cloud: LocalCloud, lake: Lake) -> Deploy:
    """Creates or updates a stack named after the test's lake and returns its status."""
    client = local_cloud.client("cloudformation")

    def run(resources: dict[str, Any]) -> str:
        name, template = f"stack-{lake.workgroup}", json.dumps({"Resources": resources})
        known = [s["StackName"] for s in client.list_stacks(StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"])[
            "StackSummaries"]]  # fmt: skip
        if name in known:
            client.update_stack(StackName=name, TemplateBody=template)
            client.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        else:
            client.create_stack(StackName=name, TemplateBody=template)
            client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
        return str(client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])

    return run


def _named_query(lake: Lake, sql: str) -> dict[str, Any]:
    properties = {
        "Name": "answer",
        "Description": "An answer",
        "Database": lake.database,
        "QueryString": sql,
        "WorkGroup": lake.workgroup,
    }
    return {"Query": {"Type": "AWS::Athena::NamedQuery", "Properties": properties}}


def test_a_named_query_of_a_template_is_listed_replaced_and_deleted(lake: Lake, deploy: Deploy) -> None:
    def stored() -> list[str]:
        ids = lake.athena.list_named_queries(WorkGroup=lake.workgroup)["NamedQueryIds"]
        queries = lake.athena.batch_get_named_query(NamedQueryIds=ids)["NamedQueries"] if ids else []
        return [query["QueryString"] for query in queries]

    placeholder = {"Other": {"Type": "AWS::SQS::Queue", "Properties": {}}}
    assert deploy({**_named_query(lake, "SELECT 1"), **placeholder}) == "CREATE_COMPLETE"
    assert stored() == ["SELECT 1"]
    assert deploy({**_named_query(lake, "SELECT 2"), **placeholder}) == "UPDATE_COMPLETE"
    assert stored() == ["SELECT 2"]
    assert deploy(placeholder) == "UPDATE_COMPLETE"
    assert stored() == []


def test_a_workgroup_that_is_not_empty_is_deleted_only_recursively(lake: Lake) -> None:
    group = f"{lake.workgroup}-full"
    lake.create_work_group(group)
    lake.athena.create_named_query(Name="q", Database=lake.database, QueryString="SELECT 1", WorkGroup=group)
    with pytest.raises(ClientError, match=f"WorkGroup {group} is not empty"):
        lake.athena.delete_work_group(WorkGroup=group)
    lake.athena.delete_work_group(WorkGroup=group, RecursiveDeleteOption=True)
    with pytest.raises(ClientError, match="not found"):
        lake.athena.get_work_group(WorkGroup=group)
    assert lake.athena.list_named_queries(WorkGroup=group)["NamedQueryIds"] == []


def test_a_workgroup_of_a_template_keeps_its_settings(lake: Lake, local_cloud: LocalCloud) -> None:
    name = f"{lake.workgroup}-stack"
    configuration = {
        "EnforceWorkGroupConfiguration": True,
        "BytesScannedCutoffPerQuery": 10_000_000,
        "PublishCloudWatchMetricsEnabled": True,
        "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
        "ResultConfiguration": {"OutputLocation": f"s3://{lake.results}/", "ExpectedBucketOwner": "000000000000"},
    }
    properties = {"Name": name, "RecursiveDeleteOption": True, "WorkGroupConfiguration": configuration}
    resources = {"Group": {"Type": "AWS::Athena::WorkGroup", "Properties": properties}}
    client = local_cloud.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    described = lake.athena.get_work_group(WorkGroup=name)["WorkGroup"]["Configuration"]
    assert described.items() >= configuration.items()
    lake.query("SELECT 1", WorkGroup=name)
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    with pytest.raises(ClientError, match="not found"):
        lake.athena.get_work_group(WorkGroup=name)
