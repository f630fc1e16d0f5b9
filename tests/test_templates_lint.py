"""cfn-lint on every template, in every region that gets it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

from stacks.regions import MISSING, missing_stacks
from tests.synthesis import EVERY_COMBINATION, ROOT, synthesize
from tests.test_regions import REGIONS

BUDGET = "AWS::Budgets::Budget"


def findings(template: Mapping[str, Any], regions: list[str]) -> list[str]:
    return _findings(json.dumps(template), tuple(regions))


@cache
def _findings(template: str, regions: tuple[str, ...]) -> list[str]:
    """A template that several combinations have is looked at once."""
    return [str(match) for match in lint(template, config=ManualArgs(regions=list(regions), ignore_checks=["W3005"]))]


@pytest.mark.parametrize("combination", EVERY_COMBINATION)
def test_finds_nothing(combination: str) -> None:
    for name, stack in synthesize(combination).items():
        if not list(stack.all()):
            # not deployed, see stacks/expiry_stack.py
            continue
        # the budget is left out alone
        without = MISSING[BUDGET] if stack.count(BUDGET) else frozenset()
        regions = [region for region in REGIONS if region not in without and name not in missing_stacks(region)]
        assert findings(stack.template, regions) == [], name


def test_would_find_a_property_that_does_not_exist() -> None:
    assert findings({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Nmae": "x"}}}}, ["us-east-1"])


def test_ignores_the_same_checks_on_the_command_line() -> None:
    assert "- W3005" in (ROOT / ".cfnlintrc.yaml").read_text(encoding="utf-8")
