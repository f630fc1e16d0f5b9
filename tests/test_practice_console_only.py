"""The command line shows nothing but by its console, so no text can be shown but as it is."""

from __future__ import annotations

import ast

import pytest

from practice.sandbox import PROJECT

_HARMLESS = {("rich.progress", "TaskID"), ("rich.table", "Table"), ("rich.tree", "Tree")}
"""What holds no text, or asks the screen how to show it."""

_FORBIDDEN = {
    "SystemExit",
    "breakpoint",
    "input",
    "os.system",
    "os.write",
    "print",
    "sys.__stderr__",
    "sys.__stdout__",
    "sys.exit",
    "sys.stderr",
    "sys.stdout",
    "traceback.print_exc",
    "typer.confirm",
    "typer.echo",
    "typer.progressbar",
    "typer.prompt",
    "typer.secho",
}
_PROGRAMS = {
    "subprocess.Popen",
    "subprocess.call",
    "subprocess.check_call",
    "subprocess.check_output",
    "subprocess.run",
}
_WITH_SCREENS = ("click", "logging", "rich", "warnings")
_BEHIND = {("practice", "console"), *(("practice.console", name) for name in ("Screen", "err", "out"))}
"""The screens as such, to which rich's spinners and bars would bring markup."""


def other_ways(source: str) -> set[str]:
    """How a module shows something, or lets a program show it, but by the console."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                modules = {name.name for name in names}
                found |= {name for name in modules if name.startswith((*_WITH_SCREENS, "practice.console"))}
            case ast.ImportFrom(module=str(module), names=names):
                imported = {(module, name.name) for name in names}
                if module.startswith(_WITH_SCREENS):
                    found |= {f"{module}.{name}" for _, name in imported - _HARMLESS}
                found |= {f"{module}.{name}" for _, name in imported} & {*_FORBIDDEN, *_PROGRAMS}
                found |= {name for _, name in imported if (module, name) in _BEHIND}
            case ast.Call(func=called, keywords=keywords) if ast.unparse(called) in _PROGRAMS:
                given = {keyword.arg for keyword in keywords}
                if not ({"capture_output"} <= given or {"stdout", "stderr"} <= given):
                    found.add(ast.unparse(called))
            case ast.Name() | ast.Attribute():
                found |= {ast.unparse(node)} & _FORBIDDEN
    return found


MODULES = {
    str(path.relative_to(PROJECT)): path.read_text(encoding="utf-8")
    for room in ("practice", "cost")
    for path in (PROJECT / room).rglob("*.py")
    if not path.is_relative_to(PROJECT / "practice" / "local_cloud")
}
"""All but the local cloud, a server whose output is its log."""

ALLOWED = {
    "practice/__main__.py": {"sys.exit"},  # with a sentence of its own, where the console cannot be imported
    "practice/cli.py": {"sys.exit", "sys.stdout"},  # with a number; for the sample data itself, which is piped
    "practice/env_command.py": {"sys.stdout"},  # quoted, for a shell that takes them to the letter
    "practice/console.py": other_ways(MODULES["practice/console.py"]),
}


def test_nothing_is_shown_but_by_the_console() -> None:
    found = {module: other_ways(source) - ALLOWED.get(module, set()) for module, source in MODULES.items()}
    assert {module: ways for module, ways in found.items() if ways} == {}


@pytest.mark.parametrize(
    "source",
    [
        "print(1)",
        "import sys; sys.stderr.write(text)",
        "from sys import stdout",
        "import typer; typer.echo(text)",
        "from rich import print",
        "from rich.console import Console",
        "from rich.text import Text",
        "import rich.markup",
        "from practice.console import out",
        "from practice import console",
        "import practice.console",
        "import sys; sys.exit(text)",
        "import logging",
        "import subprocess; subprocess.run(['x'])",
        "import subprocess; subprocess.Popen(['x'], stdout=log)",
    ],
)
def test_another_way_of_showing_is_seen(source: str) -> None:
    assert other_ways(source)
