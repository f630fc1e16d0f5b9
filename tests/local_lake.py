"""A small lake on the local cloud, for the tests of Athena, of the crawlers and of the named queries."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from contracts import Contract
from practice.local_cloud.lifecycle import LocalCloud

PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
OPENX_SERDE = "org.openx.data.jsonserde.JsonSerDe"
ORDERS = {field.name: field.glue_type for field in Contract.load("orders").fields}


@dataclass
class Answer:
    """How a query ended."""

    execution: Mapping[str, Any]
    rows: list[list[str | None]]
    types: dict[str, str]

    @property
    def state(self) -> str:
        return str(self.execution["Status"]["State"])

    @property
    def reason(self) -> str:
        return str(self.execution["Status"].get("StateChangeReason", ""))

    @property
    def scanned(self) -> int:
        return int(self.execution["Statistics"]["DataScannedInBytes"])


@cache
def _clients(cloud: LocalCloud) -> tuple[Any, ...]:
    return tuple(cloud.client(name) for name in ("s3", "glue", "athena"))


class Lake:
    """Buckets, databases and a workgroup of a test's own."""

    def __init__(self, cloud: LocalCloud) -> None:
        unique = uuid.uuid4().hex[:8]
        self.s3, self.glue, self.athena = _clients(cloud)
        self.bucket, self.results = f"data-{unique}", f"results-{unique}"
        self.database, self.workgroup = f"lake_{unique}", f"group-{unique}"
        for bucket in (self.bucket, self.results):
            self.s3.create_bucket(Bucket=bucket)
        self.glue.create_database(DatabaseInput={"Name": self.database})
        self.create_work_group(self.workgroup)

    def create_work_group(self, name: str, **configuration: Any) -> None:
        enforced = {
            "EnforceWorkGroupConfiguration": True,
            "ResultConfiguration": {"OutputLocation": f"s3://{self.results}/"},
        }
        self.athena.create_work_group(Name=name, Configuration={**enforced, **configuration})

    def put(self, key: str, body: bytes | str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put_json_lines(self, key: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self.put(key, "".join(json.dumps(row) + "\n" for row in rows))

    def put_parquet(self, key: str, columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> None:
        """A Parquet object of the given Hive types; values as text, converted to them."""
        typed = ", ".join(f'CAST(c{i} AS {kind}) AS "{name}"' for i, (name, kind) in enumerate(columns.items()))
        names = ", ".join(f"c{i}" for i in range(len(columns)))
        with tempfile.TemporaryDirectory() as directory, duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t ({', '.join(f'c{i} VARCHAR' for i in range(len(columns)))})")
            connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)  # noqa: S608
            file = Path(directory) / "data.parquet"
            connection.execute(f"COPY (SELECT {typed} FROM t AS t({names})) TO '{file}' (FORMAT parquet)")  # noqa: S608
            self.put(key, file.read_bytes())

    def create_table(
        self,
        name: str,
        columns: Mapping[str, str],
        *,
        prefix: str,
        serde: str = PARQUET_SERDE,
        serde_parameters: Mapping[str, str] | None = None,
        keys: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> None:
        def described(fields: Mapping[str, str]) -> list[dict[str, str]]:
            return [{"Name": column, "Type": kind} for column, kind in fields.items()]

        self.glue.create_table(
            DatabaseName=self.database,
            TableInput={
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "Parameters": parameters or {},
                "PartitionKeys": described(keys or {}),
                "StorageDescriptor": {
                    "Columns": described(columns),
                    "Location": f"s3://{self.bucket}/{prefix}",
                    "SerdeInfo": {"SerializationLibrary": serde, "Parameters": dict(serde_parameters or {})},
                },
            },
        )

    def date_projection(self, key: str, prefix: str) -> dict[str, str]:
        return {
            "projection.enabled": "true",
            f"projection.{key}.type": "date",
            f"projection.{key}.format": "yyyy-MM-dd",
            f"projection.{key}.range": "2020-01-01,NOW",
            "storage.location.template": f"s3://{self.bucket}/{prefix}{key}=${{{key}}}/",
        }

    def query(self, sql: str, **request: Any) -> Answer:
        request = {
            "WorkGroup": self.workgroup,
            "QueryExecutionContext": {"Database": self.database},
            **request,
        }
        query_id = self.athena.start_query_execution(QueryString=sql, **request)["QueryExecutionId"]
        while True:
            execution = self.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] not in ("QUEUED", "RUNNING"):
                break
            time.sleep(0.02)
        if execution["Status"]["State"] != "SUCCEEDED":
            return Answer(execution, [], {})
        rows: list[list[str | None]] = []
        types: dict[str, str] = {}
        for page in self.athena.get_paginator("get_query_results").paginate(QueryExecutionId=query_id):
            rows += [[value.get("VarCharValue") for value in row["Data"]] for row in page["ResultSet"]["Rows"]]
            types = {info["Name"]: info["Type"] for info in page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]}
        return Answer(execution, rows[1:] if execution["StatementType"] == "DML" else rows, types)

    def rows(self, sql: str) -> list[list[str | None]]:
        answer = self.query(sql)
        assert answer.state == "SUCCEEDED", answer.reason
        return answer.rows
