"""Putting features and reading them back: every record accounted for, and an error that says what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from practice import features
from practice.errors import PracticeError
from practice.features import (
    MOST_IDENTIFIERS,
    REFUSED,
    Put,
    get_features,
    put_features,
    read_records,
    require_all_found,
    require_all_written,
)
from practice.sample.customer_features import Features
from practice.sandbox import Sandbox, Target

GROUP = "mine-customer-features"
ANA: Features = {"customer_id": "C-1", "event_time": "2026-11-22T10:00:00Z", "frequency": 3, "monetary_value": 12.5}
BO: Features = {"customer_id": "C-2", "event_time": "2026-11-22T10:00:00Z", "frequency": 0, "monetary_value": 0.0}


class Store:
    """A feature group whose every call is stubbed."""

    def __init__(self) -> None:
        client: Any = boto3.client(
            "sagemaker-featurestore-runtime",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106
        )
        self.stubber = Stubber(client)
        self.stubber.activate()
        outputs = {"CustomerFeatureGroup": GROUP, "FeaturesDatabase": "mine_features"}
        self.sandbox = Sandbox("mine", Target("test account", lambda service_name: client, None), outputs)

    def will_take(self, record: Features) -> None:
        self.stubber.add_response("put_record", {}, put_request(record))

    def will_refuse(self, code: str, message: str = "") -> None:
        self.stubber.add_client_error("put_record", code, message)

    def will_answer(
        self, ids: list[str], *records: Features, unprocessed: tuple[str, ...] = (), errors: tuple[str, ...] = ()
    ) -> None:
        self.stubber.add_response(
            "batch_get_record",
            {
                "Records": [
                    {
                        "FeatureGroupName": GROUP,
                        "RecordIdentifierValueAsString": str(record["customer_id"]),
                        "Record": put_request(record)["Record"],
                    }
                    for record in records
                ],
                "Errors": [
                    {
                        "FeatureGroupName": GROUP,
                        "RecordIdentifierValueAsString": customer_id,
                        "ErrorCode": "ValidationError",
                        "ErrorMessage": "no such thing",
                    }
                    for customer_id in errors
                ],
                "UnprocessedIdentifiers": [
                    {"FeatureGroupName": GROUP, "RecordIdentifiersValueAsString": list(unprocessed)}
                ]
                if unprocessed
                else [],
            },
            {"Identifiers": [{"FeatureGroupName": GROUP, "RecordIdentifiersValueAsString": ids}]},
        )


def put_request(record: Features) -> dict[str, Any]:
    return {
        "FeatureGroupName": GROUP,
        "Record": [{"FeatureName": name, "ValueAsString": str(value)} for name, value in record.items()],
    }


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(features, "CALLS_AT_ONCE", 1)  # so that the stubs are used in their order
    return Store()


def test_every_record_is_put_with_its_values_as_text(store: Store, tmp_path: Path) -> None:
    store.will_take(ANA)
    store.will_take(BO)
    put = put_features(store.sandbox, iter([ANA, BO]), total=2, directory=tmp_path)
    assert (put.group, put.written, put.refused.total()) == (GROUP, 2, 0)
    store.stubber.assert_no_pending_responses()


def test_a_feature_without_value_is_not_put(store: Store, tmp_path: Path) -> None:
    store.will_take(ANA)
    nothing: Any = None
    assert put_features(store.sandbox, [{**ANA, "nps": nothing}], total=1, directory=tmp_path).written == 1


def test_a_refused_record_is_counted_with_its_reason_kept_in_a_file_and_the_others_are_put(
    store: Store, tmp_path: Path
) -> None:
    store.will_refuse("ValidationError", "event_time is no time")
    store.will_take(BO)
    put = put_features(store.sandbox, [ANA, BO], total=2, directory=tmp_path)
    assert put.written == 1
    assert put.refused == {"ValidationError: event_time is no time": 1}
    assert list(read_records(tmp_path / REFUSED)) == [ANA]


@pytest.mark.parametrize("code", ["InternalFailure", "ServiceUnavailable", "ThrottlingException"])
def test_what_still_fails_after_the_clients_own_attempts_is_refused(store: Store, tmp_path: Path, code: str) -> None:
    store.will_refuse(code)
    assert put_features(store.sandbox, [ANA], total=1, directory=tmp_path).refused.total() == 1


def test_an_error_of_every_record_stops_and_says_how_far_it_came(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_WAVE", 1)
    store.will_take(ANA)
    store.will_refuse("AccessForbidden", "not yours")
    with pytest.raises(PracticeError, match=r"Stopped after 1 of 2 records were written: .*not yours"):
        put_features(store.sandbox, [ANA, BO], total=2, directory=tmp_path)


def test_records_that_were_refused_can_be_put_from_the_file_that_keeps_them(store: Store, tmp_path: Path) -> None:
    kept = tmp_path / REFUSED
    kept.write_text(json.dumps(ANA) + "\n", encoding="utf-8")
    store.will_take(ANA)
    assert put_features(store.sandbox, read_records(kept), total=1, directory=tmp_path).written == 1
    assert kept.read_bytes() == b""


def test_records_are_not_made_before_they_are_put(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a large sample would fill the memory."""
    monkeypatch.setattr(features, "_WAVE", 2)
    store.will_refuse("AccessForbidden")
    made = []
    records = (made.append(number) or ANA for number in range(1_000))  # type: ignore[func-returns-value]
    with pytest.raises(PracticeError):
        put_features(store.sandbox, records, total=1_000, directory=tmp_path)
    assert len(made) == 2


