"""The history of what happens inside a Parallel or Map state.

MiniStack records the states of the machine itself, but not those of its branches. Their events here have no input and
output.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from practice.local_cloud.hooks import STEP_FUNCTIONS

RunBranch = Callable[..., Any]


class _Told(dict[str, Any]):
    """The states of a branch; looking one up is entering it, and leaving the one before."""

    def __init__(self, states: Mapping[str, Any], execution: MutableMapping[str, Any]) -> None:
        super().__init__(states)
        self._execution = execution
        self._current = ""

    def get(self, name: str, default: Any = None) -> Any:
        self.leave()
        state = super().get(name, default)
        if state:
            self._current = name
            self._add("Entered")
        return state

    def leave(self) -> None:
        if self._current:
            self._add("Exited")
        self._current = ""

    def _add(self, what: str) -> None:
        type_ = f"{self[self._current]['Type']}State{what}"
        STEP_FUNCTIONS._add_event(self._execution, type_, {f"state{what}EventDetails": {"name": self._current}})


def telling(run: RunBranch) -> RunBranch:
    """Runs a branch, and adds an event for each state that it enters and leaves; a state that fails is not left."""

    @functools.wraps(run)
    def run_branch(
        states: Mapping[str, Any], start_at: str, input_data: Any, execution: MutableMapping[str, Any], ctx: Any
    ) -> Any:
        told = _Told(states, execution)
        output = run(told, start_at, input_data, execution, ctx)
        told.leave()
        return output

    return run_branch
