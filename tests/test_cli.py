"""`cdk synth`, as people and CI run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stacks.cli_version import CliVersionError, check_cli_version
from tests.synthesis import ROOT

CDK = ROOT / "node_modules/.bin/cdk"
BLOCK_NODE = Path(__file__).parent / "offline" / "block_network.cjs"
OFFLINE_APP = Path(__file__).parent / "offline" / "app.py"


def synth(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(  # noqa: S603 - the project's own CDK CLI
        [str(CDK), "synth", "--quiet", "--output", str(tmp_path / "cdk.out"), *arguments],
        cwd=ROOT,
        env={
            "PATH": path,
            "HOME": str(tmp_path),
            "CDK_HOME": str(tmp_path / "cdk-home"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_synth_passes_every_rule_pack_without_account_and_network(tmp_path: Path) -> None:
    result = synth(tmp_path, "--app", f"{sys.executable} {OFFLINE_APP}", NODE_OPTIONS=f"--require {BLOCK_NODE}")
    assert result.returncode == 0, result.stderr
    assert {path.name for path in (tmp_path / "cdk.out").glob("*.template.json")} == {
        f"{stack}.template.json"
        for stack in (
            "Expiry",
            "FeatureStore",
            "Guardrails",
            "Ingestion",
            "Lake",
            "Monitoring",
            "Processing",
            "Studio",
            "Training",
        )
    }


@pytest.mark.slow
def test_synth_tells_a_plain_note_in_a_line_and_as_no_finding(tmp_path: Path) -> None:
    result = synth(tmp_path, "-c", "sandbox:lifetime_hours=8")
    told = result.stdout + result.stderr
    assert "\nExpiry: The sandbox deletes itself 8 hours after each deployment" in told
    assert "Acknowledge with" not in told
    assert "program.js" not in told


def test_no_plain_note_is_an_annotation() -> None:
    """The CLI tells an annotation as a finding, with a way to acknowledge it."""
    sources = [path for room in ("stacks", "constructs") for path in (ROOT / room).rglob("*.py")]
    assert [path for path in sources if "add_info" in path.read_text(encoding="utf-8")] == []


def test_the_network_really_is_blocked_where_synth_needs_none(tmp_path: Path) -> None:
    node = Path(sys.executable).parent / "node"
    result = subprocess.run(  # noqa: S603 - the project's own Node.js
        [
            str(node),
            "--require",
            str(BLOCK_NODE),
            "-e",
            "require('node:net').connect(80, '127.0.0.1')",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "the network is blocked" in result.stdout + result.stderr


@pytest.mark.slow
def test_synth_answers_bad_settings_with_a_message_and_no_traceback(tmp_path: Path) -> None:
    result = synth(tmp_path, "-c", "sandbox:buffer_seconds=5")
    assert result.returncode == 1
    assert "sandbox:buffer_seconds='5' is not allowed. Allowed: a whole number from 60 to 900." in result.stderr
    assert "Traceback" not in result.stderr
    assert "jsii" not in result.stderr


@pytest.mark.slow
def test_synth_for_a_region_leaves_out_what_it_cannot_have_and_says_so_once(tmp_path: Path) -> None:
    result = synth(tmp_path, AWS_REGION="me-central-1")
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("AWS in me-central-1 lacks") == 1
    templates = {path.name.partition(".")[0] for path in (tmp_path / "cdk.out").glob("*.template.json")}
    assert templates == {"Lake", "Ingestion", "Monitoring", "Expiry"}


@pytest.mark.slow
def test_synth_for_a_network_with_endpoints_says_what_they_cost(tmp_path: Path) -> None:
    result = synth(tmp_path, "-c", "sandbox:studio_network=vpc-only")
    assert result.returncode == 0, result.stderr
    assert "costs about $102 a month" in result.stderr


@pytest.mark.parametrize("version", ["2.1148.0", "2.1148.1", "2.2000.0"])
def test_a_cli_that_reads_the_cloud_assembly_is_accepted(version: str) -> None:
    check_cli_version({"CDK_CLI_VERSION": version})


@pytest.mark.parametrize("version", ["2.1147.0", "2.200.1", "1.204.0", "3.0.0"])
def test_a_cli_that_cannot_read_the_cloud_assembly_is_told_which_can(version: str) -> None:
    with pytest.raises(CliVersionError, match=rf"{version}; this app needs 2\.1148 or later.*npm install"):
        check_cli_version({"CDK_CLI_VERSION": version})


def test_node_is_one_that_jsii_supports() -> None:
    node = Path(sys.executable).parent / "node"
    version = subprocess.run([str(node), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    assert int(version.lstrip("v").split(".")[0]) >= 22


def test_constructs_is_no_package_and_shadows_nothing() -> None:
    import constructs

    assert not (ROOT / "constructs/__init__.py").exists()
    assert hasattr(constructs, "Construct")
