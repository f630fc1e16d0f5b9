"""What one resource of a template costs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cost.prices import INSTANCE, Free, Price, PriceList

Properties = Mapping[str, Any]

_DEFAULT_MEMORY_MB = 128
_DPUS = {"G.1X": 1, "G.2X": 2}


class CostError(ValueError):
    """Something whose cost is not known; says what, and where to put it."""


@dataclass(frozen=True)
class Charge:
    """A price, as often as the resource pays it; no price means that none was found published."""

    name: str
    price: Price | None
    units: float
    why_unpriced: str = ""

    @property
    def usd(self) -> float:
        return self.price.usd * self.units if self.price else 0

    def __str__(self) -> str:
        if self.price is None:
            return f"unpriced: {self.name}"
        number = "" if self.units == 1 else f"{self.units:g} "
        of = f" ({number}{self.price.each})" if self.price.each else ""
        least = f", {self.price.minimum_minutes} min a run at least" if self.price.minimum_minutes else ""
        return f"USD {_digits(self.usd)} per {self.price.per}{of}{least}"


@dataclass(frozen=True)
class ResourceCost:
    """What a resource costs while it exists, in USD a month, and what its use costs."""

    logical_id: str
    type: str
    idle: float
    use: Sequence[Charge] = ()
    notes: Sequence[str] = ()
    free: Free | None = None

    @property
    def name(self) -> str:
        return short_name(self.logical_id)


def short_name(logical_id: str) -> str:
    """The logical id, without the hash that the CDK appends."""
    return re.sub(r"[0-9A-F]{8}$", "", logical_id)


def resource_cost(logical_id: str, body: Mapping[str, Any], prices: PriceList) -> ResourceCost:
    """The cost of a resource of a template.

    Raises:
        CostError: its type, or the instance type it asks for, is not in the list.
    """
    type_, properties = body["Type"], body.get("Properties", {})
    entry = prices.types.get(type_)
    if entry is None:
        raise CostError(
            f"{type_} ({logical_id}) is not in cost/prices.json. "
            'Add it under "types": with the prices it pays, or why it is free.'
        )
    if isinstance(entry, Free):
        return ResourceCost(logical_id, type_, 0, free=entry)
    idle = list(_charges(entry.idle, type_, properties, prices))
    use = list(_charges(entry.use, type_, properties, prices))
    notes = [entry.note, *(charge.price.note for charge in idle + use if charge.price)]
    return ResourceCost(
        logical_id, type_, sum(_by_month(charge, prices) for charge in idle), use, [note for note in notes if note]
    )


def _charges(names: Sequence[str], type_: str, properties: Properties, prices: PriceList) -> Iterator[Charge]:
    for template in names:
        instances = _INSTANCES[type_](properties) if INSTANCE in template else [""]
        for name in [template.replace(INSTANCE, instance) for instance in instances]:
            if (units := _UNITS.get(name, _one)(properties)) == 0:
                continue
            if name in prices.prices:
                yield Charge(name, prices.prices[name], units)
            elif name in prices.unpriced:
                yield Charge(name, None, units, prices.unpriced[name])
            else:
                raise CostError(
                    f'cost/prices.json has no "{name}", which {type_} pays. Add it under "prices", '
                    'or under "unpriced" with the reason.'
                )


def _by_month(charge: Charge, prices: PriceList) -> float:
    """What a charge adds up to in a month in which nothing happens."""
    if charge.price is None or charge.price.per not in ("hour", "month"):
        raise CostError(f'"{charge.name}" is paid while idle, so cost/prices.json must give it by the hour or month.')
    return charge.usd * (prices.hours_per_month if charge.price.per == "hour" else 1)


def _digits(usd: float) -> str:
    """All digits that a price has, two decimals at least."""
    whole, _, decimals = f"{usd:.10f}".rstrip("0").partition(".")
    return f"{whole}.{decimals:0<2}"


def _one(_: Properties) -> float:
    return 1


def _zones(properties: Properties) -> float:
    return len(properties["SubnetIds"]) if _is_interface(properties) else 0


def _is_interface(properties: Properties) -> bool:
    return bool(properties["VpcEndpointType"] == "Interface")


def _is_on_demand(properties: Properties) -> bool:
    return bool(properties["StreamModeDetails"]["StreamMode"] == "ON_DEMAND")


def _shards(properties: Properties) -> float:
    return 0 if _is_on_demand(properties) else float(properties["ShardCount"])


def _memory_gb(architecture: str) -> Callable[[Properties], float]:
    def units(properties: Properties) -> float:
        runs_on = properties.get("Architectures", ["x86_64"])
        return float(properties.get("MemorySize", _DEFAULT_MEMORY_MB)) / 1024 if runs_on == [architecture] else 0

    return units


def _dpus(execution_class: str) -> Callable[[Properties], float]:
    def units(properties: Properties) -> float:
        dpus: float = _DPUS[properties["WorkerType"]] * properties["NumberOfWorkers"]
        return dpus if properties.get("ExecutionClass", "STANDARD") == execution_class else 0

    return units


def _at_most(resource: str) -> Callable[[Properties], float]:
    return lambda properties: float(properties["MaximumCapacity"][resource].split()[0])


def _emits_metrics(properties: Properties) -> bool:
    return "METRIC_NAMESPACE" in properties.get("Environment", {}).get("Variables", {})


def _volume_gb(properties: Properties) -> float:
    storage = properties["DefaultUserSettings"]["SpaceStorageSettings"]["DefaultEbsStorageSettings"]
    return float(storage["DefaultEbsVolumeSizeInGb"])


_UNITS: Mapping[str, Callable[[Properties], float]] = {
    "endpoint-hour": _zones,
    "endpoint-gb": _is_interface,
    "kinesis-stream-hour": _is_on_demand,
    "kinesis-in-gb": _is_on_demand,
    "kinesis-out-gb": _is_on_demand,
    "kinesis-shard-hour": _shards,
    "kinesis-put-units": lambda properties: not _is_on_demand(properties),
    "lambda-arm-second": _memory_gb("arm64"),
    "lambda-x86-second": _memory_gb("x86_64"),
    "custom-metric-month": _emits_metrics,
    "glue-hour": _dpus("STANDARD"),
    "glue-flex-hour": _dpus("FLEX"),
    "emr-serverless-vcpu-hour": _at_most("Cpu"),
    "emr-serverless-gb-hour": _at_most("Memory"),
    "studio-volume-month": _volume_gb,
}
"""By price, how many units a resource pays, where that depends on its properties: none, if it pays another price."""

_INSTANCES: Mapping[str, Callable[[Properties], Sequence[str]]] = {
    "AWS::SageMaker::Domain": lambda properties: [
        properties["DefaultUserSettings"]["JupyterLabAppSettings"]["DefaultResourceSpec"]["InstanceType"]
    ],
    "AWS::SageMaker::Pipeline": lambda properties: sorted(set(re.findall(r"ml\.\w+\.\w+", json.dumps(properties)))),
}
"""By type, the instance types that a resource starts unless told otherwise."""
