#!/usr/bin/env python3
"""The sandbox: settings, stacks, rule packs."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

try:
    from aws_cdk import App, Validations

    from contracts import ContractError
    from stacks.cli_version import CliVersionError, check_cli_version
    from stacks.notes import notes
    from stacks.regions import describe_missing_stacks
    from stacks.rule_packs import ENFORCED
    from stacks.sandbox import build_sandbox
    from stacks.settings import Settings, SettingsError
except ImportError as error:
    from stacks.imports import explained

    sys.exit(explained(error))


def main() -> None:
    """Synthesize the sandbox that the CDK context describes.

    Exits with 1 and a message, not a traceback, when the settings, the contracts or the CDK CLI cannot be used.
    """
    app = App()
    region = os.environ.get("CDK_DEFAULT_REGION")
    try:
        check_cli_version(os.environ)
        settings = Settings.from_context(app.node.get_all_context())
        build_sandbox(app, settings, region, now=datetime.now(UTC))
    except (CliVersionError, ContractError, SettingsError) as error:
        sys.exit(str(error))
    if message := describe_missing_stacks(region):
        sys.stderr.write(f"{message}\n")
    sys.stderr.writelines(f"{told}\n" for told in notes(app))
    Validations.of(app).add_plugins(*(pack() for pack in ENFORCED))
    app.synth()


if __name__ == "__main__":
    main()
