"""The environment of a Lambda function's process: what Lambda sets, not what the server has.

A function finds the variables that Lambda's runtimes define, those of its own configuration, the address of the local
cloud, and a home and a folder for temporary files that are its execution environment's alone. MiniStack passes on all
of its own environment, and leaves out some that Lambda sets; here there is what is named below, and nothing else.

Left out, since nothing here stands behind them: the runtime's API and directory (``AWS_LAMBDA_RUNTIME_API``,
``LAMBDA_RUNTIME_DIR``, ``PYTHONPATH``) and the X-Ray daemon's address and settings.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from practice.local_cloud.hooks import LAMBDA, LAMBDA_RUNTIME

_PASSED_ON = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "LD_LIBRARY_PATH",
        "PATH",
    }
)
"""What a function may have as the server has it."""


def _of_runtime(function_name: str) -> dict[str, str]:
    """What Lambda sets, and MiniStack does not."""
    function = LAMBDA._functions.get(function_name) or {"config": {}}
    configuration = function["config"]
    return {
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration.get('Runtime', '')}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function_name}",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": configuration.get("Handler", ""),
    }


class _Subprocess:
    """The module ``subprocess``, with processes that do not inherit the server's environment."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    @staticmethod
    def Popen(  # noqa: N802 - the name in the module
        command: Sequence[str], *, cwd: str, env: Mapping[str, str], **options: Any
    ) -> subprocess.Popen[Any]:
        (own := Path(cwd).with_name("tmp")).mkdir(exist_ok=True)
        of_function = {
            name: value for name, value in env.items() if name in _PASSED_ON or os.environ.get(name) != value
        }
        of_runtime = _of_runtime(env["AWS_LAMBDA_FUNCTION_NAME"])
        environment = {"HOME": str(own), "TMPDIR": str(own), **of_function, **of_runtime}
        return subprocess.Popen(command, cwd=cwd, env=environment, **options)  # noqa: S603 - the learner's own function


def install() -> None:
    LAMBDA.subprocess = LAMBDA_RUNTIME.subprocess = _Subprocess()
