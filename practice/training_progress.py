"""Follows a run of the training pipeline on the screen: a bar for each step, the rounds of training counted."""

from __future__ import annotations

from collections.abc import Callable

from rich.progress import TaskID

from practice.console import FINE, WRONG, ended, progress
from practice.sandbox import Sandbox
from practice.training import TrainingRun, parameters_of, rounds, training_job, watch

AtRound = Callable[[str, int], None]
"""Is told the training job's name and the rounds done."""


def follow(sandbox: Sandbox, arn: str, during_training: AtRound | None = None) -> TrainingRun:
    """Show the steps of a run until it has ended; returns it. While it trains, tell of the rounds done so far."""
    bars: dict[str, TaskID] = {}
    told: set[str] = set()
    job, total = "", 0
    with progress() as shown:
        for run in watch(sandbox, arn):
            for step in run.steps:
                if step.name not in bars:
                    bars[step.name] = shown.add_task(step.name, total=None)
                if step.name == "Train" and step.status == "Executing" and step.job_arn:
                    job = job or training_job(sandbox, run, step.job_arn)
                    total = total or int(parameters_of(sandbox, run)["NumRound"])
                    done = rounds(sandbox, job).done
                    shown.update(bars[step.name], total=total, completed=done)
                    if during_training:
                        during_training(job, done)
                if step.status not in ("Starting", "Executing", "Stopping") and step.name not in told:
                    told.add(step.name)
                    shown.remove_task(bars[step.name])
                    mark = FINE if step.status == "Succeeded" else WRONG
                    ended(mark, step.name, step.seconds, step.job_arn.rpartition("/")[2])
    return run
