"""``AWS::CloudWatch::Alarm`` on metric math: kept and described; never raised, since nothing computes the math.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-cloudwatch-alarm.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from practice.local_cloud.hooks import PROVISIONERS
from practice.local_cloud.service import Operations, Properties, Route

_NO_METRIC = {"Namespace": "MetricMath", "MetricName": "MetricMath"}
"""What MiniStack takes for the alarm's metric; nobody emits it."""

RESOURCE_HANDLERS: Mapping[str, Operations] = {}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Give MiniStack, which refuses such an alarm, one that it can keep."""
    record = PROVISIONERS._cw_metric_alarm_record

    def record_with_math(name: str, properties: Properties) -> dict[str, Any]:
        metric = {**properties, **_NO_METRIC, "Metrics": []} if properties.get("Metrics") else properties
        kept: dict[str, Any] = record(name, metric)
        return kept

    PROVISIONERS._cw_metric_alarm_record = record_with_math
