"""Whether an endpoint costs money while it is idle, and where its use shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Endpoint = Mapping[str, Any]
"""What SageMaker describes."""

Metric = tuple[str, Mapping[str, str]]
"""Name and dimensions of a metric in the namespace ``AWS/SageMaker``."""


def bills_while_idle(endpoint: Endpoint) -> bool:
    """Whether it has instances, or serverless capacity that is kept warm; serverless inference bills use alone.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    """
    return any(
        variant.get("CurrentInstanceCount") or variant.get("CurrentServerlessConfig", {}).get("ProvisionedConcurrency")
        for variant in endpoint["ProductionVariants"]
    )


def metrics_of_use(endpoint: Endpoint) -> list[Metric]:
    """The metrics whose sum is above zero when somebody has used it.

    An asynchronous endpoint has no `Invocations`: it would always look idle. What it has done counts, and what waits.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    """
    name = {"EndpointName": endpoint["EndpointName"]}
    if "AsyncInferenceConfig" in endpoint:
        return [("InvocationsProcessed", name), ("ApproximateBacklogSize", name)]
    return [
        ("Invocations", {**name, "VariantName": variant["VariantName"]}) for variant in endpoint["ProductionVariants"]
    ]
