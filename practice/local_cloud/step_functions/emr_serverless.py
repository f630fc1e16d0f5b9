"""Step Functions' integration with EMR Serverless: ``emr-serverless:startJobRun``, and ``.sync`` that waits for it.

The result is the job run; one that does not succeed fails the task with ``States.TaskFailed`` and the job run, as JSON,
for its cause. A run whose execution is stopped, or whose task times out, is cancelled.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr-serverless.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from practice.local_cloud.emr_serverless.applications import ALIVE
from practice.local_cloud.hooks import STEP_FUNCTIONS
from practice.local_cloud.loopback import client
from practice.local_cloud.names import lower_camel, upper_camel
from practice.local_cloud.step_functions.glue import awaited

RESOURCE = "arn:aws:states:::emr-serverless:startJobRun"
_POLL = 0.1


def start_job_run(resource: str, parameters: Mapping[str, Any]) -> Any:
    emr = client("emr-serverless")
    try:
        started = emr.start_job_run(**lower_camel(parameters))
    except ParamValidationError as error:
        raise STEP_FUNCTIONS._ExecutionError("States.Runtime", str(error)) from error
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise STEP_FUNCTIONS._ExecutionError(f"EMRServerless.{code}", str(error)) from error
    run = {key: started[key] for key in ("applicationId", "jobRunId")}
    if not resource.endswith(".sync"):
        return upper_camel({**run, "arn": started["arn"]})
    while (found := emr.get_job_run(**run)["jobRun"])["state"] in ALIVE:
        if not awaited() and found["state"] != "CANCELLING":
            emr.cancel_job_run(**run)
        time.sleep(_POLL)
    result = upper_camel({key: int(v.timestamp() * 1000) if key.endswith("At") else v for key, v in found.items()})
    if found["state"] != "SUCCESS":
        raise STEP_FUNCTIONS._ExecutionError("States.TaskFailed", json.dumps(result, separators=(",", ":")))
    return result
