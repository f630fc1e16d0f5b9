"""The sandbox synthesized in process, once per combination of settings."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk.assertions import Template

from stacks.sandbox import sandbox_app

ROOT = Path(__file__).parent.parent
CDK_JSON = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))

NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When sandboxes of tests are synthesized."""

COMBINATIONS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "kinesis": {"ingestion_source": "kinesis"},
    "retained": {"retain_data": True},
    "smallest": {
        "athena_scan_limit_mb": 10,
        "notice_email": "owner@example.com",
        "budget_usd": 1,
        "lifetime_hours": 1,
        "log_retention_days": 1,
        "noncurrent_version_days": 1,
    },
    "s3-events": {"crawler_trigger": "s3-events"},
    "iceberg": {"feature_table_format": "iceberg"},
    "two-users": {"studio_users": "ana,bo"},
    "refinery": {"processing_trigger": "daily", "processing_workers": 4, "processing_execution_class": "flex"},
    "emr-serverless": {"processing_engine": "emr-serverless", "processing_workers": 3},
    "new-customers": {"processing_trigger": "new-customers"},
    "vpc-only": {"studio_network": "vpc-only"},
    "tuned": {"training_tuning": "bayesian", "training_instances": 2, "training_input_mode": "File"},
}

EVERY_COMBINATION = [pytest.param(name, marks=[] if name == "default" else [pytest.mark.slow]) for name in COMBINATIONS]
"""For checks that take seconds a combination: `make check` makes do with the default."""


@dataclass(frozen=True)
class Resource:
    """A resource of a template."""

    logical_id: str
    type: str
    body: Mapping[str, Any]

    @property
    def properties(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body.get("Properties", {})
        return found

    @property
    def depends_on(self) -> list[str]:
        return list(self.body.get("DependsOn", []))


@dataclass(frozen=True)
class SynthesizedStack:
    """A template, and questions to ask of it."""

    template: Mapping[str, Any]

    def all(self) -> Iterator[Resource]:
        for logical_id, body in self.template.get("Resources", {}).items():
            yield Resource(logical_id, body["Type"], body)

    def of_type(self, type_: str) -> list[Resource]:
        """The resources of a type; there must be some, so that no assertion passes over nothing."""
        found = [resource for resource in self.all() if resource.type == type_]
        assert found, f"the template has no {type_}"
        return found

    def one(self, type_: str, containing: str = "") -> Resource:
        """The only resource of a type whose logical id contains the text."""
        (resource,) = [resource for resource in self.of_type(type_) if containing in resource.logical_id]
        return resource

    def count(self, type_: str) -> int:
        return sum(resource.type == type_ for resource in self.all())


@cache
def synthesize(combination: str) -> Mapping[str, SynthesizedStack]:
    """The stacks of a combination, by construct id."""
    app = sandbox_app(**COMBINATIONS[combination])
    return {
        stack.node.id: SynthesizedStack(Template.from_stack(stack).to_json())
        for stack in app.node.children
        if isinstance(stack, Stack)
    }


def every_stack() -> list[SynthesizedStack]:
    """All stacks of all combinations, for guarantees that hold everywhere."""
    return [stack for combination in COMBINATIONS for stack in synthesize(combination).values()]
