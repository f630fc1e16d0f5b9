"""Imports that fail before anything of the sandbox can: a library that is missing, or that a file here hides."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

LIBRARIES = ("aws_cdk", "cdk_nag", "constructs", "jsii", "pydantic")


def shadows(root: Path) -> Iterator[str]:
    """What to say of each such file: Python's own message is about a module that the library does not find in it."""
    for library in LIBRARIES:
        for file in (root / f"{library}.py", root / library / "__init__.py"):
            if file.exists():
                yield (
                    f"{file} hides the library {library!r}, which everything here imports. Delete it: constructs/ is "
                    "a folder to import from, no package (stacks/__init__.py says why)."
                )


def explained(error: ImportError) -> str:
    """What to do about an import that failed."""
    if found := "\n".join(shadows(Path(__file__).parents[1])):
        return found
    return (
        f"{error} (by {sys.executable}). `make synth` installs what synth needs into .venv, and runs it there; in an "
        "environment of your own: python -m pip install --require-hashes --requirement requirements.txt"
    )
