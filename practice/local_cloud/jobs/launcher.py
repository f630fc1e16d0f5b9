"""Becomes the command of a job, beside a watcher that ends whatever the command leaves.

The watcher waits on standard input, a pipe that the local cloud never writes to. When the local cloud closes it,
because the command has ended or because the local cloud has, the watcher kills the process group, itself included. So
the command has the process id and the signals that the local cloud sees, and nothing survives either of them.
"""

from __future__ import annotations

import os
import signal
import sys

NOT_FOUND = 127


def _watch() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def main(directory: str, command: list[str]) -> None:
    if os.fork() == 0:
        _watch()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(directory)
    try:
        os.execvp(command[0], command)  # noqa: S606 - the learner's own job
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(NOT_FOUND)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
