"""Finds the deployed sandbox: in the local cloud or in an AWS account, with the same client code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from practice.errors import PracticeError
from practice.local_cloud.lifecycle import LocalCloud

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_sts import STSClient

PROJECT = Path(__file__).parents[1]
LOCAL_DIRECTORY = PROJECT / ".local"

NEEDED_LAYERS = ("lake", "ingestion")
OTHER_LAYERS = ("feature-store", "training", "processing", "studio", "guardrails", "monitoring")
"""What a sandbox can lack: not every region offers SageMaker's part of it."""
LAYERS = (*NEEDED_LAYERS, *OTHER_LAYERS)


def default_name() -> str:
    """The sandbox's name as cdk.json sets it."""
    context = json.loads((PROJECT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return str(context["sandbox:name"])


def aws_session() -> Any:
    """A session of the user's account in the region that the CDK deploys to; boto3 alone does not read AWS_REGION.

    Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html
    """
    return boto3.Session(region_name=os.environ.get("AWS_REGION") or None)


def require_local_cloud(directory: Path) -> LocalCloud:
    """The local cloud of the directory; a PracticeError says how to start one."""
    cloud = LocalCloud.attach(directory)
    if cloud is None:
        raise PracticeError(
            "No local cloud runs here. Start one with everything in it: make local "
            "(or: python -m practice local). To use your AWS account, add --aws."
        )
    return cloud


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
            session = aws_session()
            sts: STSClient = session.client("sts")
            account = sts.get_caller_identity()["Account"]
            client = partial(session.client, config=Config(retries={"mode": "standard", "total_max_attempts": 8}))
            return cls(f"AWS account {account} in {session.region_name}", client, None)
        return cls.of(require_local_cloud(directory))

    @classmethod
    def of(cls, cloud: LocalCloud) -> Target:
        return cls(f"local cloud at {cloud.endpoint}", cloud.client, cloud)


@dataclass(frozen=True)
class Sandbox:
    """A deployed sandbox: what its stacks' outputs name, and clients to reach it."""

    name: str
    target: Target
    outputs: Mapping[str, str]
    missing: tuple[str, ...] = ()
    """The stacks that are not deployed, of those that a sandbox can lack."""

    @classmethod
    def find(cls, name: str, target: Target) -> Sandbox:
        cloudformation: CloudFormationClient = target.client("cloudformation")
        outputs: dict[str, str] = {}
        missing: list[str] = []
        for layer in LAYERS:
            stack_name = f"{name}-{layer}"
            try:
                stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
            except ClientError as error:
                if error.response["Error"]["Code"] != "ValidationError":
                    raise
                if layer in NEEDED_LAYERS:
                    raise PracticeError(
                        f"There is no stack {stack_name} in the {target.description}. Deploy it: {_deploy(target)}. "
                        "A sandbox of another name: python -m practice --name NAME ..."
                    ) from error
                missing.append(stack_name)
            else:
                outputs |= {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        return cls(name, target, outputs, tuple(missing))

    def __getitem__(self, output: str) -> str:
        """The value of a stack output, such as ``RawBucket``."""
        if output not in self.outputs:
            lacking = (
                f"there is no stack {' or '.join(self.missing)}, which a region can lack: `make synth` says what a "
                "region does not offer"
                if self.missing
                else "a deployment may be unfinished"
            )
            raise PracticeError(
                f"The stacks of {self.name} in the {self.target.description} have no output {output!r}; {lacking}. "
                f"Deploy again: {_deploy(self.target)}."
            )
        return self.outputs[output]

    def client(self, service_name: str) -> Any:
        return self.target.client(service_name)


def _deploy(target: Target) -> str:
    return "make local" if target.cloud else "make deploy"
