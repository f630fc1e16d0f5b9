"""Work that goes on after its request was answered."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Any


def start(name: str, work: Callable[..., object], *arguments: Any) -> None:
    """Work on a thread of this name that ends with the server.

    It has the context of the request, in which MiniStack keeps the account and the region.
    """
    run = contextvars.copy_context().run
    threading.Thread(target=run, args=(work, *arguments), name=name, daemon=True).start()
