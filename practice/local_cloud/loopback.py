"""boto3 clients that the server uses on itself.

Where a gap can be filled through a public AWS API, the extension calls that API rather than MiniStack's
internals: botocore then checks the request, and MiniStack's own behaviour applies. A call takes a few
milliseconds. Never call from the event loop: the server could not answer itself.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

import boto3
from botocore.config import Config

from practice.local_cloud.address import Access

LONGEST_INVOCATION = 900
CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=LONGEST_INVOCATION)


def access() -> Access:
    """The address of this very server, and its access key."""
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    return Access(*(os.environ[name] for name in names))


@lru_cache
def client(service_name: str) -> Any:
    """A client of this very server; thread-safe, one per service."""
    session: Any = boto3.Session()
    return session.client(service_name, config=CONFIG)
