"""The list of prices in prices.json: what each resource type costs, where that is published, and what is free."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

PRICES_JSON = Path(__file__).parent / "prices.json"
INSTANCE = "{instance}"
"""Stands in the name of a price for the instance type that a resource asks for."""

Url = Annotated[str, Field(pattern=r"^https://(aws|docs\.aws)\.amazon\.com/")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Entry):
    """What AWS charges for one unit in the list's region, without free tiers, taxes and discounts."""

    usd: PositiveFloat
    per: str
    """What is counted: ``hour``, ``GB``, ``1,000 requests``."""
    each: str = ""
    """What the resource has several of, each of which is charged: ``DPU`` makes the unit a DPU-hour."""
    minimum_minutes: PositiveInt | None = None
    """How long a single run is billed for at least, where the price is by the hour."""
    source: Url
    """AWS's page for the price. Many of these pages draw their tables with scripts, so that a copy shows none."""
    published: date
    """A day for which the price is known to have been published."""
    note: str = ""


class Billed(_Entry):
    """A type that costs something: names of prices, paid while it exists (``idle``) or by use."""

    idle: tuple[str, ...] = ()
    use: tuple[str, ...] = ()
    note: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return self.idle + self.use


class Free(_Entry):
    """A type that costs nothing by itself, and why."""

    why: str
    source: Url


class PriceList(_Entry):
    """All that is known about prices. Every name that a type gives has a price, or stands under ``unpriced``."""

    region: str
    hours_per_month: int
    prices: Mapping[str, Price]
    unpriced: Mapping[str, str]
    """What is charged, though no dated figure was found; by name, why there is none."""
    types: Mapping[str, Billed | Free]

    @model_validator(mode="after")
    def _know_every_name(self) -> Self:
        used = {name for entry in self.types.values() if isinstance(entry, Billed) for name in entry.names}
        known = self.prices.keys() | self.unpriced.keys()
        if unknown := sorted(name for name in used - known if INSTANCE not in name):
            raise ValueError(f"there is neither a price nor a reason for none: {', '.join(unknown)}")
        if both := sorted(self.prices.keys() & self.unpriced.keys()):
            raise ValueError(f"priced and unpriced at once: {', '.join(both)}")
        return self


@cache
def price_list() -> PriceList:
    return PriceList.model_validate_json(PRICES_JSON.read_text(encoding="utf-8"))
