"""Everything that SageMaker lists, and when an error says that there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

Listed = Mapping[str, Any]
"""An entry of a page that SageMaker lists."""

_NOT_FOUND = "ResourceNotFound"
_INVALID = "ValidationException"
_GONE = ("does not exist", "has already been deleted", "previously failed and was automatically deleted")


def sagemaker_client() -> Any:
    """A client that waits and tries again when SageMaker throttles it."""
    return boto3.client("sagemaker", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))


def listed(client: Any, operation: str, key: str, **request: str) -> list[Listed]:
    """What every page of an operation lists under a key; nothing if what it is asked about no longer exists."""
    try:
        return [item for page in client.get_paginator(operation).paginate(**request) for item in page[key]]
    except ClientError as error:
        if is_gone(error):
            return []
        raise


def is_gone(error: ClientError) -> bool:
    """Whether it no longer exists; apps, model packages and their groups have no error of their own for it.

    Source: https://github.com/aws-controllers-k8s/sagemaker-controller/blob/main/generator.yaml
    """
    details = error.response["Error"]
    return details["Code"] == _NOT_FOUND or (
        details["Code"] == _INVALID and any(text in details["Message"] for text in _GONE)
    )
