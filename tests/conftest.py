"""Fixtures that several test files share."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from practice.local_cloud.lifecycle import LocalCloud


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running local cloud; one per test process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cloud = LocalCloud.start(tmp_path_factory.mktemp("local-cloud"), port)
    yield cloud
    cloud.stop()
