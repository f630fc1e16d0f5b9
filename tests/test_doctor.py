"""What keeps a first deployment from working is found before it, with its fix, within a second."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from practice import cli, doctor_command
from practice.console import out
from practice.doctor import findings, local_cloud, machine
from practice.doctor.account import account_checks, credentials
from practice.doctor.findings import Finding, Verdict, examine
from practice.doctor.quotas import quota_checks
from practice.local_cloud.lifecycle import LocalCloud
from practice.sandbox import LAYERS, PROJECT
from stacks.settings import Settings
from tests.deployed_sandbox import bootstrap

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
    node = tmp_path / "node"
    node.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    node.write_text("#!/bin/sh\necho v24.1.0\n", encoding="utf-8")
    assert {check().verdict for check in machine.CHECKS.values()} == {Verdict.FINE}
    node.write_text("#!/bin/sh\necho v20.1.0\n", encoding="utf-8")
    monkeypatch.setattr(sys, "version_info", (3, 10, 2))
    assert [machine.node().verdict, machine.python().verdict] == [Verdict.BLOCKS, Verdict.BLOCKS]
    monkeypatch.setenv("PATH", "")
    assert machine.node().what == "not found"


def test_the_tools_are_found_though_the_virtual_environment_is_not_activated() -> None:
    command = [sys.executable, "-m", "practice", "doctor"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT, env={"PATH": "/nowhere"})  # noqa: S603
    assert told.returncode == 0, told.stderr


class Doctor:
    """Runs `practice doctor --aws`, with an endpoint in the place of AWS."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, endpoint: str, **environment: str) -> tuple[int, dict[str, str], str]:
        """The exit code, by check what its line tells, and what stands below the table."""
        here = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "NO_PROXY": "127.0.0.1"}
        keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
        for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
            self._monkeypatch.delenv(name, raising=False)
        for name, value in (here | keys | environment).items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr(out, "width", 300)
        self._monkeypatch.setattr(sys, "argv", ["practice", "doctor", "--aws"])
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = self._capsys.readouterr()
        lines = [line.split(maxsplit=1) for line in told.out.splitlines()]
        rows = [line[1] for line in lines if line and line[0] in "✓!✗?"]
        found = {name.strip(): told.strip() for name, _, told in (row.partition("  ") for row in rows)}
        return int(end.value.code or 0), found, told.out.rpartition("\n\n")[2] + told.err


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(monkeypatch, capsys)


def test_every_check_is_answered_and_what_a_cloud_lacks_is_told_as_not_checked(
    doctor: Doctor, local_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (findings, doctor_command):
        monkeypatch.setattr(module, "SECONDS", 20)  # the local cloud loads a service when it is first asked
    bootstrap(local_cloud)
    code, found, below = doctor.run(local_cloud.endpoint, **local_cloud.state.access.variables)
    assert code == 0
    assert found["CDK bootstrap"] == "version 30"
    assert {found[f"Stack ml-sandbox-{layer}"] for layer in LAYERS} == {"free"}
    lacking = {name for name, told in found.items() if told.startswith("could not be checked: An error occurred")}
    codeless = {name for name, told in found.items() if told.startswith("its code is not known here")}
    assert lacking | codeless == {"Lake Formation", *(name for name in found if name.startswith("Quota: "))}
    assert f"{len(lacking | codeless)} of {len(found)} could not be checked." in below
    assert not [name for name, told in found.items() if told.startswith("timed out")]


@pytest.fixture
def silence() -> Iterator[str]:
    """An endpoint that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(256)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.slow
def test_an_endpoint_that_never_answers_leaves_nothing_to_ask(doctor: Doctor, silence: str) -> None:
    started = time.monotonic()
    code, found, below = doctor.run(silence)
    assert (code, found["Credentials"].partition("  ")[0]) == (1, "timed out after 1 s")
    assert "so nothing in the account was checked" in below
    assert found.keys() == {*machine.CHECKS, "Credentials"}
    assert time.monotonic() - started < 15


@pytest.mark.slow
def test_every_service_that_never_answers_is_told_after_a_second(silence: str) -> None:
    session: Any = boto3.Session("local", "local", region_name="us-east-1")
    client = cache(lambda service: session.client(service, endpoint_url=silence))
    checks = account_checks("mine", "us-east-1", client) | quota_checks(Settings(), client)
    started = time.monotonic()
    found = examine(checks)
    assert time.monotonic() - started < 3
    answered = {name for name, finding in found.items() if finding.what != "timed out after 1 s"}
    assert answered == {"Region", *(name for name, finding in found.items() if "its code is not known" in finding.what)}


def test_an_account_without_a_region_blocks_and_what_the_fix_says_is_read(
    doctor: Doctor, silence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    code, found, _ = doctor.run(silence, AWS_REGION="")
    assert code == 1
    assert "AWS_REGION=eu-central-1" in found["Region"]


def test_a_check_that_goes_wrong_in_any_way_is_no_verdict() -> None:
    def broken() -> Finding:
        raise LookupError("no such key")

    assert examine({"broken": broken})["broken"].what == "could not be checked: no such key"


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.BLOCKS, 1), (Verdict.WARNS, 0), (Verdict.UNKNOWN, 0)])
def test_only_what_blocks_is_an_error(verdict: Verdict, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "CHECKS", {"it": lambda: Finding(verdict, "so", "do this")})
    monkeypatch.setattr(sys, "argv", ["practice", "doctor"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert int(end.value.code or 0) == code


class TestMakeLocal:
    def test_a_port_that_a_program_listens_on_is_a_warning_with_another_port(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            number = taken.getsockname()[1]
            monkeypatch.setattr(local_cloud, "DEFAULT_PORT", number)
            found = local_cloud.port(tmp_path)
        assert found.verdict is Verdict.WARNS
        assert f"port {number} is in use by" in found.what
        assert "practice local --port" in found.fix
        assert local_cloud.port(tmp_path).verdict is Verdict.FINE

    def test_a_full_disk_and_too_little_memory_are_warnings_with_what_is_needed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        little = SimpleNamespace(free=10**9, available=10**9)
        monkeypatch.setattr("shutil.disk_usage", lambda _: little)
        monkeypatch.setattr("psutil.virtual_memory", lambda: little)
        for found in (local_cloud.disk(tmp_path / "not" / "there" / "yet"), local_cloud.memory()):
            assert found.verdict is Verdict.WARNS
            assert found.what.startswith("1.0 GB")
            assert "make local needs" in found.fix

    def test_enough_of_both_is_fine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        much = SimpleNamespace(free=10**12, available=10**12)
        monkeypatch.setattr("shutil.disk_usage", lambda _: much)
        monkeypatch.setattr("psutil.virtual_memory", lambda: much)
        assert {local_cloud.disk(tmp_path).verdict, local_cloud.memory().verdict} == {Verdict.FINE}

    def test_they_keep_no_deployment_from_working(self, monkeypatch: pytest.MonkeyPatch) -> None:
        little = SimpleNamespace(free=0, available=0)
        monkeypatch.setattr("shutil.disk_usage", lambda _: little)
        monkeypatch.setattr("psutil.virtual_memory", lambda: little)
        monkeypatch.setattr(machine, "CHECKS", {"it": lambda: Finding(Verdict.FINE, "so")})
        with out.capture() as shown:
            doctor_command.doctor(SimpleNamespace(obj=SimpleNamespace(directory=PROJECT / ".local", name="x")))  # type: ignore[arg-type]
        assert "Before make local" in shown.get()
