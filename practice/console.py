"""Everything the command line shows: messages, tables, progress.

Text may come from anywhere: from data, from AWS, from a file. So a plain string is shown as it is, wherever it stands,
and nothing in it is obeyed; only what is styled here carries style.
"""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text
from rich.tree import Tree

from practice.queries import Answer

Style = Literal["bold", "bold red", "cyan", "dim", "green", "italic", "red", "yellow"]
Shown = str | Text
"""A plain string, whatever is in it, or what was styled here."""

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Unicode's categories of what a terminal obeys, reorders text by, or shows nothing of."""

_NUMBERS = {"bigint", "decimal", "double", "float", "integer", "real", "smallint", "tinyint"}
_WIDEST_DETAIL = 50
_MOST_SIDE_BY_SIDE = 3


def visible(text: str) -> str:
    r"""The text in one line, with what would not be seen written as Python does: ``\x1b``, ``\n``, ``\u202e``.

    A tab, as Athena's DESCRIBE has them, is spaces.
    """
    if text.isprintable():
        return text
    return "".join(map(_visible_character, text.expandtabs()))


def _visible_character(character: str) -> str:
    if unicodedata.category(character) in _UNSEEN:
        return character.encode("unicode_escape").decode()
    return character


class Screen(Console):
    """A console to which a plain string is data: nothing in it is markup, an emoji code, or an order to the terminal.

    Rich asks here for the text of every string, printed or in a cell, a heading or a tree.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options | {"emoji": False, "markup": False, "highlight": False})


def _command() -> str:
    """How a user starts this command line from the folder they are in."""
    python = Path(sys.executable)
    if python.is_relative_to(Path.cwd()):
        return f"{python.relative_to(Path.cwd())} -m practice"
    return "python -m practice"


COMMAND = _command()
out = Screen(highlight=False)
err = Screen(stderr=True, highlight=False)


def styled(text: str, style: Style) -> Text:
    return Text(visible(text), style)


FINE = styled("✓", "green")
WRONG = styled("✗", "bold red")
GOING_ON = styled("…", "yellow")


def line(*parts: Shown) -> Text:
    """The parts side by side, with a space between them."""
    return Text(" ").join(part if isinstance(part, Text) else Text(visible(part)) for part in parts)


def stacked(texts: Iterable[str]) -> Text:
    """Each text in a line of its own."""
    return Text("\n").join(map(line, texts))


def lines(text: str) -> Text:
    """A text that has lines, such as the end of a log; indented, so that none of them passes for another message."""
    return Text("\n  ").join(map(line, text.split("\n")))


def say(*parts: Shown, soft_wrap: bool = False) -> None:
    out.print(line(*parts), soft_wrap=soft_wrap)


def remark(text: str) -> None:
    """Say something beside the output, which may be piped."""
    err.print(text)


def fail(message: str) -> None:
    err.print(line(WRONG, lines(message)), soft_wrap=True)


def confirm(question: str) -> None:
    """Ask, and end the command unless the answer is yes."""
    typer.confirm(visible(question), abort=True)


def table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    """A table in the house style; the columns in ``numbers`` are right-aligned."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def heading(title: str) -> None:
    out.print("", styled(title, "bold"), sep="\n")


def show(title: str, made: Table | Tree, note: str = "", *, description: str = "") -> None:
    """Print a table under a title; titles of rich's own are no wider than their table."""
    heading(title)
    if description:
        say(styled(description, "italic"))
    out.print(made)
    if note:
        say(styled(note, "dim"))


def show_answer(title: str, description: str, answer: Answer) -> None:
    """Print the rows of an answer, and what the query cost; rows too wide for the screen stand side by side."""
    rows = [[styled("null", "dim") if value is None else value for value in row] for row in answer.rows]
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
    show(title, made, f"{told} · {cost}", description=description)


def _filled(made: Table, rows: Iterable[Iterable[Shown]]) -> Table:
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


class _Description(ProgressColumn):
    """What a bar tells of; rich's own column would read markup in it."""

    def render(self, task: Task) -> Text:
        return line(task.description)


def progress() -> Progress:
    return Progress(
        _Description(Column(no_wrap=True)),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=out,
        transient=True,
    )


def waiting(text: str) -> AbstractContextManager[object]:
    """Shows a spinner while something runs that leaves no line."""
    return out.status(line(text))


@contextmanager
def step(title: str) -> Iterator[Callable[[str], None]]:
    """Shows a spinner while a step runs, then a line with its time and the detail told last."""
    detail = ""
    started = time.monotonic()

    def tell(text: str) -> None:
        nonlocal detail
        detail = " ".join(text.split())
        spinner.update(line(title, styled(f" {detail[:_WIDEST_DETAIL]}", "dim")))

    try:
        with out.status(line(title)) as spinner:
            yield tell
    except KeyboardInterrupt:
        say(WRONG, title, styled(" interrupted; the same command goes on from here", "dim"))
        raise
    except Exception:
        say(WRONG, title)
        raise
    ended(FINE, title, time.monotonic() - started, detail)


def ended(mark: Text, title: str, seconds: float, detail: str) -> None:
    """Print the line of a step that has ended, cut where the screen ends."""
    told = line(mark, f"{title:<22}{seconds:6.1f} s", styled(f" {detail}", "dim"))
    out.print(told, no_wrap=True, overflow="ellipsis")
