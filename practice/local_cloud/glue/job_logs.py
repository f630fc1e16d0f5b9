"""A run's output in CloudWatch Logs, where Glue puts it.

Source: https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging-enable.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from practice.local_cloud.jobs.logs import LogStream
from practice.local_cloud.loopback import client

PREFIX = "/aws-glue/jobs"


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
            stream = LogStream(f"{prefix}/{kind}", run["Id"])
            stream.write(file.read_text(encoding="utf-8", errors="replace"))
