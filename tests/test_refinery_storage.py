"""How the jobs read and write S3: partitions are replaced whole, nothing is lost on the way, and no value moves."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from contracts.csv_file import CsvFileError
from jobs.refinery import storage
from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.spark.job_errors import error_message
from practice.local_cloud.spark.s3 import mounted

SCHEMA = "id INT, day DATE"
NAMES = ("id", "name")


class Bucket:
    """A bucket of the test's own, mounted into the session."""

    def __init__(self, s3: Any, spark: SparkSession) -> None:
        self.s3, self.spark, self.name = s3, spark, f"storage-{uuid.uuid4().hex[:8]}"
        s3.create_bucket(Bucket=self.name)

    @property
    def table(self) -> str:
        return f"s3://{self.name}/table/"

    def put(self, key: str, body: bytes | str) -> None:
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)

    def objects(self) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.name).get("Contents", ())]

    def frame(self, *rows: tuple[int, int]) -> DataFrame:
        """Rows of an id and a day of January."""
        values = ", ".join(f"({number}, DATE '2026-01-{day:02}')" for number, day in rows)
        return self.spark.sql(f"SELECT * FROM VALUES {values} AS t(id, day)")  # noqa: S608

    def write(self, *rows: tuple[int, int], covers: tuple[str, ...] = ()) -> None:
        storage.write_partitions(self.frame(*rows), self.table, "day", covers)

    def rows(self) -> list[tuple[int, int]]:
        found = storage.read_parquet(self.spark, self.table).collect()
        return sorted((row["id"], row["day"].day) for row in found)


