"""How the cost of a sandbox is shown."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest

from cost.charges import resource_cost
from cost.estimate import Estimate
from cost.prices import price_list
from practice import console, cost_commands
from practice.console import Screen

KEY = {"Type": "AWS::KMS::Key", "Properties": {}}
FREE = {"Type": "AWS::IAM::Role", "Properties": {}}
LONG = "CustomS3AutoDeleteObjectsCustomResourceProviderHandler"


def shown(monkeypatch: pytest.MonkeyPatch, width: int, **stacks: Mapping[str, Any]) -> str:
    told = io.StringIO()
    monkeypatch.setattr(console, "out", Screen(file=told, width=width, highlight=False))
    costs = {
        stack: [resource_cost(name, resource, price_list()) for name, resource in resources.items()]
        for stack, resources in stacks.items()
    }
    cost_commands._show("default", Estimate(costs))
    return told.getvalue()


def test_a_stack_of_which_nothing_is_billed_has_no_empty_table(monkeypatch: pytest.MonkeyPatch) -> None:
    told = shown(monkeypatch, 120, Lake={"Key": KEY}, Expiry={}, Monitoring={"Role": FREE})
    assert "Lake (default)" in told
    assert "Expiry (default)" not in told
    assert "Monitoring (default)" not in told
    assert "Nothing that is billed (default)\nExpiry, Monitoring\n" in told


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_long_name_breaks_between_its_words(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    told = shown(monkeypatch, width, Lake={LONG: KEY})
    parts = [line.split()[0] for line in told.splitlines() if line.split() and line.split()[0] in LONG]
    assert "".join(parts) == LONG
    assert all(part[0].isupper() for part in parts)
