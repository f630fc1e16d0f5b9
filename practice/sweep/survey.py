"""Finds every leftover of a sandbox, and deletes what carries its tag."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from practice.sweep import catalog, machine_learning, network, stacks, storage
from practice.sweep.kinds import Account, Kind, pages
from practice.sweep.ownership import TAG, Found, Scope, Standing, canonical, resource_type

KINDS = (*machine_learning.KINDS, *catalog.KINDS, *storage.KINDS, *network.KINDS, stacks.STACK)
"""In the order in which they can be deleted."""

_RECORDS = frozenset(
    {
        "sagemaker:hyper-parameter-tuning-job",
        "sagemaker:pipeline-execution",
        "sagemaker:transform-job",
    }
)
"""What SageMaker keeps of what has ended; it costs nothing, and most cannot be deleted."""

MOST_PASSES = 60
PAUSE_SECONDS = 5.0
_PATIENCE = 3

Clients = Callable[[str], Any]


@dataclass(frozen=True)
class Leftover:
    """A resource that stands to the sandbox as told."""

    kind: Kind
    found: Found
    standing: Standing

    @property
    def can_be_deleted(self) -> bool:
        return self.standing is Standing.TAGGED and self.kind.delete is not None


@dataclass(frozen=True)
class Survey:
    """What was found, and where nobody could look."""

    leftovers: tuple[Leftover, ...]
    unseen: Mapping[str, str]
    """By kind that could not be listed, why."""

    def of(self, standing: Standing) -> list[Leftover]:
        return [leftover for leftover in self.leftovers if leftover.standing is standing]


def survey(name: str, client: Clients) -> Survey:
    """Everything of a sandbox that is in the account and region.

    A service that does not answer leaves the others in sight. Without the tags nothing can be told, so that raises.
    """
    account = _account(client)
    scope = Scope(name, _tags(client))
    clients = {service: client(service) for service in {kind.service for kind in KINDS}}
    leftovers: list[Leftover] = []
    unseen: dict[str, str] = {}
    for kind in KINDS:
        try:
            for found in kind.find(clients[kind.service], account):
                if standing := scope.standing(found):
                    leftovers.append(Leftover(kind, found, standing))
        except (BotoCoreError, ClientError) as error:
            if not _is_unknown_here(error):
                unseen[kind.name] = str(error)
    return Survey((*leftovers, *_others(scope)), unseen)


def _is_unknown_here(error: Exception) -> bool:
    """Whether the place does not know the operation, so that it cannot hold what the operation lists."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] == "UnknownOperationException"


def _account(client: Clients) -> Account:
    sts = client("sts")
    identity = sts.get_caller_identity()
    return Account(identity["Arn"].split(":")[1], sts.meta.region_name, identity["Account"])


def _tags(client: Clients) -> dict[str, str]:
    """By ARN, the sandbox a resource is tagged with; tags of other sandboxes tell their names."""
    resources = pages(
        client("resourcegroupstaggingapi"),
        "get_resources",
        "ResourceTagMappingList",
        TagFilters=[{"Key": TAG}],
    )
    return {
        canonical(resource["ResourceARN"]): tag["Value"]
        for resource in resources
        for tag in resource["Tags"]
        if tag["Key"] == TAG
    }


def _others(scope: Scope) -> Iterator[Leftover]:
    """What carries the tag and is of no kind that has a finder.

    The tagging API may list what was deleted a while ago, so a kind with a finder is left to the finder.
    """
    known = {kind.type for kind in KINDS} | _RECORDS
    for arn, owner in scope.tags.items():
        if owner == scope.name and (kind := resource_type(arn)) not in known:
            other = Kind(kind, "", kind, "see its service", _not_looked_for)
            yield Leftover(other, Found(arn, arn), Standing.UNKNOWN)


def _not_looked_for(_client: Any, _account: Account) -> Iterator[Found]:
    return iter(())


def delete(
    name: str,
    client: Clients,
    *,
    tell: Callable[[str], None] = lambda text: None,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Survey, dict[str, str]]:
    """Delete what carries the sandbox's tag, pass by pass: what is in use now may be free in the next.

    Ends when nothing is left to delete, when passes no longer change anything, or after the last pass. Returns what
    is left, and by id why a service refused.
    """
    refused: dict[str, str] = {}
    unchanged = 0
    seen = survey(name, client)
    for _ in range(MOST_PASSES):
        doomed = [leftover for leftover in seen.leftovers if leftover.can_be_deleted]
        if not doomed or unchanged == _PATIENCE:
            break
        tell(f"{len(doomed)} left")
        refused = {leftover.found.id: why for leftover in doomed if (why := _delete(leftover, client))}
        now = survey(name, client)
        unchanged = unchanged + 1 if now.leftovers == seen.leftovers else 0
        seen = now
        if refused or any(leftover.can_be_deleted for leftover in seen.leftovers):
            pause(PAUSE_SECONDS)
    left = {leftover.found.id for leftover in seen.leftovers}
    return seen, {resource: why for resource, why in refused.items() if resource in left}


def _delete(leftover: Leftover, client: Clients) -> str:
    """Ask for the deletion; the reason if it is refused."""
    assert leftover.kind.delete is not None  # noqa: S101
    try:
        leftover.kind.delete(client(leftover.kind.service), leftover.found)
    except (BotoCoreError, ClientError, storage.NotEmptiedError) as error:
        return str(error)
    return ""
