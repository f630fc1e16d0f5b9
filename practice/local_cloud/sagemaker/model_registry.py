"""The model registry: groups, and in them the versions of a model, each with its metrics and its approval.

A package is a record: what it says of a model in S3 is kept, not checked. Refused: packages outside a group.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackageGroup.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html; that a list without a group has
no versions unless they are asked for: https://github.com/boto/boto3/issues/3069; that it leaves out their names:
https://github.com/aws/sagemaker-python-sdk/issues/5606.
Not documented: the error for a group that still has packages, of which the API only lists ConflictException.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from practice.local_cloud.sagemaker import tags
from practice.local_cloud.sagemaker.api import (
    ApiError,
    Operation,
    Record,
    Records,
    Request,
    arn,
    invalid,
    page,
)

_GROUPS: Records[str, Record] = Records()
_PACKAGES: Records[str, Record] = Records()
"""By ARN."""

_UPDATED = ("ModelApprovalStatus", "ApprovalDescription", "CustomerMetadataProperties")
_UPDATES = ("ModelPackageArn", *_UPDATED, "CustomerMetadataPropertiesToRemove")


# -- groups


def _group(request: Request) -> Record:
    """The group by its name or ARN. The API has no error of its own for one that does not exist."""
    name = request["ModelPackageGroupName"].rpartition("/")[2]
    try:
        return _GROUPS.here[name]
    except KeyError:
        raise invalid(f"ModelPackageGroup {arn(f'model-package-group/{name}')} does not exist.") from None


def _create(request: Request) -> Record:
    name = request["ModelPackageGroupName"]
    group_arn = arn(f"model-package-group/{name}")
    if name in _GROUPS.here:
        raise invalid(f"Model Package Group already exists: {group_arn}")
    _GROUPS.here[name] = record = {
        **request,
        "ModelPackageGroupArn": group_arn,
        "Arn": group_arn,
        "ModelPackageGroupStatus": "Completed",
        "CreatedBy": {},
        "CreationTime": time.time(),
        "LatestVersion": 0,
    }
    tags.attach(group_arn, request.get("Tags"))
    return record


def _list(request: Request) -> Record:
    return page(request, "ModelPackageGroupSummaryList", _GROUPS.here.values(), name="ModelPackageGroupName")


def _delete(request: Request) -> None:
    record = _group(request)
    if packages := _versions(record):
        raise ApiError(
            "ConflictException",
            f"{record['Arn']} cannot be deleted while it has model packages. "
            f"Delete first: {', '.join(package['Arn'] for package in packages)}.",
        )
    del _GROUPS.here[record["ModelPackageGroupName"]]
    tags.forget(record["Arn"])


def _versions(group: Record) -> list[Record]:
    name = group["ModelPackageGroupName"]
    return [package for package in _PACKAGES.here.values() if package["ModelPackageGroupName"] == name]


# -- packages


def _package(name: str) -> Record:
    """The package by its ARN, or by the group's name and the version: ``churn/3``."""
    package_arn = name if name.startswith("arn:") else arn(f"model-package/{name}")
    try:
        return _PACKAGES.here[package_arn]
    except KeyError:
        raise invalid(f"ModelPackage {package_arn} does not exist.") from None


def _create_package(request: Request) -> Record:
    """The next version in its group; the number of one that was deleted is not used again."""
    if "ModelPackageGroupName" not in request or "ModelPackageName" in request:
        raise invalid("the local cloud keeps model packages in groups only: give ModelPackageGroupName, no name.")
    if "Tags" in request:
        raise invalid("Tags are those of the model package group; leave them out for a version in it.")
    group = _group(request)
    name, version = group["ModelPackageGroupName"], group["LatestVersion"] + 1
    group["LatestVersion"] = version
    package_arn = arn(f"model-package/{name}/{version}")
    _PACKAGES.here[package_arn] = record = {
        "ModelApprovalStatus": "PendingManualApproval",
        **request,
        "ModelPackageName": name,
        "ModelPackageGroupName": name,
        "ModelPackageVersion": version,
        "ModelPackageArn": package_arn,
        "Arn": package_arn,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
        "CreatedBy": {},
        "CreationTime": time.time(),
    }
    return record


def _describe_package(request: Request) -> Record:
    return _package(request["ModelPackageName"])


def _list_packages(request: Request) -> Record:
    if "ModelPackageGroupName" in request:
        found = _versions(_group(request))
    else:
        found = list(_PACKAGES.here.values()) if request.get("ModelPackageType") in ("Versioned", "Both") else []
    approval = request.get("ModelApprovalStatus")
    chosen = [p | {"ModelPackageName": None} for p in found if approval in (None, p["ModelApprovalStatus"])]
    return page(request, "ModelPackageSummaryList", chosen, name="ModelPackageGroupName")


def _update_package(request: Request) -> Record:
    if refused := [name for name in request if name not in _UPDATES]:
        raise invalid(f"the local cloud does not change {', '.join(refused)} of a model package.")
    record = _package(request["ModelPackageArn"])
    changes = {name: request[name] for name in _UPDATED if name in request}
    metadata = record.get("CustomerMetadataProperties", {}) | changes.get("CustomerMetadataProperties", {})
    for key in request.get("CustomerMetadataPropertiesToRemove", ()):
        metadata.pop(key, None)
    record.update(changes, CustomerMetadataProperties=metadata, LastModifiedTime=time.time())
    return record


def _delete_package(request: Request) -> None:
    del _PACKAGES.here[_package(request["ModelPackageName"])["Arn"]]


OPERATIONS: Mapping[str, Operation] = {
    "CreateModelPackageGroup": _create,
    "DescribeModelPackageGroup": _group,
    "ListModelPackageGroups": _list,
    "DeleteModelPackageGroup": _delete,
    "CreateModelPackage": _create_package,
    "DescribeModelPackage": _describe_package,
    "ListModelPackages": _list_packages,
    "UpdateModelPackage": _update_package,
    "DeleteModelPackage": _delete_package,
}