def test_refused_records_are_an_error_that_says_where_they_are_and_what_to_do(tmp_path: Path) -> None:
    put = Put(GROUP, written=1)
    require_all_written(put, tmp_path)
    put.refused["ValidationError: no"] += 2
    with pytest.raises(
        PracticeError, match=rf"2 x ValidationError: no\. They are in .*; .* features put --file .*{REFUSED}"
    ):
        require_all_written(put, tmp_path)


@pytest.mark.parametrize("line", ["", "{", "[1]", "3", "{}"])
def test_a_line_that_is_no_record_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text(f"{json.dumps(ANA)}\n{line}\n", encoding="utf-8")
    with pytest.raises(PracticeError, match=r"Line 2 of .*mine.jsonl is .*; allowed: one JSON object of features"):
        list(read_records(file))


def test_features_are_read_by_customer(store: Store) -> None:
    store.will_answer(["C-1", "C-9", "C-2"], ANA, BO)
    found = get_features(store.sandbox, ["C-1", "C-9", "C-2", "C-1"])
    assert list(found) == ["C-1", "C-2"]
    assert found["C-1"] == {name: str(value) for name, value in ANA.items()}


def test_a_call_asks_for_as_many_customers_as_the_service_allows(store: Store) -> None:
    ids = [f"C-{number}" for number in range(MOST_IDENTIFIERS + 1)]
    store.will_answer(ids[:MOST_IDENTIFIERS])
    store.will_answer(ids[MOST_IDENTIFIERS:], {**ANA, "customer_id": ids[-1]})
    assert list(get_features(store.sandbox, ids)) == [ids[-1]]
    limits = store.sandbox.client("").meta.service_model.shape_for("RecordIdentifiers").metadata
    assert limits["max"] == MOST_IDENTIFIERS


def test_customers_that_a_call_left_out_are_asked_for_again(store: Store) -> None:
    store.will_answer(["C-1", "C-2"], ANA, unprocessed=("C-2",))
    store.will_answer(["C-2"], BO)
    assert list(get_features(store.sandbox, ["C-1", "C-2"])) == ["C-1", "C-2"]


def test_an_error_of_one_customer_is_told(store: Store) -> None:
    store.will_answer(["C-1"], errors=("C-1",))
    with pytest.raises(PracticeError, match="customer 'C-1': ValidationError: no such thing"):
        get_features(store.sandbox, ["C-1"])


def test_an_unknown_customer_is_an_error_that_says_how_to_find_one(store: Store) -> None:
    require_all_found(store.sandbox, ["C-1"], {"C-1": {}})
    with pytest.raises(
        PracticeError, match=r"no features of C-8, C-9; .*SELECT customer_id FROM mine_features\."
    ) as no:
        require_all_found(store.sandbox, ["C-8", "C-1", "C-9"], {"C-1": {}})
    assert str(no.value).endswith("--aws")


def test_an_error_that_no_customer_causes_is_raised(store: Store) -> None:
    store.stubber.add_client_error("batch_get_record", "AccessForbidden")
    with pytest.raises(ClientError, match="AccessForbidden"):
        get_features(store.sandbox, ["C-1"])
