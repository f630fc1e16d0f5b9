"""The only place where the jobs touch S3: plain Spark for tables, boto3 for texts.

A job runs the same in Glue and in the local cloud, which mounts its S3 as ``s3://`` into the job's Spark.

Every write can be repeated. ``write_partitions`` uploads the new objects of a partition before it deletes those they
replace, so a job that is killed loses nothing, and running it again leaves each row once. S3 changes one object at a
time, so what it cannot guarantee is one moment of change for all of them: who reads a partition between upload and
deletion sees its old rows and its new ones, and a killed job leaves them so until it runs again.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import boto3
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's documentation has it

from contracts.csv_file import check_header
from jobs.refinery.day_folders import DayFolders, is_hidden
from jobs.refinery.region import region

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

CORRUPT = "_corrupt_record"
"""The column of ``read_csv`` with the whole line, if that has more or fewer values than the header."""

ROWS_PER_FILE = 1_000_000
_HEADER_BYTES = 64 * 1024
_DELETE_AT_ONCE = 1_000


def read_parquet(spark: SparkSession, uri: str, schema: StructType | None = None) -> DataFrame:
    """The table under a prefix, with its partitions as columns.

    With a schema, which names the partition columns too, a prefix without objects is an empty table. A file that is
    not whole fails the first action with an error that names the object.
    """
    if schema is None:
        return spark.read.parquet(uri)
    if not exists(uri):
        return spark.createDataFrame([], schema)
    return spark.read.schema(schema).parquet(uri)


def read_csv(spark: SparkSession, uri: str, names: Sequence[str]) -> DataFrame:
    """The rows of all CSV objects under a prefix, every value as text, as ``contracts/csv_file.py`` says they lie.

    A row is a line and a value ends at a comma, as for Athena: nothing joins two lines, and no quote is taken away. A
    line with more or fewer values than there are names has the whole of it in ``_corrupt_record``; a blank one is no
    row.

    Raises:
        CsvFileError: for an object whose header is not these names in this order.
    """
    tables = [_csv(spark, object_uri, names) for object_uri in list_objects(uri)]
    if not tables:
        raise FileNotFoundError(f"no object under {uri}; expected CSV files with a header. Land them first.")
    return reduce(DataFrame.unionAll, tables)


def write_partitions(frame: DataFrame, uri: str, partition_by: str | Sequence[str], covers: Iterable[str] = ()) -> None:
    """Replace exactly the partitions that have rows in the frame, and those it ``covers``, by the frame's rows.

    ``covers`` lists the values of a table's only partition column that the frame answers for: one without a row
    becomes empty, where otherwise yesterday's rows would stay. Parquet, and one file per partition up to a million
    rows.
    """
    columns = [partition_by] if isinstance(partition_by, str) else list(partition_by)
    table = uri.rstrip("/") + "/"
    before = set(list_objects(table))
    (
        frame.repartition(*columns)
        .write.mode("append")
        .option("maxRecordsPerFile", ROWS_PER_FILE)
        .option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        .partitionBy(*columns)
        .parquet(table)
    )
    replaced = {_folder(new) for new in set(list_objects(table)) - before}
    replaced |= {f"{table}{columns[0]}={quote(value)}/" for value in covers}
    _delete_objects(old for old in sorted(before) if _folder(old) in replaced)


def put_text(uri: str, text: str) -> None:
    """Write one object: a reader sees all of it or none."""
    bucket, key = _split(uri)
    _s3().put_object(Bucket=bucket, Key=key, Body=text.encode())


def read_text(uri: str) -> str:
    bucket, key = _split(uri)
    return str(_s3().get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def exists(uri: str) -> bool:
    """Whether there is an object of this name, or one under this prefix."""
    return next(list_objects(uri), None) is not None


def list_objects(uri: str) -> Iterator[str]:
    """The URIs of the objects under a prefix, in the order of their keys, without those that Spark hides.

    A URI that does not end in a slash is an object or a folder, never the beginning of a longer name.
    """
    bucket, prefix = _split(uri)
    for page in _s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            inner = item["Key"].removeprefix(prefix)
            of_prefix = not prefix or prefix.endswith("/") or not inner or inner.startswith("/")
            if of_prefix and not is_hidden(inner) and not item["Key"].endswith("/"):
                yield f"s3://{bucket}/{item['Key']}"


def partition_values(uri: str, column: str) -> list[str]:
    """The values of a table's first partition column, in order."""
    table = uri.rstrip("/") + "/"
    names = {found.removeprefix(table).split("/")[0] for found in list_objects(table)}
    return sorted(unquote(name.removeprefix(f"{column}=")) for name in names if name.startswith(f"{column}="))


def day_folders(uri: str, column: str) -> DayFolders:
    """The days that a table has, by its first partition column; what is no day is told in the job's log."""
    place = uri.rstrip("/") + "/"
    found = DayFolders.among(list_objects(place), place, column)
    if found.warning:
        print(found.warning)  # noqa: T201 - a job's output is its log
    return found


def delete(uri: str) -> None:
    """Delete the object, or everything under the prefix."""
    _delete_objects(list_objects(uri))


def _csv(spark: SparkSession, uri: str, names: Sequence[str]) -> DataFrame:
    bucket, key = _split(uri)
    check_header(_s3().get_object(Bucket=bucket, Key=key)["Body"].read(_HEADER_BYTES), uri, names)
    values = F.split("value", ",", -1)
    whole, places = F.size(values) == len(names), [(F.lit(place), name) for place, name in enumerate(names)]
    # Spark numbers the lines of a file from 0 on, so the header that was just checked is known by its place alone
    lines = spark.read.text(uri).withColumn("_line", F.monotonically_increasing_id()).where("_line > 0")
    return lines.where(F.trim("value") != "").select(
        *(F.when(whole & (F.get(values, place) != ""), F.get(values, place)).alias(name) for place, name in places),
        F.when(~whole, F.col("value")).alias(CORRUPT),
    )


def _delete_objects(uris: Iterable[str]) -> None:
    """Delete objects, a thousand a call as S3 allows; an object that is gone already is no error."""
    by_bucket: dict[str, list[str]] = {}
    for uri in uris:
        bucket, key = _split(uri)
        by_bucket.setdefault(bucket, []).append(key)
    for bucket, keys in by_bucket.items():
        for start in range(0, len(keys), _DELETE_AT_ONCE):
            objects = [{"Key": key} for key in keys[start : start + _DELETE_AT_ONCE]]
            answer = _s3().delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            if errors := answer.get("Errors"):
                first = errors[0]
                raise OSError(
                    f"{len(errors)} of {len(objects)} objects could not be deleted, the first being "
                    f"s3://{bucket}/{first['Key']}: {first['Code']}. Let the job's role s3:DeleteObject, and run again."
                )


def _folder(uri: str) -> str:
    return uri.rpartition("/")[0] + "/"


def _split(uri: str) -> tuple[str, str]:
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise ValueError(f"{uri!r} is no place in S3; expected s3://bucket/key.")
    return bucket, key


def _s3() -> Any:
    return boto3.client("s3", region_name=region())
