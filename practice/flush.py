"""Delivers now what the local cloud has buffered; AWS takes the time it takes."""

from __future__ import annotations

import urllib.request
from urllib.error import HTTPError

from practice.errors import PracticeError
from practice.local_cloud.lifecycle import LocalCloud, log_path

FIREHOSE = "firehose"
FEATURE_STORE = "feature-store"
_SECONDS = 600


def flush(cloud: LocalCloud, *services: str) -> None:
    """Deliver what these services have buffered; the local cloud alone can be asked to."""
    for service in services or (FIREHOSE, FEATURE_STORE):
        request = urllib.request.Request(f"{cloud.endpoint}/_sandbox/{service}/flush", method="POST")  # noqa: S310
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=_SECONDS):
                pass
        except OSError as error:
            told = error.read().decode() if isinstance(error, HTTPError) else error
            raise PracticeError(
                f"The local cloud did not deliver: {told}. Its log: {log_path(cloud.directory)}"
            ) from error
