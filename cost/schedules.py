"""What runs by a clock, how often that is a month, and what it costs at least."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cost.charges import Charge, CostError, resource_cost, short_name
from cost.prices import PriceList

Resources = Mapping[tuple[str, str], Mapping[str, Any]]
"""The bodies of all resources, by stack and logical id."""

_HOURS = {"minute": 1 / 60, "hour": 1, "day": 24}
_DAILY = re.compile(r"cron\(\d+ \d+ \* \* \? \*\)")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")


@dataclass(frozen=True)
class Scheduled:
    """Something that a clock starts: how often a month, and what the shortest run costs, in USD."""

    stack: str
    logical_id: str
    type: str
    runs: float
    usd_a_run: float

    @property
    def name(self) -> str:
        return short_name(self.logical_id)

    @property
    def usd(self) -> float:
        """What it costs a month at least."""
        return self.runs * self.usd_a_run


def scheduled(templates: Mapping[str, Mapping[str, Any]], prices: PriceList) -> list[Scheduled]:
    """Whatever the templates start by a schedule: crawlers by their own, functions and state machines by a rule's.

    A run counts with what AWS bills for it at least: the minutes of the price list for each crawl and job, with one
    DPU for a crawler, since AWS decides how many it has. What a run writes, reads or queries is left out, and so is all
    that takes longer.

    Raises:
        CostError: a schedule, or what it starts, cannot be counted.
    """
    resources = {
        (stack, logical_id): body
        for stack, template in templates.items()
        for logical_id, body in template.get("Resources", {}).items()
    }
    return [
        Scheduled(
            stack, logical_id, body["Type"], _runs(schedule, prices), _least(stack, logical_id, resources, prices)
        )
        for stack, logical_id, schedule in _started(resources)
        for body in [resources[stack, logical_id]]
    ]


def _started(resources: Resources) -> Iterator[tuple[str, str, str]]:
    for (stack, logical_id), body in resources.items():
        properties = body.get("Properties", {})
        if body["Type"] == "AWS::Glue::Crawler" and "Schedule" in properties:
            yield stack, logical_id, properties["Schedule"]["ScheduleExpression"]
        if body["Type"] == "AWS::Events::Rule" and "ScheduleExpression" in properties:
            for target in properties["Targets"]:
                yield stack, _reference(target["Arn"]), properties["ScheduleExpression"]


def _runs(schedule: str, prices: PriceList) -> float:
    """How often a schedule comes round in a month."""
    if _DAILY.fullmatch(schedule):
        return prices.hours_per_month / 24
    if rate := _RATE.fullmatch(schedule):
        return prices.hours_per_month / (int(rate[1]) * _HOURS[rate[2]])
    raise CostError(f"cost/schedules.py cannot count {schedule!r}: it knows rate(…) and cron once a day. Add it there.")


def _least(stack: str, logical_id: str, resources: Resources, prices: PriceList) -> float:
    """What one run of a resource costs at least."""
    body = resources[stack, logical_id]
    charges = {charge.name: charge for charge in resource_cost(logical_id, body, prices).use}
    match body["Type"]:
        case "AWS::Lambda::Function":
            return _one_of(charges["lambda-requests"])
        case "AWS::StepFunctions::StateMachine":
            states = list(_states(_definition(body["Properties"])))
            started = (_least_of_task(state, stack, resources, prices) for state in states)
            return _one_of(charges["transitions"]) * len(states) + sum(started)
        case "AWS::Glue::Crawler" | "AWS::Glue::Job":
            return sum(_shortest(charge) for charge in charges.values())
        case "AWS::EMRServerless::Application":
            return _share_at_first(body["Properties"]) * sum(_shortest(charge) for charge in charges.values())
        case other:
            raise CostError(f"cost/schedules.py cannot count a run of {other} ({logical_id}). Add it there.")


def _least_of_task(state: Mapping[str, Any], stack: str, resources: Resources, prices: PriceList) -> float:
    resource, parameters = state.get("Resource", ""), state.get("Parameters", {})
    if resource.endswith(":glue:startCrawler"):
        found = next(
            key
            for key, body in resources.items()
            if body["Type"] == "AWS::Glue::Crawler" and body["Properties"]["Name"] == parameters["Name"]
        )
        return _least(*found, resources, prices)
    if ":glue:startJobRun" in resource:
        return _least(stack, parameters["JobName"].strip("<>"), resources, prices)
    if ":emr-serverless:startJobRun" in resource:
        return _least(stack, parameters["ApplicationId"].strip("<>"), resources, prices)
    return 0


def _share_at_first(properties: Mapping[str, Any]) -> float:
    """Which part of its largest capacity an application has at once: the driver and the first executors."""
    (configuration,) = properties["RuntimeConfiguration"]
    first, most = (
        int(configuration["Properties"][f"spark.dynamicAllocation.{which}Executors"]) for which in ("initial", "max")
    )
    return (1 + first) / (1 + most)


def _shortest(charge: Charge) -> float:
    """A charge by the hour, for as long as AWS bills at least."""
    if charge.price is None or charge.price.minimum_minutes is None:
        return 0
    return charge.usd * charge.price.minimum_minutes / 60


def _one_of(charge: Charge) -> float:
    """A charge by many requests, for one of them."""
    if charge.price is None:
        return 0
    number, _, _ = charge.price.per.partition(" ")
    return charge.usd / int(number.replace(",", ""))


def _definition(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    text = properties["DefinitionString"]
    parts = text["Fn::Join"][1] if isinstance(text, dict) else [text]
    joined = "".join(part if isinstance(part, str) else f"<{_reference(part)}>" for part in parts)
    found: Mapping[str, Any] = json.loads(joined)
    return found


def _states(branch: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in branch["States"].values():
        yield state
        for inner in state.get("Branches", []):
            yield from _states(inner)


def _reference(value: Any) -> str:
    """The logical id that a value of a template refers to, or what else stands there."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, *_]} | {"Fn::ImportValue": name} | {"Fn::Sub": name}:
            return str(name)
        case _:
            raise CostError(f"cost/schedules.py cannot follow {value!r}: it knows Ref, GetAtt, ImportValue and Sub.")
