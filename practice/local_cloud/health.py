"""Says which process answers, so that another program on the port is not taken for the local cloud."""

from __future__ import annotations

import os
from typing import Any

PATH = "/_sandbox/health"


async def health() -> dict[str, Any]:
    return {"pid": os.getpid()}


RESOURCE_HANDLERS: dict[str, Any] = {}
ROUTES = {("GET", PATH): health}


def install() -> None:
    """Nothing to replace."""
