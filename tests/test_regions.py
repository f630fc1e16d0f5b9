"""The sandbox in every region: whole where it can be, and without the stacks that a region lacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import cfnlint
import pytest
from aws_cdk import App

from machine_learning.xgboost_image import ACCOUNTS
from stacks.regions import MISSING, describe_missing_stacks, missing_stacks
from stacks.sandbox import build_sandbox
from stacks.settings import Settings
from tests.synthesis import NOW, synthesize

SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas" / "providers"
REGIONS = sorted(path.stem for path in SCHEMAS.glob("*-*-*.json"))
"""Every region of every partition whose resource types AWS publishes."""


@cache
def types_in(region: str) -> frozenset[str]:
    found: Mapping[str, str] = json.loads((SCHEMAS / f"{region}.json").read_text(encoding="utf-8"))
    return frozenset(found)


def stacks_in(region: str | None) -> set[str]:
    app = App()
    build_sandbox(app, Settings(), region, now=NOW)
    return {child.node.id for child in app.node.children}


def test_are_all_that_aws_has() -> None:
    assert len(REGIONS) > 35
    assert {"us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"} <= set(REGIONS)


@pytest.mark.parametrize("type_", MISSING)
def test_that_lack_a_type_are_the_ones_of_the_published_schemas(type_: str) -> None:
    assert {region for region in REGIONS if type_ not in types_in(region)} == MISSING[type_]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("combination", ["default", "kinesis", "refinery", "emr-serverless", "vpc-only"])
def test_get_no_stack_with_a_type_they_lack(region: str, combination: str) -> None:
    for name, stack in synthesize(combination).items():
        if name not in missing_stacks(region):
            types = {r.type for r in stack.all() if not r.type.startswith(("Custom::", "AWS::CDK::"))}
            assert types <= types_in(region)


@pytest.mark.parametrize("region", REGIONS)
def test_can_all_let_a_sandbox_expire(region: str) -> None:
    types = {resource.type for resource in synthesize("smallest")["Expiry"].all()} - {"Custom::ExpiryClock"}
    assert types <= types_in(region)


@pytest.mark.parametrize("region", REGIONS)
def test_get_every_stack_whose_types_they_have(region: str) -> None:
    for name in missing_stacks(region):
        built = [name, *needs(name), *(inner for needed in needs(name) for inner in needs(needed))]
        types = {r.type for stack in built for r in synthesize("default")[stack].all()}
        has_types = {t for t in types if t.startswith("AWS::SageMaker")} <= types_in(region)
        assert not has_types or ("Training" in built and region not in ACCOUNTS)


def needs(stack: str) -> list[str]:
    return {
        "Training": ["FeatureStore"],
        "Processing": ["FeatureStore"],
        "Studio": ["FeatureStore", "Training"],
        "Guardrails": ["Training", "Studio"],
    }.get(stack, [])


@pytest.mark.parametrize(
    ("region", "left_out"),
    [
        (None, set()),
        ("eu-central-1", set()),
        ("me-central-1", {"FeatureStore", "Training", "Processing", "Studio", "Guardrails"}),
        ("cn-north-1", {"Training", "Studio", "Guardrails"}),
        ("ap-south-2", {"FeatureStore", "Training", "Processing", "Studio", "Guardrails"}),
    ],
)
def test_are_built_without_what_they_lack(region: str | None, left_out: set[str]) -> None:
    whole = {
        "Lake",
        "Ingestion",
        "FeatureStore",
        "Training",
        "Processing",
        "Studio",
        "Guardrails",
        "Monitoring",
        "Expiry",
    }
    assert stacks_in(region) == whole - left_out


def test_that_have_everything_are_told_nothing() -> None:
    assert describe_missing_stacks("eu-central-1") == ""


def test_that_lack_something_are_told_once_what_and_where_it_would_work() -> None:
    message = describe_missing_stacks("ca-west-1")
    assert "AWS in ca-west-1 lacks" in message
    assert "FeatureStore: needs AWS::SageMaker::FeatureGroup" in message
    assert "Studio: needs AWS::SageMaker::Domain and AWS::SageMaker::UserProfile and the FeatureStore stack" in message
    assert "choose another region" in message
