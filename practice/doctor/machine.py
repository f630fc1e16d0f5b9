"""What this machine needs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping

from practice.doctor.findings import SECONDS, Check, Finding, Verdict
from practice.sandbox import PROJECT
from stacks.cli_version import CliVersionError, check_cli_version

_OLDEST_PYTHON = (3, 11)
_OLDEST_NODE = 22


def python() -> Finding:
    version = sys.version.split()[0]
    if sys.version_info >= _OLDEST_PYTHON:
        return Finding(Verdict.FINE, version)
    return Finding(Verdict.BLOCKS, f"{version} is too old", "Install Python 3.11 or later: make PYTHON=python3.11")


def node() -> Finding:
    fix = f"Install Node.js {_OLDEST_NODE} or later, or let `make setup` bring its own."
    command = shutil.which("node")
    if command is None:
        return Finding(Verdict.BLOCKS, "not found", fix)
    told = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S603
    version = re.match(r"v(\d+)\.", told.stdout)
    if version and int(version[1]) >= _OLDEST_NODE:
        return Finding(Verdict.FINE, told.stdout.strip())
    return Finding(Verdict.BLOCKS, f"{told.stdout.strip() or 'no version'} is too old", fix)


def cdk() -> Finding:
    package = PROJECT / "node_modules" / "aws-cdk" / "package.json"
    if not package.exists():
        return Finding(Verdict.BLOCKS, "the CDK CLI is not installed", "make setup")
    version = json.loads(package.read_text(encoding="utf-8"))["version"]
    try:
        check_cli_version({"CDK_CLI_VERSION": version})
    except CliVersionError as error:
        return Finding(Verdict.BLOCKS, version, str(error))
    return Finding(Verdict.FINE, version)


CHECKS: Mapping[str, Check] = {"Python": python, "Node.js": node, "CDK CLI": cdk}
