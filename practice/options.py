"""The options that several commands share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from practice.console import say, styled
from practice.local import DEFAULT_PORT
from practice.sandbox import Sandbox, Target


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time; give one as 2026-03-14T09:26:53Z.") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


Number = Annotated[int, typer.Option("--count", "-n", min=1, help="Records in all, whatever they are.")]
Seed = Annotated[
    int, typer.Option(min=0, help="The same seed and end give the same bytes; the seed alone, the same customers.")
]
End = Annotated[
    datetime | None,
    typer.Option(parser=_instant, metavar="TIME", help="When the last orders were placed.", show_default="now"),
]
Share = Annotated[float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of records that must fail.")]
LateShare = Annotated[float, typer.Option(min=0, max=1, metavar="SHARE", help="Share that is sent over an hour late.")]
TwiceShare = Annotated[float, typer.Option(min=0, max=1, metavar="SHARE", help="Share that repeats an earlier record.")]
MessyShare = Annotated[
    float, typer.Option(min=0, max=1, metavar="SHARE", help="Share in need of normalising: it must not fail.")
]
OutFile = Annotated[
    Path | None, typer.Option("--out", "-o", dir_okay=False, help="File to write.", show_default="standard output")
]
Aws = Annotated[
    bool | None, typer.Option("--aws/--local", help="Your AWS account, or the local cloud.", show_default="local")
]
Port = Annotated[
    int | None, typer.Option(min=1024, max=65535, help="Port of the local cloud.", show_default=str(DEFAULT_PORT))
]


@dataclass(frozen=True)
class Common:
    """What the options before the command say."""

    name: str
    directory: Path

    def sandbox(self, aws: bool | None) -> Sandbox:
        target = Target.choose(aws=aws, directory=self.directory)
        say(styled(f"{self.name} · {target.description}", "dim"))
        return Sandbox.find(self.name, target)
