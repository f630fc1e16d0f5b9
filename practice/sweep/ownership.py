"""Whose a resource is: told by the tag `sandbox`, else by what it lies in, else by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

TAG = "sandbox"


class Standing(Enum):
    """What a leftover is to the sandbox; only the first is ever deleted."""

    TAGGED = "with the tag"
    UNKNOWN = "with the tag, of a kind unknown here"
    NAMED = "without the tag"
    SHARED = "of the whole account"
    GOING = "being deleted"


@dataclass(frozen=True)
class Found:
    """A resource that exists, whoever owns it."""

    id: str
    """How the service's delete operation knows it, and what is shown."""
    arn: str
    names: tuple[str, ...] = ()
    """Names that can tell the owner, beside the id."""
    within: str = ""
    """The ARN of what it lies in, such as its VPC."""
    tags_of: str = ""
    """The ARN of what it has its tags from, if they are not its own."""
    shared: bool = False
    """Whether the service makes one for the whole account."""
    going: bool = False
    """Whether its deletion has begun."""
    item: Any = None
    """As it was listed, where the deletion needs more than the id."""


@dataclass(frozen=True)
class Scope:
    """One sandbox among those of the account and region."""

    name: str
    tags: Mapping[str, str]
    """By ARN, the sandbox that a resource is tagged with."""

    def standing(self, found: Found) -> Standing | None:
        """None for what belongs to another sandbox, or to none."""
        tag = self.tags.get(found.tags_of or found.arn)
        owner = tag or self.tags.get(found.within) or self._named(found)
        if owner == self.name:
            if found.going:
                return Standing.GOING
            return Standing.TAGGED if tag else Standing.NAMED
        return Standing.SHARED if found.shared and not owner else None

    def _named(self, found: Found) -> str | None:
        """The sandbox in any part of any name; beside `ml`, what begins with `ml-two-` is of a sandbox `ml-two`."""
        sandboxes = {self.name, *self.tags.values()}
        parts = (part for name in (found.id, *found.names) for part in re.split("[/:.]", name))
        owners = {owner for part in parts if (owner := _owner(part, sandboxes))}
        return self.name if owners == {self.name} else next(iter(owners - {self.name}), None)


def _owner(name: str, sandboxes: Iterable[str]) -> str | None:
    """The sandbox whose name a name begins with, the longest if there are several."""
    name = name.lower().replace("_", "-")
    return max((s for s in sandboxes if name == s or name.startswith(f"{s}-")), key=len, default=None)


def canonical(arn: str) -> str:
    """An ARN as the finders name it: a log group's without the wildcard, an app's with its type in small letters.

    AWS's own pages have the types of apps in both spellings.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/domain-user-isolation.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-jl.html
    """
    arn = arn.removesuffix(":*")
    if resource_type(arn) != "sagemaker:app":
        return arn
    owner, kind, name = arn.rsplit("/", 2)
    return f"{owner}/{kind.lower()}/{name}"


def resource_type(arn: str) -> str:
    """The service of an ARN with the type of the resource, where the ARN names one: ``sagemaker:endpoint``."""
    _, _, service, _, _, resource = arn.split(":", 5)
    kind, separator, _ = resource.replace(":", "/", 1).partition("/")
    return f"{service}:{kind}" if separator else service
