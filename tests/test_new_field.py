"""A field is declared once: added to a contract, it is everywhere."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from aws_cdk.assertions import Template

import contracts
from contracts import Contract, ContractError
from contracts.compile import compile_contract
from practice.sample.customer_features import Features, features_of_customers
from practice.sample.orders import orders
from practice.sample.plan import Plan
from stacks.sandbox import sandbox_app
from tests.synthesis import ROOT

SHOP = Plan().shop
NEW = {"description": "For a test.", "type": "integer", "minimum": 1, "maximum": 9}


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Contract]:
    """Adds the new field to a contract, for this test."""
    for file in (ROOT / "contracts").glob("*.json"):
        shutil.copy(file, tmp_path)
    monkeypatch.setattr(contracts, "DIRECTORY", tmp_path)

    def add(name: str, *, required: bool) -> Contract:
        file = tmp_path / f"{name}.json"
        schema = json.loads(file.read_text(encoding="utf-8"))
        schema["properties"]["gift_wraps"] = NEW
        schema["required"] += ["gift_wraps"] if required else []
        file.write_text(json.dumps(schema), encoding="utf-8")
        return Contract.load(name)

    return add


@pytest.fixture
def contract(declare: Callable[..., Contract]) -> Contract:
    return declare("orders", required=True)


def sample_features() -> list[Features]:
    return list(features_of_customers(SHOP, 3, [SHOP.end]))


def test_in_the_columns_that_athena_and_firehose_read(contract: Contract) -> None:
    app = sandbox_app()
    stacks = [Template.from_stack(app.node.find_child(name)).to_json() for name in ("Lake", "Processing")]  # type: ignore[arg-type]
    columns = [
        column["Type"]
        for template in stacks
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Glue::Table"
        for column in resource["Properties"]["TableInput"]["StorageDescriptor"]["Columns"]
        if column["Name"] == "gift_wraps"
    ]
    assert columns == ["string", "int", "int"]  # raw as it came, processed and rejected in its type


def test_in_what_the_transform_demands(contract: Contract) -> None:
    assert "integer('gift_wraps'" in compile_contract(contract).replace('"', "'")


def test_in_the_sample_orders(contract: Contract) -> None:
    sample = [json.loads(record.data) for record in orders(Plan(count=20, malformed=0))]
    assert {order["gift_wraps"] for order in sample} <= set(range(1, 10))


def test_an_optional_feature_is_in_the_definitions_of_the_feature_group(declare: Callable[..., Contract]) -> None:
    declare("customer_features", required=False)
    template = Template.from_stack(sandbox_app().node.find_child("FeatureStore"))  # type: ignore[arg-type]
    (group,) = template.find_resources("AWS::SageMaker::FeatureGroup").values()
    assert {"FeatureName": "gift_wraps", "FeatureType": "Integral"} in group["Properties"]["FeatureDefinitions"]


def test_an_optional_feature_is_left_out_of_the_sample_until_it_is_computed(declare: Callable[..., Contract]) -> None:
    declare("customer_features", required=False)
    assert all("gift_wraps" not in record for record in sample_features())


def test_a_required_feature_has_to_be_computed_for_the_sample(declare: Callable[..., Contract]) -> None:
    declare("customer_features", required=True)
    with pytest.raises(ContractError, match=r"'gift_wraps'.* is required, and .* does not compute it"):
        sample_features()
