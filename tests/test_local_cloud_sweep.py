"""What a sandbox leaves in the local cloud is found and deleted, in spite of faults, and nothing of another sandbox."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from practice import cli
from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.sagemaker.studio import STOPPING_SECONDS
from practice.sweep.ownership import Standing
from practice.sweep.survey import KINDS, Survey, delete, survey
from tests.conftest import temporary_stacks
from tests.deployed_sandbox import DeployedSandbox, bootstrap
from tests.local_leftovers import plant
from tests.throttling import Throttle

Run = Callable[..., tuple[int, str]]
"""Runs `practice sweep` for a sandbox; returns its exit code and all that it told, on one line."""


@pytest.fixture
def name() -> str:
    return f"sweep-{uuid4().hex[:8]}"


@pytest.fixture
def run(local_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_sweep(name: str, *arguments: str) -> tuple[int, str]:
        common = ["--directory", str(local_cloud.directory), "--name", name]
        monkeypatch.setattr(sys, "argv", ["practice", *common, "sweep", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = capsys.readouterr()
        return int(end.value.code or 0), " ".join(f"{told.out} {told.err}".split())

    monkeypatch.setattr("practice.sweep.survey.PAUSE_SECONDS", 0.1)
    return run_sweep


def by_kind(seen: Survey, *standings: Standing) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for leftover in seen.leftovers:
        if leftover.standing in standings:
            found.setdefault(leftover.kind.name, set()).add(leftover.found.id)
    return found


def test_leftovers_of_eighteen_kinds_are_found_and_those_with_the_tag_deleted_and_none_of_a_sandbox_beside(
    local_cloud: LocalCloud, name: str
) -> None:
    planted, beside = plant(local_cloud, name), plant(local_cloud, f"{name}-two")
    assert len(planted) == 18
    seen = survey(name, local_cloud.client)
    assert seen.unseen == {}
    assert by_kind(seen, *set(Standing) - {Standing.SHARED}) == {kind: {found} for kind, found in planted.items()}
    after, refused = delete(name, local_cloud.client, pause=lambda seconds: time.sleep(STOPPING_SECONDS))
    assert refused == {}
    yours = ("log group", "network interface", "security group")
    assert by_kind(after, Standing.TAGGED) == {}
    assert by_kind(after, Standing.NAMED) == {kind: {planted[kind]} for kind in yours}
    left = by_kind(survey(f"{name}-two", local_cloud.client), *set(Standing) - {Standing.SHARED})
    assert left == {kind: {found} for kind, found in beside.items()}


def test_a_bucket_with_2500_versions_and_delete_markers_and_1200_log_groups_go_though_every_third_call_is_throttled(
    local_cloud: LocalCloud, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3, logs = local_cloud.client("s3"), local_cloud.client("logs")
    bucket = f"{name}-raw"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "sandbox", "Value": name}]})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    keys = [{"Key": str(number)} for number in range(1250)]
    for key in keys:
        s3.put_object(Bucket=bucket, **key, Body=b"")
    for part in (keys[:1000], keys[1000:]):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": part, "Quiet": True})
    for number in range(1200):
        logs.create_log_group(logGroupName=f"/aws/lambda/{name}-{number}", tags={"sandbox": name})
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    with throttled(local_cloud) as throttle:
        after, refused = delete(name, local_cloud.client, pause=lambda seconds: None)
    assert throttle.calls["throttled"] > 400
    assert refused == {}
    assert (after.unseen, by_kind(after, *set(Standing) - {Standing.SHARED})) == ({}, {})


@contextmanager
def throttled(cloud: LocalCloud) -> Iterator[Throttle]:
    throttle = Throttle(every=3)
    emitters = [cloud.client(service).meta.events for service in {kind.service for kind in KINDS}]
    for events in emitters:
        events.register("before-send", throttle)
    yield throttle
    for events in emitters:
        events.unregister("before-send", throttle)


def test_a_stack_that_fails_to_delete_twice_is_told_with_the_reason_and_what_is_in_use_is_not_deleted(
    local_cloud: LocalCloud, name: str, run: Run
) -> None:
    cloudformation, s3 = local_cloud.client("cloudformation"), local_cloud.client("s3")
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"Tags": [{"Key": "sandbox", "Value": name}]}}
    with temporary_stacks(local_cloud) as deploy:
        deploy({"Topic": {"Type": "AWS::SNS::Topic"}}, f"{name}-lake")
        full = deploy({"Bucket": bucket}, f"{name}-ingestion")["Bucket"]
        s3.put_object(Bucket=full, Key="a", Body=b"")
        for _ in range(2):
            cloudformation.delete_stack(StackName=f"{name}-ingestion")
            code, told = run(name, "--delete", "--yes")
            assert code == 1
            assert f"The stack {name}-ingestion could not be deleted. To try again: make destroy Bucket: " in told
            assert f"Nothing is deleted while stacks exist: {name}-lake. First: make destroy" in told
        assert s3.list_objects_v2(Bucket=full)["KeyCount"] == 1
        cloudformation.delete_stack(StackName=f"{name}-lake")
        code, told = run(name, "--delete", "--yes")
        assert (code, "1 of 1" in told) == (0, True)
        cloudformation.delete_stack(StackName=f"{name}-ingestion")
        code, told = run(name)
        assert (code, f"✓ Nothing is left of {name}." in told) == (0, True)


@pytest.fixture
def stuck_apps(local_cloud: LocalCloud) -> Iterator[Callable[[float], None]]:
    """Sets for how many seconds apps are in Deleting."""

    def set_seconds(seconds: float) -> None:
        local_cloud.post(f"/_sandbox/studio/stopping?seconds={seconds}")

    yield set_seconds
    set_seconds(STOPPING_SECONDS)


def test_an_app_stuck_in_deleting_fails_its_stack_with_a_reason_that_names_it_and_goes_when_it_is_free(
    local_cloud: LocalCloud, run: Run, stuck_apps: Callable[[float], None]
) -> None:
    bootstrap(local_cloud)
    sandbox = DeployedSandbox(local_cloud, "stuck")
    sandbox.deploy()
    sandbox.use()
    stuck_apps(3600)
    leave_the_app(sandbox)
    be_patient(sandbox, seconds=0)
    reason = sandbox.destroy()
    assert reason.startswith("stuck-studio: ")
    assert "are still there: learners/JupyterLab/default (Deleting). Delete the stack again" in reason
    code, told = run("stuck", "--delete", "--yes")
    assert code == 1
    assert "The stack stuck-studio could not be deleted." in told
    assert "learners/JupyterLab/default (Deleting)" in told
    assert "if an app is still here after an hour, only AWS Support can remove it" in told
    assert "Nothing is deleted while stacks exist: stuck-lake, " in told
    stuck_apps(0)
    be_patient(sandbox, seconds=3600)
    assert sandbox.destroy() == ""
    assert by_kind(survey("stuck", local_cloud.client), *set(Standing) - {Standing.SHARED}).keys() == {"key"}


def leave_the_app(sandbox: DeployedSandbox) -> None:
    """Have the learner's app deleted, so that it is in Deleting when the cleaner first looks, however late that is."""
    sagemaker = sandbox.cloud.client("sagemaker")
    (domain,) = sandbox.ids("AWS::SageMaker::Domain")
    (app,) = sagemaker.list_apps(DomainIdEquals=domain)["Apps"]
    sagemaker.delete_app(**{name: app[name] for name in ("DomainId", "SpaceName", "AppType", "AppName")})


