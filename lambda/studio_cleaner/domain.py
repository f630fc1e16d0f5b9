"""What is left in a domain, and which of it a request to delete would remove."""

from __future__ import annotations

from collections.abc import Iterable

from sagemaker_api.listing import Listed

_GONE = frozenset({"Deleted", "Failed"})
"""SageMaker lists a deleted app for a day, and has deleted a failed one itself."""

_ON_ITS_WAY = "Deleting"


def apps_left(listed: Iterable[Listed], domain_id: str) -> list[Listed]:
    """The apps of this domain that exist.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AppDetails.html
    """
    return [app for app in listed if app["DomainId"] == domain_id and app["Status"] not in _GONE]


def spaces_left(listed: Iterable[Listed], domain_id: str) -> list[Listed]:
    """The spaces of this domain; SageMaker stops listing a space once it is deleted.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SpaceDetails.html
    """
    return [space for space in listed if space["DomainId"] == domain_id]


def to_delete(left: Iterable[Listed]) -> list[Listed]:
    """Those that nobody has asked SageMaker to delete yet."""
    return [item for item in left if item["Status"] != _ON_ITS_WAY]


def space_key(space: Listed) -> dict[str, str]:
    """How DeleteSpace names a space.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteSpace.html
    """
    return {name: space[name] for name in ("DomainId", "SpaceName")}


def called(item: Listed) -> str:
    """An app or a space with its status, as in ``lab/JupyterLab/default (Deleting)``."""
    owner = item.get("SpaceName") or item["UserProfileName"]
    path = [owner, item["AppType"], item["AppName"]] if "AppName" in item else [owner]
    return f"{'/'.join(path)} ({item['Status']})"
