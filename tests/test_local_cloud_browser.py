"""No web page reaches the local cloud, tried in a real browser: Chromium, where the machine has one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from practice.local_cloud.lifecycle import LocalCloud
from tests import browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser.BROWSER is None, reason="there is no Chromium; test_local_cloud_gate.py sends the same"),
]

FORBIDDEN = 403


def untouched(cloud: LocalCloud, file: Path) -> bool:
    time.sleep(1)  # a function that was deployed would write within milliseconds
    stacks = {stack["StackName"] for stack in cloud.client("cloudformation").describe_stacks()["Stacks"]}
    buckets = {bucket["Name"] for bucket in cloud.client("s3").list_buckets()["Buckets"]}
    return not file.exists() and "of-a-page" not in stacks and "bucket-of-a-page" not in buckets


@pytest.mark.parametrize("way", [browser.on_another_origin, browser.with_a_rebound_name])
def test_no_page_runs_code_or_changes_anything(
    local_cloud: LocalCloud, tmp_path: Path, way: Callable[[str, str], browser.Told]
) -> None:
    assert way(local_cloud.endpoint, browser.attack(tmp_path / "written"))
    assert untouched(local_cloud, tmp_path / "written")


def test_a_page_of_another_origin_reads_nothing(local_cloud: LocalCloud, tmp_path: Path) -> None:
    told = browser.on_another_origin(local_cloud.endpoint, browser.attack(tmp_path / "written"))
    assert {(status, text) for _, status, text in told.values()} == {(0, "")}
    assert told["socket"] == ("error", 0, "")


def test_a_page_whose_name_was_rebound_is_refused_everything(local_cloud: LocalCloud, tmp_path: Path) -> None:
    told = browser.with_a_rebound_name(local_cloud.endpoint, browser.attack(tmp_path / "written"))
    answered = {name: status for name, (kind, status, _) in told.items() if kind == "basic"}
    assert answered.keys() == {"form", "read", "text", "json", "put", "list", "own", "reset"}
    assert set(answered.values()) == {FORBIDDEN}
