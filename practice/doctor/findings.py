"""Checks that answer within a second, or are said not to have."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from enum import Enum
from threading import Thread

SECONDS = 1.0


class Verdict(Enum):
    """What a finding means for a deployment."""

    FINE = "fine"
    WARNS = "warns"
    BLOCKS = "blocks"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """What a check found, and what to do about it."""

    verdict: Verdict
    what: str
    fix: str = ""


Check = Callable[[], Finding]


def examine(checks: Mapping[str, Check]) -> dict[str, Finding]:
    """Run all checks at once; one that has not answered after a second is left to itself."""
    deadline = time.monotonic() + SECONDS
    answers = {name: _begin(check) for name, check in checks.items()}
    return {name: _answer(future, deadline) for name, future in answers.items()}


def _begin(check: Check) -> Future[Finding]:
    """Start a check in a thread that does not keep the process alive, as a pool's would."""
    future: Future[Finding] = Future()

    def run() -> None:
        try:
            future.set_result(check())
        except Exception as error:  # a check that goes wrong, however, says nothing about the account
            reason = str(error) or type(error).__name__
            future.set_result(
                Finding(Verdict.UNKNOWN, f"could not be checked: {reason}", "Allow the call, or look for yourself.")
            )

    Thread(target=run, daemon=True).start()
    return future


def _answer(future: Future[Finding], deadline: float) -> Finding:
    try:
        return future.result(timeout=max(0.0, deadline - time.monotonic()))
    except TooLate:
        return Finding(Verdict.UNKNOWN, f"timed out after {SECONDS:.0f} s", "Check the network, and run it again.")
