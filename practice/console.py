"""Everything the command line shows: messages, tables, progress."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from practice.queries import Answer


def _command() -> str:
    """How a user starts this command line from the folder they are in."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        return f"{python.relative_to(Path.cwd())} -m practice"
    return "python -m practice"


COMMAND = _command()
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_NUMBERS = {"bigint", "decimal", "double", "float", "integer", "real", "smallint", "tinyint"}
_WIDEST_DETAIL = 50
_MOST_SIDE_BY_SIDE = 3


def fail(message: str) -> None:
    err.print(f"[bold red]✗[/] {escape(message)}", soft_wrap=True)


def table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """A table in the house style; the columns in ``numbers`` are right-aligned."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def show(title: str, made: Table, note: str = "") -> None:
    """Print a table under a title; titles of rich's own are no wider than their table."""
    out.print(f"\n[bold]{title}[/]", made, *([f"[dim]{note}[/]"] if note else []), sep="\n")


def show_answer(title: str, description: str, answer: Answer) -> None:
    """Print the rows of an answer, and what the query cost; rows too wide for the screen stand side by side."""
    rows = [["[dim]null[/]" if value is None else escape(value) for value in row] for row in answer.rows]
    names = [column.name for column in answer.columns]
    numeric = [column.name for column in answer.columns if column.type in _NUMBERS]
    made = _filled(table(*names, numbers=numeric), rows)
    shown = len(rows)
    if rows and not _fits(made):
        for shown in range(min(len(rows), _MOST_SIDE_BY_SIDE), 0, -1):
            columns = (f"row {number}" for number in range(1, shown + 1))
            made = _filled(table("", *columns), zip(names, *rows[:shown], strict=True))
            if _fits(made):
                break
    told = f"{shown} row{'s' * (shown != 1)}{', and there are more' if answer.more or shown < len(rows) else ''}"
    cost = f"{size(answer.bytes_scanned)} scanned · {answer.seconds:.1f} s"
    show(f"{title}[/]\n[italic]{escape(description)}" if description else title, made, f"{told} · {cost}")


def _filled(made: Table, rows: Iterable[Iterable[str]]) -> Table:
    for row in rows:
        made.add_row(*row)
    return made


def _fits(made: Table) -> bool:
    unlimited = out.options.update(max_width=10_000)
    return made.__rich_measure__(out, unlimited).maximum <= out.width


def size(number: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


@contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Shows a spinner while a step runs, then a line with its time and the detail told last."""
    detail = ""
    started = time.monotonic()

    def tell(text: str) -> None:
        nonlocal detail
        detail = " ".join(text.split())
        spinner.update(f"{title}  [dim]{escape(detail[:_WIDEST_DETAIL])}[/]")

    try:
        with out.status(title) as spinner:
            yield tell
    except KeyboardInterrupt:
        out.print(f"[red]✗[/] {title}  [dim]interrupted; the same command goes on from here[/]")
        raise
    except Exception:
        out.print(f"[red]✗[/] {title}")
        raise
    seconds = time.monotonic() - started
    out.print(f"[green]✓[/] {title:<22}{seconds:6.1f} s  [dim]{escape(detail)}[/]", no_wrap=True, overflow="ellipsis")
