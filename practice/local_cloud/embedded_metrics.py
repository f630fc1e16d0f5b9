"""CloudWatch metrics from what Lambda functions log in the embedded metric format.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from practice.local_cloud.hooks import LAMBDA
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Operations, Route

LOG = logging.getLogger("embedded-metrics")

_MOST_METRICS = 1000


def metrics(log: str) -> dict[str, list[dict[str, Any]]]:
    """The metric data in a log, by namespace, as PutMetricData takes it."""
    data: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in log.splitlines():
        try:
            document = json.loads(line)
            directives = document["_aws"]["CloudWatchMetrics"]
        except (ValueError, LookupError, TypeError):
            continue
        for directive in directives:
            data[directive["Namespace"]].extend(_data(document, directive))
    return data


def _data(document: Mapping[str, Any], directive: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for metric in directive["Metrics"]:
        value = document[metric["Name"]]
        for dimensions in directive.get("Dimensions") or [[]]:
            yield {
                "MetricName": metric["Name"],
                "Unit": metric.get("Unit", "None"),
                "Values": value if isinstance(value, list) else [value],
                "Dimensions": [{"Name": name, "Value": str(document[name])} for name in dimensions],
                "Timestamp": document["_aws"]["Timestamp"] / 1000,
            }


def _publish(log: str) -> None:
    for namespace, data in metrics(log).items():
        for start in range(0, len(data), _MOST_METRICS):
            client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=data[start : start + _MOST_METRICS])


RESOURCE_HANDLERS: Mapping[str, Operations] = {}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Publish a function's metrics when MiniStack writes its log."""
    original = LAMBDA._emit_lambda_logs

    def emit(function: Any, request_id: str, log: str, *arguments: Any, **options: Any) -> None:
        original(function, request_id, log, *arguments, **options)
        try:
            _publish(log or "")
        except Exception:
            LOG.exception("metrics in the log of request %s could not be published", request_id)

    LAMBDA._emit_lambda_logs = emit
