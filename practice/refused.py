"""The records that a service refused, kept so that they can be sent again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def refused_file(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the path's place when all is done: the records being sent may come from that very path.

    After an error the path stays as it was, and the same command sends the same records again.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        yield file
    part.replace(path)
