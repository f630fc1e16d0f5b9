"""The cleaner's entry points, as the CDK's provider framework calls them.

Source: https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk.custom_resources/README.html
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from studio_cleaner.domain import app_key, apps_left, space_key, spaces_left, to_delete

_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
_NOT_FOUND = "ResourceNotFound"
_IN_USE = "ResourceInUse"
_ALREADY_GONE = ("has already been deleted", "previously failed and was automatically deleted")


def on_event(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Name the resource after its domain: a domain that replaces another gets a cleaner of its own.

    CloudFormation then deletes the old cleaner before the old domain.
    """
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": event["PhysicalResourceId"]}
    return {"PhysicalResourceId": event["ResourceProperties"]["DomainId"]}


def is_complete(event: dict[str, Any], _context: object) -> dict[str, bool]:
    """Whether the domain can be deleted; as long as it cannot, ask SageMaker to delete what is in the way.

    There is nothing to do unless the resource is being deleted.
    """
    if event["RequestType"] != "Delete":
        return {"IsComplete": True}
    return {"IsComplete": clean(sagemaker_client(), event["PhysicalResourceId"])}


def sagemaker_client() -> Any:
    """A client that waits and tries again when SageMaker throttles it."""
    return boto3.client("sagemaker", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))


def clean(client: Any, domain_id: str) -> bool:
    """One pass over the domain: its apps, and once they are gone, its spaces. True when nothing is left.

    A pass that SageMaker throttles, in spite of the client's own attempts, is one that did not finish. A domain
    that no longer exists has nothing left. Any other error raises.
    """
    try:
        if apps := apps_left(_listed(client, "list_apps", "Apps", domain_id), domain_id):
            _delete(to_delete(apps), lambda app: client.delete_app(**app_key(app)))
            _log("waiting for apps", domain_id, len(apps))
            return False
        if spaces := spaces_left(_listed(client, "list_spaces", "Spaces", domain_id), domain_id):
            _delete(to_delete(spaces), lambda space: client.delete_space(**space_key(space)))
            _log("waiting for spaces", domain_id, len(spaces))
            return False
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == _NOT_FOUND:
            return True
        if code in _THROTTLED:
            _log("throttled", domain_id)
            return False
        raise
    _log("nothing left", domain_id)
    return True


def _listed(client: Any, operation: str, key: str, domain_id: str) -> list[dict[str, Any]]:
    pages = client.get_paginator(operation).paginate(DomainIdEquals=domain_id)
    return [item for page in pages for item in page[key]]


def _delete(items: list[Any], delete: Callable[[Any], object]) -> None:
    """Ask for each to be deleted; the next pass sees what is gone, and what was still in use."""
    for item in items:
        try:
            delete(item)
        except ClientError as error:
            if not _settles_by_itself(error):
                raise


def _settles_by_itself(error: ClientError) -> bool:
    details = error.response["Error"]
    return details["Code"] in {_NOT_FOUND, _IN_USE} or any(text in details["Message"] for text in _ALREADY_GONE)


def _log(message: str, domain_id: str, left: int = 0) -> None:
    sys.stdout.write(json.dumps({"message": message, "domainId": domain_id, "left": left}) + "\n")
