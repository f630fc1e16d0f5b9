"""What the feature store takes from the Spark workers, and what it refuses."""

from __future__ import annotations

from collections import Counter
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from jobs.refinery.ingest import ATTEMPTS, Ingested, IngestError, write_rows

GROUP = "ml-sandbox-customer-features"
ROW = {"customer_id": "C-1", "event_time": "2026-11-22T00:00:00Z", "frequency": 3, "currency": None}
SENT = {
    "FeatureGroupName": GROUP,
    "Record": [
        {"FeatureName": "customer_id", "ValueAsString": "C-1"},
        {"FeatureName": "event_time", "ValueAsString": "2026-11-22T00:00:00Z"},
        {"FeatureName": "frequency", "ValueAsString": "3"},
    ],
}


@pytest.fixture
def client() -> Any:
    session: Any = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")  # noqa: S106
    return session.client("sagemaker-featurestore-runtime")


def test_a_row_becomes_a_record_without_what_is_not_known(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_response("put_record", {}, SENT)
        assert write_rows(client, GROUP, [ROW]) == Counter({"": 1})


def test_a_record_that_is_refused_is_counted_with_the_reason_and_the_next_is_written(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("put_record", "ValidationError", "frequency is not a number", 400)
        stub.add_response("put_record", {})
        assert write_rows(client, GROUP, [ROW, ROW]) == Counter(
            {"ValidationError: frequency is not a number": 1, "": 1}
        )


def test_what_passes_by_itself_is_tried_again_after_longer_and_longer_pauses(client: Any) -> None:
    pauses: list[float] = []
    with Stubber(client) as stub:
        for _ in range(3):
            stub.add_client_error("put_record", "ThrottlingException", "slow down", 400)
        stub.add_response("put_record", {})
        assert write_rows(client, GROUP, [ROW], pauses.append) == Counter({"": 1})
    assert pauses == sorted(set(pauses))
    assert len(pauses) == 3


def test_what_does_not_pass_is_given_up_and_counted(client: Any) -> None:
    with Stubber(client) as stub:
        for _ in range(ATTEMPTS):
            stub.add_client_error("put_record", "ThrottlingException", "slow down", 400)
        assert write_rows(client, GROUP, [ROW], lambda _: None) == Counter({"ThrottlingException in 6 attempts": 1})
        stub.assert_no_pending_responses()


def test_the_job_fails_with_the_count_and_the_reasons_when_something_was_refused() -> None:
    outcome = Ingested(written=7, refused=Counter({"ValidationError: x": 2, "ThrottlingException in 6 attempts": 1}))
    with pytest.raises(IngestError, match=rf"{GROUP} refused 3 of 10 records: 2 x ValidationError: x; 1 x Throttling"):
        outcome.require_all_written(GROUP)


def test_the_job_passes_when_everything_was_written() -> None:
    Ingested(written=7).require_all_written(GROUP)
