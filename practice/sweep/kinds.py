"""What a kind of leftover is: how to find it, what it costs, and how to delete it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from practice.sweep.ownership import Found


@dataclass(frozen=True)
class Account:
    """What an ARN is made of."""

    partition: str
    region: str
    number: str

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.number}:{resource}"


Finder = Callable[[Any, Account], Iterator[Found]]
"""Everything of a kind in the account and region, with a client of its service; whose it is, is decided elsewhere."""


@dataclass(frozen=True)
class Kind:
    """One kind of leftover."""

    name: str
    service: str
    type: str
    """How its ARNs begin, as `resource_type` tells it."""
    cost: str
    """What it costs to keep, in words: prices differ by region."""
    find: Finder
    delete: Callable[[Any, Found], object] | None = None
    """Asks the service to delete it; without it, no tag can tell whose it is."""
    by_hand: str = ""
    """How to delete one that does not carry the tag."""


def pages(client: Any, operation: str, key: str, **request: Any) -> Iterator[Any]:
    """What every page of an operation lists under a key."""
    for page in client.get_paginator(operation).paginate(**request):
        yield from page.get(key, [])
