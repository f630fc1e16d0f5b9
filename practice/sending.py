"""Sends records on the learner's behalf: progress on the screen, refused records in a file, the outcome on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from practice.console import progress
from practice.errors import PracticeError
from practice.ingest import send, stream_of
from practice.refused import refused_file
from practice.sandbox import Sandbox

LAST_SEND = "last-send.json"
REFUSED = "refused.jsonl"


@dataclass
class Sent:
    """The outcome of one send: every record was either taken or refused."""

    stream: str
    target: str
    at: str
    taken: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    @classmethod
    def last(cls, directory: Path) -> Sent | None:
        """The last outcome; None if there is none or it cannot be read."""
        try:
            told = json.loads((directory / LAST_SEND).read_text(encoding="utf-8"))
            refused = Counter({code: int(number) for code, number in told["refused"].items()})
            return cls(str(told["stream"]), str(told["target"]), str(told["at"]), int(told["taken"]), refused)
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return None


def send_all(sandbox: Sandbox, records: Iterable[bytes], *, total: int, directory: Path) -> Sent:
    """Send all records; what the service refuses for good is in ``refused.jsonl``, ready to be sent again."""
    stream, put = stream_of(sandbox)
    sent = Sent(stream, sandbox.target.description, datetime.now(UTC).isoformat(timespec="seconds"))
    with refused_file(directory / REFUSED) as refused, progress() as bar:

        def refuse(record: bytes, code: str) -> None:
            refused.write(record)
            sent.refused[code] += 1

        task = bar.add_task("Sending", total=total)
        try:
            for taken in send(records, put, refused=refuse):
                sent.taken += taken
                bar.advance(task, taken)
        except (KeyboardInterrupt, BotoCoreError, ClientError) as error:
            why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
            raise PracticeError(f"Stopped after {sent.taken:,} of {total:,} records were taken: {why}") from error
        finally:
            (directory / LAST_SEND).write_text(json.dumps(vars(sent)), encoding="utf-8")
    return sent


def require_all_taken(sent: Sent, directory: Path) -> None:
    """Raise if records were refused, and say where they are."""
    if sent.refused:
        codes = ", ".join(f"{count:,} x {code}" for code, count in sent.refused.items())
        path = directory / REFUSED
        raise PracticeError(
            f"Refused to the end: {codes}. These records are in {path}; "
            f"send them again: python -m practice send --file {path}"
        )
