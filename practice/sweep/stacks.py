"""Stacks that still exist."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from practice.sweep.kinds import Account, Kind, pages
from practice.sweep.ownership import Found


def _stacks(client: Any, _account: Account) -> Iterator[Found]:
    for stack in pages(client, "describe_stacks", "Stacks"):
        status = stack["StackStatus"]
        if status != "DELETE_COMPLETE":
            why = _reasons(client, stack["StackId"]) if status == "DELETE_FAILED" else None
            yield Found(stack["StackName"], stack["StackId"], going=status == "DELETE_IN_PROGRESS", item=why)


def _reasons(client: Any, stack_id: str) -> list[str]:
    """Why the last deletion failed; events come newest first, and the stack's own has no reason but theirs.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
    """
    reasons: list[str] = []
    for event in pages(client, "describe_stack_events", "StackEvents", StackName=stack_id):
        if event["PhysicalResourceId"] != stack_id:
            if event["ResourceStatus"] == "DELETE_FAILED":
                reasons.append(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}")
        elif event["ResourceStatus"] == "DELETE_IN_PROGRESS":
            break
    return reasons


def failures(found: Found) -> list[str] | None:
    """Why the stack could not be deleted; None if that was not tried, or goes on."""
    reasons: list[str] | None = found.item
    return reasons


STACK = Kind("stack", "cloudformation", "cloudformation:stack", "what it holds", _stacks, by_hand="make destroy")
