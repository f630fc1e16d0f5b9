"""What of the staged features belongs together: which run staged them, for which cutoffs, and that it was finished.

Staging holds one run at a time, so the quality gate judges exactly what is published. The note is deleted before the
first write and written after the last one: without it nothing is published, so a job that is killed in between, or a
run that failed its gate, never gets to the curated tables.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date

from jobs.refinery import storage

FEATURES = "customer_features"
LABELS = "customer_labels"


class StagingError(RuntimeError):
    """Staged features that must not be published."""


@dataclass(frozen=True)
class Staged:
    """One run's staged features and labels."""

    as_of: date
    cutoffs: list[date]
    labelled: list[date]


def staging(curated_bucket: str, data_set: str) -> str:
    """Where a data set is staged."""
    return f"s3://{curated_bucket}/staging/{data_set}/"


def curated(curated_bucket: str, data_set: str) -> str:
    """Where a data set is published."""
    return f"s3://{curated_bucket}/{data_set}/"


def begin(curated_bucket: str) -> None:
    """Nothing is staged from here on."""
    storage.delete(_note(curated_bucket))


def finish(curated_bucket: str, staged: Staged) -> None:
    """Everything is staged."""
    content = {
        "as_of": staged.as_of.isoformat(),
        "cutoffs": [cutoff.isoformat() for cutoff in staged.cutoffs],
        "labelled": [cutoff.isoformat() for cutoff in staged.labelled],
    }
    storage.put_text(_note(curated_bucket), json.dumps(content))


def staged_by(curated_bucket: str, as_of: date) -> Staged:
    """What the run of a day has staged.

    Raises:
        StagingError: when no run has finished staging, or when it was the run of another day.
    """
    note = _note(curated_bucket)
    if not storage.exists(note):
        raise StagingError(f"{note} is missing, so no run has staged features to the end. Run build_customer_features.")
    content = json.loads(storage.read_text(note))
    staged = Staged(
        date.fromisoformat(content["as_of"]),
        [date.fromisoformat(cutoff) for cutoff in content["cutoffs"]],
        [date.fromisoformat(cutoff) for cutoff in content["labelled"]],
    )
    if staged.as_of != as_of:
        raise StagingError(
            f"--as_of is {as_of}, but the features of {staged.as_of} are staged. Run build_customer_features "
            f"--as_of {as_of} and its gate, or publish --as_of {staged.as_of}."
        )
    return staged


def _note(curated_bucket: str) -> str:
    return f"s3://{curated_bucket}/staging/staged.json"
