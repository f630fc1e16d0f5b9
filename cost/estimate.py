"""What the stacks of a sandbox cost, from its templates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cost.charges import ResourceCost, resource_cost
from cost.prices import PriceList, price_list
from cost.schedules import Scheduled, scheduled

Template = Mapping[str, Any]


@dataclass(frozen=True)
class Estimate:
    """The cost of every resource, by stack."""

    stacks: Mapping[str, Sequence[ResourceCost]]
    scheduled: Sequence[Scheduled] = ()
    """What runs by a clock, whether anybody uses the sandbox or not."""

    @property
    def resources(self) -> list[ResourceCost]:
        return [resource for resources in self.stacks.values() for resource in resources]

    @property
    def idle(self) -> float:
        """What the sandbox costs while nothing happens, in USD a month."""
        return sum(resource.idle for resource in self.resources)

    @property
    def by_schedule(self) -> float:
        """What the runs that a clock starts add to that at least, in USD a month."""
        return sum(run.usd for run in self.scheduled)


def estimate(templates: Mapping[str, Template], prices: PriceList | None = None) -> Estimate:
    """The cost of templates, by stack.

    Raises:
        CostError: a resource is of a type, or asks for something, that the list does not know.
    """
    known = prices or price_list()
    return Estimate(
        {
            stack: [
                resource_cost(logical_id, body, known) for logical_id, body in template.get("Resources", {}).items()
            ]
            for stack, template in templates.items()
        },
        scheduled(templates, known),
    )


def synthesized(settings: Mapping[str, Any]) -> dict[str, Template]:
    """The templates of a sandbox with these settings on top of cdk.json's, by the construct ids of its stacks."""
    # the CDK takes seconds to load, and whoever only wants a price needs none of it
    from stacks.sandbox import sandbox_app

    return {
        artifact.display_name.partition(" ")[0]: json.loads(Path(artifact.template_full_path).read_text("utf-8"))
        for artifact in sandbox_app(**settings).synth().stacks
    }
