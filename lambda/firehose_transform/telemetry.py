"""What an invocation writes to its log: a line per failure, and its metrics in CloudWatch's embedded metric format."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from firehose_transform.batch import Batch

LINES_PER_REASON = 20
"""Failures of one reason that are logged one by one; of the others, the reason's metric line gives the number."""


def log_lines(batch: Batch, namespace: str, now_milliseconds: int) -> Iterator[str]:
    """JSON lines without any value out of a record: a log is read by more people than the data.

    One document can carry one value per dimension, so the totals are one line and each reason that
    occurred is another. A line for a reason says how many failures have no line of their own.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    count: Counter[str] = Counter()
    for failure in batch.failures:
        count[failure.reason] += 1
        if count[failure.reason] <= LINES_PER_REASON:
            yield json.dumps(
                {
                    "level": "WARNING",
                    "message": "record failed",
                    "recordId": failure.record_id,
                    "reason": failure.reason,
                    "field": failure.field,
                    "detail": failure.detail,
                }
            )

    def metrics(values: dict[str, int], dimensions: dict[str, str], **properties: int) -> str:
        directive = {
            "Namespace": namespace,
            "Dimensions": [list(dimensions)],
            "Metrics": [{"Name": name, "Unit": "Count"} for name in values],
        }
        document: dict[str, Any] = {"_aws": {"Timestamp": now_milliseconds, "CloudWatchMetrics": [directive]}}
        return json.dumps(document | dimensions | values | properties)

    for reason, failed in count.items():
        yield metrics(
            {"RecordsFailed": failed}, {"Reason": reason}, failuresWithoutLine=max(0, failed - LINES_PER_REASON)
        )
    failed = len(batch.failures)
    ok = sum(record["result"] == "Ok" for record in batch.records)
    yield metrics({"RecordsIn": ok + failed, "RecordsOk": ok, "RecordsFailed": failed}, {})
