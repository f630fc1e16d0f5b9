"""The commands of training."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from jobs.training.tuning import MOST_JOBS
from practice import spot_drill, tuning
from practice.console import COMMAND, out, progress, show, table
from practice.options import Aws
from practice.sandbox import Sandbox
from practice.training import (
    evaluation,
    fetch_report,
    metrics_table,
    parameters_of,
    require_succeeded,
    runs,
    start,
)
from practice.training_progress import follow

drills = typer.Typer(help="Practise what goes wrong, on the local cloud.", no_args_is_help=True)

Kill = Annotated[bool, typer.Option("--kill", help="Without notice, as when a machine dies.")]


def train(
    context: typer.Context,
    rounds: Annotated[int | None, typer.Option(min=1, help="Rounds of boosting.", show_default="200")] = None,
    max_depth: Annotated[int | None, typer.Option(min=1, help="Depth of a tree.", show_default="3")] = None,
    eta: Annotated[float | None, typer.Option(min=0.0001, max=1, help="Learning rate.", show_default="0.03")] = None,
    aws: Aws = None,
) -> None:
    """Run the training pipeline: data set, spot training, evaluation, registration of a model that is good enough."""
    sandbox: Sandbox = context.obj.sandbox(aws)
    given = {"NumRound": rounds, "MaxDepth": max_depth, "Eta": eta}
    run = follow(sandbox, start(sandbox, {name: str(value) for name, value in given.items() if value is not None}))
    if run.step("GoodEnough"):
        show("The model beside its baselines", metrics_table(evaluation(sandbox, run)))
        out.print(f"The report: {fetch_report(sandbox, run, context.obj.directory)}", soft_wrap=True)
    require_succeeded(run)
    out.print(f"Registered, and waiting for approval: [bold]{run.model_package}[/]", soft_wrap=True)


def experiments(
    context: typer.Context,
    most: Annotated[int, typer.Option("--most", min=1, max=50, help="Runs to compare, the newest first.")] = 10,
    aws: Aws = None,
) -> None:
    """Compare the runs of the training pipeline: what each was told, what came of it, and where it lies."""
    sandbox: Sandbox = context.obj.sandbox(aws)
    found = runs(sandbox, most)
    names = list(parameters_of(sandbox, found[0])) if found else []
    made = table("run", "status", *names, "AUC", "margin", "model", numbers=(*names, "AUC", "margin"))
    for run in found:
        told = ["", ""]
        if run.step("GoodEnough"):
            metrics = evaluation(sandbox, run)
            auc = metrics["binary_classification_metrics"]["auc"]["value"]
            told = [f"{auc:.3f}", f"{metrics['comparison']['auc_margin']:+.3f}"]
        values = parameters_of(sandbox, run)
        version = run.model_package.rpartition("/")[2]
        model = version and f"version {version}"
        made.add_row(run.id, run.status, *(values.get(name, "") for name in names), *told, model)
    show("Runs of the training pipeline", made, "margin: by how much the AUC is above that of the best baseline")
    if not found:
        out.print(f"There is none yet: {COMMAND} train")


def tune(
    context: typer.Context,
    strategy: Annotated[
        Literal["bayesian", "random", "hyperband"], typer.Option(help="How the next hyperparameters are chosen.")
    ] = "bayesian",
    aws: Aws = None,
) -> None:
    """Search for better hyperparameters on the data of the last run; up to 12 training jobs, two at a time."""
    sandbox: Sandbox = context.obj.sandbox(aws)
    with progress(out) as shown:
        bar = shown.add_task(f"Tune ({strategy})", total=MOST_JOBS)
        for search in tuning.watch(sandbox, tuning.start(sandbox, strategy)):
            shown.update(bar, completed=search.trials_ended)
    names = sorted({name for trial in search.trials for name in trial.tuned})
    made = table("job", "status", *names, tuning.OBJECTIVE, numbers=(*names, tuning.OBJECTIVE))
    for trial in search.trials:
        values = (f"{float(trial.tuned[name]):.4g}" for name in names)
        made.add_row(trial.job, trial.status, *values, f"{trial.objective:.4f}" if trial.objective else "")
    show(f"Trials of {search.name}", made, "the best first")


@drills.command("spot")
def spot(context: typer.Context, kill: Kill = False) -> None:
    """Train, take the machine away half-way, and see training go on from its checkpoint."""
    sandbox: Sandbox = context.obj.sandbox(None)
    show("Spot training", spot_drill.costs(spot_drill.drill(sandbox, start(sandbox, spot_drill.PARAMETERS), kill=kill)))
