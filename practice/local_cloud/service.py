"""What a module of the extension provides, and the shapes in which it does.

Source of the operations' signatures: the handlers in ``ministack.services.cloudformation.provisioners``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

Properties = Mapping[str, Any]
"""The properties of a resource in the template, with references resolved."""

Attributes = dict[str, Any]
"""What ``Fn::GetAtt`` answers for a resource."""

Operations = Mapping[str, Callable[..., Any]]
"""What CloudFormation does with a resource type:

- ``create(logical_id, properties, stack_name) -> (physical id, attributes)``
- ``update(physical_id, old, new, stack_name) -> (physical id, attributes)``
- ``delete(physical_id, properties)``

They run in a worker thread. An exception fails the resource with its message.
"""

Route = Callable[[Mapping[str, str]], Awaitable[Any]]
"""Answers a request, of which it is given the query, with what becomes its JSON body. A ValueError is the caller's."""


class Service(Protocol):
    """A module of the extension."""

    @property
    def RESOURCE_HANDLERS(self) -> Mapping[str, Operations]:  # noqa: N802 - a module's constant
        """By CloudFormation resource type, laid over MiniStack's own: an operation left out stays as it was."""

    @property
    def ROUTES(self) -> Mapping[tuple[str, str], Route]:  # noqa: N802 - a module's constant
        """Requests beside the AWS APIs, by method and path. The path starts with ``/_sandbox/``."""

    def install(self) -> None:
        """Replace service functions of MiniStack, through :mod:`practice.local_cloud.hooks`."""