def be_patient(sandbox: DeployedSandbox, *, seconds: int) -> None:
    """Have the sandbox's Studio cleaner give up after so many seconds instead of the better part of an hour."""
    functions = sandbox.cloud.client("lambda")
    (on_event,) = [name for name in sandbox.ids("AWS::Lambda::Function") if "studio-CleanerOnEvent" in name]
    functions.update_function_configuration(
        FunctionName=on_event, Environment={"Variables": {"PATIENCE_SECONDS": str(seconds)}}
    )


def test_an_app_stuck_in_deleting_is_not_asked_again_and_ends_the_sweep_with_what_it_keeps(
    local_cloud: LocalCloud, name: str, run: Run, stuck_apps: Callable[[float], None]
) -> None:
    planted = plant(local_cloud, name)
    stuck_apps(3600)
    asked: list[Any] = []
    sagemaker = local_cloud.client("sagemaker")
    sagemaker.meta.events.register("before-call.sagemaker.DeleteApp", lambda params, **_: asked.append(params))
    code, told = run(name, "--delete", "--yes")
    assert (code, len(asked)) == (1, 1)
    assert f"app {planted['app']} nothing" in told
    assert "3 are still there; the same command tries again." in told
    assert f"{planted['domain']}: An error occurred (ResourceInUse) when calling the DeleteDomain operation: " in told
    stuck_apps(0)
    assert run(name, "--delete", "--yes")[0] == 0
