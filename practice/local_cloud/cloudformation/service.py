"""How CloudFormation works off its stacks.

Every resource is provided off the event loop, since the extension's handlers call the server itself. Requests are
answered when the stacks have settled, so that a deployment takes as long as its work: the CDK CLI looks again only
after five seconds when it finds a stack in progress, and a stack takes less than one here.

What a resource depends on is kept when its deletion fails, as on AWS: deletion goes against the dependencies, and the
next attempt needs what stands behind a custom resource. MiniStack goes on and deletes that too.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-dependson.html
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from practice.local_cloud.hooks import CLOUDFORMATION, STACKS
from practice.local_cloud.service import Operations, Route

_PATIENCE_SECONDS = 3.0
_NEEDED = "is kept, since it is needed by"

RESOURCE_HANDLERS: Mapping[str, Operations] = {}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    _keep_what_is_needed()
    STACKS._runs_on_worker_thread = lambda _resource_type: True
    answer = CLOUDFORMATION.handle_request

    async def answer_settled(*request: Any) -> Any:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while _in_progress() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return await answer(*request)

    CLOUDFORMATION.handle_request = answer_settled


def _keep_what_is_needed() -> None:
    """Leave alone, without an event, what a resource of the same stack needs that is still there."""
    delete, add_event = STACKS._delete_resource, STACKS._add_event

    def delete_unless_needed(type_: str, physical_id: str, properties: Any, stack_name: str, logical_id: str) -> None:
        if needed_by := _needed_by(stack_name, logical_id):
            raise ValueError(f"{_NEEDED} {needed_by}")
        delete(type_, physical_id, properties, stack_name, logical_id)

    def add_event_but_of_what_is_needed(
        stack_id: str,
        stack_name: str,
        logical_id: str,
        type_: str,
        status: str,
        reason: str = "",
        *more: Any,
        **named: Any,
    ) -> None:
        if not reason.startswith(_NEEDED):
            add_event(stack_id, stack_name, logical_id, type_, status, reason, *more, **named)

    STACKS._delete_resource = delete_unless_needed
    STACKS._add_event = add_event_but_of_what_is_needed


def _needed_by(stack_name: str, logical_id: str) -> str:
    stack = CLOUDFORMATION._stacks.get(stack_name, {})
    if stack.get("StackStatus") != "DELETE_IN_PROGRESS":
        return ""
    defined = stack["_template"]["Resources"]
    there = {name: defined[name] for name in stack["_resources"] if name in defined and name != logical_id}
    return next((name for name, body in there.items() if logical_id in STACKS._extract_deps(body, {logical_id})), "")


def _in_progress() -> bool:
    """Whether a stack is on its way; one in REVIEW_IN_PROGRESS waits for its change set to be executed."""
    statuses = {stack["StackStatus"] for stack in CLOUDFORMATION._stacks.values()}
    return any(status.endswith("_IN_PROGRESS") for status in statuses - {"REVIEW_IN_PROGRESS"})
