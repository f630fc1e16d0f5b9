"""Putting features and reading them back: every record accounted for, and an error that says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from practice import features
from practice.errors import PracticeError
from practice.features import (
    MOST_ENTRIES,
    MOST_IDENTIFIERS,
    REFUSED,
    Put,
    Refusal,
    get_features,
    put_features,
    read_records,
    require_all_found,
    require_all_written,
    write,
)
from practice.ingest import ATTEMPTS, LONGEST_PAUSE
from practice.sample.customer_features import Features
from practice.sandbox import Sandbox, Target

GROUP = "mine-customer-features"
ANA: Features = {"customer_id": "C-1", "event_time": "2026-11-22T10:00:00Z", "frequency": 3, "monetary_value": 12.5}
BO: Features = {"customer_id": "C-2", "event_time": "2026-11-22T10:00:00Z", "frequency": 0, "monetary_value": 0.0}

CY: Features = {**ANA, "customer_id": "C-3"}


class Store:
    """A feature group whose every call is stubbed."""

    def __init__(self) -> None:
        self.client: Any = boto3.client(
            "sagemaker-featurestore-runtime",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106
        )
        self.stubber = Stubber(self.client)
        self.stubber.activate()
        outputs = {"CustomerFeatureGroup": GROUP, "FeaturesDatabase": "mine_features"}
        self.sandbox = Sandbox("mine", Target("test account", lambda service_name: self.client, None), outputs)

    def will_write(
        self,
        *records: Features,
        errors: Mapping[str, Features] = MappingProxyType({}),
        unprocessed: tuple[Features, ...] = (),
    ) -> None:
        """A call with these records; those in ``errors`` are refused with that code."""
        self.stubber.add_response(
            "batch_write_record",
            {
                "Errors": [
                    {"Entry": entry(record), "ErrorCode": code, "ErrorMessage": "told why"}
                    for code, record in errors.items()
                ],
                "UnprocessedEntries": [entry(record) for record in unprocessed],
            },
            {"Entries": [entry(record) for record in records]},
        )

    def will_fail(self, code: str, message: str = "") -> None:
        self.stubber.add_client_error("batch_write_record", code, message)

    def write(self, *records: Features) -> list[Refusal]:
        self.pauses: list[float] = []
        refusals = write(self.client, GROUP, records, self.pauses.append)
        self.stubber.assert_no_pending_responses()
        return refusals

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
                        "Record": entry(record)["Record"],
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


def entry(record: Features) -> dict[str, Any]:
    return {
        "FeatureGroupName": GROUP,
        "Record": [{"FeatureName": name, "ValueAsString": str(value)} for name, value in record.items()],
    }


def as_text(record: Features) -> Features:
    return {name: str(value) for name, value in record.items()}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(features, "CALLS_AT_ONCE", 1)  # so that the stubs are used in their order
    return Store()


def test_records_are_written_with_their_values_as_text(store: Store, tmp_path: Path) -> None:
    store.will_write(ANA, BO)
    put = put_features(store.sandbox, iter([ANA, BO]), total=2, directory=tmp_path)
    assert (put.group, put.written, put.refused.total()) == (GROUP, 2, 0)


def test_a_feature_without_value_is_not_written(store: Store) -> None:
    nothing: Any = None
    store.will_write(ANA)
    assert store.write({**ANA, "nps": nothing}) == []


def test_a_call_holds_as_many_records_as_the_service_allows(store: Store, tmp_path: Path) -> None:
    records: list[Features] = [{**ANA, "customer_id": f"C-{number}"} for number in range(MOST_ENTRIES + 1)]
    store.will_write(*records[:MOST_ENTRIES])
    store.will_write(*records[MOST_ENTRIES:])
    assert put_features(store.sandbox, records, total=26, directory=tmp_path).written == MOST_ENTRIES + 1
    limits = store.client.meta.service_model.shape_for("BatchWriteRecordEntries").metadata
    assert limits["max"] == MOST_ENTRIES


def test_only_the_records_that_were_left_out_or_failed_for_the_moment_are_written_again(store: Store) -> None:
    store.will_write(ANA, BO, CY, unprocessed=(BO,), errors={"InternalFailure": CY})
    store.will_write(BO, CY, errors={"ThrottlingException": CY})
    store.will_write(CY)
    assert store.write(ANA, BO, CY) == []


def test_the_pauses_between_attempts_grow(store: Store) -> None:
    for _ in range(ATTEMPTS):
        store.will_write(ANA, unprocessed=(ANA,))
    store.write(ANA)
    assert len(store.pauses) == ATTEMPTS - 1
    assert store.pauses == sorted(store.pauses)
    assert store.pauses[0] < store.pauses[-1] <= LONGEST_PAUSE


def test_what_is_left_out_to_the_end_is_refused(store: Store) -> None:
    for _ in range(ATTEMPTS):
        store.will_write(ANA, unprocessed=(ANA,))
    assert store.write(ANA) == [(as_text(ANA), f"not taken in {ATTEMPTS} attempts")]


def test_a_record_that_is_wrong_is_refused_at_once_with_the_reason_and_the_others_are_written(store: Store) -> None:
    store.will_write(ANA, BO, errors={"ValidationError": BO})
    assert store.write(ANA, BO) == [(as_text(BO), "ValidationError: told why")]


def test_a_call_that_is_refused_for_one_record_is_made_for_each_alone(store: Store) -> None:
    store.will_fail("ValidationError", "no such feature")
    store.will_write(ANA)
    store.will_fail("ValidationError", "no such feature")
    ((refused, reason),) = store.write(ANA, BO)
    assert refused == as_text(BO)
    assert "no such feature" in reason


def test_refused_records_are_counted_by_reason_and_kept_in_a_file(store: Store, tmp_path: Path) -> None:
    store.will_write(ANA, BO, errors={"ValidationError": BO})
    put = put_features(store.sandbox, [ANA, BO], total=2, directory=tmp_path)
    assert put.written == 1
    assert put.refused == {"ValidationError: told why": 1}
    assert list(read_records(tmp_path / REFUSED)) == [as_text(BO)]


def test_an_error_of_every_record_stops_and_says_how_far_it_came(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "MOST_ENTRIES", 1)
    store.will_write(ANA)
    store.will_fail("AccessForbidden", "not yours")
    with pytest.raises(PracticeError, match=r"Stopped after 1 of 2 records were written: .*not yours"):
        put_features(store.sandbox, [ANA, BO], total=2, directory=tmp_path)


def test_records_that_were_refused_can_be_put_from_the_file_that_keeps_them(store: Store, tmp_path: Path) -> None:
    kept = tmp_path / REFUSED
    kept.write_text(json.dumps(ANA) + "\n", encoding="utf-8")
    store.will_write(ANA)
    assert put_features(store.sandbox, read_records(kept), total=1, directory=tmp_path).written == 1
    assert kept.read_bytes() == b""


def test_records_are_not_made_before_they_are_put(store: Store, tmp_path: Path) -> None:
    """Else a large sample would fill the memory."""
    store.will_fail("AccessForbidden")
    made = 0

    def records() -> Iterator[Features]:
        nonlocal made
        for _ in range(1_000):
            made += 1
            yield ANA

    with pytest.raises(PracticeError):
        put_features(store.sandbox, records(), total=1_000, directory=tmp_path)
    assert made == MOST_ENTRIES


def test_refused_records_are_an_error_that_says_where_they_are_and_what_to_do(tmp_path: Path) -> None:
    put = Put(GROUP, written=1)
    require_all_written(put, tmp_path)
    put.refused["ValidationError: no"] += 2
    with pytest.raises(
        PracticeError, match=rf"2 x ValidationError: no\. They are in .*; .* features put --file .*{REFUSED}"
    ):
        require_all_written(put, tmp_path)


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[1]", b"3", b"{}", b'{"a": "\xff"}', pytest.param(b"[" * 100_000, id="nested deeply")]
)
def test_a_line_that_is_no_record_is_named(line: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(json.dumps(ANA).encode() + b"\n" + line + b"\n")
    with pytest.raises(PracticeError, match=r"Line 2 of .*mine.jsonl is .*; allowed: one JSON object of features"):
        list(read_records(file))


def test_features_are_read_by_customer(store: Store) -> None:
    store.will_answer(["C-1", "C-9", "C-2"], ANA, BO)
    found = get_features(store.sandbox, ["C-1", "C-9", "C-2", "C-1"])
    assert list(found) == ["C-1", "C-2"]
    assert found["C-1"] == as_text(ANA)


def test_a_call_asks_for_as_many_customers_as_the_service_allows(store: Store) -> None:
    ids = [f"C-{number}" for number in range(MOST_IDENTIFIERS + 1)]
    store.will_answer(ids[:MOST_IDENTIFIERS])
    store.will_answer(ids[MOST_IDENTIFIERS:], {**ANA, "customer_id": ids[-1]})
    assert list(get_features(store.sandbox, ids)) == [ids[-1]]
    limits = store.client.meta.service_model.shape_for("RecordIdentifiers").metadata
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
