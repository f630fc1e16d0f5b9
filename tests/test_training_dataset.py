"""The rows that training reads: by the contract, split by time, transformed as the training part alone says."""

from __future__ import annotations

import os
import threading
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts import Contract
from jobs.refinery import labels, schemas
from jobs.training import dataset, transformations
from jobs.training.dataset import DatasetError
from tests import training_data

ROWS = training_data.customers(count=40)


def test_label_and_horizon_are_those_of_the_refinery() -> None:
    assert (dataset.TARGET, dataset.HORIZON) == (schemas.LABEL, labels.HORIZON)


def test_columns_have_the_contracts_names_whatever_case_athena_left(tmp_path: Path) -> None:
    rows = dataset.read(training_data.write(ROWS, tmp_path))
    assert list(rows.columns) == [
        *(f.name for f in Contract.load("customer_features").fields),
        "cutoff_date",
        "no_purchase_90d",
    ]
    assert len(rows) == len(ROWS)


def test_the_same_rows_have_the_same_digest_however_they_lie_in_files(tmp_path: Path) -> None:
    one = dataset.read(training_data.write(ROWS, tmp_path / "one"))
    two = dataset.read(training_data.write(ROWS.sample(frac=1, random_state=1), tmp_path / "two", files=3))
    other = dataset.read(training_data.write(ROWS.assign(recency=ROWS["recency"] + 1), tmp_path / "other"))
    assert dataset.digest(one) == dataset.digest(two) != dataset.digest(other)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    rows = dataset.read(training_data.write(ROWS, tmp_path / "athena"))
    dataset.write(rows, tmp_path / "part")
    assert dataset.digest(dataset.read(tmp_path / "part")) == dataset.digest(rows)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Pipe mode needs FIFOs")
def test_pipe_mode_reads_the_channel_from_its_fifo(tmp_path: Path) -> None:
    file = training_data.write(ROWS, tmp_path / "files") / "part-0.parquet"
    os.mkfifo(tmp_path / "train_0")
    streaming = threading.Thread(target=lambda: (tmp_path / "train_0").write_bytes(file.read_bytes()))
    streaming.start()
    assert dataset.digest(dataset.read(tmp_path / "train")) == dataset.digest(dataset.read(file.parent))
    streaming.join()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ROWS.drop(columns="no_purchase_90d").assign(no_purchase_90d=None), "have no no_purchase_90d"),
        (None, "holds no \\*.parquet file"),
    ],
    ids=["no label", "no file"],
)
def test_data_that_cannot_be_trained_on_is_refused(rows: pd.DataFrame | None, message: str, tmp_path: Path) -> None:
    if rows is not None:
        training_data.write(rows, tmp_path)
    with pytest.raises(DatasetError, match=message):
        dataset.read(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    ROWS.drop(columns=["recency"]).to_parquet(tmp_path / "part-0.parquet")
    with pytest.raises(DatasetError, match=r"lacks the column\(s\) recency; found: customer_id"):
        dataset.read(tmp_path)


def test_parts_are_ninety_days_apart_and_the_newest_cutoff_tests() -> None:
    days = (0, 90, 120, 200, 290, 300)
    cutoffs = [date(2025, 1, 1) + timedelta(days=day) for day in days]
    found = {
        name: [(cutoff - cutoffs[0]).days for cutoff in sorted(set(part[dataset.CUTOFF]))]
        for name, part in dataset.split(training_data.customers(cutoffs, count=3))._asdict().items()
    }
    assert found == {"train": [0, 90], "validation": [200], "test": [300]}


def test_too_few_cutoffs_end_in_an_error_that_says_which_are_needed() -> None:
    rows = training_data.customers([date(2025, 9, 1), date(2025, 10, 1)], count=3)
    with pytest.raises(DatasetError, match=r"2025-09-01, 2025-10-01; .* cutoffs 2025-04-04, 2025-07-03, 2025-10-01"):
        dataset.split(rows)


def test_transformations_know_nothing_of_the_validation_data() -> None:
    train, validation, _ = dataset.split(ROWS)
    fitted = transformations.build().fit(train)
    before = fitted.transform(train)
    changed = validation.assign(monetary_value=1e9, spend_30d_lag_1=None, currency="JPY", tenure_bucket=None)
    again = transformations.build().fit(train)
    again.transform(changed)
    np.testing.assert_array_equal(again.transform(train), before)


def test_values_that_training_has_not_seen_are_transformed_too() -> None:
    train, validation, _ = dataset.split(ROWS)
    fitted = transformations.build().fit(train)
    unseen = validation.assign(monetary_value=None, favourite_channel=None, currency="JPY", tenure_bucket=None)
    assert np.isfinite(fitted.transform(unseen).astype(float)).all()


def test_every_feature_is_transformed_but_the_target_even_one_that_no_row_has() -> None:
    train = dataset.split(ROWS).train.assign(weekend_share=np.nan)
    names = transformations.build("spend_90d").fit(train).get_feature_names_out()
    missing = {name for name in dataset.FEATURES if not any(found.startswith(name) for found in names)}
    assert missing == {"spend_90d"}
