"""cfn-lint on every template, in regions across the world."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from tests.synthesis import EVERY_COMBINATION, ROOT, synthesize

REGIONS = ["us-east-1", "us-west-2", "eu-central-1", "eu-north-1", "ap-southeast-2", "sa-east-1"]


def findings(template: Mapping[str, Any]) -> list[str]:
    return [
        str(match) for match in lint(json.dumps(template), config=ManualArgs(regions=REGIONS, ignore_checks=["W3005"]))
    ]


@pytest.mark.parametrize("combination", EVERY_COMBINATION)
def test_finds_nothing(combination: str) -> None:
    for name, stack in synthesize(combination).items():
        assert findings(stack.template) == [], name


def test_would_find_a_property_that_does_not_exist() -> None:
    assert findings({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Nmae": "x"}}}})


def test_ignores_the_same_checks_on_the_command_line() -> None:
    assert "- W3005" in (ROOT / ".cfnlintrc.yaml").read_text(encoding="utf-8")
