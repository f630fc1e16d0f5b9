"""How CloudFormation works off its stacks.

Every resource is provided off the event loop, since the extension's handlers call the server itself. Requests are
answered when the stacks have settled, so that a deployment takes as long as its work: the CDK CLI looks again only
after five seconds when it finds a stack in progress, and a stack takes less than one here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from practice.local_cloud.hooks import CLOUDFORMATION, STACKS
from practice.local_cloud.service import Operations, Route

_PATIENCE_SECONDS = 3.0

RESOURCE_HANDLERS: Mapping[str, Operations] = {}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    STACKS._runs_on_worker_thread = lambda _resource_type: True
    answer = CLOUDFORMATION.handle_request

    async def answer_settled(*request: Any) -> Any:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while _in_progress() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return await answer(*request)

    CLOUDFORMATION.handle_request = answer_settled


def _in_progress() -> bool:
    """Whether a stack is on its way; one in REVIEW_IN_PROGRESS waits for its change set to be executed."""
    statuses = {stack["StackStatus"] for stack in CLOUDFORMATION._stacks.values()}
    return any(status.endswith("_IN_PROGRESS") for status in statuses - {"REVIEW_IN_PROGRESS"})
