"""Spaces of a SageMaker domain.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateSpace.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from practice.local_cloud.sagemaker import tags
from practice.local_cloud.sagemaker.api import Operation, Record, Request, arn, in_use, page, region
from practice.local_cloud.sagemaker.studio import (
    SPACES,
    domain,
    refuse_to_delete,
    running_apps,
    space,
    user_profile,
)


def _create(request: Request) -> Record:
    domain_id, name = domain(request["DomainId"])["DomainId"], request["SpaceName"]
    if (domain_id, name) in SPACES.here:
        raise in_use(f"Space [{name}] already exists in domain [{domain_id}].")
    if owner := request.get("OwnershipSettings", {}).get("OwnerUserProfileName"):
        user_profile(domain_id, owner)
    now = time.time()
    space_arn = arn(f"space/{domain_id}/{name}")
    settings, sharing = request.get("SpaceSettings", {}), request.get("SpaceSharingSettings", {})
    SPACES.here[domain_id, name] = record = {
        **request,
        "SpaceArn": space_arn,
        "Arn": space_arn,
        "Url": f"https://{domain_id}.studio.{region()}.sagemaker.aws/{settings.get('AppType', '').lower()}/{name}",
        "Status": "InService",
        "SpaceSettingsSummary": settings,
        "SpaceSharingSettingsSummary": sharing,
        "OwnershipSettingsSummary": request.get("OwnershipSettings", {}),
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    tags.attach(space_arn, request.get("Tags"))
    return record


def _describe(request: Request) -> Record:
    return space(request["DomainId"], request["SpaceName"])


def _list(request: Request) -> Record:
    return page(request, "Spaces", SPACES.here.values())


def _delete(request: Request) -> None:
    domain_id, name = request["DomainId"], request["SpaceName"]
    record = space(domain_id, name)
    running = [app["AppName"] for app in running_apps(domain_id) if app.get("SpaceName") == name]
    refuse_to_delete(f"Space [{name}]", {"apps": running})
    del SPACES.here[domain_id, name]
    tags.forget(record["Arn"])


OPERATIONS: Mapping[str, Operation] = {
    "CreateSpace": _create,
    "DescribeSpace": _describe,
    "ListSpaces": _list,
    "DeleteSpace": _delete,
}
