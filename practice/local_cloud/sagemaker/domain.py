"""SageMaker domains.

A domain is in service as soon as it is created, and gone as soon as it is deleted. A home file system is an id alone.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateDomain.html
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from uuid import uuid4

from practice.local_cloud.sagemaker import tags
from practice.local_cloud.sagemaker.api import Operation, Record, Request, arn, in_use, invalid, page, region
from practice.local_cloud.sagemaker.studio import (
    APPS,
    DOMAINS,
    SPACES,
    USER_PROFILES,
    domain,
    refuse_to_delete,
    running_apps,
)

_DEFAULTS = {
    "AppNetworkAccessType": "PublicInternetOnly",
    "HomeEfsFileSystemCreation": "Enabled",
    "TagPropagation": "DISABLED",
}
_FIXED_WHILE_APPS_RUN = {"SubnetIds", "AppNetworkAccessType"}


def _create(request: Request) -> Record:
    name = request["DomainName"]
    if name in {existing["DomainName"] for existing in DOMAINS.here.values()}:
        raise in_use(f"Domain with the name [{name}] already exists.")
    domain_id = f"d-{uuid4().hex[:12]}"
    now = time.time()
    record: Record = {
        **_DEFAULTS,
        **request,
        "DomainId": domain_id,
        "DomainArn": (domain_arn := arn(f"domain/{domain_id}")),
        "Arn": domain_arn,
        "Url": f"https://{domain_id}.studio.{region()}.sagemaker.aws",
        "Status": "InService",
        "CreationTime": now,
        "LastModifiedTime": now,
    }
    if request.get("DomainSettings", {}).get("RStudioServerProDomainSettings"):
        record["SecurityGroupIdForDomainBoundary"] = f"sg-{secrets.token_hex(8)}"
    _create_home(record)
    DOMAINS.here[domain_id] = record
    tags.attach(domain_arn, request.get("Tags"))
    return record


def _create_home(record: Record) -> None:
    if record["HomeEfsFileSystemCreation"] == "Enabled":
        record.setdefault("HomeEfsFileSystemId", f"fs-{secrets.token_hex(8)}")


def _describe(request: Request) -> Record:
    return domain(request["DomainId"])


def _list(request: Request) -> Record:
    return page(request, "Domains", DOMAINS.here.values())


def _update(request: Request) -> Record:
    """Replace the members that are given."""
    record = domain(request["DomainId"])
    changes = {name: value for name, value in request.items() if record.get(name) != value}
    if changes.get("HomeEfsFileSystemCreation") == "Disabled":
        raise invalid("HomeEfsFileSystemCreation is Enabled and cannot become Disabled. Create another domain.")
    running = [app["AppName"] for app in running_apps(record["DomainId"])]
    if running and (fixed := sorted(_FIXED_WHILE_APPS_RUN & changes.keys())):
        raise in_use(f"{', '.join(fixed)} cannot change while apps run. Delete first: {', '.join(running)}.")
    if "DomainSettingsForUpdate" in changes:
        changes["DomainSettings"] = record.get("DomainSettings", {}) | changes.pop("DomainSettingsForUpdate")
    record.update(changes, LastModifiedTime=time.time())
    _create_home(record)
    return record


def _delete(request: Request) -> None:
    record = domain(request["DomainId"])
    domain_id = record["DomainId"]
    refuse_to_delete(
        f"Domain [{domain_id}]",
        {
            "apps": [app["AppName"] for app in running_apps(domain_id)],
            "spaces": [name for owner, name in SPACES.here if owner == domain_id],
            "user profiles": [name for owner, name in USER_PROFILES.here if owner == domain_id],
        },
    )
    for key in [key for key, app in APPS.here.items() if app["DomainId"] == domain_id]:
        tags.forget(APPS.here.pop(key)["Arn"])
    del DOMAINS.here[domain_id]
    tags.forget(record["Arn"])


OPERATIONS: Mapping[str, Operation] = {
    "CreateDomain": _create,
    "DescribeDomain": _describe,
    "ListDomains": _list,
    "UpdateDomain": _update,
    "DeleteDomain": _delete,
}
