"""Stacks that still exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from practice.sweep.kinds import Account, Kind, pages
from practice.sweep.ownership import Found


def _stacks(client: Any, _account: Account) -> Iterator[Found]:
    for stack in pages(client, "describe_stacks", "Stacks"):
        if stack["StackStatus"] != "DELETE_COMPLETE":
            yield Found(
                stack["StackName"],
                stack["StackId"],
                going=stack["StackStatus"] == "DELETE_IN_PROGRESS",
                item=stack["StackStatus"],
            )


STACK = Kind("stack", "cloudformation", "cloudformation:stack", "what it holds", _stacks, by_hand="make destroy")
FAILED = "DELETE_FAILED"
