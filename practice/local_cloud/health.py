"""Says which process answers, so that another program on the port is not taken for the local cloud."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from practice.local_cloud.service import Operations, Route

PATH = "/_sandbox/health"


async def health(_: Mapping[str, str]) -> dict[str, Any]:
    return {"pid": os.getpid()}


RESOURCE_HANDLERS: Mapping[str, Operations] = {}
ROUTES: Mapping[tuple[str, str], Route] = {("GET", PATH): health}


def install() -> None:
    """Nothing to replace."""
