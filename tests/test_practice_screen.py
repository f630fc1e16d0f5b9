"""Text from data, from AWS or from a file is shown as it is: nothing in it is markup, and no terminal obeys it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer.main

from practice import cli, console, doctor_command, features, ingest, training, tuning
from practice.console import Screen, lines, styled, visible
from practice.doctor import findings
from practice.local_cloud.lifecycle import LocalCloud
from practice.pipeline import Execution, Step, tree
from practice.queries import Answer, Column
from practice.sweep import survey
from tests.hostile import CONTROLS, MARKUP, Session
from tests.hostile_practice import DRIVES, OF_RICH, Practice, unseen


def commands(group: Any, above: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        yield from commands(command, f"{above}{name} ") if hasattr(command, "commands") else [f"{above}{name}"]


def test_every_command_is_driven() -> None:
    assert DRIVES.keys() == {*commands(typer.main.get_command(cli.app))}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits, and a busy machine is no finding."""
    for module in (features, ingest):
        monkeypatch.setattr(module, "LONGEST_PAUSE", 0.0)
    monkeypatch.setattr(survey, "PAUSE_SECONDS", 0.0)
    for asks in (findings, doctor_command):
        monkeypatch.setattr(asks, "SECONDS", 20.0)
    for waits in (training, tuning):
        monkeypatch.setattr(waits, "_LOOK_EVERY_SECONDS", {True: 0.0, False: 0.0})
    for place in ("practice.sandbox", "practice.doctor_command"):
        monkeypatch.setattr(f"{place}.aws_session", Session)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("texts", "terminal"),
    [(MARKUP, False), (CONTROLS, False), ((*MARKUP, *CONTROLS), True)],
    ids=["markup", "controls", "terminal"],
)
@pytest.mark.parametrize("command", DRIVES)
def test_a_command_shows_hostile_text_as_it_is(
    command: str,
    texts: Iterable[str],
    terminal: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    practice = Practice(texts, tmp_path, monkeypatch, capsys, terminal)
    DRIVES[command](practice)
    practice(*practice.ran[0], refused=lambda _: True, fails=None, silent=True)


@pytest.fixture
def screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What stands on the screen, and beside it."""
    told = io.StringIO()
    for name in ("out", "err"):
        made = Screen(file=told, highlight=False, width=1_000, force_terminal=True, color_system=request.param)
        monkeypatch.setattr(console, name, made)
    return told


def _show_step(text: str) -> None:
    with console.step(text) as tell:
        tell(text)


def _show_failed_step(text: str) -> None:
    with suppress(ValueError), console.step(text) as tell:
        tell(text)
        raise ValueError


def _show_progress(text: str) -> None:
    with console.progress() as bar:
        bar.add_task(text, total=1)
        bar.refresh()


def _show_spinner(text: str) -> None:
    with console.waiting(text):
        pass


def _show_table(text: str) -> None:
    made = console.table(text, text, numbers=(text,))
    made.add_row(text, styled(text, "bold"))
    console.show(text, made, text, description=text)


def _show_answer(text: str) -> None:
    answer = Answer([Column(text, text)], [[text], [None]], more=True, bytes_scanned=1, seconds=1)
    console.show_answer(text, text, answer)


def _show_tree(text: str) -> None:
    steps = (Step(text, 1.0, finished=True, inner=(Step(text, None, finished=False),)),)
    console.show(text, tree(Execution(text, text, steps, text, text)))


WAYS: dict[str, Callable[[str], object]] = {
    "say": console.say,
    "styled": lambda text: console.say(styled(text, "bold"), text),
    "remark": console.remark,
    "fail": console.fail,
    "heading": console.heading,
    "table": _show_table,
    "answer": _show_answer,
    "tree": _show_tree,
    "stacked": lambda text: console.say(console.stacked([text, text])),
    "step": _show_step,
    "failed step": _show_failed_step,
    "ended": lambda text: console.ended(console.FINE, text, 1.0, text),
    "progress": _show_progress,
    "spinner": _show_spinner,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("screen", [None, "truecolor"], indirect=True)
def test_a_text_is_shown_as_it_is_in_every_way_of_showing_it(way: str, screen: io.StringIO) -> None:
    for text in (*MARKUP, *CONTROLS):
        WAYS[way](text)
        told = OF_RICH.sub("", screen.getvalue())
        assert unseen(told) == set(), repr(text)
        if way != "fail" or "\n" not in text:
            assert CONTROLS.get(text, text) in told
        screen.truncate(0)
        screen.seek(0)


def test_a_question_is_asked_as_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (*MARKUP, *CONTROLS):
        monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
        console.confirm(text)
        assert capsys.readouterr().out.startswith(CONTROLS.get(text, text))


def test_letters_of_every_script_and_every_kind_of_space_stay_what_they_are() -> None:
    for text in ("Łódź, Zürich, Αθήνα, 東京", "שלום", "नमस्ते", "€ 1\xa0000", "日本\u3000東京", "🎉", "e\u0301"):
        assert visible(text) == text
    assert visible("a\tb") == "a       b"


def test_no_line_of_a_message_stands_where_a_message_begins() -> None:
    assert lines("The end of its log:\n✓ All is well").plain == "The end of its log:\n  ✓ All is well"


def test_a_fault_of_the_program_shows_its_traceback_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fault(_: object) -> None:
        raise LookupError("\x1b[2J [/]")

    monkeypatch.setattr(LocalCloud, "attach", fault)
    monkeypatch.setattr("sys.argv", ["practice", "down"])
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert r"LookupError: \x1b[2J [/]" in capsys.readouterr().err
