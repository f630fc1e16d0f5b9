"""Takes the machine of a training job away, and tells what that cost and what the checkpoint saved."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from rich.table import Table

from practice.console import table
from practice.errors import PracticeError
from practice.local_cloud.lifecycle import LocalCloud, LocalCloudError
from practice.sandbox import Sandbox
from practice.training import TrainingRun, describe_job, has_step, rounds, start
from practice.training_progress import follow

PARAMETERS = {"NumRound": "2000", "Eta": "0.003"}
"""Ten times the rounds of the default, each a tenth of its step: there is a while to interrupt."""
_SHARE = 0.5


@dataclass(frozen=True)
class Drill:
    """An interruption: the rounds done until then, those that the checkpoint had, and the seconds these had taken."""

    run: TrainingRun
    rounds_done: int
    rounds_kept: int
    seconds_saved: float
    training_seconds: int
    billable_seconds: int


def drill(sandbox: Sandbox, *, kill: bool) -> Drill:
    """Start a run, and interrupt its training once, half-way; on AWS nobody can ask for that."""
    cloud = sandbox.target.cloud
    if cloud is None:
        raise PracticeError(
            "Spot capacity on AWS is taken away when AWS needs it, not when it is asked for. Run the drill on the "
            "local cloud: leave out --aws."
        )
    if not has_step(sandbox, "Train"):
        raise PracticeError(
            "The training pipeline tunes, and the drill interrupts a single training job. Deploy it with "
            "sandbox:training_tuning=off."
        )
    interrupted: list[str] = []

    def interrupt_once(job: str, done: int) -> None:
        if not interrupted and done >= _SHARE * int(PARAMETERS["NumRound"]):
            interrupt(cloud, job, kill=kill)
            interrupted.append(job)

    run = follow(sandbox, start(sandbox, PARAMETERS), interrupt_once)
    if not interrupted:
        reason = f": {run.reason}" if run.reason else ""
        raise PracticeError(f"The run ended as {run.status} before it could be interrupted{reason}")
    return outcome(sandbox, run, interrupted[0])


def outcome(sandbox: Sandbox, run: TrainingRun, job: str) -> Drill:
    """What the log of an interrupted job tells; its rounds are numbered from 0."""
    found = rounds(sandbox, job)
    described = describe_job(sandbox, job)
    kept = 1 + found.resumed_after[0] if found.resumed_after else 0
    first = found.attempts[0]
    at_work = first[-1].time - first[0].time if len(first) > 1 else 0.0
    return Drill(
        run,
        rounds_done=len(first),
        rounds_kept=kept,
        seconds_saved=at_work * kept / max(1, len(first) - 1),
        training_seconds=described["TrainingTimeInSeconds"],
        billable_seconds=described["BillableTimeInSeconds"],
    )


def interrupt(cloud: LocalCloud, job: str, *, kill: bool) -> None:
    """Have the local cloud take the machine of a training job away, with notice or at once."""
    query = urlencode({"name": job, "mode": "kill" if kill else "notice"})
    try:
        cloud.post(f"/_sandbox/training-jobs/interrupt?{query}")
    except LocalCloudError as error:
        raise PracticeError(f"The job was not interrupted: {error}") from error


def costs(found: Drill) -> Table:
    """What the interruption cost, and what the checkpoint saved."""
    made = table("", "rounds", "seconds", numbers=("rounds", "seconds"))
    again = found.rounds_done - found.rounds_kept
    made.add_row("done when the machine was taken away", f"{found.rounds_done:,}", "")
    made.add_row("kept by the checkpoint, and so saved", f"{found.rounds_kept:,}", f"{found.seconds_saved:.1f}")
    made.add_row("done again", f"{again:,}", "")
    made.add_row("from start to end", "", f"{found.training_seconds:,}")
    made.add_row("of them billable", "", f"{found.billable_seconds:,}")
    return made
