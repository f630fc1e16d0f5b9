"""``python -m practice.local_cloud --port N --directory D``: the server process in the foreground."""

from __future__ import annotations

import argparse
from pathlib import Path

from practice.local_cloud.server import serve
from practice.local_cloud.version import WrongMiniStackError


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m practice.local_cloud", description="The local cloud's server.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--directory", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        serve(arguments.port, arguments.directory)
    except WrongMiniStackError as error:
        raise SystemExit(str(error)) from error


main()
