"""The pipeline's commands."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from practice.console import COMMAND, lines, say, show, step, styled
from practice.options import Aws, End
from practice.pipeline import last_execution, start, stray_customers, tree, verdicts, verdicts_table, wait
from practice.sample.plan import now
from practice.sandbox import Sandbox

CUTOFF_DAYS = 30

app = typer.Typer(help="Run the refinery from raw to curated features, and see how it went.", no_args_is_help=True)


@app.command("run")
def run_pipeline(
    context: typer.Context,
    cutoffs: Annotated[
        int, typer.Option(min=1, max=13, help=f"Moments to build features of, {CUTOFF_DAYS} days apart up to the end.")
    ] = 3,
    end: End = None,
    aws: Aws = None,
) -> None:
    """Run the pipeline: clean, judge, build features, publish them, put them into the feature store.

    Running it again computes the same again; the curated zone holds it once.
    """
    sandbox, as_of = context.obj.sandbox(aws), end or now()
    days = [as_of.date() - timedelta(days=CUTOFF_DAYS * number) for number in range(cutoffs)]
    with step("Run the pipeline") as tell:
        execution = wait(sandbox, start(sandbox, as_of, days), tell)
        tell(f"features as of {', '.join(map(str, days))}")
    show("The pipeline", tree(execution))
    show("What the gates say", verdicts_table(verdicts(sandbox, execution.arn)))
    _warn(sandbox)


@app.command("status")
def status(context: typer.Context, aws: Aws = None) -> None:
    """How the last run went, or is going."""
    sandbox = context.obj.sandbox(aws)
    execution = last_execution(sandbox)
    show("The pipeline", tree(execution))
    found = verdicts(sandbox, execution.arn)
    if found:
        show("What the gates say", verdicts_table(found))
    if execution.status not in ("RUNNING", "SUCCEEDED"):
        say(styled(execution.status, "red"), lines(execution.reason))
    for verdict in found:
        if verdict.rules_failed and verdict.rejected_rows:
            say(f'The rejected rows: {COMMAND} query "{verdict.rejected_sql}"', soft_wrap=True)
    _warn(sandbox)


def _warn(sandbox: Sandbox) -> None:
    if warning := stray_customers(sandbox):
        say(styled(warning, "yellow"), soft_wrap=True)
