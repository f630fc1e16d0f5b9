"""Which Studio apps cost money, and since when one runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sagemaker_api.apps import app_key
from sagemaker_api.listing import Listed


def is_billed(app: Listed) -> bool:
    """Not the Jupyter server of Studio Classic on the instance that SageMaker gives it; its kernels are apps too.

    Source: https://github.com/aws-samples/sagemaker-studio-auto-shutdown-extension
    """
    return (app["AppType"], app.get("ResourceSpec", {}).get("InstanceType")) != ("JupyterServer", "system")


def was_started(app: Listed, events: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of these events of CloudTrail's is a request that created the app, and was not refused.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-using-cloudtrail.html
    """
    key = {name[0].lower() + name[1:]: value for name, value in app_key(app).items()}
    records = (json.loads(event["CloudTrailEvent"]) for event in events)
    return any(
        "errorCode" not in record and key.items() <= (record.get("requestParameters") or {}).items()
        for record in records
    )
