"""The guard's entry point, as EventBridge calls it when a training job's state has changed."""

from __future__ import annotations

import os
from typing import Any

from guarding.notices import tell
from sagemaker_api.listing import sagemaker_client
from spot_guard.bounds import Bounds


def lambda_handler(event: dict[str, Any], _context: object) -> None:
    """Stop the job if it is one of the sandbox's and outside the bounds, tell it, and tag it with the reason.

    The tag comes last and says that nothing is left to do. SageMaker sends several events for one state, and Lambda
    tries again after an error, such as a call that is still throttled after the client's own attempts: whatever was
    not done yet is then done. A notice may come twice, and is never lost.
    """
    client = sagemaker_client()
    job = client.describe_training_job(TrainingJobName=event["detail"]["TrainingJobName"])
    name, arn, tag = job["TrainingJobName"], job["TrainingJobArn"], os.environ["REASON_TAG"]
    bounds = Bounds(frozenset(os.environ["INSTANCE_TYPES"].split(",")), int(os.environ["MAX_RUNTIME_SECONDS"]))
    reason = " and ".join(bounds.violations(job))
    if job["RoleArn"] != os.environ["TRAINING_ROLE_ARN"] or not reason:
        return
    if any(known["Key"] == tag for known in client.list_tags(ResourceArn=arn)["Tags"]):
        return
    if job["TrainingJobStatus"] == "InProgress":
        client.stop_training_job(TrainingJobName=name)
    tell(f"Training job stopped: {name}", _notice(name, reason, bounds))
    client.add_tags(ResourceArn=arn, Tags=[{"Key": tag, "Value": reason}])


def _notice(name: str, reason: str, bounds: Bounds) -> str:
    return (
        f"Training job {name} was stopped: {reason}.\n"
        f"Start it with EnableManagedSpotTraining, on {', '.join(sorted(bounds.instance_types))}, and with "
        f"MaxRuntimeInSeconds of at most {bounds.max_runtime_seconds}. The settings sandbox:training_instance_types "
        "and sandbox:training_max_runtime_minutes allow more."
    )
