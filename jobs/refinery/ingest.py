"""From curated features to the feature store, written by the Spark workers themselves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError
from pyspark.accumulators import AccumulatorParam

from jobs.refinery.region import region

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

PARTITIONS = 8
"""How many connections write at once; two small workers have as many cores."""

ATTEMPTS = 6
_FIRST_PAUSE = 0.2
_WRITTEN = ""
_TRY_AGAIN = {"InternalFailure", "InternalFailureException", "ServiceUnavailable", "ThrottlingException"}


class _CounterParam(AccumulatorParam[Counter[str]]):
    """Adds up what the workers counted."""

    def zero(self, value: Counter[str]) -> Counter[str]:
        return Counter()

    def addInPlace(self, value1: Counter[str], value2: Counter[str]) -> Counter[str]:  # noqa: N802 - Spark's name
        value1.update(value2)
        return value1


class IngestError(RuntimeError):
    """Records that the feature store did not take; says how many, and why."""


@dataclass
class Ingested:
    """The outcome: every record was either written or refused."""

    written: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def require_all_written(self, group: str) -> None:
        if self.refused:
            reasons = "; ".join(f"{count} x {reason}" for reason, count in self.refused.most_common(3))
            raise IngestError(
                f"{group} refused {self.refused.total()} of {self.refused.total() + self.written} records: {reasons}. "
                "What was written stays; put right what is wrong in curated and run the job again."
            )


def ingest(features: DataFrame, group: str, names: Sequence[str]) -> Ingested:
    """Write every row into the feature group; the columns in `names` are its features.

    Each partition writes through a client of its own. Running it again writes again: online the newest event_time
    wins, offline every write is kept.
    """
    context = features.sparkSession.sparkContext
    of_the_job = region()
    outcomes = context.accumulator(Counter[str](), _CounterParam())

    def write(rows: Iterable[Row]) -> None:
        # boto3's clients cannot be sent to a worker, so each makes its own
        client = boto3.client("sagemaker-featurestore-runtime", region_name=of_the_job)
        outcomes.add(write_rows(client, group, (row.asDict() for row in rows)))

    features.select(*names).repartition(PARTITIONS).foreachPartition(write)
    refused = Counter(outcomes.value)
    return Ingested(written=refused.pop(_WRITTEN, 0), refused=refused)


def write_rows(
    client: Any, group: str, rows: Iterable[Mapping[str, Any]], pause: Callable[[float], None] = time.sleep
) -> Counter[str]:
    """How many rows were written, under "", and how many were refused for each reason."""
    outcomes: Counter[str] = Counter()
    for row in rows:
        outcomes[_put(client, group, row, pause)] += 1
    return outcomes


def _put(client: Any, group: str, row: Mapping[str, Any], pause: Callable[[float], None]) -> str:
    """Put one record; the reason why it was refused, if it was.

    PutRecord, not BatchWriteRecord: the boto3 that Glue brings is older than the latter.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_PutRecord.html
    """
    record = [{"FeatureName": name, "ValueAsString": str(value)} for name, value in row.items() if value is not None]
    reason = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(_FIRST_PAUSE * 2**attempt)
        try:
            client.put_record(FeatureGroupName=group, Record=record)
        except ClientError as error:
            reason = error.response["Error"]["Code"]
            if reason not in _TRY_AGAIN:
                return f"{reason}: {error.response['Error']['Message']}"
        else:
            return _WRITTEN
    return f"{reason} in {ATTEMPTS} attempts"
