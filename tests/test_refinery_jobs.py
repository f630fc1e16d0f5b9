"""The jobs from S3 to S3: run twice, run late, run over what changed, and killed in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any
from unittest.mock import Mock

import pytest
from pyspark.sql import SparkSession

from jobs.glue import fit_transformations
from jobs.refinery import storage
from jobs.refinery.arguments import ArgumentError
from jobs.refinery.schemas import LABEL, features_schema
from jobs.refinery.staging import Staged, StagingError, finish
from jobs.refinery.transformations.missing_data import Imputation
from jobs.refinery.transformations.pipeline import FittedTransformations, fit
from jobs.refinery.transformations.plan import Plan
from jobs.refinery.transformations.scaling import Standardization
from jobs.refinery.transformations.transformation import TransformationError
from practice.local_cloud.lifecycle import LocalCloud
from tests.refinery_lake import AS_OF, Lake, Mount, new_lake, order
from tests.refinery_lake import mount as mount  # a fixture

EARLY, LATE = "2026-08-01", "2026-11-22"
"""Two cutoffs: the 90 days of the first are over."""

MakeLake = Callable[[], Lake]


@pytest.fixture(scope="module")
def make_lake(local_cloud: LocalCloud, spark: SparkSession, mount: Mount) -> MakeLake:
    return lambda: new_lake(local_cloud, spark, mount)


@pytest.fixture
def lake(make_lake: MakeLake) -> Lake:
    return make_lake()


class TestCleaning:
    def test_a_day_that_is_run_again_is_what_it_was_with_one_file_a_day(self, lake: Lake) -> None:
        lake.clean()
        once = lake.rows("processed", "cleaned_orders"), lake.rows("processed", "cleaned_customers")
        lake.clean()
        assert (lake.rows("processed", "cleaned_orders"), lake.rows("processed", "cleaned_customers")) == once
        assert [row["event_id"][-2:] for row in once[0]] == ["11", "12", "13", "14", "21", "31"]
        days = ["2026-06-01", "2026-07-31", "2026-09-01", "2026-11-22"]
        assert lake.partitions("processed", "cleaned_orders", "order_date") == days
        assert len(lake.files("processed", "cleaned_orders")) == 4

    def test_a_late_copy_replaces_its_event_and_leaves_nothing_on_the_day_it_had_before(self, lake: Lake) -> None:
        lake.put_old("processed", "cleaned_orders/order_date=2026-07-31")
        moved = order("event-12", "2026-07-30T10:00:00", arrival_time="2026-08-02T00:00:00")
        lake.put_orders("2026-07-30", moved, file="late")
        lake.clean()
        found = [(row["order_date"], row["event_id"]) for row in lake.rows("processed", "cleaned_orders")]
        assert sorted(found)[2] == ("2026-07-30", "event-12")
        assert "2026-07-31" not in dict(found)
        assert len(found) == 6

    def test_only_the_days_of_the_lookback_are_read_and_replaced(
        self, lake: Lake, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lake.put_old("processed", "cleaned_orders/order_date=2026-06-01")
        lake.put_old("processed", "cleaned_orders/order_date=2026-09-02")
        lake.put_old("processed", "cleaned_orders/order_date=2026-11-22")
        lake.put_orders("2026-09-01", order("event-99", "2026-06-01T00:00:00"), file="of-another-day")
        lake.put_customers("2026-11-21", "C-1,2026-06-01,CH,social,true,1990")
        lake.clean("2026-11-20T22:00:00Z", lookback_days="100")
        days = lake.partitions("processed", "cleaned_orders", "order_date")
        assert days == ["2026-06-01", "2026-09-01", "2026-11-22"]
        (row, _) = lake.rows("processed", "cleaned_orders/order_date=2026-09-01")
        assert (row["event_id"], row["customer_country"]) == ("event-13", "AT")
        assert capsys.readouterr().out.startswith(
            "Cleaned the orders from 2026-08-13 to 2026-11-20 with the customers of 2026-11-20. 1 events were left out"
        )

    def test_without_customers_up_to_the_day_it_says_where_they_belong(self, lake: Lake) -> None:
        with pytest.raises(FileNotFoundError, match=r"up to 2026-11-19; found: 2026-11-20\. Land s3://raw-"):
            lake.clean("2026-11-19")

    def test_without_orders_nothing_is_emptied(self, lake: Lake) -> None:
        storage.delete(f"s3://processed-{lake.name}/orders/")
        with pytest.raises(FileNotFoundError, match="expected the orders Firehose writes"):
            lake.clean()


@pytest.fixture(scope="module")
def cleaned(make_lake: MakeLake) -> Lake:
    lake = make_lake()
    lake.clean()
    return lake


class TestFeatures:
    @pytest.fixture
    def lake(self, cleaned: Lake) -> Lake:
        """The same cleaned orders for every test, and nothing staged or published."""
        storage.delete(f"s3://curated-{cleaned.name}/")
        return cleaned

    def test_run_twice_and_killed_between_any_two_writes_it_leaves_the_same_features_and_labels(
        self, lake: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lake.build(cutoffs=f"{EARLY},{LATE}")
        lake.publish()
        features, labels = first = lake.curated()
        found = [(row["customer_id"], row["cutoff_date"], row["frequency"], row["T"]) for row in features]
        assert sorted(found) == [
            ("C-1", EARLY, "1", "61"),
            ("C-1", LATE, "2", "174"),
            ("C-2", EARLY, "0", "61"),
            ("C-2", LATE, "0", "174"),
            ("C-3", LATE, "0", "82"),
        ]
        assert [(row["customer_id"], row["cutoff_date"], row[LABEL]) for row in labels] == [
            ("C-1", EARLY, "0"),
            ("C-2", EARLY, "1"),
        ]

        with monkeypatch.context() as patched:
            kill_before_labels(patched)
            with pytest.raises(KeyboardInterrupt):
                lake.build(cutoffs=f"{EARLY},{LATE}")
            with pytest.raises(StagingError, match="no run has staged features to the end"):
                lake.publish()
        assert lake.curated() == first
        lake.build(cutoffs=f"{EARLY},{LATE}")
        with monkeypatch.context() as patched:
            kill_before_labels(patched)
            with pytest.raises(KeyboardInterrupt):
                lake.publish()
        lake.publish()
        assert lake.curated() == first
        assert [len(lake.files("curated", f"customer_{table}")) for table in ("features", "labels")] == [2, 1]

    def test_the_cutoff_is_the_day_itself_where_none_is_given_and_staging_holds_one_run(
        self, lake: Lake, capsys: pytest.CaptureFixture[str]
    ) -> None:
        lake.put_old("curated", f"staging/customer_features/cutoff_date={EARLY}")
        lake.put_old("curated", f"staging/customer_labels/cutoff_date={EARLY}")
        lake.build()
        assert lake.partitions("curated", "staging/customer_features", "cutoff_date") == [LATE]
        assert lake.partitions("curated", "staging/customer_labels", "cutoff_date") == []
        assert capsys.readouterr().out == (
            "Staged the features at 2026-11-22, and the labels at none. Without labels: 2026-11-22, since the 90 days "
            "from it on are not over by 2026-11-22.\n"
        )

    def test_a_run_publishes_its_own_features_alone(self, lake: Lake) -> None:
        finish(f"curated-{lake.name}", Staged(date(2026, 11, 21), [date(2026, 11, 21)], []))
        with pytest.raises(StagingError, match=r"--as_of is 2026-11-22, but the features of 2026-11-21 are staged"):
            lake.publish()

    def test_a_cutoff_in_the_future_is_refused(self, lake: Lake) -> None:
        with pytest.raises(ArgumentError, match=r"--cutoffs has 2026-11-23, after --as_of 2026-11-22; allowed: up to"):
            lake.build(cutoffs=f"{EARLY},2026-11-23")

    def test_a_cutoff_before_all_orders_is_refused_and_nothing_can_be_published(self, lake: Lake) -> None:
        with pytest.raises(StagingError, match=r"nobody had bought anything before 2026-06-01, so .* has no row of it"):
            lake.build(cutoffs=f"2026-06-01,{EARLY}")
        with pytest.raises(StagingError, match="no run has staged"):
            lake.publish()


@pytest.fixture(scope="module")
def published(cleaned: Lake) -> Lake:
    """Features of both cutoffs, and labels of the first."""
    cleaned.build(cutoffs=f"{EARLY},{LATE}")
    cleaned.publish()
    return cleaned


class TestTransformations:
    def test_they_are_fitted_until_the_newest_labelled_cutoff_and_replace_what_was_stored_for_it_alone(
        self, published: Lake, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lake, before = published, {*published.files("curated", "")}
        for step in (Standardization(("T",)), Imputation(("monetary_value",), missing_value=0.0)):
            monkeypatch.setattr(fit_transformations, "fit", partial(fit, plan=Plan((step,))))
            lake.fit()
        place = f"s3://curated-{lake.name}/transformations/training_until={EARLY}"
        stored = FittedTransformations.load(place)
        features = storage.read_parquet(lake.spark, f"s3://curated-{lake.name}/customer_features/", features_schema())
        found = stored.transform(features).collect()
        assert [row["monetary_value_imputed"] for row in found] == [10.10] * 5
        assert (stored.manifest.training_until, len(stored.pipeline.stages)) == (EARLY, 1)
        assert all(new.startswith(f"{place}/") for new in {*lake.files("curated", "")} - before)
        assert before <= {*lake.files("curated", "")}

    def test_labels_that_were_not_known_on_the_day_are_none(
        self, published: Lake, capsys: pytest.CaptureFixture[str]
    ) -> None:
        before = published.files("curated", "")
        published.fit("2026-10-29")
        assert published.files("curated", "") == before
        assert capsys.readouterr().out.startswith(
            "Nothing to fit on: no published cutoff has labels on 2026-10-29, since none is 90 days old by then."
        )

    def test_a_window_that_cannot_be_fitted_on_is_an_error_only_if_it_was_asked_for(
        self, published: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        too_small = Mock(side_effect=TransformationError("too small"))
        monkeypatch.setattr(fit_transformations, "fit", too_small)
        published.fit()
        assert capsys.readouterr().out == f"Nothing to fit on until {EARLY}: too small\n"
        with pytest.raises(TransformationError, match="too small"):
            published.fit(training_until=LATE)
        assert too_small.call_args.args[2] == date.fromisoformat(LATE)


def kill_before_labels(patched: pytest.MonkeyPatch) -> None:
    write = storage.write_partitions

    def write_features_alone(frame: Any, uri: str, *rest: Any) -> None:
        if "customer_labels" in uri:
            raise KeyboardInterrupt
        write(frame, uri, *rest)

    patched.setattr(storage, "write_partitions", write_features_alone)


def test_the_example_lies_as_its_names_say() -> None:
    assert date.fromisoformat(EARLY) + timedelta(days=90) <= date.fromisoformat(AS_OF)
    assert date.fromisoformat(LATE) + timedelta(days=90) > date.fromisoformat(AS_OF)
