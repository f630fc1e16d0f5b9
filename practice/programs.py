"""Programs that the virtual environment brings beside Python, such as Node.js."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def search_path(environment: Mapping[str, str]) -> str:
    """The PATH of an environment with these programs first, whether or not the virtual environment is activated.

    Python's path is not resolved: it is a link, and the programs stand beside the link.
    """
    return os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
