"""The contracts, and the code that is generated from them."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import pytest

from contracts import Contract, ContractError
from contracts.compile import TARGET, compile_contract
from firehose_transform.reasons import Rejected
from tests.firehose_events import ARRIVAL, order

MOMENT = {
    "type": "string",
    "format": "date-time",
    "formatMinimum": "2020-01-01T00:00:00.000Z",
    "formatMaximum": "2026-12-31T23:59:59.999Z",
}


def orders_with(**properties: dict[str, Any] | None) -> Contract:
    """A copy of the orders contract with fields added, changed or (None) taken away."""
    schema = copy.deepcopy(dict(Contract.load("orders").schema))
    for name, field in properties.items():
        if field is None:
            del schema["properties"][name]
            schema["required"] = [required for required in schema["required"] if required != name]
        else:
            schema["properties"][name] = {"description": "For a test."} | field
    return Contract("orders", schema)


def conform(contract: Contract, record: dict[str, Any]) -> dict[str, Any]:
    """What the code generated from the contract makes of a record."""
    namespace: dict[str, Any] = {}
    exec(compile_contract(contract), namespace)  # noqa: S102 - our own generator's output
    conformed: dict[str, Any] = namespace["conform"](record, ARRIVAL)
    return conformed


def test_the_committed_validator_is_what_the_contract_gives() -> None:
    current = TARGET.read_text(encoding="utf-8")

    assert current == compile_contract(Contract.load("orders")), "run: python -m contracts.compile"


@pytest.mark.parametrize(
    ("field", "sent", "stored", "wrong"),
    [
        ({"type": "string", "enum": ["gold"], "x-case": "lower"}, "Gold", "gold", "tin"),
        ({"type": "string", "pattern": "^[A-Z]{4}$", "x-case": "upper"}, "abcd", "ABCD", "abcde"),
        ({"type": "string", "pattern": "^[a-z][0-9]$"}, " a1 ", "a1", "a\u0661"),
        (MOMENT, "2026-03-14T10:00:00+01:00", "2026-03-14T09:00:00.000Z", "noon"),
        ({"type": "integer", "minimum": 0, "maximum": 9}, 3.0, 3, 10),
        ({"type": "number", "minimum": 0, "maximum": 9, "multipleOf": 0.001}, "1.125", 1.125, 1.1255),
        ({"type": "boolean"}, True, True, 1),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_a_field_added_to_the_contract_is_normalised_and_checked(
    field: dict[str, Any], sent: Any, stored: Any, wrong: Any, required: bool
) -> None:
    contract = orders_with(added=field)
    if required:
        contract.schema["required"].append("added")

    assert conform(contract, order(added=sent))["added"] == stored
    with pytest.raises(Rejected, match="added"):
        conform(contract, order(added=wrong))
    if required:
        with pytest.raises(Rejected, match="missing_field"):
            conform(contract, order())
    else:
        assert "added" not in conform(contract, order())


def test_a_field_taken_from_the_contract_is_unknown() -> None:
    with pytest.raises(Rejected, match="unknown_field"):
        conform(orders_with(coupon=None), order())


@pytest.mark.parametrize(
    "field",
    [
        pytest.param({"type": "string"}, id="unbounded text"),
        pytest.param({"type": "string", "pattern": "O-[0-9]"}, id="pattern that may match a part"),
        pytest.param({"type": "string", "pattern": "^O$", "maxLength": 3}, id="two rules at once"),
        pytest.param({"type": "string", "enum": ["a"], "x-case": "title"}, id="unknown case"),
        pytest.param({"type": "string", "format": "uri"}, id="unknown format"),
        pytest.param({"type": "integer", "minimum": 0}, id="open range"),
        pytest.param({"type": "number", "minimum": 0, "maximum": 9}, id="any number of decimals"),
        pytest.param({"type": "boolean", "const": True}, id="unknown keyword"),
        pytest.param({"type": "array"}, id="unknown type"),
        pytest.param({"type": ["string", "null"]}, id="two types"),
    ],
)
def test_a_field_that_the_transform_could_not_check_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match=r"'added'.*cannot check"):
        compile_contract(orders_with(added=field))


@pytest.mark.parametrize("keyword", [{"minProperties": 3}, {"additionalProperties": True}])
def test_a_rule_for_whole_records_that_the_transform_could_not_check_is_refused(keyword: dict[str, Any]) -> None:
    contract = Contract("orders", {**Contract.load("orders").schema, **keyword})

    with pytest.raises(ContractError, match="additionalProperties"):
        compile_contract(contract)


def test_an_unknown_contract_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ContractError, match="no contract named 'order'; known: customer_features, customers, orders"):
        Contract.load("order")


@pytest.mark.parametrize(
    ("field", "glue_type"),
    [
        ({"type": "string", "format": "date-time"}, "timestamp"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string"}, "string"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "integer", "maximum": 2**31 - 1}, "int"),
        ({"type": "integer", "maximum": 2**31}, "bigint"),
        ({"type": "integer"}, "bigint"),
        ({"type": "number", "maximum": 99_999_999.99, "multipleOf": 0.01}, "decimal(10,2)"),
        ({"type": "number"}, "double"),
    ],
)
def test_a_field_has_the_glue_type_of_its_schema(field: dict[str, Any], glue_type: str) -> None:
    assert orders_with(added=field).fields[-1].glue_type == glue_type


def test_a_nested_field_has_no_glue_type() -> None:
    with pytest.raises(ContractError, match="Flatten"):
        _ = orders_with(added={"type": "object"}).fields[-1].glue_type


@pytest.mark.parametrize(
    ("field", "feature_type"),
    [
        ({"type": "string", "format": "date-time"}, "String"),
        ({"type": "integer"}, "Integral"),
        ({"type": "number"}, "Fractional"),
    ],
)
def test_a_field_has_the_feature_type_of_its_schema(field: dict[str, Any], feature_type: str) -> None:
    assert orders_with(added=field).fields[-1].feature_type == feature_type


def test_a_boolean_is_no_feature() -> None:
    with pytest.raises(ContractError, match="Declare a boolean as an integer from 0 to 1"):
        _ = orders_with(added={"type": "boolean"}).fields[-1].feature_type


@pytest.mark.parametrize(
    ("moment", "fits"),
    [
        ("2020-01-01T00:00:00Z", True),
        ("2019-12-31T23:59:59.999Z", False),
        ("0001-01-01T00:00:00Z", False),
        ("2026-12-31T23:59:59.999Z", True),
        ("2027-01-01T00:00:00Z", False),
        ("9999-12-31T23:59:59Z", False),
    ],
)
def test_the_border_keeps_the_bounds_of_a_moment(moment: str, fits: bool) -> None:
    namespace: dict[str, Any] = {}
    exec(compile_contract(orders_with(event_time=MOMENT)), namespace)  # noqa: S102 - our own generator's output
    with nullcontext() if fits else pytest.raises(Rejected, match=r"time_(too_early|in_future)"):
        namespace["conform"](order(event_time=moment), "9999-12-31T23:59:59.999Z")


@pytest.mark.parametrize("name", ["customers", "orders", "customer_features"])
def test_no_contract_lets_through_a_day_that_spark_does_not_write(name: str) -> None:
    bounds = [field.earliest for field in Contract.load(name).fields if "format" in field.schema]
    assert bounds
    assert min(bounds) >= "1900-01-01"
