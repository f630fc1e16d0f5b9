"""Fixtures that several test files share."""

from __future__ import annotations

import io
import json
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from practice.local_cloud.lifecycle import LocalCloud

Deploy = Callable[..., dict[str, str]]
"""Deploys resources (by logical id) as a stack, under a name if one is given; returns their physical ids."""

CreateFunction = Callable[[str], str]
"""Creates a Lambda function from the source of its handler; returns its ARN."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running local cloud; one per test process."""
    cloud = LocalCloud.start(tmp_path_factory.mktemp("local-cloud"), free_port())
    yield cloud
    cloud.stop()


@pytest.fixture
def deploy(local_cloud: LocalCloud) -> Iterator[Deploy]:
    """Deploys stacks that are deleted after the test."""
    cloudformation = local_cloud.client("cloudformation")
    stacks: list[str] = []

    def deploy_stack(resources: dict[str, Any], name: str = "") -> dict[str, str]:
        name = name or f"test-{uuid4().hex[:8]}"
        body = json.dumps({"Resources": resources})
        if name in stacks:
            cloudformation.update_stack(StackName=name, TemplateBody=body)
        else:
            stacks.append(name)
            cloudformation.create_stack(StackName=name, TemplateBody=body, OnFailure="DO_NOTHING")
        wait_for_stack(cloudformation, name)
        found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    yield deploy_stack
    for name in stacks:
        cloudformation.delete_stack(StackName=name)


def wait_for_stack(cloudformation: Any, name: str) -> None:
    """Wait until the stack is done; fail with the reason if it failed."""
    while True:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if stack["StackStatus"].endswith("_IN_PROGRESS"):
            time.sleep(0.02)
        elif stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}:
            return
        else:
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            raise AssertionError([event.get("ResourceStatusReason") for event in events])


@pytest.fixture
def create_function(local_cloud: LocalCloud) -> Iterator[CreateFunction]:
    """Creates Lambda functions that are deleted after the test."""
    arns: list[str] = []

    def create(source: str) -> str:
        arns.append(create_lambda_function(local_cloud, source))
        return arns[-1]

    yield create
    for arn in arns:
        local_cloud.client("lambda").delete_function(FunctionName=arn)


def create_lambda_function(cloud: LocalCloud, source: str) -> str:
    """Create a function from the source of a module that defines ``handler``; return its ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", source)
    created = cloud.client("lambda").create_function(
        FunctionName=f"test-{uuid4().hex[:8]}",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/test",
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )
    return str(created["FunctionArn"])
