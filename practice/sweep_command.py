"""The command that looks for what a sandbox left behind."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated

import typer

from practice.console import COMMAND, FINE, confirm, say, show, step, styled, table, waiting
from practice.errors import PracticeError
from practice.options import Aws
from practice.sandbox import Target
from practice.sweep.ownership import Standing
from practice.sweep.stacks import STACK, failures
from practice.sweep.survey import Leftover, Survey, delete, survey

_MOST_OF_A_KIND = 10
_NOTES = {
    Standing.TAGGED: "carries the sandbox's tag",
    Standing.UNKNOWN: "carries the tag, but only its service can delete it; gone already, if it was deleted lately",
    Standing.NAMED: "named after the sandbox or in its network, without its tag: yours to delete",
    Standing.SHARED: "of the whole account, so others may need it: never deleted",
    Standing.GOING: "goes by itself; if an app is still here after an hour, only AWS Support can remove it",
}


def sweep(
    context: typer.Context,
    doomed: Annotated[
        bool, typer.Option("--delete", help="Delete what carries the sandbox's tag, after you confirm.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    aws: Aws = None,
) -> None:
    """Find what the sandbox left in the account, and what it costs to keep.

    Nothing is deleted unless you say so, and never what does not carry the sandbox's tag.
    """
    name = context.obj.name
    target = Target.choose(aws=aws, directory=context.obj.directory)
    say(styled(f"{name} · {target.description}", "dim"))
    with waiting("Looking"):
        seen = survey(name, target.client)
    _show(name, seen)
    deployed = _tell_stacks(seen)
    if doomed:
        if deployed:
            raise PracticeError(f"Nothing is deleted while stacks exist: {', '.join(deployed)}. First: make destroy")
        seen = _delete(name, target, seen, yes=yes)
    elif not deployed and any(leftover.can_be_deleted for leftover in seen.leftovers):
        place = "" if target.cloud else " --aws"
        say(f"To delete what carries the tag, with what it holds: {COMMAND} --name {name} sweep{place} --delete")
    if seen.unseen:
        reasons = "".join(f"\n  {kind}: {why}" for kind, why in seen.unseen.items())
        raise PracticeError(f"Nobody could look for these, so some may be left:{reasons}")


def _tell_stacks(seen: Survey) -> list[str]:
    """Say which stacks there are; returns those whose deletion has not failed: what is in them is in use."""
    deployed: list[str] = []
    for stack in (leftover.found for leftover in seen.leftovers if leftover.kind is STACK):
        reasons = failures(stack)
        if reasons is None:
            deployed.append(stack.id)
        else:
            say(styled(f"The stack {stack.id} could not be deleted.", "red"), "To try again: make destroy")
            for reason in reasons:
                say(f"  {reason}", soft_wrap=True)
    if deployed:
        say(
            styled(f"The sandbox is deployed: {', '.join(deployed)}.", "yellow"),
            "What is listed is in use. Destroy the stacks first: make destroy",
        )
    return deployed


def _delete(name: str, target: Target, seen: Survey, *, yes: bool) -> Survey:
    number = sum(leftover.can_be_deleted for leftover in seen.leftovers)
    if not number:
        return seen
    if not yes:
        confirm(f"Delete {number} that carry the tag sandbox={name}, with what they hold?")
    with step("Delete") as tell:
        after, refused = delete(name, target.client, tell=tell)
        left = sum(leftover.can_be_deleted for leftover in after.leftovers)
        tell(f"{number - left} of {number}")
    _show(name, after)
    if left:
        reasons = "".join(f"\n  {resource}: {why}" for resource, why in refused.items())
        raise PracticeError(f"{left} are still there; the same command tries again.{reasons}")
    return after


def _show(name: str, seen: Survey) -> None:
    for standing in Standing:
        if leftovers := seen.of(standing):
            _show_table(standing, leftovers)
    if not seen.unseen and not any(map(seen.of, (Standing.TAGGED, Standing.UNKNOWN, Standing.NAMED))):
        say(FINE, f"Nothing is left of {name}.")


def _show_table(standing: Standing, leftovers: list[Leftover]) -> None:
    made = table("", "name", "to keep it costs")
    hints: dict[str, str] = {}
    for kind, of_kind in groupby(leftovers, key=lambda leftover: leftover.kind.name):
        items = list(of_kind)
        for leftover in items[:_MOST_OF_A_KIND]:
            cost = "nothing" if standing is Standing.GOING else leftover.kind.cost
            made.add_row(kind, leftover.found.id, cost)
        if len(items) > _MOST_OF_A_KIND:
            made.add_row("", styled(f"and {len(items) - _MOST_OF_A_KIND:,} more", "dim"), "")
        if standing is Standing.NAMED and items[0].kind.by_hand:
            hints[kind] = items[0].kind.by_hand
    show(f"{len(leftovers):,} {standing.value}", made, _NOTES[standing])
    for kind, hint in hints.items():
        say(styled(f"  {kind}: {hint}", "dim"), soft_wrap=True)
