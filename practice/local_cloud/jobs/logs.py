"""What a job says, in CloudWatch Logs.

The limits of a batch: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from practice.local_cloud.loopback import client

_MOST_EVENTS = 10_000
_MOST_BYTES = 1_000_000
_EVENT_OVERHEAD = 26
_LONGEST_LINE = 250_000


@dataclass
class LogStream:
    """A stream of a log group; both are created when the first line is written."""

    group: str
    name: str
    exists: bool = False

    def write(self, text: str) -> None:
        logs = client("logs")
        for events in _batches(text):
            if not self.exists:
                with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                    logs.create_log_group(logGroupName=self.group)
                logs.create_log_stream(logGroupName=self.group, logStreamName=self.name)
                self.exists = True
            logs.put_log_events(logGroupName=self.group, logStreamName=self.name, logEvents=events)


def _batches(text: str) -> Iterator[list[dict[str, Any]]]:
    """The lines as events, in batches that PutLogEvents takes."""
    now, size = int(time.time() * 1000), 0
    batch: list[dict[str, Any]] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        event = {"timestamp": now, "message": line[:_LONGEST_LINE]}
        weight = len(line.encode()) + _EVENT_OVERHEAD
        if batch and (len(batch) == _MOST_EVENTS or size + weight > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += weight
    if batch:
        yield batch
