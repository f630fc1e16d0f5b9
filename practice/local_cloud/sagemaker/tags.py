"""Tags of SageMaker's resources, by ARN.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AddTags.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from practice.local_cloud.sagemaker.api import Operation, Record, Records, Request, not_found

_TAGS: Records[str, dict[str, str]] = Records()


def attach(resource_arn: str, tags: Sequence[Mapping[str, str]] | None) -> None:
    """Begin to keep tags for a resource that was created."""
    _TAGS.here[resource_arn] = {tag["Key"]: tag["Value"] for tag in tags or ()}


def forget(resource_arn: str) -> None:
    _TAGS.here.pop(resource_arn, None)


def all_tags() -> Mapping[str, Mapping[str, str]]:
    """The tags of every resource, by ARN."""
    return dict(_TAGS.here)


def _of(request: Request) -> dict[str, str]:
    try:
        return _TAGS.here[request["ResourceArn"]]
    except KeyError:
        raise not_found(f"{request['ResourceArn']} does not exist.") from None


def _add(request: Request) -> Record:
    tags = _of(request)
    tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
    return _list(request)


def _list(request: Request) -> Record:
    """Every tag at once: a resource has at most 50, and no page is smaller."""
    return {"Tags": [{"Key": key, "Value": value} for key, value in _of(request).items()]}


def _delete(request: Request) -> None:
    tags = _of(request)
    for key in request["TagKeys"]:
        tags.pop(key, None)


OPERATIONS: Mapping[str, Operation] = {"AddTags": _add, "ListTags": _list, "DeleteTags": _delete}
