"""A pass over what is in the way of a deletion; the CDK's provider framework asks for passes until one finds nothing.

Source: https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.custom_resources/README.html
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from sagemaker_api.listing import Listed, is_gone

_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
_IN_USE = frozenset({"ResourceInUse", "ConflictException"})
_MOST_TOLD = 5


class StillThereError(Exception):
    """What did not go in time; CloudFormation shows the message as the reason for which the deletion failed."""


@dataclass(frozen=True)
class Obstacle:
    """One kind of what is in the way."""

    name: str
    """In the plural, for the log."""
    left: Callable[[], list[Listed]]
    unasked: Callable[[list[Listed]], list[Listed]]
    """Those of what is left that nobody has asked SageMaker to remove yet."""
    remove: Callable[[Any], object]
    called: Callable[[Any], str]
    """What a reader of the reason knows one by."""


def named_after(event: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Name the resource after what it cleans, a property of it: what replaces that gets a cleaner of its own.

    CloudFormation then deletes the old cleaner before what it cleans. The framework passes on to the passes when they
    shall give up.
    """
    if event["RequestType"] == "Delete":
        give_up_at = time.time() + float(os.environ["PATIENCE_SECONDS"])
        return {"PhysicalResourceId": event["PhysicalResourceId"], "GiveUpAt": give_up_at}
    return {"PhysicalResourceId": event["ResourceProperties"][key]}


def clear(event: Mapping[str, Any], obstacles: Iterable[Obstacle]) -> bool:
    """One pass: ask for the first kind that is left to be removed. True when nothing is left of any.

    A pass that SageMaker throttles, in spite of the client's own attempts, is one that did not finish. What is gone
    or in use settles by itself until the next pass. Any other error raises, and so does what is left when it is time
    to give up: the framework itself would say no more than "Operation timed out".
    """
    cleaned = event["PhysicalResourceId"]
    try:
        for obstacle in obstacles:
            if left := obstacle.left():
                _remove(obstacle.unasked(left), obstacle.remove)
                _log(f"waiting for {obstacle.name}", cleaned, len(left))
                if time.time() >= event["GiveUpAt"]:
                    raise StillThereError(_reason(cleaned, obstacle, left))
                return False
    except ClientError as error:
        if error.response["Error"]["Code"] in _THROTTLED:
            _log("throttled", cleaned)
            return False
        raise
    _log("nothing left", cleaned)
    return True


def _reason(cleaned: str, obstacle: Obstacle, left: list[Listed]) -> str:
    names = [obstacle.called(item) for item in left]
    more = f" and {len(names) - _MOST_TOLD} more" if len(names) > _MOST_TOLD else ""
    return (
        f"{obstacle.name} of {cleaned} are still there: {', '.join(names[:_MOST_TOLD])}{more}. "
        "Delete the stack again; if they stay, only AWS Support can remove them."
    )


def _remove(items: list[Listed], remove: Callable[[Any], object]) -> None:
    for item in items:
        try:
            remove(item)
        except ClientError as error:
            if not (is_gone(error) or error.response["Error"]["Code"] in _IN_USE):
                raise


def _log(message: str, cleaned: str, left: int = 0) -> None:
    sys.stdout.write(json.dumps({"message": message, "cleaned": cleaned, "left": left}) + "\n")
