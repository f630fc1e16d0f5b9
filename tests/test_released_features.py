"""A feature group that holds data is never replaced by a change to its contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts import Contract, ContractError, released
from contracts.released import ReplacementError, check_released, definition, release

CONTRACT = Contract.load("customer_features")


def changed(**keywords: Any) -> Contract:
    return Contract(CONTRACT.name, {**CONTRACT.schema, **keywords})


def with_features(**features: Any) -> Contract:
    return changed(properties={**CONTRACT.schema["properties"], **features})


def without_feature(name: str) -> Contract:
    return changed(properties={key: value for key, value in CONTRACT.schema["properties"].items() if key != name})


def refused(contract: Contract) -> str:
    with pytest.raises(ReplacementError) as error:
        check_released(contract)
    return str(error.value)


def test_the_contract_is_released_as_it_is() -> None:
    found = json.loads((released.RELEASES / "customer_features.json").read_text(encoding="utf-8"))
    assert found == definition(CONTRACT), "run `make generate`"


def test_a_new_optional_feature_passes() -> None:
    check_released(with_features(wish_list_rate={"type": "number", "description": "Share on the wish list."}))


def test_a_new_description_passes() -> None:
    check_released(with_features(T={**CONTRACT.schema["properties"]["T"], "description": "Age."}))


def test_a_feature_that_is_no_longer_required_passes() -> None:
    check_released(changed(required=["customer_id", "event_time"]))


def test_a_feature_that_is_gone_is_refused() -> None:
    assert "feature 'recency' was released and is gone. Keep it" in refused(without_feature("recency"))


def test_a_feature_of_another_type_is_refused() -> None:
    message = refused(with_features(T={"type": "number", "description": "Age."}))
    assert "feature 'T' was released as Integral and is Fractional now" in message
    assert "add an optional T_v2" in message


def test_a_new_feature_that_is_required_is_refused() -> None:
    contract = with_features(wish_list_rate={"type": "number", "description": "Share on the wish list."})
    message = refused(Contract(contract.name, {**contract.schema, "required": ["customer_id", "wish_list_rate"]}))
    assert "feature 'wish_list_rate' is new and required" in message


@pytest.mark.parametrize(
    ("keyword", "key"), [("x-record-identifier", "record_identifier"), ("x-event-time", "event_time")]
)
def test_another_key_is_refused(keyword: str, key: str) -> None:
    assert f"{key} was released as" in refused(changed(**{keyword: "currency"}))


def test_the_message_says_how_to_add_a_feature_instead_and_how_to_begin_anew() -> None:
    message = refused(without_feature("recency"))
    assert "To add a feature: declare it as optional, then `make generate`" in message
    assert "delete contracts/releases/customer_features.json" in message


def test_all_problems_are_told_at_once() -> None:
    message = refused(changed(**{"properties": {}, "x-event-time": "currency"}))
    assert "event_time was released as" in message
    assert "'recency'" in message
    assert "'T'" in message


class TestReleasing:
    @pytest.fixture(autouse=True)
    def _own_releases(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(released, "RELEASES", tmp_path)

    def test_records_a_new_feature(self, tmp_path: Path) -> None:
        release(CONTRACT)
        release(with_features(wish_list_rate={"type": "number", "description": "Share on the wish list."}))
        assert (
            "wish_list_rate"
            in json.loads((tmp_path / "customer_features.json").read_text(encoding="utf-8"))["features"]
        )

    def test_leaves_what_is_recorded_when_it_would_be_lost(self, tmp_path: Path) -> None:
        release(CONTRACT)
        before = (tmp_path / "customer_features.json").read_bytes()
        with pytest.raises(ReplacementError):
            release(without_feature("recency"))
        assert (tmp_path / "customer_features.json").read_bytes() == before

    def test_nothing_passes_when_nothing_tells_what_was_released(self) -> None:
        with pytest.raises(ContractError, match=r"customer_features\.json is missing.*make generate"):
            check_released(CONTRACT)
