"""Runs a job script in local Spark, in a process of its own.

The script runs on as many cores as the machine has, in one process, whatever workers the job asks for: a worker type
says nothing here about memory or speed.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from practice.local_cloud.address import HOST, Access
from practice.local_cloud.jobs.environments import GLUE
from practice.local_cloud.jobs.process import environment as job_environment
from practice.local_cloud.jobs.process import exit_code, kill_family
from practice.local_cloud.spark.classes import java_options
from practice.local_cloud.spark.java import java_home
from practice.local_cloud.spark.launcher import MESSAGE, SPARK_DEFAULTS

PROJECT = Path(__file__).parents[3]

_SPARK_DEFAULTS = {
    "spark.master": "local[*]",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "4",
    # every program of this machine can reach the ports that Spark listens on
    "spark.authenticate": "true",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}

_LOG4J = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
logger.shell.name = org.apache.spark.api.python.PythonGatewayServer
logger.shell.level = error
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n
"""


@dataclass(frozen=True)
class Outcome:
    """How a run ended, in Glue's words."""

    state: str
    message: str = ""


class JobProcess:
    """A script that runs, and can be stopped."""

    def __init__(
        self,
        directory: Path,
        script: Path,
        arguments: Sequence[str],
        *,
        access: Access,
        environment: Mapping[str, str] = GLUE,
        python_files: Sequence[Path] = (),
        spark: Mapping[str, str] | None = None,
    ) -> None:
        """Start it. The directory is the run's own; its output is in ``stdout`` and ``stderr`` there.

        The environment is what its service sets.
        """
        self.directory = directory
        self._stopped = False
        self.started = time.monotonic()
        log4j = f'"-Dlog4j2.configurationFile={directory / "log4j2.properties"}"'
        java = {"spark.driver.extraJavaOptions": f"{java_options()} {log4j}"}
        settings = {**_SPARK_DEFAULTS, **java, **(spark or {})}
        (directory / SPARK_DEFAULTS).write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        (directory / "log4j2.properties").write_text(_LOG4J)
        (directory / "tmp").mkdir()
        with (directory / "stdout").open("wb") as stdout, (directory / "stderr").open("wb") as stderr:
            self._process = subprocess.Popen(  # noqa: S603 - the learner's own job
                [sys.executable, "-m", "practice.local_cloud.spark.launcher", str(directory), str(script), *arguments],
                cwd=PROJECT,
                env=self._environment(environment, access, python_files),
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=stderr,
            )

    def wait(self, timeout: float) -> Outcome:
        """Wait for the end; a script that takes longer is killed."""
        try:
            status = self._process.wait(max(0.0, self.started + timeout - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._kill()
            return Outcome("TIMEOUT", "JobRun timed out")
        finally:
            if self._process.stdin:
                self._process.stdin.close()
        if self._stopped:
            return Outcome("STOPPED")
        if status == 0:
            return Outcome("SUCCEEDED")
        message = self.directory / MESSAGE
        if message.exists():
            return Outcome("FAILED", message.read_text(encoding="utf-8"))
        return Outcome("FAILED", f"Command Failed with exit code {exit_code(status)}")

    def stop(self) -> None:
        self._stopped = True
        self._kill()

    def _kill(self) -> None:
        """End the process and what it started: Spark's Java, and the Python workers of that."""
        kill_family(self._process.pid)
        self._process.wait()

    def _environment(
        self, of_service: Mapping[str, str], access: Access, python_files: Sequence[Path]
    ) -> dict[str, str]:
        temporary = str(self.directory / "tmp")
        return {
            **job_environment(of_service, access, self.directory / "home"),
            "JAVA_HOME": str(java_home()),
            "PYSPARK_PYTHON": sys.executable,
            # not SPARK_CONF_DIR: with another class path, Java would not take the classes it keeps
            "PYSPARK_SUBMIT_ARGS": shlex.join(
                ["--properties-file", str(self.directory / SPARK_DEFAULTS), "pyspark-shell"]
            ),
            "PYTHONPATH": os.pathsep.join(str(file) for file in python_files),
            "SPARK_LOCAL_DIRS": temporary,
            "SPARK_LOCAL_IP": HOST,
            "TMPDIR": temporary,
        }


def remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
