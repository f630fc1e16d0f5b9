"""The data set that training starts from: each label with what was known of its customer at the cutoff."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from contracts import Contract
from jobs.training import dataset, point_in_time
from practice.local_cloud.lifecycle import LocalCloud
from tests import training_data
from tests.local_lake import Lake

ROOT = Path(__file__).parents[1]
HIVE_TYPES = {"String": "string", "Integral": "bigint", "Fractional": "double"}
FEATURES = {
    **{field.name: HIVE_TYPES[field.feature_type] for field in Contract.load("customer_features").fields},
    "write_time": "timestamp",
    "api_invocation_time": "timestamp",
    "is_deleted": "boolean",
}
LABELS = {"customer_id": "string", dataset.TARGET: "int", dataset.CUTOFF: "date"}
CUTOFFS = [date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1)]

# customer, cutoff of the features, when they were put, when they were written, frequency, deleted
VERSIONS = (
    ("C-1", "2025-03-01T00:00:00Z", "2025-03-01", "2025-03-01", 1, False),
    ("C-1", "2025-04-01T00:00:00Z", "2025-04-01", "2025-04-01", 2, False),  # the cutoff itself
    ("C-1", "2025-04-01T00:00:01Z", "2025-04-01", "2025-04-01", 3, False),  # a second after it
    ("C-2", "2025-02-01T00:00:00Z", "2025-02-01", "2025-02-01", 4, False),
    ("C-2", "2025-01-01T00:00:00Z", "2025-03-01", "2025-03-01", 5, False),  # came late, and is older
    ("C-3", "2025-03-01T00:00:00Z", "2025-03-01", "2025-03-01", 6, False),
    ("C-3", "2025-03-01T00:00:00Z", "2025-03-02", "2025-03-02", 7, False),  # put again
    ("C-4", "2025-02-01T00:00:00Z", "2025-02-01", "2025-02-01", 8, False),
    ("C-4", "2025-03-01T00:00:00Z", "2025-03-01", "2025-03-01", 9, True),  # deleted by then
    ("C-5", "2025-05-01T00:00:00Z", "2025-05-01", "2025-05-01", 10, False),  # not yet a customer
)


def tables(cloud: LocalCloud, features: list[list[Any]], labels: list[list[Any]]) -> Lake:
    lake = Lake(cloud)
    for name, columns, rows in (("features", FEATURES, features), ("labels", LABELS, labels)):
        lake.create_table(name, columns, prefix=f"{name}/")
        lake.put_parquet(f"{name}/part.parquet", columns, rows)
    return lake


def test_a_label_gets_the_newest_features_that_were_known_at_its_cutoff(local_cloud: LocalCloud) -> None:
    features = []
    for customer, of, put, written, frequency, deleted in VERSIONS:
        values = {
            "customer_id": customer,
            "event_time": of,
            "frequency": frequency,
            "api_invocation_time": put,
            "write_time": written,
            "is_deleted": deleted,
        }
        features.append([values.get(name) for name in FEATURES])
    labels = [[f"C-{number}", number % 2, "2025-04-01"] for number in range(1, 7)]
    lake = tables(local_cloud, features, labels)

    rows = lake.rows(point_in_time.query(f"{lake.database}.features", f"{lake.database}.labels"))

    columns = [*(field.name for field in Contract.load("customer_features").fields), dataset.CUTOFF, dataset.TARGET]
    found = [dict(zip(columns, row, strict=True)) for row in rows]
    assert sorted((row["customer_id"], row["frequency"], row[dataset.TARGET]) for row in found) == [
        ("C-1", "2", "1"),
        ("C-2", "4", "0"),
        ("C-3", "7", "1"),
    ]
    assert {row[dataset.CUTOFF] for row in found} == {"2025-04-01"}


@pytest.fixture(scope="module")
def shop(local_cloud: LocalCloud) -> tuple[Lake, pd.DataFrame]:
    """Customers at three cutoffs, as the feature store and the curated zone hold them."""
    rows = training_data.customers(CUTOFFS, count=20)
    put = {"write_time": "2025-08-01", "api_invocation_time": "2025-08-01", "is_deleted": False}
    features = rows.astype(object).where(rows.notna(), None).assign(**put)
    lake = tables(local_cloud, features[list(FEATURES)].to_numpy().tolist(), rows[list(LABELS)].to_numpy().tolist())
    return lake, rows


def prepare(cloud: LocalCloud, lake: Lake, directory: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    arguments = {
        "features-table": f"{lake.database}.features",
        "labels-table": f"{lake.database}.labels",
        "workgroup": lake.workgroup,
        "unload-to": f"s3://{lake.bucket}/datasets/{directory.name}/unloaded",
        **{part: str(directory / part) for part in ("train", "validation", "test")},
        **changes,
    }
    return subprocess.run(  # noqa: S603 - our own script
        [
            *(sys.executable, ROOT / "jobs" / "training" / "prepare.py"),
            *(word for name, value in arguments.items() for word in (f"--{name}", value)),
        ],
        env={"PYTHONPATH": str(ROOT), **cloud.environment},
        capture_output=True,
        text=True,
    )


def test_prepare_leaves_three_parts_of_what_athena_found_and_prints_the_split(
    local_cloud: LocalCloud, shop: tuple[Lake, pd.DataFrame], tmp_path: Path
) -> None:
    lake, rows = shop
    done = prepare(local_cloud, lake, tmp_path)
    assert done.returncode == 0, done.stderr
    parts = {name: dataset.read(tmp_path / name) for name in ("train", "validation", "test")}
    assert {name: set(part[dataset.CUTOFF]) for name, part in parts.items()} == {
        name: {cutoff} for name, cutoff in zip(parts, CUTOFFS, strict=True)
    }
    found = pd.concat(parts.values()).sort_values([dataset.CUTOFF, "customer_id"], ignore_index=True)
    expected = rows.sort_values([dataset.CUTOFF, "customer_id"], ignore_index=True)[list(found.columns)]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert {name: part["rows"] for name, part in json.loads(done.stdout).items()} == {
        n: len(p) for n, p in parts.items()
    }


def test_prepare_runs_again_where_an_attempt_has_left_data(
    local_cloud: LocalCloud, shop: tuple[Lake, pd.DataFrame], tmp_path: Path
) -> None:
    """A pipeline execution that is retried has the id, and so the place, of the first attempt."""
    for attempt in ("first", "second"):
        parts = {part: str(tmp_path / attempt / part) for part in ("train", "validation", "test")}
        done = prepare(local_cloud, shop[0], tmp_path, **parts)
        assert done.returncode == 0, done.stderr
    first, second = (dataset.read(tmp_path / attempt / "train") for attempt in ("first", "second"))
    pd.testing.assert_frame_equal(*(rows.sort_values("customer_id", ignore_index=True) for rows in (first, second)))


def test_prepare_says_what_athena_says(
    local_cloud: LocalCloud, shop: tuple[Lake, pd.DataFrame], tmp_path: Path
) -> None:
    failed = prepare(local_cloud, shop[0], tmp_path, **{"labels-table": f"{shop[0].database}.nothing"})
    assert failed.returncode == 1
    assert "prepare.py: the query for the data set ended as FAILED: TABLE_NOT_FOUND" in failed.stderr
    assert not (tmp_path / "train").exists()
