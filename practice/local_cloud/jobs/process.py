"""What the processes of Glue's and SageMaker's jobs have in common: their environment, their end, their exit code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from practice.local_cloud.address import Access

_INHERITED = ("LD_LIBRARY_PATH", "PATH")


def environment(of_service: Mapping[str, str], access: Access, home: Path) -> dict[str, str]:
    """What its service sets for a job, and what it needs of this machine to run: see :mod:`.environments`.

    That is a home of its own, the time zone and the encoding that a container has, and the local cloud as its only AWS.
    """
    home.mkdir(exist_ok=True)
    return {
        **{name: os.environ[name] for name in _INHERITED if name in os.environ},
        **access.address_and_keys,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "TZ": "UTC",
        **of_service,
    }


def kill_family(pid: int) -> None:
    """End the process and all that it started, at once."""
    try:
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue


def exit_code(status: int) -> int:
    """The code as a shell, or a container's engine, reports it: 137 for a process that was killed."""
    return 128 - status if status < 0 else status