@pytest.fixture
def bucket(spark: SparkSession, local_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    for name, value in local_cloud.environment.items():
        monkeypatch.setenv(name, value)
    s3 = local_cloud.client("s3")
    made = Bucket(s3, spark)
    with mounted(s3) as settings:
        configuration: Any = spark.sparkContext._jsc
        for name, value in settings().items():
            configuration.hadoopConfiguration().set(name.removeprefix("spark.hadoop."), value)
        yield made


def test_a_write_replaces_exactly_the_partitions_it_has_rows_for(bucket: Bucket) -> None:
    bucket.write((1, 1), (2, 2), (3, 3))

    bucket.write((20, 2), (21, 2))

    assert bucket.rows() == [(1, 1), (3, 3), (20, 2), (21, 2)]


def test_the_same_write_twice_doubles_no_row(bucket: Bucket) -> None:
    for _ in range(2):
        bucket.write((1, 1), (2, 2))

    assert bucket.rows() == [(1, 1), (2, 2)]


def test_a_covered_partition_without_rows_becomes_empty(bucket: Bucket) -> None:
    bucket.write((1, 1), (2, 2), (3, 3))

    bucket.write((10, 1), covers=("2026-01-01", "2026-01-02"))

    assert bucket.rows() == [(3, 3), (10, 1)]


def test_a_partition_is_one_file_and_nothing_else(bucket: Bucket) -> None:
    frame = bucket.frame(*[(i, 1 + i % 2) for i in range(100)]).repartition(10)

    storage.write_partitions(frame, bucket.table, "day")

    assert [key.rpartition("/")[0] for key in bucket.objects()] == ["table/day=2026-01-01", "table/day=2026-01-02"]


def test_a_job_killed_before_the_old_objects_are_deleted_loses_nothing_and_can_run_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.write((1, 1), (2, 2))
    with monkeypatch.context() as broken:
        broken.setattr(storage, "_delete_objects", _killed)
        with pytest.raises(KeyboardInterrupt):
            bucket.write((10, 1), (20, 2))
    assert bucket.rows() == [(1, 1), (2, 2), (10, 1), (20, 2)]

    bucket.write((10, 1), (20, 2))

    assert bucket.rows() == [(10, 1), (20, 2)]


def test_a_write_that_fails_leaves_the_table_as_it_was(bucket: Bucket) -> None:
    bucket.write((1, 1), (2, 2))
    failing = bucket.frame((10, 1), (20, 2)).selectExpr("IF(id = 20, raise_error('no such customer'), id) AS id", "day")

    with pytest.raises(Exception, match="no such customer"):
        storage.write_partitions(failing, bucket.table, "day")

    assert bucket.rows() == [(1, 1), (2, 2)]


def test_a_parquet_file_cut_in_half_is_an_error_that_names_it(bucket: Bucket) -> None:
    bucket.write((1, 1), (2, 2))
    key = bucket.objects()[0]
    body = bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    bucket.put(key, body[: len(body) // 2])

    with pytest.raises(Exception, match="is not a Parquet file") as failed:
        storage.read_parquet(bucket.spark, bucket.table, _schema(bucket)).collect()

    assert f"s3://{bucket.name}/{key} is not a Parquet file" in error_message(failed.value, "job.py")


def test_a_small_file_is_fetched_once_however_often_it_is_read(bucket: Bucket) -> None:
    bucket.write((1, 1), (2, 2))
    fetched: list[str] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        fetched.append(params["url_path"])

    bucket.s3.meta.events.register("before-call.s3.GetObject", note)
    found = [bucket.rows() for _ in range(2)]
    bucket.s3.meta.events.unregister("before-call.s3.GetObject", note)

    assert found == [[(1, 1), (2, 2)]] * 2
    assert len(fetched) == len(set(fetched)) == 2


def test_a_file_that_was_replaced_is_read_as_it_is_now(bucket: Bucket) -> None:
    for name in ("Ann", "Bob"):
        bucket.put("customers/1.csv", f"id,name\n1,{name}\n")
        (row,) = storage.read_csv(bucket.spark, f"s3://{bucket.name}/customers/", NAMES).collect()
        assert row["name"] == name


def test_a_table_is_found_beside_one_whose_name_begins_as_its_own(bucket: Bucket) -> None:
    bucket.write((1, 1))
    bucket.put("table-old/1", "x")

    assert bucket.rows() == [(1, 1)]
    with pytest.raises(PySparkException, match="Path does not exist"):
        storage.read_parquet(bucket.spark, f"s3://{bucket.name}/tabl/")


def test_a_table_without_objects_is_empty_if_its_schema_is_known(bucket: Bucket) -> None:
    assert storage.read_parquet(bucket.spark, bucket.table, _schema(bucket)).count() == 0

    with pytest.raises(PySparkException, match="Path does not exist"):
        storage.read_parquet(bucket.spark, bucket.table)


def csv_rows(bucket: Bucket) -> list[dict[str, str | None]]:
    rows = storage.read_csv(bucket.spark, f"s3://{bucket.name}/customers/", NAMES)
    return sorted((row.asDict() for row in rows.collect()), key=repr)


def test_all_files_of_a_place_are_read(bucket: Bucket) -> None:
    bucket.put("customers/1.csv", "id,name\n1,Ann\n")
    bucket.put("customers/2.csv", "id,name\r\n2,\r\n")

    assert csv_rows(bucket) == [
        {"id": "1", "name": "Ann", storage.CORRUPT: None},
        {"id": "2", "name": None, storage.CORRUPT: None},
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False], ids=["with a last line end", "without"])
def test_a_row_is_a_line_whatever_ends_it(bucket: Bucket, end: str, last: bool) -> None:
    bucket.put("customers/1.csv", end.join(["id,name", "1,Ann", "", "2,Bob"]) + end * last)

    assert [row["name"] for row in csv_rows(bucket)] == ["Ann", "Bob"]


@pytest.mark.parametrize(
    "line", ["2", "3,Cid,more", "4,", '"5","Eve"', '6,"a, b"', '7,"never closed', "8,\0", "9,\u2028", " ", "id,name"]
)
def test_spark_reads_a_line_as_the_crawlers_table_has_it_in_athena(bucket: Bucket, line: str) -> None:
    """Where Athena sees other values than Spark, a gate would judge what nobody queries."""
    bucket.put("customers/1.csv", f"id,name\n1,Ann\n{line}\n10,Zoe\n")

    rows = csv_rows(bucket)

    values = line.split(",") if line.strip() else []
    read = [*(value or None for value in values), None] if len(values) == len(NAMES) else [None, None, line]
    expected = [["1", "Ann", None], ["10", "Zoe", None], *([read] if values else [])]
    assert sorted(map(list, (row.values() for row in rows)), key=repr) == sorted(expected, key=repr)


def test_a_header_that_stands_again_further_down_is_a_row(bucket: Bucket) -> None:
    bucket.put("customers/1.csv", "id,name\nid,name\n1,Ann\n")

    assert [row["id"] for row in csv_rows(bucket)] == ["1", "id"]


def test_the_header_of_a_file_that_several_tasks_read_is_no_row(bucket: Bucket) -> None:
    lines = [f"{number},{'x' * 50}" for number in range(20_000)]
    bucket.put("customers/1.csv", "\n".join(["id,name", *lines]))
    split = "spark.sql.files.maxPartitionBytes"
    bucket.spark.conf.set(split, "100000")

    frame = storage.read_csv(bucket.spark, f"s3://{bucket.name}/customers/", NAMES)

    assert frame.rdd.getNumPartitions() > 2
    assert {row["id"] for row in frame.collect()} == {str(number) for number in range(20_000)}
    bucket.spark.conf.unset(split)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "is empty; expected id,name"),
        ("\nid,name\n1,2\n", "is empty; expected id,name"),
        ("id,id\n1,2\n", "the header is id,id; expected id,name (twice: id; missing: name)"),
        ("id,\n1,2\n", "the header is id,; expected id,name (column 2 without a name; missing: name)"),
        ("name,id\n1,2\n", "the header is name,id; expected id,name (another order: Athena reads by position)"),
        ('"id","name"\n1,2\n', 'the header is "id","name"; expected id,name (quotes: Athena reads by position)'),
        ("id,name,city\n1,2,3\n", "the header is id,name,city; expected id,name (unknown: city)"),
        ("id;name\n1;2\n", "the values are separated by semicolons, expected commas"),
        ("\ufeffid,name\n1,2\n", "begins with a byte-order mark"),
        ("id,name\n".encode("utf-16"), "is UTF-16, expected UTF-8. Convert it: iconv -f UTF-16 -t UTF-8"),
    ],
)
def test_a_file_with_another_header_is_an_error_that_names_it_and_the_columns(
    bucket: Bucket, body: str | bytes, why: str
) -> None:
    bucket.put("customers/1.csv", body)

    with pytest.raises(CsvFileError) as error:
        csv_rows(bucket)

    assert f"s3://{bucket.name}/customers/1.csv, row 1: {why}" in str(error.value)


