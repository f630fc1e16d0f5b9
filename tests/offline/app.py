"""The app, in a process where no socket can connect."""

import runpy
import socket
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parents[2]


def refuse(*_: object) -> NoReturn:
    raise OSError("the network is blocked")


socket.socket.connect = refuse  # type: ignore[method-assign]
sys.path.insert(0, str(ROOT))
runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
