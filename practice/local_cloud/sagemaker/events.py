"""What SageMaker tells EventBridge.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
"""

from __future__ import annotations

import json

from practice.local_cloud.hooks import EVENTBRIDGE
from practice.local_cloud.sagemaker.api import Record

_TOLD = (
    "AlgorithmSpecification",
    "FailureReason",
    "HyperParameters",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "RoleArn",
    "SecondaryStatus",
    "StoppingCondition",
    "TrainingJobArn",
    "TrainingJobName",
    "TrainingJobStatus",
)


def training_job_changed(record: Record) -> None:
    """Tell that a training job is in another state; rules start their targets, which nobody waits for."""
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": "SageMaker Training Job State Change",
        "Detail": json.dumps({name: record[name] for name in _TOLD if name in record}),
        "Resources": [record["TrainingJobArn"]],
    }
    EVENTBRIDGE._put_events({"Entries": [entry]}, allow_aws_source=True)
