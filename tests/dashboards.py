"""The dashboard and the alarms of a combination, as CloudWatch would read them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.policy_documents import Resolver
from tests.synthesis import synthesize

ANY_NAMESPACE = ""
"""Of a search that names none."""

_DESIGNATOR = re.compile(r'(\w+)="([^"]+)"')


@dataclass(frozen=True)
class Metric:
    """A metric that a graph or an alarm refers to."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@cache
def widgets(combination: str) -> tuple[Mapping[str, Any], ...]:
    """What is on the dashboard, from top to bottom."""
    monitoring = synthesize(combination)["Monitoring"]
    body = monitoring.one("AWS::CloudWatch::Dashboard").properties["DashboardBody"]
    return tuple(json.loads(Resolver(synthesize(combination), "Monitoring").resolve(body))["widgets"])


@cache
def shown(combination: str) -> list[Metric]:
    """Every metric of every graph; one that is shown by two statistics, twice."""
    return [_of_graph(entry) for widget in widgets(combination) for entry in widget["properties"].get("metrics", ())]


@cache
def alarms(combination: str) -> Mapping[str, Mapping[str, Any]]:
    """The properties of the alarms of all stacks, by the name of the construct."""
    return {
        alarm.logical_id.removeprefix("Alarms")[:-8]: Resolver(synthesize(combination), stack).resolve(alarm.properties)
        for stack, template in synthesize(combination).items()
        for alarm in template.all()
        if alarm.type == "AWS::CloudWatch::Alarm"
    }


def watched(combination: str) -> list[Metric]:
    """Every metric of every alarm."""
    return [metric for alarm in alarms(combination).values() for metric in _of_alarm(alarm)]


def _of_graph(entry: list[Any]) -> Metric:
    match entry:
        case [{"expression": str(expression)}]:
            terms = dict(_DESIGNATOR.findall(expression))
            assert expression.startswith("SEARCH('MetricName=")
            return Metric(ANY_NAMESPACE, terms.pop("MetricName"), frozenset(terms.items()))
        case [str(namespace), str(name), *dimensions, dict()]:
            return Metric(namespace, name, frozenset(zip(dimensions[::2], dimensions[1::2], strict=True)))
    raise AssertionError(f"neither a metric nor a search: {entry}")


def _of_alarm(properties: Mapping[str, Any]) -> Iterator[Metric]:
    of_math = [query["MetricStat"]["Metric"] for query in properties.get("Metrics", ()) if "MetricStat" in query]
    for metric in of_math or [properties]:
        dimensions = frozenset((pair["Name"], pair["Value"]) for pair in metric.get("Dimensions", ()))
        yield Metric(metric["Namespace"], metric["MetricName"], dimensions)
