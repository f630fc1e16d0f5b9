"""The things of SageMaker Studio and how they hang together: domains, user profiles, spaces and apps.

None of them runs anything: an app is a record that reports the status an app would have.
``POST /_sandbox/studio/stopping?seconds=...`` says how long an app is in Deleting from now on, as one that is stuck is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from practice.local_cloud.sagemaker.api import Record, Records, in_use, not_found

STARTING_SECONDS = 0.5
STOPPING_SECONDS = 0.5

_stopping_seconds = STOPPING_SECONDS

DOMAINS: Records[str, Record] = Records()
USER_PROFILES: Records[tuple[str, str], Record] = Records()
SPACES: Records[tuple[str, str], Record] = Records()
APPS: Records[tuple[str, ...], Record] = Records()


def domain(domain_id: str) -> Record:
    try:
        return DOMAINS.here[domain_id]
    except KeyError:
        raise not_found(f"Domain [{domain_id}] does not exist.") from None


def user_profile(domain_id: str, name: str) -> Record:
    try:
        return USER_PROFILES.here[domain(domain_id)["DomainId"], name]
    except KeyError:
        raise not_found(f"UserProfile [{name}] does not exist in domain [{domain_id}].") from None


def space(domain_id: str, name: str) -> Record:
    try:
        return SPACES.here[domain(domain_id)["DomainId"], name]
    except KeyError:
        raise not_found(f"Space [{name}] does not exist in domain [{domain_id}].") from None


def app_status(app: Record, now: float) -> str:
    """An app starts and stops in a moment. Once deleted it stays listed, on AWS for 24 hours, here with its domain."""
    if (deleted := app.get("DeletionTime")) is not None:
        return "Deleting" if now - deleted < _stopping_seconds else "Deleted"
    return "Pending" if now - app["CreationTime"] < STARTING_SECONDS else "InService"


async def set_stopping_seconds(query: Mapping[str, str]) -> Record:
    global _stopping_seconds
    _stopping_seconds = float(query["seconds"])
    return {}


def apps(domain_id: str) -> Iterator[Record]:
    """The domain's apps as they are now, the deleted ones too."""
    now = time.time()
    for app in list(APPS.here.values()):
        if app["DomainId"] == domain_id:
            yield app | {"Status": app_status(app, now)}


def running_apps(domain_id: str) -> list[Record]:
    return [app for app in apps(domain_id) if app["Status"] != "Deleted"]


def refuse_to_delete(what: str, dependents: dict[str, list[str]]) -> None:
    """Refuse the deletion of what others depend on; these are given by their kind."""
    found = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in dependents.items() if names)
    if found:
        raise in_use(f"Unable to delete {what} because of what is associated with it. Delete first {found}.")
