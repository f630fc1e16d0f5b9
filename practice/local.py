"""The whole story on one machine: deploy, stream, refine, train, query, and accounts that add up."""

from __future__ import annotations

import time
from pathlib import Path

from rich.table import Table

from practice.account import account
from practice.console import COMMAND, heading, say, show, show_answer, step, styled
from practice.counts import Counts, count, expected
from practice.deploy import bootstrap, deploy
from practice.errors import PracticeError
from practice.flush import FIREHOSE, flush
from practice.ingest import land_customers
from practice.local_cloud.lifecycle import LocalCloud, log_path
from practice.local_cloud.state import ServerState
from practice.queries import named_queries, run
from practice.refinery_story import tell_refinery_story
from practice.sample.customers import customers
from practice.sample.orders import Manifest, orders
from practice.sample.plan import Plan
from practice.sandbox import LAYERS, Sandbox, Target
from practice.sending import require_all_taken, send_all
from practice.training_story import tell_training_story

DEFAULT_PORT = 4566
ROWS = 5


def start(directory: Path, port: int | None) -> LocalCloud:
    """The directory's local cloud, started if it does not run; without a port, the one it runs on or the usual one."""
    running = LocalCloud.attach(directory)
    if running is None and ServerState.read(directory):
        killed = styled("The local cloud was killed, and its memory with it.", "yellow")
        say(killed, "A new, empty one starts; everything is deployed again.")
    return LocalCloud.start(directory, port or (running.state.port if running else DEFAULT_PORT))


def tell_story(plan: Plan, *, name: str, directory: Path, port: int | None) -> None:
    """Deploy the sandbox into a local cloud, run the plan's orders through it, and refine them into features.

    Running it again sends again, later orders of the same customers. Only what this run added is compared
    with what must come out; a difference is an error.
    """
    started = time.monotonic()
    heading("A lake-house on this machine")
    say()
    with step("Start the local cloud") as tell:
        cloud = start(directory, port)
        tell(f"{cloud.endpoint}, {'empty' if cloud.fresh else 'running already'}")
    with step("Bootstrap the CDK") as tell:
        bootstrap(cloud, tell)
        tell("")
    with step("Deploy the stacks") as tell:
        deploy(cloud, name, tell)
        sandbox = Sandbox.find(name, Target.of(cloud))
        tell(f"{len(LAYERS) - len(sandbox.missing)} stacks of {name}")
    with step("Land the customers") as tell:
        _, landed = land_customers(sandbox, customers(plan), plan.end.date())
        tell(f"{landed:,} customers")
    with step("Count what is there") as tell:
        flush(cloud, FIREHOSE)
        before = count(sandbox)
        tell(f"{before.raw:,} orders" if before.raw else "no orders yet")
    manifest = _send(sandbox, plan, directory)
    with step("Deliver and count") as tell:
        flush(cloud, FIREHOSE)
        now = count(sandbox)
        tell(f"{now.raw - before.raw:,} orders in raw")
    refinery = tell_refinery_story(sandbox, cloud, plan)
    training = tell_training_story(sandbox, directory)
    with step("Ask the named queries") as tell:
        answers = [(query, run(sandbox, query, rows=ROWS)) for query in named_queries(sandbox)]
        tell(f"{len(answers)} answers")
    for query, answer in answers:
        show_answer(query.name, query.summary, answer)
    account, adds_up = reconcile(manifest, now - before)
    show(
        "What went in, and what came out",
        account,
        f"{manifest.duplicates:,} were sent twice, {manifest.late:,} came late, "
        f"{manifest.messy:,} were messy but could be put right",
    )
    features_add_up = refinery.show()
    training.show()
    _show_end(now, time.monotonic() - started)
    if not (adds_up and features_add_up):
        raise PracticeError(
            "What came out is not what went in; the rows marked ✗ differ. If nothing else was sending meanwhile, "
            f"look into the local cloud's log: {log_path(directory)}"
        )


def reconcile(manifest: Manifest, found: Counts) -> tuple[Table, bool]:
    """Compare what must have come out with what did, line by line; the second value says whether all is equal."""
    due = expected(manifest)
    lines = [
        ("in raw", due.raw, found.raw),
        ("in processed", due.processed, found.processed),
        ("failed", due.failed.total(), found.failed.total()),
        *((f"  {reason}", due.failed[reason], found.failed[reason]) for reason in sorted(due.failed | found.failed)),
    ]
    return account(("sent", manifest.sent), lines)


def balance(now: Counts) -> str:
    """What is in the lake-house: as an equation only where it is one."""
    failed = now.failed.total()
    if now.raw == now.processed + failed:
        return f"{now.raw:,} in raw = {now.processed:,} processed + {failed:,} failed."
    return (
        f"{now.raw:,} in raw, {now.processed:,} processed, {failed:,} failed, which is not the same: something is on "
        "its way, or somebody sends records that are no JSON and end in no newline."
    )


def _send(sandbox: Sandbox, plan: Plan, directory: Path) -> Manifest:
    manifest = Manifest()
    with step("Send the orders") as tell:
        sent = send_all(sandbox, manifest.counted(orders(plan)), total=plan.count, directory=directory)
        tell(f"{sent.taken:,} records to {sent.stream}")
    require_all_taken(sent, directory)
    return manifest


def _show_end(now: Counts, seconds: float) -> None:
    say()
    say(f"In the lake-house now: {balance(now)} Took", styled(f"{seconds:.0f} s.", "bold"))
    commands = Table.grid(padding=(0, 2))
    commands.add_column(no_wrap=True)
    for command, purpose in (
        ("query top_categories", "ask again"),
        ("features get C-000001", "a customer online"),
        ("train --rounds 300", "another model"),
        ("experiments", "compare the models"),
        ("drill spot --kill", "lose the machine"),
        ("generate orders --count 3", "look at the events"),
        ("send --file my-orders.jsonl", "send your own"),
        ("status", "count what is there"),
        ("down", "stop, forget it all"),
    ):
        commands.add_row(styled(f"  {COMMAND} {command}", "cyan"), purpose)
    show("Try next", commands)
