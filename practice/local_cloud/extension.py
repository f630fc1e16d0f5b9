"""Fills in, inside the running MiniStack, what it lacks or fakes.

One module per service. Each has

``RESOURCE_HANDLERS``
    CloudFormation resource type -> the operations it provides. They are laid over MiniStack's own, so an
    operation that a module does not name stays as it was.
``ROUTES``
    ``(method, path)`` -> handler, for requests beside the AWS APIs. The path starts with ``/_sandbox/``.
``install()``
    replaces service functions of MiniStack, through :mod:`practice.local_cloud.hooks`.

Source of the operations' signatures: the handlers in ``ministack.services.cloudformation.provisioners``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from practice.local_cloud import health
from practice.local_cloud.hooks import PROVISIONERS

Properties = Mapping[str, Any]
"""The properties of a resource in the template, with references resolved."""

Operations = Mapping[str, Callable[..., Any]]
"""Of a resource type:

- ``create(logical_id, properties, stack_name) -> (physical id, attributes)``
- ``update(physical_id, old, new, stack_name) -> (physical id, attributes)``
- ``delete(physical_id, properties)``

They run in a worker thread. An exception fails the resource with its message.
"""

Route = Callable[[], Awaitable[Any]]
"""Answers a request with what becomes its JSON body."""


class Service(Protocol):
    """What a module of the extension provides."""

    @property
    def RESOURCE_HANDLERS(self) -> Mapping[str, Operations]: ...  # noqa: N802 - a module's constant

    @property
    def ROUTES(self) -> Mapping[tuple[str, str], Route]: ...  # noqa: N802 - a module's constant

    def install(self) -> None: ...


SERVICES: tuple[Service, ...] = (health,)


def install() -> None:
    """Lay the extension over MiniStack; once, before the first request."""
    for service in SERVICES:
        for resource_type, operations in service.RESOURCE_HANDLERS.items():
            known = PROVISIONERS._RESOURCE_HANDLERS.get(resource_type, {})
            PROVISIONERS._RESOURCE_HANDLERS[resource_type] = {**known, **operations}
        service.install()


def route(method: str, path: str) -> Route | None:
    """The handler of a request beside the AWS APIs, if it is one."""
    return next((service.ROUTES[method, path] for service in SERVICES if (method, path) in service.ROUTES), None)
