"""The tagging API lists the tags of the services that MiniStack's leaves out, among them SageMaker and EC2.

Source: https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from practice.local_cloud.emr_serverless import applications as emr_serverless_applications
from practice.local_cloud.hooks import (
    ATHENA,
    CLOUDFORMATION,
    EC2,
    FIREHOSE,
    KINESIS,
    LOGS,
    RESPONSES,
    STEP_FUNCTIONS,
    TAGGING,
)
from practice.local_cloud.sagemaker import tags as sagemaker_tags
from practice.local_cloud.service import Operations, Route

Tagged = tuple[str, list[dict[str, str]]]
"""An ARN with its tags."""

_EC2_TYPES = {
    "eni": "network-interface",
    "rtb": "route-table",
    "sg": "security-group",
    "snap": "snapshot",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
    "vpce": "vpc-endpoint",
}
"""By the beginning of an id, what the ARN calls it."""

RESOURCE_HANDLERS: Mapping[str, Operations] = {}
ROUTES: Mapping[tuple[str, str], Route] = {}


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{RESPONSES.get_region()}:{RESPONSES.get_account_id()}:{resource}"


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _athena() -> Iterator[Tagged]:
    for arn, tags in ATHENA._tags.items():
        yield arn, _pairs(tags)


def _cloudformation() -> Iterator[Tagged]:
    for stack in CLOUDFORMATION._stacks.values():
        if stack["StackStatus"] != "DELETE_COMPLETE":
            yield stack["StackId"], stack.get("Tags", [])


def _ec2() -> Iterator[Tagged]:
    for name, tags in EC2._tags.items():
        if kind := _EC2_TYPES.get(name.partition("-")[0]):
            yield _arn("ec2", f"{kind}/{name}"), tags


def _emr_serverless() -> Iterator[Tagged]:
    for arn, tags in emr_serverless_applications.all_tags().items():
        yield arn, _pairs(tags)


def _firehose() -> Iterator[Tagged]:
    for name, stream in FIREHOSE._streams.items():
        yield _arn("firehose", f"deliverystream/{name}"), _pairs(stream["tags"])


def _kinesis() -> Iterator[Tagged]:
    for name, stream in KINESIS._streams.items():
        yield _arn("kinesis", f"stream/{name}"), _pairs(stream["tags"])


def _logs() -> Iterator[Tagged]:
    for name, group in LOGS._log_groups.items():
        yield _arn("logs", f"log-group:{name}"), _pairs(group["tags"])


def _sagemaker() -> Iterator[Tagged]:
    for arn, tags in sagemaker_tags.all_tags().items():
        yield arn, _pairs(tags)


def _states() -> Iterator[Tagged]:
    for arn, tags in STEP_FUNCTIONS._tags.items():
        yield arn, [{"Key": tag["key"], "Value": tag["value"]} for tag in tags]


_COLLECTORS: Mapping[str, Callable[[], Iterator[Tagged]]] = {
    "athena": _athena,
    "cloudformation": _cloudformation,
    "ec2": _ec2,
    "emr-serverless": _emr_serverless,
    "firehose": _firehose,
    "kinesis": _kinesis,
    "logs": _logs,
    "sagemaker": _sagemaker,
    "states": _states,
}


def install() -> None:
    collectors: Any = TAGGING._COLLECTORS
    collectors.update(_COLLECTORS)
