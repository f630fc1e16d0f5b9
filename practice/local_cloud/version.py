"""The one MiniStack version that the extension fits."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[2] / "requirements-dev.in"


class WrongMiniStackError(RuntimeError):
    """The MiniStack installed is not the one pinned."""


def pinned_version() -> str:
    """The version that requirements-dev.in pins, which is the only place that states it."""
    match = re.search(r"^ministack==(\S+)$", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise WrongMiniStackError(f"{REQUIREMENTS} does not pin MiniStack; it needs a line ministack==<version>.")
    return match[1]


def check_version() -> str:
    """Return the version installed; refuse any but the pinned one, whose private names the extension uses."""
    pinned = pinned_version()
    try:
        installed = metadata.version("ministack")
    except metadata.PackageNotFoundError:
        installed = "none"
    if installed != pinned:
        raise WrongMiniStackError(
            f"MiniStack {installed} is installed; the local cloud works with {pinned} alone. "
            f"Fix: pip install -r {REQUIREMENTS.with_suffix('.txt').name}"
        )
    return installed
