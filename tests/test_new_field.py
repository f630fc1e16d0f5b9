"""A field is declared once: added to a contract, it is everywhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aws_cdk.assertions import Template

import contracts
from contracts import Contract
from contracts.compile import compile_contract
from practice.sample.orders import orders
from practice.sample.plan import Plan
from stacks.sandbox import sandbox_app

NEW = {"description": "For a test.", "type": "integer", "minimum": 1, "maximum": 9}


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Contract:
    schema = json.loads((contracts.DIRECTORY / "orders.json").read_text(encoding="utf-8"))
    schema["properties"]["gift_wraps"] = NEW
    schema["required"].append("gift_wraps")
    (tmp_path / "orders.json").write_text(json.dumps(schema), encoding="utf-8")
    monkeypatch.setattr(contracts, "DIRECTORY", tmp_path)
    return Contract.load("orders")


def test_in_the_columns_that_athena_and_firehose_read(contract: Contract) -> None:
    template = Template.from_stack(sandbox_app().node.find_child("Lake")).to_json()  # type: ignore[arg-type]
    columns = [
        column["Type"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Glue::Table"
        for column in resource["Properties"]["TableInput"]["StorageDescriptor"]["Columns"]
        if column["Name"] == "gift_wraps"
    ]
    assert columns == ["string", "int"]  # raw as it came, processed in its type


def test_in_what_the_transform_demands(contract: Contract) -> None:
    assert "integer('gift_wraps'" in compile_contract(contract).replace('"', "'")


def test_in_the_sample_orders(contract: Contract) -> None:
    sample = [json.loads(record.data) for record in orders(Plan(count=20, malformed=0))]
    assert {order["gift_wraps"] for order in sample} <= set(range(1, 10))
