"""Delivers now what the local cloud has buffered; AWS takes the time it takes."""

from __future__ import annotations

from practice.errors import PracticeError
from practice.local_cloud.lifecycle import LocalCloud, LocalCloudError, log_path

FIREHOSE = "firehose"
FEATURE_STORE = "feature-store"


def flush(cloud: LocalCloud, *services: str) -> None:
    """Deliver what these services have buffered; the local cloud alone can be asked to."""
    for service in services or (FIREHOSE, FEATURE_STORE):
        try:
            cloud.post(f"/_sandbox/{service}/flush")
        except LocalCloudError as error:
            raise PracticeError(
                f"The local cloud did not deliver: {error}. Its log: {log_path(cloud.directory)}"
            ) from error
