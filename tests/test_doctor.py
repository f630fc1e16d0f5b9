"""What keeps a first deployment from working is found before it, with its fix, within a second."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from practice import cli
from practice.doctor import findings, machine
from practice.doctor.account import account_checks, credentials
from practice.doctor.findings import Finding, Verdict, examine
from practice.doctor.quotas import quota_checks
from stacks.settings import Settings

SPOT = "Quota: ml.m5.large for spot training job usage"


class Account:
    """An account whose services answer as they are told, in the shapes of their models."""

    def __init__(self) -> None:
        self.stubs: dict[str, Stubber] = {}
        self.client = cache(self._client)

    def _client(self, service: Any) -> Any:
        client = boto3.client(
            service,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106
        )
        self.stubs[service] = Stubber(client)
        self.stubs[service].activate()
        return client

    def stub(self, service: str) -> Stubber:
        self.client(service)
        return self.stubs[service]

    def check(self, name: str) -> Finding:
        checks = account_checks("mine", "eu-central-1", self.client) | quota_checks(Settings(), self.client)
        return examine({name: checks[name]})[name]


@pytest.fixture
def account() -> Iterator[Account]:
    account = Account()
    yield account
    for stub in account.stubs.values():
        stub.assert_no_pending_responses()


def lake_formation(account: Account, *principals: str) -> Finding:
    permissions = [
        {"Principal": {"DataLakePrincipalIdentifier": principal}, "Permissions": ["ALL"]} for principal in principals
    ]
    settings = {"CreateDatabaseDefaultPermissions": permissions, "CreateTableDefaultPermissions": permissions}
    account.stub("lakeformation").add_response("get_data_lake_settings", {"DataLakeSettings": settings})
    return account.check("Lake Formation")


def bootstrapped(account: Account, version: str) -> Finding:
    parameter = {"Parameter": {"Value": version}}
    account.stub("ssm").add_response("get_parameter", parameter, {"Name": "/cdk-bootstrap/hnb659fds/version"})
    return account.check("CDK bootstrap")


def quota(account: Account, value: float, name: str = SPOT.removeprefix("Quota: ")) -> Finding:
    answer = {"Quota": {"QuotaName": name, "Value": value}}
    account.stub("service-quotas").add_response("get_service_quota", answer)
    return account.check(SPOT)


def stack(account: Account, name: str, **tags: str) -> None:
    found = {
        "StackName": name,
        "CreationTime": 0,
        "StackStatus": "CREATE_COMPLETE",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    account.stub("cloudformation").add_response("describe_stacks", {"Stacks": [found]}, {"StackName": name})


def no_stack(account: Account) -> None:
    account.stub("cloudformation").add_client_error("describe_stacks", "ValidationError")


def test_a_check_that_does_not_answer_is_told_and_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "SECONDS", 0.05)
    never = Event()
    fine = Finding(Verdict.FINE, "answered")

    def slow() -> Finding:
        never.wait()
        return fine

    started = time.monotonic()
    answers = examine({"slow": slow, "quick": lambda: fine})
    assert time.monotonic() - started < 2
    assert answers["quick"] == fine
    assert answers["slow"].verdict is Verdict.UNKNOWN
    assert answers["slow"].what.startswith("timed out")
    never.set()


def test_a_call_that_is_not_allowed_is_no_verdict(account: Account) -> None:
    account.stub("ssm").add_client_error("get_parameter", "AccessDeniedException", "not allowed")
    finding = account.check("CDK bootstrap")
    assert finding.verdict is Verdict.UNKNOWN
    assert "not allowed" in finding.what


def test_credentials_that_have_expired_block(account: Account) -> None:
    account.stub("sts").add_client_error("get_caller_identity", "ExpiredToken", "has expired")
    finding = credentials(account.client("sts"))
    assert finding.verdict is Verdict.BLOCKS
    assert "aws sso login" in finding.fix


def test_an_account_without_the_bootstrap_that_the_templates_ask_for_blocks(account: Account) -> None:
    assert bootstrapped(account, "6").verdict is Verdict.FINE
    for finding in (bootstrapped(account, "5"), not_bootstrapped(account)):
        assert finding.verdict is Verdict.BLOCKS
        assert finding.fix == "make bootstrap"


def not_bootstrapped(account: Account) -> Finding:
    account.stub("ssm").add_client_error("get_parameter", "ParameterNotFound")
    return account.check("CDK bootstrap")


def test_a_catalog_that_is_locked_down_blocks(account: Account) -> None:
    assert lake_formation(account, "IAM_ALLOWED_PRINCIPALS").verdict is Verdict.FINE
    locked = lake_formation(account)
    assert locked.verdict is Verdict.BLOCKS
    assert "Use only IAM access control" in locked.fix


def test_a_quota_that_is_too_low_warns_and_names_the_quota_to_raise(account: Account) -> None:
    assert quota(account, 1.0).verdict is Verdict.FINE
    low = quota(account, 0.0)
    assert low.verdict is Verdict.WARNS
    assert "increase to 1 or more: Service Quotas, Amazon SageMaker, 'ml.m5.large for spot" in low.fix


def test_a_code_that_answers_for_another_quota_is_not_believed(account: Account) -> None:
    assert quota(account, 10.0, "ml.p5.48xlarge for cluster usage").verdict is Verdict.UNKNOWN


def test_a_region_that_lacks_something_warns() -> None:
    region = account_checks("mine", "me-central-1", Account().client)["Region"]()
    assert region.verdict is Verdict.WARNS
    assert "FeatureStore needs AWS::SageMaker::FeatureGroup" in region.what


def test_a_stack_of_somebody_else_blocks_and_ones_own_does_not(account: Account) -> None:
    stack(account, "mine-lake", sandbox="mine")
    assert account.check("Stack mine-lake").verdict is Verdict.FINE
    stack(account, "mine-lake", team="sales")
    assert account.check("Stack mine-lake").verdict is Verdict.BLOCKS
    no_stack(account)
    assert account.check("Stack mine-lake") == Finding(Verdict.FINE, "free")


def test_a_name_that_is_taken_without_the_stack_that_makes_it_blocks(account: Account) -> None:
    database = {"Database": {"Name": "mine_raw"}}
    account.stub("glue").add_response("get_database", database, {"Name": "mine_raw"})
    no_stack(account)
    taken = account.check("Database mine_raw")
    assert taken.verdict is Verdict.BLOCKS
    assert "python -m practice sweep --aws" in taken.fix
    account.stub("glue").add_response("get_database", database, {"Name": "mine_raw"})
    stack(account, "mine-lake", sandbox="mine")
    assert account.check("Database mine_raw").verdict is Verdict.FINE
    account.stub("glue").add_client_error("get_database", "EntityNotFoundException")
    assert account.check("Database mine_raw").verdict is Verdict.FINE


def test_tools_that_are_too_old_block(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert {check().verdict for check in machine.CHECKS.values()} == {Verdict.FINE}
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v20.1.0\n", encoding="utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    assert [machine.node().verdict, machine.python().verdict] == [Verdict.BLOCKS, Verdict.BLOCKS]
    monkeypatch.setenv("PATH", "")
    assert machine.node().what == "not found"


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.BLOCKS, 1), (Verdict.WARNS, 0), (Verdict.UNKNOWN, 0)])
def test_only_what_blocks_is_an_error(verdict: Verdict, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CHECKS", {"it": lambda: Finding(verdict, "so", "do this")})
    monkeypatch.setattr(sys, "argv", ["practice", "doctor"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert int(end.value.code or 0) == code
