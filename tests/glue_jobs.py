"""Glue jobs on the local cloud, for tests: a script and its arguments, started and waited for."""

from __future__ import annotations

import io
import textwrap
import time
import uuid
import zipfile
from collections.abc import Mapping
from typing import Any

from practice.local_cloud.lifecycle import LocalCloud
from tests.patience import PATIENCE

ROLE = "arn:aws:iam::000000000000:role/jobs"
ENDED = {"SUCCEEDED", "FAILED", "TIMEOUT", "STOPPED"}


class Jobs:
    """A bucket, and jobs whose scripts lie in it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.glue, self.s3, self.logs = (cloud.client(name) for name in ("glue", "s3", "logs"))
        self.bucket = f"jobs-{uuid.uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=self.bucket)

    def create(self, script: str, **definition: Any) -> str:
        """A job of a script's source; returns its name."""
        name = f"job-{uuid.uuid4().hex[:8]}"
        key = f"scripts/{name}.py"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=textwrap.dedent(script).encode())
        command = {"Name": "glueetl", "ScriptLocation": f"s3://{self.bucket}/{key}", "PythonVersion": "3"}
        self.glue.create_job(Name=name, Role=ROLE, Command=command, **{"GlueVersion": "5.1", **definition})
        return name

    def package(self, files: Mapping[str, str]) -> str:
        """A zip of modules for --extra-py-files; returns its URI."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            for path, source in files.items():
                package.writestr(path, source)
        key = f"packages/{uuid.uuid4().hex[:8]}.zip"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=archive.getvalue())
        return f"s3://{self.bucket}/{key}"

    def start(self, name: str, **request: Any) -> str:
        return str(self.glue.start_job_run(JobName=name, **request)["JobRunId"])

    def get(self, name: str, run_id: str) -> dict[str, Any]:
        run: dict[str, Any] = self.glue.get_job_run(JobName=name, RunId=run_id)["JobRun"]
        return run

    def wait(self, name: str, run_id: str, states: set[str] = ENDED) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while (run := self.get(name, run_id))["JobRunState"] not in states:
            assert time.monotonic() < deadline, f"the run is still {run['JobRunState']}"
            time.sleep(0.05)
        return run

    def run(self, name: str, **request: Any) -> dict[str, Any]:
        return self.wait(name, self.start(name, **request))

    def lines(self, run: Mapping[str, Any], kind: str = "output") -> list[str]:
        group = f"{run['LogGroupName']}/{kind}"
        events = self.logs.get_log_events(logGroupName=group, logStreamName=run["Id"], startFromHead=True)["events"]
        return [event["message"] for event in events]
