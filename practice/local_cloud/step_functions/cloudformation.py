"""Step Functions' AWS SDK integration with CloudFormation: every operation, which MiniStack has not.

An error of the service fails the task with its name, to which Step Functions adds ``Exception`` where it lacks it; one
that the API's model does not know is a ``CloudFormationException``. What an execution that was stopped would still call
is not called.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from practice.local_cloud.hooks import STEP_FUNCTIONS
from practice.local_cloud.loopback import client
from practice.local_cloud.step_functions.glue import awaited

RESOURCE = "arn:aws:states:::aws-sdk:cloudformation:"


def call(resource: str, parameters: Mapping[str, Any]) -> Any:
    """The answer as the API gives it, with times as text."""
    if not awaited():
        raise STEP_FUNCTIONS._ExecutionError("States.Runtime", "the execution has ended")
    cloudformation = client("cloudformation")
    try:
        answer = getattr(cloudformation, xform_name(resource.removeprefix(RESOURCE)))(**parameters)
    except ParamValidationError as error:
        raise STEP_FUNCTIONS._ExecutionError("States.Runtime", str(error)) from error
    except ClientError as error:
        known = type(error).__name__
        name = "CloudFormationException" if known == "ClientError" else f"{known.removesuffix('Exception')}Exception"
        raise STEP_FUNCTIONS._ExecutionError(f"CloudFormation.{name}", error.response["Error"]["Message"]) from error
    del answer["ResponseMetadata"]
    return json.loads(json.dumps(answer, default=datetime.isoformat))
