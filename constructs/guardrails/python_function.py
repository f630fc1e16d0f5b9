"""Lambda functions whose code is in this repository."""

from pathlib import Path
from typing import Any

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

_ROOT = Path(__file__).parents[2] / "lambda"


def python_function(scope: Construct, construct_id: str, **properties: Any) -> lambda_.Function:
    """A function of a package under ``lambda/``, on the Python and the processors that all of them run on.

    The functions share one asset root, so that a handler has the same import path in tests and in AWS; byte
    code is left out because it would change the asset's hash from machine to machine.
    """
    return lambda_.Function(
        scope,
        construct_id,
        code=lambda_.Code.from_asset(str(_ROOT), exclude=["**/__pycache__", "**/*.pyc"]),
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        **properties,
    )
