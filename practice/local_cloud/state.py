"""What a running local cloud leaves on disk so that later commands find it: one small JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import psutil

from practice.local_cloud.address import Access


@dataclass(frozen=True)
class ServerState:
    """A server process, and how it is spoken to.

    The start time tells the process from a later one that was given the same id.
    """

    pid: int
    started: float
    port: int
    version: str
    access: Access

    @staticmethod
    def path(directory: Path) -> Path:
        return directory / "local-cloud.json"

    @classmethod
    def read(cls, directory: Path) -> ServerState | None:
        """The state left in the directory; None if there is none or it cannot be read."""
        try:
            found = json.loads(cls.path(directory).read_text(encoding="utf-8"))
            return cls(**{**found, "access": Access(**found["access"])})
        except (OSError, ValueError, TypeError, LookupError):
            return None

    def write(self, directory: Path) -> None:
        """Leave the state where the user alone can read it."""
        # a temporary file has mode 0600
        with NamedTemporaryFile("w", dir=directory, prefix="local-cloud-", delete=False, encoding="utf-8") as partial:
            json.dump(asdict(self), partial)
        Path(partial.name).replace(self.path(directory))

    def process(self) -> psutil.Process | None:
        """The process itself, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            if process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            pass
        return None
