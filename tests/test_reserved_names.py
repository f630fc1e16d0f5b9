"""No name that derives from the sandbox's is one that a service keeps for itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.reserved_names import RESERVED
from stacks.settings import Settings, SettingsError
from tests.synthesis import COMBINATIONS, synthesize

NAME = "ml-sandbox"
TAKEN = ("primary", "pipelines", "sthree", "sthree-a", "amzn-s3-demo", "xn--lake", "aws", "aws-lab", "amazon1")
NAMED = {
    "AWS::Athena::NamedQuery",
    "AWS::Athena::WorkGroup",
    "AWS::CloudWatch::Dashboard",
    "AWS::EMRServerless::Application",
    "AWS::Glue::Crawler",
    "AWS::Glue::DataQualityRuleset",
    "AWS::Glue::Database",
    "AWS::Glue::SecurityConfiguration",
    "AWS::KinesisFirehose::DeliveryStream",
    "AWS::Logs::LogGroup",
    "AWS::SageMaker::Domain",
    "AWS::SageMaker::FeatureGroup",
    "AWS::SageMaker::ModelPackageGroup",
    "AWS::SageMaker::Pipeline",
    "AWS::StepFunctions::StateMachine",
}
"""The types that get a name of the sandbox, for each of which its service's reserved names were looked up."""


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_is_taken_is_refused_with_what_is_allowed_and_the_fix(name: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_context({"sandbox:name": name})
    message = str(error.value)
    assert f"sandbox:name={name!r} is taken or reserved." in message
    assert "https://docs.aws.amazon.com/" in message
    assert "Allowed: any other name" in message
    assert "Set, for example, sandbox:name=ml-sandbox" in message


@pytest.mark.parametrize("name", ["ml-sandbox", "my-primary", "primary-2", "pipelines2", "sthreeb", "raw-aws", "xn-a"])
def test_a_name_that_is_only_like_one_is_not(name: str) -> None:
    assert Settings.from_context({"sandbox:name": name}).name == name


def test_each_name_is_that_of_a_service_that_gets_it() -> None:
    for reserved in RESERVED:
        assert reserved.derived
        assert reserved.source.startswith("https://docs.aws.amazon.com/")


@pytest.mark.slow
def test_every_type_that_gets_a_name_of_the_sandbox_was_looked_up() -> None:
    found = {
        resource.type
        for combination in COMBINATIONS
        for stack in synthesize(combination).values()
        for resource in stack.all()
        if not resource.type.startswith("Custom::")
        for value in _names(resource.properties)
        if re.search(rf"{NAME}|{NAME.replace('-', '_')}", value)
    }
    assert found - NAMED == set()


def _names(properties: Mapping[str, Any]) -> list[str]:
    """The properties of a resource that are its own name, as texts."""
    own = {**properties, **properties.get("DatabaseInput", {})}
    return [
        json.dumps(value)
        for key, value in own.items()
        if key == "Name" or (re.fullmatch(r"[A-Z]\w+Name", key) and key != "DatabaseName")
    ]
