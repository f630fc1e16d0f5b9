"""Model package groups, which stay empty: the local cloud registers no models.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackageGroup.html
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from practice.local_cloud import sagemaker_tags
from practice.local_cloud.sagemaker_api import Operation, Record, Records, Request, arn, invalid, page

_GROUPS: Records[str, Record] = Records()


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
    }
    sagemaker_tags.attach(group_arn, request.get("Tags"))
    return record


def _list(request: Request) -> Record:
    return page(request, "ModelPackageGroupSummaryList", _GROUPS.here.values(), name="ModelPackageGroupName")


def _delete(request: Request) -> None:
    record = _group(request)
    del _GROUPS.here[record["ModelPackageGroupName"]]
    sagemaker_tags.forget(record["Arn"])


OPERATIONS: Mapping[str, Operation] = {
    "CreateModelPackageGroup": _create,
    "DescribeModelPackageGroup": _group,
    "ListModelPackageGroups": _list,
    "DeleteModelPackageGroup": _delete,
}
