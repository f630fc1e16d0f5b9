"""The Firehose transform's entry point: event in, response out, log lines to standard output.

Source: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from firehose_transform.batch import transform_batch
from firehose_transform.telemetry import log_lines

METRIC_NAMESPACE = os.environ.get("METRIC_NAMESPACE", "MlSandbox/Ingestion")


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer Firehose for every record of the event, whatever its bytes are.

    An event without records is not Firehose's, and raises.
    """
    batch = transform_batch(event["records"])
    for line in log_lines(batch, METRIC_NAMESPACE, time.time_ns() // 1_000_000):
        sys.stdout.write(line + "\n")
    return {"records": batch.records}
