"""The commands of training."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from jobs.training.tuning import MOST_JOBS, OBJECTIVE
from practice import spot_drill, tuning
from practice.console import COMMAND, progress, say, show, styled, table
from practice.errors import PracticeError
from practice.options import Aws
from practice.sandbox import Sandbox
from practice.training import (
    TrainingRun,
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

_PARAMETERS = {"rounds": "NumRound", "depth": "MaxDepth", "eta": "Eta"}
"""What a run can be told, as the tables name it and as the pipeline does."""

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
        say(f"The report: {fetch_report(sandbox, run, context.obj.directory)}", soft_wrap=True)
    require_succeeded(run)
    say("Registered, and waiting for approval:", styled(run.model_package, "bold"), soft_wrap=True)


def experiments(
    context: typer.Context,
    most: Annotated[int, typer.Option("--most", min=1, max=50, help="Runs to compare, the newest first.")] = 10,
    aws: Aws = None,
) -> None:
    """Compare the runs of the training pipeline: what each was told, what came of it, and where it lies."""
    sandbox: Sandbox = context.obj.sandbox(aws)
    found = runs(sandbox, most)
    made = table(
        "run", "status", *_PARAMETERS, "AUC", "margin", "model", numbers=(*_PARAMETERS, "AUC", "margin", "model")
    )
    for run in found:
        values = parameters_of(sandbox, run)
        given = (values.get(name, "") for name in _PARAMETERS.values())
        made.add_row(run.id, run.status, *given, *_judged(sandbox, run), run.model_package.rpartition("/")[2])
    show(
        "Runs of the training pipeline",
        made,
        "margin: of the AUC to that of the best baseline; model: the version that was registered",
    )
    if not found:
        say(f"There is none yet: {COMMAND} train")


def _judged(sandbox: Sandbox, run: TrainingRun) -> tuple[str, str]:
    """AUC and margin of a run; one whose evaluation cannot be read keeps no other from being shown."""
    if not run.step("GoodEnough"):
        return "", ""
    try:
        found = evaluation(sandbox, run)
        return f"{found.model['auc']:.3f}", f"{found.margin:+.3f}"
    except (PracticeError, KeyError):
        return "unreadable", ""


def tune(
    context: typer.Context,
    strategy: Annotated[
        Literal["bayesian", "random", "hyperband"], typer.Option(help="How the next hyperparameters are chosen.")
    ] = "bayesian",
    aws: Aws = None,
) -> None:
    """Search for better hyperparameters on the data of the last run; up to 12 training jobs, two at a time."""
    sandbox: Sandbox = context.obj.sandbox(aws)
    with progress() as shown:
        bar = shown.add_task(f"Tune ({strategy})", total=MOST_JOBS)
        for search in tuning.watch(sandbox, tuning.start(sandbox, strategy)):
            shown.update(bar, completed=search.trials_ended)
    names = sorted({name for trial in search.trials for name in trial.tuned})
    made = table("job", *names, "AUC", numbers=(*names, "AUC"))
    for trial in search.trials:
        values = (f"{float(trial.tuned[name]):.3g}" for name in names)
        objective = f"{trial.objective:.4f}" if trial.objective else trial.status
        made.add_row(trial.job.removeprefix(search.name), *values, objective)
    show(f"Trials of {search.name}", made, f"by {OBJECTIVE}, the best first")


@drills.command("spot")
def spot(context: typer.Context, kill: Kill = False) -> None:
    """Train, take the machine away half-way, and see training go on from its checkpoint."""
    sandbox: Sandbox = context.obj.sandbox(None)
    show("Spot training", spot_drill.costs(spot_drill.drill(sandbox, kill=kill)))
