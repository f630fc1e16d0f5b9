"""Runs the real CDK CLI against the local cloud."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from practice.errors import PracticeError
from practice.local_cloud.lifecycle import LocalCloud
from practice.programs import search_path
from practice.sandbox import PROJECT

CDK = PROJECT / "node_modules" / ".bin" / "cdk"
ENVIRONMENT = "aws://000000000000/us-east-1"
_TAIL = 30


def bootstrap(cloud: LocalCloud, tell: Callable[[str], None]) -> None:
    """Bootstrap; without an app, since it needs none and synthesizing one takes seconds."""
    run_cdk(cloud, tell, "bootstrap", ENVIRONMENT, "--app=")


def deploy(cloud: LocalCloud, name: str, tell: Callable[[str], None], *settings: str) -> None:
    """Deploy every stack; a stack that is up to date stays as it is."""
    run_cdk(
        cloud,
        tell,
        "deploy",
        "--all",
        "--require-approval=never",
        "--progress=events",
        f"--context=sandbox:name={name}",
        *settings,
    )


def run_cdk(cloud: LocalCloud, tell: Callable[[str], None], *arguments: str) -> None:
    """Run a command of the CDK CLI; its output goes to a log, each line to the screen, the end to the error."""
    if not CDK.exists():
        raise PracticeError(f"The CDK CLI is not installed: {CDK} is missing. `make local` installs it.")
    environment = cloud.environment
    environment |= {"PATH": search_path(environment), "FORCE_COLOR": "0"}
    log = cloud.directory / f"cdk-{arguments[0]}.log"
    tail: list[str] = []
    with (
        log.open("w", encoding="utf-8") as log_file,
        subprocess.Popen(  # noqa: S603 - the project's own CLI
            [CDK, *arguments, "--output", str(cloud.directory / "cdk.out"), "--ci"],
            cwd=PROJECT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        try:
            for line in process.stdout or ():
                log_file.write(line)
                tail = [*tail, line][-_TAIL:]
                tell(line)
        except KeyboardInterrupt:
            process.terminate()
            raise
    if process.returncode:
        raise PracticeError(
            f"cdk {arguments[0]} failed with status {process.returncode}. The end of its log, {log}:\n\n"
            f"{''.join(tail)}\n"
            "Run the same command again to go on. If it fails the same way, start with an empty local cloud: "
            "python -m practice down, then make local."
        )