def test_no_csv_at_all_is_an_error_that_names_the_prefix(bucket: Bucket) -> None:
    with pytest.raises(FileNotFoundError, match=f"no object under s3://{bucket.name}/customers/"):
        storage.read_csv(bucket.spark, f"s3://{bucket.name}/customers/", NAMES)


def test_texts_are_written_read_and_deleted_by_name(bucket: Bucket) -> None:
    uri = f"s3://{bucket.name}/quality/verdict.json"
    bucket.put("quality/verdict.json.old", "other")

    storage.put_text(uri, "größer")

    assert storage.read_text(uri) == "größer"
    assert list(storage.list_objects(uri)) == [uri]
    storage.delete(uri)
    assert not storage.exists(uri)
    assert bucket.objects() == ["quality/verdict.json.old"]


def test_a_prefix_is_deleted_with_all_that_is_in_it_and_no_neighbour(bucket: Bucket) -> None:
    for key in ("staging/a", "staging/b/c", "staging2/d"):
        bucket.put(key, "x")

    storage.delete(f"s3://{bucket.name}/staging")

    assert bucket.objects() == ["staging2/d"]


def test_more_objects_than_one_call_takes_are_all_deleted(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_DELETE_AT_ONCE", 2)
    for number in range(5):
        bucket.put(f"many/{number}", "x")

    storage.delete(f"s3://{bucket.name}/many/")

    assert bucket.objects() == []


def test_partitions_are_listed_in_order(bucket: Bucket) -> None:
    bucket.write((1, 12), (2, 3))

    assert storage.partition_values(bucket.table, "day") == ["2026-01-03", "2026-01-12"]


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("text//b", "text//"),
        ("text/sub//b", "text/sub//"),
        ("text/../b", "text/../"),
        ("text/./b", "text/./"),
        ("text/a/b", "text/a"),
    ],
)
def test_a_key_that_hadoop_has_no_path_for_is_an_error_that_names_it(bucket: Bucket, key: str, named: str) -> None:
    """It would be a folder that holds itself, without end, or rows that are read twice or not at all."""
    bucket.put("text/a", "a")
    bucket.put(key, "b")

    with pytest.raises(Exception, match="Spark has no path") as failure:
        bucket.spark.read.text(f"s3://{bucket.name}/text/").collect()

    assert f"Spark has no path for s3://{bucket.name}/{named}, wh" in error_message(failure.value, "job.py")


@pytest.mark.parametrize(
    "name", ["a b+c", "größe/漢字", "a%2Fb", "at 10:00/a:b", "x...", "[a]*?{b}'\"", "#a;b&c=d", "a\\b", "y" * 255]
)
def test_an_odd_key_is_read_as_any_other(bucket: Bucket, name: str) -> None:
    bucket.put("text/", "")
    bucket.put(f"text/{name}", "content")

    found = bucket.spark.read.option("recursiveFileLookup", "true").text(f"s3://{bucket.name}/text/").collect()

    assert [row["value"] for row in found] == ["content"]


def test_a_partition_whose_value_is_not_ascii_is_written_and_read(bucket: Bucket) -> None:
    place = f"s3://{bucket.name}/cities/"
    bucket.spark.sql("SELECT 1 AS id, 'Zürich, 10:00' AS city").write.partitionBy("city").parquet(place)

    assert [tuple(row) for row in bucket.spark.read.parquet(place).collect()] == [(1, "Zürich, 10:00")]


def test_a_place_outside_s3_is_refused(bucket: Bucket) -> None:
    with pytest.raises(ValueError, match="'/tmp/x' is no place in S3; expected s3://bucket/key"):
        storage.exists("/tmp/x")  # noqa: S108


def _schema(bucket: Bucket) -> Any:
    return bucket.spark.createDataFrame([], SCHEMA).schema


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt
