"""The learner's command line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from rich.table import Table

from contracts import ContractError
from practice import (
    cost_commands,
    doctor_command,
    env_command,
    feature_commands,
    local,
    pipeline_commands,
    queries,
    sweep_command,
    training_commands,
)
from practice.console import COMMAND, FINE, confirm, fail, remark, say, show, show_answer, step, styled, table, waiting
from practice.counts import Counts, count, expected
from practice.crawl import crawl as run_crawler
from practice.customers import alike, objections, read_file, to_land
from practice.errors import PracticeError
from practice.flush import flush as deliver
from practice.ingest import land_customers
from practice.local_cloud.firehose.prefix import MOST_ACTIVE_PARTITIONS
from practice.local_cloud.lifecycle import LocalCloud, LocalCloudError
from practice.options import Aws, Common, End, LateShare, MessyShare, Number, OutFile, Port, Seed, Share, TwiceShare
from practice.programs import search_path
from practice.reasons import validate
from practice.sample.customers import customers
from practice.sample.orders import Manifest, orders
from practice.sample.plan import Plan, PlanError, now
from practice.sandbox import LOCAL_DIRECTORY, default_name
from practice.sending import Sent, require_all_taken, send_all

app = typer.Typer(
    help="Practise on a lake-house: run it on this machine or use the one in your AWS account.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
generate = typer.Typer(help="Write sample data to a file or to standard output.", no_args_is_help=True)
land = typer.Typer(help="Put batch files into the raw zone.", no_args_is_help=True)

CustomersFile = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", exists=True, dir_okay=False, help="Your own CSV file, instead of generated customers."
    ),
]
Anyway = Annotated[bool, typer.Option("--anyway", help="Do not ask, even if nothing of the file fits the contract.")]

MACHINE = "On this machine"
DATA = "Data in"
ANSWERS = "Answers out"
MODELS = "Models"
ACCOUNT = "In your account"

app.add_typer(generate, name="generate", rich_help_panel=DATA)
app.add_typer(land, name="land", rich_help_panel=DATA)
app.add_typer(feature_commands.app, name="features", rich_help_panel=ANSWERS)
app.add_typer(pipeline_commands.app, name="pipeline", rich_help_panel=ANSWERS)
app.command("train", rich_help_panel=MODELS)(training_commands.train)
app.command("tune", rich_help_panel=MODELS)(training_commands.tune)
app.command("experiments", rich_help_panel=MODELS)(training_commands.experiments)
app.add_typer(training_commands.drills, name="drill", rich_help_panel=MODELS)
app.command("cost", rich_help_panel=ACCOUNT)(cost_commands.cost)
app.command("doctor", rich_help_panel=ACCOUNT)(doctor_command.doctor)
app.command("sweep", rich_help_panel=ACCOUNT)(sweep_command.sweep)


@app.callback()
def common(
    context: typer.Context,
    name: Annotated[
        str, typer.Option(default_factory=default_name, help="The sandbox's name.", show_default="cdk.json")
    ],
    directory: Annotated[
        Path, typer.Option(file_okay=False, help="Where the local cloud keeps its state.", show_default=".local")
    ] = LOCAL_DIRECTORY,
) -> None:
    context.obj = Common(name, directory)


@app.command("local", rich_help_panel=MACHINE)
def run_locally(context: typer.Context, number: Number = Plan.count, seed: Seed = Plan.seed, port: Port = None) -> None:
    """The whole story: local cloud, deployment, orders, queries, and an account that adds up."""
    local.tell_story(Plan(count=number, seed=seed), name=context.obj.name, directory=context.obj.directory, port=port)


@app.command(rich_help_panel=MACHINE)
def up(context: typer.Context, port: Port = None) -> None:
    """Start the local cloud, with nothing in it."""
    with step("Start the local cloud") as tell:
        cloud = local.start(context.obj.directory, port)
        tell(f"{cloud.endpoint}, {'empty' if cloud.fresh else 'running already'}")


@app.command(rich_help_panel=MACHINE)
def down(context: typer.Context) -> None:
    """Stop the local cloud. It keeps everything in memory, so everything in it is gone."""
    cloud = LocalCloud.attach(context.obj.directory)
    if cloud is None:
        say("No local cloud runs here.")
        return
    with step("Stop the local cloud"):
        cloud.stop()


@app.command(rich_help_panel=MACHINE)
def flush(context: typer.Context) -> None:
    """Deliver what Firehose and the feature store have buffered in the local cloud now, instead of in minutes."""
    sandbox = context.obj.sandbox(aws=False)
    with step("Deliver"):
        deliver(sandbox.target.cloud)


app.command("env", rich_help_panel=MACHINE)(env_command.env)


@generate.command("orders")
def generate_orders(
    number: Number = Plan.count,
    seed: Seed = Plan.seed,
    malformed: Share = Plan.malformed,
    late: LateShare = Plan.late,
    duplicates: TwiceShare = Plan.duplicates,
    messy: MessyShare = Plan.messy,
    end: End = None,
    file: OutFile = None,
) -> None:
    """Orders as JSON lines, faults included; what must come out of them is told at the end."""
    plan = Plan(number, seed, malformed, late, duplicates, messy, end or now())
    manifest = Manifest()
    _write(file, manifest.counted(orders(plan)))
    remark(
        f"{manifest.sent:,} records: {manifest.processed:,} to be processed, {manifest.failed.total():,} to fail, "
        f"{manifest.late:,} late, {manifest.duplicates:,} sent twice, {manifest.messy:,} messy"
    )


@generate.command("customers")
def generate_customers(
    number: Annotated[int, typer.Option("--orders", min=1, help="The customers behind this many orders.")] = Plan.count,
    seed: Seed = Plan.seed,
    end: End = None,
    file: OutFile = None,
) -> None:
    """Customers as CSV: everyone behind the orders of the same seed."""
    _write(file, (line.encode() for line in customers(Plan(number, seed, end=end or now()))))


@land.command("customers")
def land_customers_now(
    context: typer.Context,
    file: CustomersFile = None,
    number: Annotated[int, typer.Option("--orders", min=1, help="The customers behind this many orders.")] = Plan.count,
    seed: Seed = Plan.seed,
    anyway: Anyway = False,
    aws: Aws = None,
) -> None:
    """Land today's batch of customers in the raw zone.

    Rows of a file that the quality gate will refuse land too, and are told beforehand: the gate keeps them.
    """
    sandbox = context.obj.sandbox(aws)
    plan = Plan(number, seed)
    lines = _own_customers(file, plan.end.date(), anyway=anyway) if file else customers(plan)
    url, landed = land_customers(sandbox, lines, plan.end.date())
    say(f"{landed:,} customers in {url}")


@app.command(rich_help_panel=DATA)
def send(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", "-f", exists=True, dir_okay=False, help="Your own JSON lines, instead of generated orders."
        ),
    ] = None,
    number: Number = Plan.count,
    seed: Seed = Plan.seed,
    malformed: Share = Plan.malformed,
    late: LateShare = Plan.late,
    duplicates: TwiceShare = Plan.duplicates,
    messy: MessyShare = Plan.messy,
    end: End = None,
    anyway: Anyway = False,
    aws: Aws = None,
) -> None:
    """Stream orders into the lake-house.

    A file's lines go as they are. What will fail is told beforehand, by the code that the Lambda function runs.
    A producer of your own ends each record with a newline: Firehose puts none between them in the raw zone.
    """
    sandbox, directory = context.obj.sandbox(aws), context.obj.directory
    if file:
        due = _validated(file)
        _ask_if_nothing_fits(due.processed, "record", file, anyway=anyway)
        sent = send_all(sandbox, _lines(file), total=due.raw, directory=directory)
    else:
        manifest = Manifest()
        plan = Plan(number, seed, malformed, late, duplicates, messy, end or now())
        sent = send_all(sandbox, manifest.counted(orders(plan)), total=plan.count, directory=directory)
        due = expected(manifest)
    say(FINE, f"{sent.taken:,} of {due.raw:,} records taken by {sent.stream}")
    require_all_taken(sent, directory)
    show("What must come out", _counts_table(due))
    hurry = f"now: {COMMAND} flush" if sandbox.target.cloud else f"then: {COMMAND} status --aws"
    say(f"Firehose delivers within about a minute; {hurry}")


@app.command(rich_help_panel=DATA)
def crawl(context: typer.Context, aws: Aws = None) -> None:
    """Run the raw zone's crawlers, and list the tables they leave."""
    sandbox = context.obj.sandbox(aws)
    with step("Crawl the raw zone"):
        tables = run_crawler(sandbox)
    made = table("table", "columns", numbers=("columns",))
    for name, columns in sorted(tables.items()):
        made.add_row(name, str(columns))
    show(f"Tables in {sandbox['RawDatabase']}", made)


