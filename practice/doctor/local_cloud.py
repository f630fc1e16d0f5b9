"""What ``make local`` needs of this machine: its port, room on the disk, and memory."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil

from practice.doctor.findings import Check, Finding, Verdict
from practice.local import DEFAULT_PORT
from practice.local_cloud.lifecycle import LocalCloud, LocalCloudError, require_free

_GB = 1_000_000_000
NEEDED_DISK_GB = 3
"""2 GB of packages, and what the cloud, its jobs and Spark write."""
NEEDED_MEMORY_GB = 4
"""The cloud, and one Spark with a driver of 2 GB beside it."""


def port(directory: Path) -> Finding:
    if cloud := LocalCloud.attach(directory):
        return Finding(Verdict.FINE, f"the local cloud runs at {cloud.endpoint}")
    try:
        require_free(DEFAULT_PORT)
    except LocalCloudError as error:
        fix = "Stop that program, or: python -m practice local --port 4567"
        return Finding(Verdict.WARNS, str(error).partition(". ")[0], fix)
    return Finding(Verdict.FINE, f"{DEFAULT_PORT} is free")


def disk(directory: Path) -> Finding:
    place = next(path for path in (directory, *directory.resolve().parents) if path.exists())
    free = shutil.disk_usage(place).free / _GB
    if free < NEEDED_DISK_GB:
        fix = f"Make room: make local needs {NEEDED_DISK_GB} GB, most of it for packages."
        return Finding(Verdict.WARNS, f"{free:.1f} GB free at {place}", fix)
    return Finding(Verdict.FINE, f"{free:.0f} GB free")


def memory() -> Finding:
    available = psutil.virtual_memory().available / _GB
    if available < NEEDED_MEMORY_GB:
        fix = f"Close programs: make local needs {NEEDED_MEMORY_GB} GB, or its Spark jobs may be killed."
        return Finding(Verdict.WARNS, f"{available:.1f} GB available", fix)
    return Finding(Verdict.FINE, f"{available:.0f} GB available")


def checks(directory: Path) -> Mapping[str, Check]:
    """Nothing of these keeps a deployment into an account from working, so they only warn."""
    return {"Port": partial(port, directory), "Disk": partial(disk, directory), "Memory": memory}
