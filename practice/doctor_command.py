"""The command that looks, before a deployment, whether it can work."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, partial

import typer
from botocore.config import Config

from practice.console import FINE, WRONG, say, show, styled, table, waiting
from practice.doctor import local_cloud, machine
from practice.doctor.findings import SECONDS, Finding, Verdict, examine
from practice.errors import PracticeError
from practice.options import Aws
from practice.sandbox import PROJECT, aws_session

CREDENTIALS = "Credentials"
_FINE = Finding(Verdict.FINE, "")
_MARKS = {
    Verdict.FINE: FINE,
    Verdict.WARNS: styled("!", "yellow"),
    Verdict.BLOCKS: WRONG,
    Verdict.UNKNOWN: styled("?", "yellow"),
}


def doctor(context: typer.Context, aws: Aws = None) -> None:
    """Check what a deployment needs, each finding with its fix: this machine, and with --aws your account.

    Without --aws, what `make local` needs is checked too.

    Nothing is changed. What blocks a deployment is an error; what only limits the sandbox is not.
    """
    findings = examine(machine.CHECKS)
    if aws and not _blocking(findings):
        with waiting("Asking AWS"):
            findings |= _account(context.obj.name)
    _show("Before a deployment", findings)
    if not aws:
        _show("Before make local", examine(local_cloud.checks(context.obj.directory)))
    if blocking := _blocking(findings):
        raise PracticeError(f"A deployment cannot work yet: {', '.join(blocking)}.")
    if findings.get(CREDENTIALS, _FINE).verdict is Verdict.UNKNOWN:
        raise PracticeError("AWS did not say who you are, so nothing in the account was checked.")
    if unknown := [name for name, finding in findings.items() if finding.verdict is Verdict.UNKNOWN]:
        unchecked = f"{len(unknown)} of {len(findings)} could not be checked."
        say(styled(unchecked, "yellow"), "What was found blocks nothing.")
    if not aws:
        say("To check your AWS account as well, add --aws.")


def _account(name: str) -> dict[str, Finding]:
    # what the stacks are made of loads the CDK, which takes seconds and needs the Node.js that was just checked
    from practice.doctor.account import account_checks, credentials
    from practice.doctor.quotas import quota_checks
    from stacks.settings import Settings

    session = aws_session()
    if not session.region_name:
        fix = "AWS_REGION=eu-central-1, or: aws configure set region eu-central-1"
        return {"Region": Finding(Verdict.BLOCKS, "none in the environment", fix)}
    config = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"mode": "standard"})
    client = cache(lambda service: session.client(service, config=config))
    findings = examine({CREDENTIALS: partial(credentials, client("sts"))})
    if findings[CREDENTIALS].verdict is not Verdict.FINE:
        return findings
    context = json.loads((PROJECT / "cdk.json").read_text(encoding="utf-8"))["context"]
    checks = account_checks(name, session.region_name, client)
    return findings | examine(checks | quota_checks(Settings.from_context(context), client))


def _blocking(findings: Mapping[str, Finding]) -> list[str]:
    return [name for name, finding in findings.items() if finding.verdict is Verdict.BLOCKS]


def _show(title: str, findings: Mapping[str, Finding]) -> None:
    made = table("", "check", "found", "fix")
    for name, finding in findings.items():
        made.add_row(_MARKS[finding.verdict], name, finding.what, finding.fix)
    show(title, made)
