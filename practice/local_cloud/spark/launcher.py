"""The process of a job run: the script as Glue starts it, with the local cloud's S3 mounted into its Spark.

The script sees what it would see in Glue: its own argv, the modules of ``--extra-py-files``, pyspark and boto3, and of
Glue's own library what ``glue_runtime`` has; nothing else of this repository. The process ends when its parent does,
and Spark's Java with it.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import traceback
from pathlib import Path

import boto3

from practice.local_cloud.address import REGION
from practice.local_cloud.spark.job_errors import error_message
from practice.local_cloud.spark.s3 import mounted

MESSAGE = "error-message.txt"
SPARK_DEFAULTS = "spark-defaults.conf"
GLUE_LIBRARIES = Path(__file__).resolve().with_name("glue_runtime")


def run(directory: Path, script: str, arguments: list[str]) -> int:
    """Run the script in the directory that the local cloud prepared; the exit status tells how it ended."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.path[:] = [path for path in sys.path if Path(path or ".").resolve() != Path.cwd()]
    sys.path.append(str(GLUE_LIBRARIES))
    os.chdir(directory)
    sys.argv = [script, *arguments]
    with mounted(boto3.client("s3", region_name=REGION)) as settings:
        with Path(SPARK_DEFAULTS).open("a", encoding="utf-8") as defaults:
            defaults.writelines(f"{name} {value}\n" for name, value in settings().items())
        try:
            runpy.run_path(script, run_name="__main__")
        except SystemExit as ended:
            if not ended.code:
                return 0
            return _failed(ended, script)
        except BaseException as error:
            return _failed(error, script)
    return 0


def _failed(error: BaseException, script: str) -> int:
    traceback.print_exception(error)
    Path(MESSAGE).write_text(error_message(error, script), encoding="utf-8")
    return 1


def _end_with_parent() -> None:
    """Standard input is a pipe that the local cloud never writes to: it ends when the local cloud does."""
    sys.stdin.buffer.read()
    os._exit(1)


if __name__ == "__main__":
    status = run(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
    sys.stdout.flush()
    # not sys.exit: it waits for threads that a failed script may have left
    os._exit(status)
