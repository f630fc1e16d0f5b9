"""The feature store's commands."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from practice.console import COMMAND, FINE, say, show, table
from practice.features import get_features, put_features, read_records, require_all_found, require_all_written
from practice.options import Aws, End, Seed
from practice.sample.customer_features import features_of_customers
from practice.sample.plan import Plan, now

CUTOFF_DAYS = 30
MOST_CUTOFFS = Plan.days // CUTOFF_DAYS + 1
SIDE_BY_SIDE = 2

app = typer.Typer(help="Put features of customers into the feature store, and read them.", no_args_is_help=True)


@app.command("put")
def put(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", exists=True, dir_okay=False, help="Your own JSON lines, instead of sample customers."
        ),
    ] = None,
    customers: Annotated[int, typer.Option(min=1, help="Sample customers, those of the orders first.")] = 1_000,
    cutoffs: Annotated[
        int, typer.Option(min=1, max=MOST_CUTOFFS, help=f"Moments to tell of, {CUTOFF_DAYS} days apart up to the end.")
    ] = 3,
    seed: Seed = Plan.seed,
    end: End = None,
    aws: Aws = None,
) -> None:
    """Put features into the feature store: what was known of each customer at some moments.

    Putting the same again adds to the offline store alone; online, the newest event_time stays.
    """
    sandbox, directory = context.obj.sandbox(aws), context.obj.directory
    if file:
        records = list(read_records(file))
        outcome = put_features(sandbox, records, total=len(records), directory=directory)
    else:
        plan = Plan(seed=seed, end=end or now())
        moments = [plan.end - timedelta(days=CUTOFF_DAYS * number) for number in range(cutoffs)]
        sample = features_of_customers(plan.shop, customers, moments)
        outcome = put_features(sandbox, sample, total=customers * cutoffs, directory=directory)
    say(FINE, f"{outcome.written:,} records written to {outcome.group}")
    require_all_written(outcome, directory)
    hurry = f"now: {COMMAND} flush" if sandbox.target.cloud else "within about 15 minutes"
    say(f"They are online at once; Athena sees them {hurry}")


@app.command("get")
def get(
    context: typer.Context,
    customer_ids: Annotated[list[str], typer.Argument(metavar="CUSTOMER_ID...", help="Such as C-000001.")],
    aws: Aws = None,
) -> None:
    """Read the newest features of customers from the online store, as an application does in milliseconds."""
    sandbox = context.obj.sandbox(aws)
    found = get_features(sandbox, customer_ids)
    records = list(found.values())
    for start in range(0, len(records), SIDE_BY_SIDE):
        shown = records[start : start + SIDE_BY_SIDE]
        made = table("", *(record["customer_id"] for record in shown))
        for name in {name: None for record in shown for name in record if name != "customer_id"}:
            made.add_row(name, *(record.get(name, "") for record in shown))
        show("Features online", made)
    require_all_found(sandbox, customer_ids, found)
