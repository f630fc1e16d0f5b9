"""The account at the end of `make local`: it adds up exactly, or it is an error."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from practice import deploy
from practice.counts import Counts, expected
from practice.errors import PracticeError
from practice.local import balance, reconcile
from practice.local_cloud.lifecycle import LocalCloud
from practice.sample.orders import Manifest, orders
from practice.sample.plan import Plan
from tests.conftest import server_state


@pytest.fixture
def manifest() -> Manifest:
    manifest = Manifest()
    for _ in manifest.counted(orders(Plan(400, end=datetime(2026, 3, 14, tzinfo=UTC)))):
        pass
    return manifest


def printed(table: object) -> str:
    screen = StringIO()
    Console(width=80, file=screen).print(table)
    return screen.getvalue()


def test_what_is_there_is_an_equation_only_where_it_is_one() -> None:
    assert balance(Counts(6_109, 5_921, Counter(not_json=188))) == "6,109 in raw = 5,921 processed + 188 failed."
    told = balance(Counts(6_104, 5_921, Counter(not_json=188)))
    assert told.startswith("6,104 in raw, 5,921 processed, 188 failed, which is not the same")
    assert "=" not in told


def test_what_must_come_out_adds_up(manifest: Manifest) -> None:
    table, adds_up = reconcile(manifest, expected(manifest))
    assert adds_up
    assert "✓" in printed(table)
    assert "✗" not in printed(table)


@pytest.mark.parametrize(
    "wrong",
    [
        Counts(-1, 0, Counter()),
        Counts(0, 1, Counter()),
        Counts(0, 0, Counter(not_json=1)),
        Counts(0, 0, Counter({"not_json": 1, "not_utf8": -1})),
        Counts(0, 0, Counter({"format-conversion-failed: X": 1})),
    ],
)
def test_any_difference_is_marked(manifest: Manifest, wrong: Counts) -> None:
    due = expected(manifest)
    failed = due.failed.copy()
    failed.update(wrong.failed)
    table, adds_up = reconcile(manifest, Counts(due.raw + wrong.raw, due.processed + wrong.processed, failed))
    assert not adds_up
    assert "✗" in printed(table)


def test_a_reason_that_nobody_expected_is_shown(manifest: Manifest) -> None:
    due = expected(manifest)
    table, _ = reconcile(manifest, Counts(due.raw, due.processed, due.failed + Counter(internal_error=1)))
    assert "internal_error" in printed(table)


def cloud(directory: Path) -> LocalCloud:
    return LocalCloud(directory, server_state())


def a_cdk(path: Path, script: str) -> Path:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_failed_deployment_shows_the_end_of_its_log_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "CDK", a_cdk(tmp_path / "cdk", "echo first; echo the key is missing >&2; exit 3"))
    with pytest.raises(PracticeError, match=r"(?s)cdk deploy failed with status 3.*the key is missing.*practice down"):
        deploy.deploy(cloud(tmp_path), "ml-sandbox", lambda line: None)
    assert (tmp_path / "cdk-deploy.log").read_text(encoding="utf-8") == "first\nthe key is missing\n"


def test_a_missing_cdk_says_what_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "CDK", tmp_path / "nowhere")
    with pytest.raises(PracticeError, match="nowhere is missing"):
        deploy.deploy(cloud(tmp_path), "ml-sandbox", lambda line: None)


def test_the_cdk_writes_no_colours_whatever_the_environment_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(deploy, "CDK", a_cdk(tmp_path / "cdk", "echo $FORCE_COLOR"))
    deploy.deploy(cloud(tmp_path), "ml-sandbox", lambda line: None)
    assert (tmp_path / "cdk-deploy.log").read_text(encoding="utf-8") == "0\n"


def test_the_cdk_gets_the_local_clouds_environment_and_this_python_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "CDK", a_cdk(tmp_path / "cdk", "command -v python; echo $AWS_ENDPOINT_URL"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    (tmp_path / "venv").mkdir()
    a_cdk(tmp_path / "venv" / "python", "")
    deploy.deploy(cloud(tmp_path), "ml-sandbox", lambda line: None)
    log = (tmp_path / "cdk-deploy.log").read_text(encoding="utf-8")
    assert log == f"{tmp_path}/venv/python\nhttp://127.0.0.1:1\n"
