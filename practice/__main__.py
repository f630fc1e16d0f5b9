"""``python -m practice``"""

import sys
from pathlib import Path

from stacks.imports import shadows

if hidden := "\n".join(shadows(Path(__file__).parents[1])):
    sys.exit(hidden)
try:
    from practice.cli import main
except ModuleNotFoundError as missing:
    if missing.name is None or missing.name.partition(".")[0] in ("practice", "contracts", "cost", "jobs", "stacks"):
        raise
    sys.exit(
        f"The package {missing.name!r} is missing from {sys.prefix}. The command line needs requirements-deploy.txt, "
        "the local cloud requirements-dev.txt: `make setup` installs both into .venv, then .venv/bin/python -m "
        "practice. In an environment of your own: python -m pip install --require-hashes --requirement "
        "requirements-deploy.txt"
    )

main()
