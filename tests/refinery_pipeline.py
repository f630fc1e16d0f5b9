"""The refinery's jobs in the order of the state machine, and what they leave in the buckets."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore.client
import duckdb
import pytest

from jobs.glue import build_customer_features, clean_orders, publish_features, quality_gate
from jobs.quality.compile import path
from tests.refinery_lake import AS_OF, ZONES, Lake

STEPS: Mapping[str, tuple[ModuleType, str]] = {
    "Gate customers": (quality_gate, "customers"),
    "Gate orders": (quality_gate, "orders"),
    "Clean": (clean_orders, ""),
    "Build features": (build_customer_features, ""),
    "Gate customer features": (quality_gate, "customer_features"),
    "Publish": (publish_features, ""),
}
"""The states that write tables: the job of each, and the data set if it is a gate."""

CUTOFF = "2026-08-20"
"""Its labels are known on the day of the run, and its features are fresh enough to pass their gate."""

Objects = dict[tuple[str, str], bytes]
"""By zone and key."""

Content = dict[str, tuple[int, list[str]]]
"""Of each folder the number of its files, and what they hold."""

_WRITES = {"CopyObject", "DeleteObject", "DeleteObjects", "PutObject"}


class Pipeline:
    """The state machine without its crawlers and without the feature store."""

    def __init__(self, lake: Lake, glue: Any) -> None:
        self.lake = lake
        for job, data_set in STEPS.values():
            if job is quality_gate:
                ruleset = path(data_set).read_text(encoding="utf-8")
                glue.create_data_quality_ruleset(Name=self._ruleset(data_set), Ruleset=ruleset)

    def run(self, *steps: str) -> None:
        """Run the steps, or all of them."""
        for step in steps or STEPS:
            job, data_set = STEPS[step]
            arguments = {"as_of": AS_OF}
            if job is build_customer_features:
                arguments["cutoffs"] = CUTOFF
            if job is quality_gate:
                arguments |= {"dataset": data_set, "ruleset": self._ruleset(data_set), "run_id": "run-1"}
            # a job is a process of its own, and remembers nothing of what another one has read
            self.lake.spark.catalog.clearCache()
            self.lake.run(job, **arguments)

    def run_and_watch(self, step: str) -> list[Objects]:
        """Run a step; returns all objects as they were after each of its writes."""
        found: list[Objects] = []
        base: Any = botocore.client.BaseClient
        call = base._make_api_call

        def watched(client: Any, operation: str, request: Any) -> Any:
            answer = call(client, operation, request)
            if operation in _WRITES:
                found.append(self.objects())
            return answer

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(base, "_make_api_call", watched)
            self.run(step)
        return found

    def objects(self) -> Objects:
        return {(zone, key): self._body(zone, key) for zone in ZONES for key in self._keys(zone)}

    def restore(self, objects: Objects) -> None:
        """Let there be these objects and no others."""
        present = self.objects()
        for zone, key in present.keys() - objects.keys():
            self.lake.s3.delete_object(Bucket=self._bucket(zone), Key=key)
        for zone, key in objects:
            if present.get((zone, key)) != objects[zone, key]:
                self.lake.s3.put_object(Bucket=self._bucket(zone), Key=key, Body=objects[zone, key])

    def _body(self, zone: str, key: str) -> bytes:
        return bytes(self.lake.s3.get_object(Bucket=self._bucket(zone), Key=key)["Body"].read())

    def _keys(self, zone: str) -> Iterator[str]:
        for page in self.lake.s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket(zone)):
            yield from (item["Key"] for item in page.get("Contents", ()))

    def _bucket(self, zone: str) -> str:
        return f"{zone}-{self.lake.name}"

    def _ruleset(self, data_set: str) -> str:
        return f"{data_set}-{self.lake.name}"


def content(objects: Objects, *prefixes: str) -> Content:
    """What the objects under the prefixes (of zone and key) hold, whatever their names and the order of their rows."""
    found: dict[str, list[list[str]]] = defaultdict(list)
    for (zone, key), body in objects.items():
        if f"{zone}/{key}".startswith(prefixes or ""):
            lines = _rows(body) if key.endswith(".parquet") else body.decode().splitlines()
            found[f"{zone}/{key.rpartition('/')[0]}"].append(lines)
    return {folder: (len(files), sorted(line for file in files for line in file)) for folder, files in found.items()}


def _rows(parquet: bytes) -> list[str]:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        Path(file.name).write_bytes(parquet)
        rows = duckdb.read_parquet(file.name).select("CAST(COLUMNS(*) AS VARCHAR)")
        return [str(dict(zip(rows.columns, row, strict=True))) for row in rows.fetchall()]