@app.command("queries", rich_help_panel=ANSWERS)
def list_queries(context: typer.Context, aws: Aws = None) -> None:
    """List the named queries of the Athena workgroup."""
    sandbox = context.obj.sandbox(aws)
    made = table("name", "what it answers")
    for query in queries.named_queries(sandbox):
        made.add_row(styled(query.name, "cyan"), query.summary)
    show("Named queries", made, f"Run one: {COMMAND} query NAME")


@app.command(rich_help_panel=ANSWERS)
def query(
    context: typer.Context,
    name_or_sql: Annotated[str, typer.Argument(metavar="NAME|SQL", help="A named query, or SQL in quotes.")],
    rows: Annotated[int, typer.Option(min=1, max=1000, help="Rows to show.")] = 20,
    aws: Aws = None,
) -> None:
    """Ask Athena, and show the first rows and what the query scanned."""
    sandbox = context.obj.sandbox(aws)
    asked = queries.find(sandbox, name_or_sql)
    with waiting("Athena is working"):
        answer = queries.run(sandbox, asked, rows=rows)
    show_answer(asked.name or "Answer", asked.description, answer)


@app.command(rich_help_panel=ANSWERS)
def status(context: typer.Context, aws: Aws = None) -> None:
    """Count what is in the lake-house, from the objects in S3 themselves."""
    sandbox = context.obj.sandbox(aws)
    with waiting("Counting"):
        found = count(sandbox)
    sent = Sent.last(context.obj.directory)
    if sent and sent.target == sandbox.target.description:
        refused = f", {sent.refused.total():,} refused" if sent.refused else ""
        say(f"Last send: {sent.taken:,} records to {sent.stream} at {sent.at}{refused}")
    show("In the lake-house", _counts_table(found))
    on_the_way = found.raw - found.processed - found.failed.total()
    if on_the_way:
        say(
            styled(f"raw and processed + failed differ by {on_the_way:,}:", "yellow"),
            "Firehose is still delivering, or something is wrong. Look again in a minute.",
        )
    else:
        say(FINE, "raw = processed + failed")


