"""What must come out beside what did."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from practice.console import FINE, WRONG, table

Line = tuple[str, int, int]
"""What is counted, what must come out, and what did."""


def account(went_in: tuple[str, int], lines: Sequence[Line]) -> tuple[Table, bool]:
    """A table with every line marked; the second value says whether all is equal."""
    made = table("this run", "expected", "found", "", numbers=("expected", "found"))
    made.add_row(went_in[0], f"{went_in[1]:,}", "", "")
    for line, wanted, got in lines:
        style = "dim" if line.startswith(" ") else ""
        made.add_row(line, f"{wanted:,}", f"{got:,}", FINE if wanted == got else WRONG, style=style)
    return made, all(wanted == got for _, wanted, got in lines)
