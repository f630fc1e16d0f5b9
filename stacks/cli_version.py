"""Whether the CDK CLI that runs the app can read what it synthesizes."""

from collections.abc import Mapping

OLDEST = (2, 1148)


class CliVersionError(RuntimeError):
    """The CDK CLI cannot read the cloud assembly; says which can."""


def check_cli_version(environment: Mapping[str, str]) -> None:
    """Refuse a CDK CLI that would fail on the cloud assembly with a message about schema versions.

    The CLI tells its version in ``CDK_CLI_VERSION``; without it, as in tests, nothing is checked. Version
    3.0.0 was published by accident and reads an older schema than 2.1148 (aws/aws-cdk#38113).
    """
    version = environment.get("CDK_CLI_VERSION")
    if version is None:
        return
    major, minor = (int(part) for part in version.split(".")[:2])
    if major != OLDEST[0] or minor < OLDEST[1]:
        raise CliVersionError(
            f"The CDK CLI is {version}; this app needs {OLDEST[0]}.{OLDEST[1]} or later within version {OLDEST[0]}. "
            f"Install it with `npm install --global aws-cdk@{OLDEST[0]}.{OLDEST[1]}.1`, or use `make synth`, which "
            "brings its own."
        )
