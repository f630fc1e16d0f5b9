"""Finds the deployed sandbox: in the local cloud or in an AWS account, with the same client code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from practice.errors import PracticeError
from practice.local_cloud.lifecycle import LocalCloud

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sts import STSClient

PROJECT = Path(__file__).parents[1]
LOCAL_DIRECTORY = PROJECT / ".local"


def default_name() -> str:
    """The sandbox's name as cdk.json sets it."""
    context = json.loads((PROJECT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return str(context["sandbox:name"])


@dataclass(frozen=True)
class Target:
    """Where commands go; ``cloud`` is the local cloud, or None for AWS."""

    description: str
    client: Callable[[str], Any]
    cloud: LocalCloud | None

    @classmethod
    def choose(cls, *, aws: bool | None, directory: Path) -> Target:
        """AWS only when it is asked for: nothing that costs money happens by default."""
        if aws:
            session: Any = boto3.Session()
            sts: STSClient = session.client("sts")
            account = sts.get_caller_identity()["Account"]
            return cls(f"AWS account {account} in {session.region_name}", session.client, None)
        cloud = LocalCloud.attach(directory)
        if cloud is None:
            raise PracticeError(
                "No local cloud runs here. Start one with everything in it: make local "
                "(or: python -m practice local). To use your AWS account, add --aws."
            )
        return cls.of(cloud)

    @classmethod
    def of(cls, cloud: LocalCloud) -> Target:
        return cls(f"local cloud at {cloud.endpoint}", cloud.client, cloud)


@dataclass(frozen=True)
class Sandbox:
    """A deployed sandbox: what its stacks' outputs name, and clients to reach it."""

    name: str
    target: Target
    outputs: Mapping[str, str]

    @classmethod
    def find(cls, name: str, target: Target) -> Sandbox:
        cloudformation: CloudFormationClient = target.client("cloudformation")
        outputs: dict[str, str] = {}
        for stack_name in (f"{name}-lake", f"{name}-ingestion"):
            try:
                stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
            except ClientError as error:
                if error.response["Error"]["Code"] != "ValidationError":
                    raise
                deploy = "make local" if target.cloud else "make deploy"
                raise PracticeError(
                    f"There is no stack {stack_name} in the {target.description}. Deploy it: {deploy}. "
                    "A sandbox of another name: python -m practice --name NAME ..."
                ) from error
            outputs |= {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        return cls(name, target, outputs)

    def __getitem__(self, output: str) -> str:
        """The value of a stack output, such as ``RawBucket``."""
        if output not in self.outputs:
            raise PracticeError(
                f"The stacks of {self.name} in the {self.target.description} have no output {output!r}; a deployment "
                f"may be unfinished. Deploy again: {'make local' if self.target.cloud else 'make deploy'}."
            )
        return self.outputs[output]

    def client(self, service_name: str) -> Any:
        return self.target.client(service_name)
