"""Fixtures that several test files share."""

from __future__ import annotations

import io
import json
import socket
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from practice.local_cloud.address import Access
from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.state import ServerState
from stacks.imports import shadows
from tests.patience import PATIENCE
from tests.spark import spark as spark  # a fixture for all

Deploy = Callable[..., dict[str, str]]
"""Deploys resources (by logical id) as a stack, under a name if one is given; returns their physical ids."""

CreateFunction = Callable[[str], str]
"""Creates a Lambda function from the source of its handler; returns its ARN."""


_LONGEST_FIRST = (
    "test_end_to_end.py",
    "test_templates_lint.py",
    "test_cli.py",
    "test_transformations.py",
    "test_quality_gate.py",
    "test_refinery_jobs.py",
)
"""The files that take longest; begun last, one would keep one core busy while the other waits."""


def pytest_configure() -> None:
    """Say it in a sentence where a file hides a library, instead of an error for each test file."""
    if hidden := "\n".join(shadows(Path(__file__).parents[1])):
        pytest.exit(hidden, returncode=4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that runs a local cloud or a local Spark is no unit test: `make check` leaves it out."""
    rank = {name: number for number, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))
    for item in items:
        if {"local_cloud", "cloud", "spark"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_state(pid: int = 1) -> ServerState:
    """The state of a local cloud that does not answer."""
    return ServerState(pid, started=0.0, port=1, version="", access=Access.at("http://127.0.0.1:1"))


@pytest.fixture(scope="session")
def local_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A running local cloud; one per test process."""
    cloud = LocalCloud.start(tmp_path_factory.mktemp("local-cloud"), free_port())
    yield cloud
    cloud.stop()


@pytest.fixture
def deploy(local_cloud: LocalCloud) -> Iterator[Deploy]:
    """Deploys stacks that are deleted after the test."""
    with temporary_stacks(local_cloud) as deploy_stack:
        yield deploy_stack


@contextmanager
def temporary_stacks(cloud: LocalCloud) -> Iterator[Deploy]:
    """Deploys stacks that are deleted at the end."""
    cloudformation = cloud.client("cloudformation")
    stacks: dict[str, str] = {}

    def deploy_stack(resources: dict[str, Any], name: str = "") -> dict[str, str]:
        name = name or f"test-{uuid4().hex[:8]}"
        body = json.dumps({"Resources": resources})
        if name in stacks:
            cloudformation.update_stack(StackName=name, TemplateBody=body)
        else:
            stacks[name] = cloudformation.create_stack(StackName=name, TemplateBody=body)["StackId"]
        status = settled_status(cloudformation, name)
        if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise DeploymentError(failure_reasons(cloudformation, stacks[name]))
        found = cloudformation.describe_stack_resources(StackName=name)["StackResources"]
        return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}

    yield deploy_stack
    for stack_id in stacks.values():
        cloudformation.delete_stack(StackName=stack_id)
        settled_status(cloudformation, stack_id)


class DeploymentError(Exception):
    """A stack failed to deploy; the message has the reasons."""


def delete_stack(cloudformation: Any, name: str) -> tuple[str, str]:
    """Delete a stack; return its last status, and what went wrong."""
    stack_id = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=name)
    return settled_status(cloudformation, stack_id), failure_reasons(cloudformation, stack_id)


def settled_status(cloudformation: Any, stack: str) -> str:
    """Wait until the stack is at rest; return its status."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        if not status.endswith("_IN_PROGRESS"):
            return status
        time.sleep(0.02)
    raise DeploymentError(f"{stack} is still {status}")


def failure_reasons(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return "; ".join(event["ResourceStatusReason"] for event in events if "FAILED" in event["ResourceStatus"])


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


def create_lambda_function(cloud: LocalCloud, source: str, variables: Mapping[str, str] | None = None) -> str:
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
        Environment={"Variables": dict(variables or {})},
    )
    return str(created["FunctionArn"])
