"""A machine of a SageMaker job: a command that runs, and what there is of it while it runs.

Where AWS gives a command 120 seconds after SIGTERM, it has NOTICE_SECONDS here. The command itself gets the signal; in
AWS's containers it reaches the toolkit, which does not always pass it on to the script:
https://github.com/aws/sagemaker-training-toolkit/issues/125
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from practice.local_cloud.jobs.files import Mirror
from practice.local_cloud.jobs.logs import LogStream
from practice.local_cloud.sagemaker.job_process import JobProcess, as_in_container

LONGEST_REASON = 1024
NOTICE_SECONDS = 5.0
TICK_SECONDS = 0.2
_LAST_LINES = 5
_LONGEST = LONGEST_REASON - 50


class Container(Protocol):
    """What a command finds, under a root that stands for ``/opt/ml``."""

    @property
    def root(self) -> Path: ...

    @property
    def log(self) -> Path: ...

    def start(self) -> JobProcess: ...


class Machine:
    """Runs a container's command; gives its log to CloudWatch Logs and its checkpoints to S3."""

    def __init__(self, container: Container, stream: LogStream, mirror: Mirror | None = None) -> None:
        self.container = container
        self.said = ""
        self._stream = stream
        self._mirror = mirror
        self._position = 0
        self._process: JobProcess | None = None

    def start(self) -> None:
        self._process = self.container.start()

    @property
    def process(self) -> JobProcess:
        if self._process is None:
            raise RuntimeError("the machine was not started")
        return self._process

    def tend(self, *, last: bool = False) -> None:
        """Deliver what is new: of the log whole lines, at last what is left."""
        if self._mirror:
            self._mirror.sync()
        with self.container.log.open("rb") as log:
            log.seek(self._position)
            new = log.read()
        if not last:
            new = new[: new.rfind(b"\n") + 1]
        if new:
            self._position += len(new)
            text = as_in_container(new.decode("utf-8", "replace"), self.container.root)
            self.said += text
            self._stream.write(text)

    def written(self, name: str) -> str:
        """What the command wrote for the job's description to ``/opt/ml/output``, if it did."""
        file = self.container.root / "output" / name
        text = file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
        return as_in_container(text, self.container.root).strip()[:_LONGEST]

    @property
    def failure(self) -> str:
        """Why the command failed: what it wrote to ``/opt/ml/output/failure``, or its last lines."""
        lines = [line for line in self.said.splitlines() if line.strip()]
        reason = self.written("failure") or "\n".join(lines[-_LAST_LINES:])[-_LONGEST:]
        return f"AlgorithmError: {reason}, exit code: {self.process.exit_code}"

    def end(self) -> None:
        if self._process:
            self._process.end()


def tend(machines: Sequence[Machine]) -> bool:
    """Wait a moment, or until a machine is done, and deliver what is new; whether one still runs."""
    next((m for m in machines if m.process.exit_code is None), machines[0]).process.wait(TICK_SECONDS)
    running = any(machine.process.exit_code is None for machine in machines)
    for machine in machines:
        machine.tend()
    return running


def end_with_notice(machines: Sequence[Machine]) -> None:
    """SIGTERM; then, to what still runs after the notice, SIGKILL."""
    for machine in machines:
        machine.process.terminate()
    deadline = time.monotonic() + NOTICE_SECONDS
    while tend(machines) and time.monotonic() < deadline:
        pass
    for machine in machines:
        machine.end()
