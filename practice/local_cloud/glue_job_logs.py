"""A run's output in CloudWatch Logs, where Glue puts it.

Source: https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging-enable.html
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from practice.local_cloud.loopback import client

PREFIX = "/aws-glue/jobs"
_MOST_EVENTS = 10_000
_MOST_BYTES = 1_000_000
_EVENT_OVERHEAD = 26
_LONGEST_LINE = 250_000


def log_group_prefix(job: Mapping[str, Any], run: Mapping[str, Any], arguments: Mapping[str, str]) -> str:
    """The groups' common part: as the job sets it, and with the security configuration and role if that encrypts."""
    prefix = arguments.get("--custom-logGroup-prefix", PREFIX)
    if name := run.get("SecurityConfiguration"):
        configuration = client("glue").get_security_configuration(Name=name)["SecurityConfiguration"]
        mode = configuration["EncryptionConfiguration"].get("CloudWatchEncryption", {}).get("CloudWatchEncryptionMode")
        if mode == "SSE-KMS":
            return f"{prefix}/{name}-role/{str(job['Role']).rpartition('/')[2]}"
    return prefix


def write_logs(run: dict[str, Any], job: Mapping[str, Any], arguments: Mapping[str, str], directory: Path) -> None:
    """Write what the run said, in streams named after it."""
    prefix = run["LogGroupName"] = log_group_prefix(job, run, arguments)
    for source, kind in (("stdout", "output"), ("stderr", "error")):
        file = directory / source
        if file.exists() and file.stat().st_size:
            write_stream(f"{prefix}/{kind}", run["Id"], file.read_text(encoding="utf-8", errors="replace"))


def write_stream(group: str, stream: str, text: str) -> None:
    """Write the lines of the text to a new stream, in a group that is made if there is none."""
    logs = client("logs")
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    for events in _batches(text):
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


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
