"""What a sandbox costs, before it is deployed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from practice.console import heading, say, show, stacked, styled, table, waiting
from practice.errors import PracticeError

if TYPE_CHECKING:
    from cost.charges import ResourceCost
    from cost.estimate import Estimate

IDLE = "idle, USD a month"
BY_CLOCK = "by the clock, USD a month at least"
_LONGEST_NAME = 22


def cost(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SETTINGS]...",
            help="default is cdk.json; vpc-only, kinesis or key=value change one of its settings, + joins several.",
            show_default="default",
        ),
    ] = None,
    compare: Annotated[bool, typer.Option("--compare", help="Show the settings side by side.")] = False,
) -> None:
    """What a sandbox costs: idle, and by use. Read from the synthesized templates; needs no account."""
    estimates = {name: _estimate(name) for name in names or ["default"]}
    if compare:
        show(
            "Side by side",
            side_by_side(estimates),
            "Below the line, where the settings differ: how many resources are paid by use.",
        )
    else:
        for name, found in estimates.items():
            _show(name, found)
    _show_sources(estimates)


def side_by_side(estimates: Mapping[str, Estimate]) -> Table:
    """What idles, by type, for all settings; and what is paid by use, where they differ."""
    made = table("", *estimates, numbers=tuple(estimates))
    idle = {name: _idle_by_type(found) for name, found in estimates.items()}
    for type_ in sorted({type_ for costs in idle.values() for type_ in costs}):
        made.add_row(_short(type_), *(_dollars(costs.get(type_, 0)) for costs in idle.values()))
    totals = (styled(f"{found.idle:.2f}", "bold") for found in estimates.values())
    made.add_row(styled(IDLE, "bold"), *totals)
    made.add_row(BY_CLOCK, *(f"{found.by_schedule:.2f}" for found in estimates.values()), end_section=True)
    uses = {
        name: Counter((resource.type, str(charge)) for resource in found.resources for charge in resource.use)
        for name, found in estimates.items()
    }
    for type_, charge in sorted({use for counted in uses.values() for use in counted}):
        numbers = [counted[type_, charge] for counted in uses.values()]
        if len(set(numbers)) > 1:
            made.add_row(f"{_short(type_)}: {charge}", *(str(number or "-") for number in numbers))
    return made


def _estimate(name: str) -> Estimate:
    # the CDK takes seconds to load, and no other command needs it
    from cost.charges import CostError
    from cost.choice import chosen
    from cost.estimate import estimate, synthesized
    from stacks.settings import SettingsError

    try:
        with waiting(f"Synthesize {name}"):
            return estimate(synthesized(chosen(name)))
    except (CostError, SettingsError) as error:
        raise PracticeError(str(error)) from None


def _show(name: str, found: Estimate) -> None:
    for stack, resources in found.stacks.items():
        if any(not resource.free for resource in resources):
            show(f"{stack} ({name})", _billed(resources))
    if nothing := [stack for stack, resources in found.stacks.items() if all(resource.free for resource in resources)]:
        heading(f"Nothing that is billed ({name})")
        say(", ".join(nothing))
    made = table("free", "number", "why", numbers=("number",))
    free = Counter((resource.type, resource.free.why) for resource in found.resources if resource.free)
    for (type_, why), number in sorted(free.items()):
        made.add_row(_short(type_), str(number), why)
    show(f"Free ({name})", made)
    clock = table("resource", "type", "runs a month", BY_CLOCK, numbers=("runs a month", BY_CLOCK))
    for run in found.scheduled:
        clock.add_row(run.name, _short(run.type), f"{run.runs:.0f}", f"{run.usd:.2f}")
    show(
        f"By the clock ({name})",
        clock,
        "Each run as short as AWS bills it: a crawl ten minutes of one DPU, a job one minute of its workers. Crawls by "
        "events cost nothing on days without new objects.",
    )
    say(styled(f"{name}: USD {found.idle:.2f} a month while nothing happens", "bold"))
    say(f"What a clock starts adds USD {found.by_schedule:.2f} a month at least.")


def _billed(resources: Sequence[ResourceCost]) -> Table:
    """The resources of a stack that cost something; those that cost the same stand in one row."""
    alike: dict[tuple[str, float, tuple[str, ...]], list[str]] = {}
    for resource in resources:
        if not resource.free:
            use = tuple(map(str, resource.use)) or ("nothing",)
            alike.setdefault((resource.type, resource.idle, use), []).append(resource.name)
    made = table("resource", "type", IDLE, "by use", numbers=(IDLE,))
    for (type_, idle, use), names in alike.items():
        made.add_row(
            stacked(part for resource in names for part in _parts(resource)),
            _short(type_),
            _dollars(idle),
            stacked(use),
        )
    return made


def _parts(name: str) -> Iterator[str]:
    """A name in lines that end between its words; a table that is too narrow for it would break it anywhere."""
    part = ""
    for word in re.findall("[A-Z][^A-Z]*|[^A-Z]+", name) if name.isalnum() else [name]:
        if part and len(part) + len(word) > _LONGEST_NAME:
            yield part
            part = ""
        part += word
    yield part


def _show_sources(estimates: Mapping[str, Estimate]) -> None:
    """What to know of the prices, what has none, and where they come from."""
    from cost.prices import PRICES_JSON, price_list

    resources = [resource for found in estimates.values() for resource in found.resources]
    for type_, note in sorted({(resource.type, note) for resource in resources for note in resource.notes}):
        say(styled(f"{_short(type_)}: {note}", "dim"), soft_wrap=True)
    for why in sorted({charge.why_unpriced for resource in resources for charge in resource.use if not charge.price}):
        say(styled("Unpriced:", "yellow"), why, soft_wrap=True)
    dates = [price.published for price in price_list().prices.values()]
    told = (
        f"Prices of {price_list().region}, published {min(dates)} to {max(dates)}, each with its page in "
        f"{PRICES_JSON.parent.name}/{PRICES_JSON.name}; without free tiers, taxes, discounts and data transfer."
    )
    say(styled(told, "dim"), soft_wrap=True)


def _idle_by_type(found: Estimate) -> dict[str, float]:
    costs: dict[str, float] = {}
    for resource in found.resources:
        if resource.idle:
            costs[resource.type] = costs.get(resource.type, 0) + resource.idle
    return costs


def _dollars(usd: float) -> str:
    return f"{usd:.2f}" if usd else "-"


def _short(type_: str) -> str:
    return type_.removeprefix("AWS::")
