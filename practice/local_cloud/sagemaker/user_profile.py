"""User profiles of a SageMaker domain.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateUserProfile.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from practice.local_cloud.sagemaker import tags
from practice.local_cloud.sagemaker.api import Operation, Record, Request, arn, in_use, page
from practice.local_cloud.sagemaker.studio import (
    SPACES,
    USER_PROFILES,
    domain,
    refuse_to_delete,
    running_apps,
    user_profile,
)


def _create(request: Request) -> Record:
    domain_id, name = domain(request["DomainId"])["DomainId"], request["UserProfileName"]
    if (domain_id, name) in USER_PROFILES.here:
        raise in_use(f"UserProfile [{name}] already exists in domain [{domain_id}].")
    now = time.time()
    profile_arn = arn(f"user-profile/{domain_id}/{name}")
    USER_PROFILES.here[domain_id, name] = record = {
        **request,
        "UserProfileArn": profile_arn,
        "Arn": profile_arn,
        "Status": "InService",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    tags.attach(profile_arn, request.get("Tags"))
    return record


def _describe(request: Request) -> Record:
    return user_profile(request["DomainId"], request["UserProfileName"])


def _list(request: Request) -> Record:
    return page(request, "UserProfiles", USER_PROFILES.here.values())


def _update(request: Request) -> Record:
    """Replace the settings that are given; the others stay."""
    record = user_profile(request["DomainId"], request["UserProfileName"])
    settings = {**record.get("UserSettings", {}), **request.get("UserSettings", {})}
    record.update(UserSettings=settings, LastModifiedTime=time.time())
    return record


def _delete(request: Request) -> None:
    domain_id, name = request["DomainId"], request["UserProfileName"]
    record = user_profile(domain_id, name)
    owned = [
        space["SpaceName"]
        for (owner, _), space in SPACES.here.items()
        if owner == domain_id and space.get("OwnershipSettings", {}).get("OwnerUserProfileName") == name
    ]
    running = [
        app["AppName"]
        for app in running_apps(domain_id)
        if app.get("UserProfileName") == name or app.get("SpaceName") in owned
    ]
    refuse_to_delete(f"UserProfile [{name}]", {"apps": running, "spaces": owned})
    del USER_PROFILES.here[domain_id, name]
    tags.forget(record["Arn"])


OPERATIONS: Mapping[str, Operation] = {
    "CreateUserProfile": _create,
    "DescribeUserProfile": _describe,
    "ListUserProfiles": _list,
    "UpdateUserProfile": _update,
    "DeleteUserProfile": _delete,
}
