"""What a running local cloud leaves on disk so that later commands find it: one small JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class ServerState:
    """A server process. The start time tells it from a later process that was given the same id."""

    pid: int
    started: float
    port: int
    version: str

    @staticmethod
    def path(directory: Path) -> Path:
        return directory / "local-cloud.json"

    @classmethod
    def read(cls, directory: Path) -> ServerState | None:
        """The state left in the directory; None if there is none or it cannot be read."""
        try:
            return cls(**json.loads(cls.path(directory).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, directory: Path) -> None:
        partial = self.path(directory).with_suffix(".partial")
        partial.write_text(json.dumps(asdict(self)), encoding="utf-8")
        partial.replace(self.path(directory))

    def process(self) -> psutil.Process | None:
        """The process itself, if it still runs."""
        try:
            process = psutil.Process(self.pid)
            if process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            pass
        return None
