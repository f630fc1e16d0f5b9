"""A file of orders of which nothing fits is asked about before it is sent."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from practice import cli
from practice.sending import Sent
from tests.firehose_events import order


@pytest.mark.parametrize(
    ("records", "answer", "options", "sends", "asks"),
    [
        (["{}", "[]"], "y\n", [], True, True),
        (["{}", "[]"], "n\n", [], False, True),
        (["{}"], "", [], False, True),
        (["{}"], "", ["--anyway"], True, False),
        (["{}", json.dumps(order())], "", [], True, False),
    ],
)
def test_a_file_of_which_no_record_fits_is_asked_about(
    records: list[str],
    answer: str,
    options: list[str],
    sends: bool,
    asks: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    taken: list[bytes] = []

    def send_all(_sandbox: object, given: list[bytes], **_: object) -> Sent:
        taken.extend(given)
        return Sent("stream", "here", "now", len(taken))

    class Here:
        target = type("Target", (), {"cloud": None})

    file = tmp_path / "orders.jsonl"
    file.write_text("\n".join(records), encoding="utf-8")
    monkeypatch.setattr(cli, "send_all", send_all)
    monkeypatch.setattr("practice.options.Common.sandbox", lambda *_: Here)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    monkeypatch.setattr(sys, "argv", ["practice", "send", "--file", str(file), *options])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert (len(taken), end.value.code or 0) == ((len(records), 0) if sends else (0, 1))
    assert ("No record of" in "".join(capsys.readouterr())) == asks