def _counts_table(counts: Counts) -> Table:
    made = table("", "records", numbers=("records",))
    made.add_row("in raw", f"{counts.raw:,}")
    made.add_row("in processed", f"{counts.processed:,}")
    made.add_row("failed", f"{counts.failed.total():,}")
    for reason, number in counts.failed.most_common():
        made.add_row(f"  {reason}", f"{number:,}", style="dim")
    return made


def _validated(file: Path) -> Counts:
    """What must come out of a file's lines; those that will fail are shown by reason."""
    validation = validate(_lines(file))
    if not validation.records:
        raise PracticeError(f"{file} is empty; it must hold one JSON object a line.")
    if validation.findings:
        made = table(
            "reason",
            "records",
            "first line",
            "why",
            numbers=("records", "first line"),
        )
        for reason, finding in sorted(validation.findings.items(), key=lambda item: -item[1].count):
            made.add_row(reason, f"{finding.count:,}", f"{finding.first_line:,}", finding.example)
        show(f"What does not fit the contract in {file}", made)
    else:
        say(FINE, f"All {validation.records:,} records of {file} fit the contract.")
    if len(validation.dates) > MOST_ACTIVE_PARTITIONS:
        say(
            styled("!", "yellow"),
            f"{file} has orders of {len(validation.dates):,} dates; Firehose keeps {MOST_ACTIVE_PARTITIONS} partitions "
            "open, and what comes for another meanwhile goes to the errors. Split the file by date, and send a part "
            "when the one before is delivered.",
        )
    return Counts(validation.records, validation.records - validation.reasons.total(), validation.reasons)


def _own_customers(file: Path, today: date, *, anyway: bool) -> Iterator[str]:
    """The lines to land of a person's file; what the gate will refuse is shown by column and reason."""
    rows = read_file(file)
    found = list(objections(rows, today))
    refused = len({objection.row for objection in found})
    if found:
        made = table("column", "rows", "first row", "value", "why", numbers=("rows", "first row"))
        for first, number in alike(found):
            made.add_row(first.column, f"{number:,}", f"{first.row:,}", first.value, first.why)
        show(f"What the quality gate will refuse in {file}", made)
        say(f"{len(rows):,} rows = {len(rows) - refused:,} that fit + {refused:,} that the gate will refuse")
    else:
        say(FINE, f"All {len(rows):,} rows of {file} fit the contract.")
    _ask_if_nothing_fits(len(rows) - refused, "row", file, anyway=anyway)
    return to_land(rows)


def _ask_if_nothing_fits(fitting: int, unit: str, file: Path, *, anyway: bool) -> None:
    if not fitting and not anyway:
        confirm(f"No {unit} of {file} fits the contract. Go on? (Without this question: --anyway)")


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as content:
        for line in content:
            yield line if line.endswith(b"\n") else line + b"\n"


def _write(file: Path | None, lines: Iterable[bytes]) -> None:
    with file.open("wb") if file else nullcontext(sys.stdout.buffer) as output:
        for line in lines:
            output.write(line)
        output.flush()


def main() -> None:
    """Run the command line; what a learner can put right is told in a line, never as a traceback.

    Typer and Python would print an error as it is, whoever's text stands in it.
    """
    os.environ["PATH"] = search_path(os.environ)
    try:
        sys.exit(app(standalone_mode=False))
    except typer.Abort:
        fail("Aborted.")
    except typer.TyperException as error:
        if message := error.format_message():
            fail(f"{message}{_hint(error)}")
        sys.exit(error.exit_code)
    except Exception as error:
        fail(_told(error))
    sys.exit(1)


def _hint(error: typer.TyperException) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    return f"\nHelp: {context.command_path} --help" if context else ""


def _told(error: Exception) -> str:
    match error:
        case NoCredentialsError():
            return "There are no AWS credentials in the environment. Set AWS_PROFILE, or sign in: aws sso login."
        case PracticeError() | LocalCloudError() | PlanError() | ContractError() | BotoCoreError() | ClientError():
            return str(error)
        case _:
            return traceback.format_exc()
