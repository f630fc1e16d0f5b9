"""The cleaner's entry points, as the CDK's provider framework calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleaning.passes import Obstacle, clear, named_after
from sagemaker_api.apps import app_key
from sagemaker_api.listing import listed, sagemaker_client
from studio_cleaner.domain import apps_left, called, space_key, spaces_left, to_delete


def on_event(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Name the resource after its domain."""
    return named_after(event, "DomainId")


def is_complete(event: dict[str, Any], _context: object) -> dict[str, bool]:
    """Whether the domain can be deleted; as long as it cannot, ask SageMaker to delete what is in the way.

    There is nothing to do unless the resource is being deleted.
    """
    if event["RequestType"] != "Delete":
        return {"IsComplete": True}
    return {"IsComplete": clean(sagemaker_client(), event)}


def clean(client: Any, event: Mapping[str, Any]) -> bool:
    """One pass over the domain: its apps, and once they are gone, its spaces. True when nothing is left."""
    domain_id = event["PhysicalResourceId"]
    apps = Obstacle(
        "apps",
        lambda: apps_left(listed(client, "list_apps", "Apps", DomainIdEquals=domain_id), domain_id),
        to_delete,
        lambda app: client.delete_app(**app_key(app)),
        called,
    )
    spaces = Obstacle(
        "spaces",
        lambda: spaces_left(listed(client, "list_spaces", "Spaces", DomainIdEquals=domain_id), domain_id),
        to_delete,
        lambda space: client.delete_space(**space_key(space)),
        called,
    )
    return clear(event, [apps, spaces])
