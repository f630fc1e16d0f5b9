"""What a function logs in the embedded metric format becomes CloudWatch metrics."""

from __future__ import annotations

import json
import time
from typing import Any

from practice.local_cloud.embedded_metrics import metrics
from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import CreateFunction

DOCUMENT: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1_700_000_000_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "Sandbox",
                "Dimensions": [["Stream"], ["Stream", "Reason"]],
                "Metrics": [{"Name": "Failed", "Unit": "Count"}, {"Name": "Sizes"}],
            }
        ],
    },
    "Stream": "orders",
    "Reason": "currency",
    "Failed": 3,
    "Sizes": [1, 2],
}
STREAM = {"Name": "Stream", "Value": "orders"}
REASON = {"Name": "Reason", "Value": "currency"}


def test_each_metric_is_given_for_each_set_of_dimensions() -> None:
    failed = {"MetricName": "Failed", "Unit": "Count", "Values": [3], "Timestamp": 1_700_000_000.0}
    sizes = {"MetricName": "Sizes", "Unit": "None", "Values": [1, 2], "Timestamp": 1_700_000_000.0}
    assert metrics(json.dumps(DOCUMENT)) == {
        "Sandbox": [
            failed | {"Dimensions": [STREAM]},
            failed | {"Dimensions": [STREAM, REASON]},
            sizes | {"Dimensions": [STREAM]},
            sizes | {"Dimensions": [STREAM, REASON]},
        ]
    }


def test_other_lines_are_left_alone() -> None:
    assert metrics('START\n{"reason": "currency"}\n[1]\nnull\n{"_aws": {}}\n') == {}


def test_a_function_publishes_metrics(local_cloud: LocalCloud, create_function: CreateFunction) -> None:
    document = DOCUMENT | {"_aws": DOCUMENT["_aws"] | {"Timestamp": int(time.time() * 1000)}}
    function = create_function(f"def handler(event, context): print({json.dumps(document)!r})")
    for _ in range(2):
        local_cloud.client("lambda").invoke(FunctionName=function)
    (total,) = local_cloud.client("cloudwatch").get_metric_statistics(
        Namespace="Sandbox",
        MetricName="Failed",
        Dimensions=[STREAM],
        StartTime=time.time() - 600,
        EndTime=time.time() + 600,
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert total["Sum"] == 6
