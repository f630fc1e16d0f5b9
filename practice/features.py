"""Puts features into the sandbox's feature group, and reads them back: online by customer, offline with Athena."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from practice.console import COMMAND, progress
from practice.errors import PracticeError
from practice.ingest import ATTEMPTS, LONGEST_PAUSE
from practice.queries import Query, run
from practice.refused import refused_file
from practice.sample.customer_features import Features
from practice.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_sagemaker_featurestore_runtime import SageMakerFeatureStoreRuntimeClient
    from types_boto3_sagemaker_featurestore_runtime.type_defs import (
        BatchWriteRecordEntryUnionTypeDef,
        FeatureValueTypeDef,
    )

REFUSED = "refused-features.jsonl"
TABLE = "customer_features"
MOST_ENTRIES = 25
MOST_IDENTIFIERS = 100
CALLS_AT_ONCE = 8
_REFUSES_ENTRIES = {"ValidationError", "ValidationException"}
_TRY_AGAIN = {"InternalFailure", "ServiceUnavailable", "ThrottlingException"}

Item = TypeVar("Item")
Refusal = tuple[Features, str]
"""A record as it was sent, and why it was not taken."""


@dataclass
class Put:
    """The outcome of one put: every record was either written or refused."""

    group: str
    written: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def put_features(sandbox: Sandbox, records: Iterable[Features], *, total: int, directory: Path) -> Put:
    """Put every record into the feature group; what the service refuses is in ``refused-features.jsonl``.

    Some calls run at once, so an order is kept only between one put and the next. Feature Store needs none: the
    newest event_time wins online whenever it comes.
    """
    client: SageMakerFeatureStoreRuntimeClient = sandbox.client("sagemaker-featurestore-runtime")
    put = Put(sandbox["CustomerFeatureGroup"])

    def write_batch(batch: list[Features]) -> list[Refusal]:
        return write(client, put.group, batch)

    with (
        refused_file(directory / REFUSED) as refused,
        progress() as bar,
        ThreadPoolExecutor(CALLS_AT_ONCE) as pool,
    ):
        task = bar.add_task("Putting", total=total)
        batches = _lists(records, MOST_ENTRIES)
        try:
            for wave in _lists(batches, CALLS_AT_ONCE):
                for batch, refusals in zip(wave, pool.map(write_batch, wave), strict=True):
                    put.written += len(batch) - len(refusals)
                    for record, reason in refusals:
                        refused.write(json.dumps(record).encode() + b"\n")
                        put.refused[reason] += 1
                    bar.advance(task, len(batch))
        except (KeyboardInterrupt, BotoCoreError, ClientError) as error:
            why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
            raise PracticeError(f"Stopped after {put.written:,} of {total:,} records were written: {why}") from error
    return put


def write(
    client: SageMakerFeatureStoreRuntimeClient,
    group: str,
    records: Sequence[Features],
    pause: Callable[[float], None] = time.sleep,
) -> list[Refusal]:
    """Write records in one call; returns those that the service refuses, or could not take in several attempts.

    When it refuses the call for one of them, each is written alone. The client itself tries again what fails as a
    whole.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_BatchWriteRecord.html
    """
    entries: list[BatchWriteRecordEntryUnionTypeDef] = [
        {"FeatureGroupName": group, "Record": _values(record)} for record in records
    ]
    refusals: list[Refusal] = []
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(min(0.1 * 2**attempt, LONGEST_PAUSE))
        try:
            answer = client.batch_write_record(Entries=entries)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _REFUSES_ENTRIES:
                raise
            if len(entries) == 1:
                return [*refusals, (_features(entries[0]), str(error))]
            alone = (write(client, group, [_features(entry)], pause) for entry in entries)
            return [*refusals, *chain.from_iterable(alone)]
        entries = list(answer["UnprocessedEntries"])
        for failed in answer["Errors"]:
            if failed["ErrorCode"] in _TRY_AGAIN:
                entries.append(failed["Entry"])
            else:
                refusals.append((_features(failed["Entry"]), f"{failed['ErrorCode']}: {failed['ErrorMessage']}"))
        if not entries:
            return refusals
    return [*refusals, *((_features(entry), f"not taken in {ATTEMPTS} attempts") for entry in entries)]


def require_all_written(put: Put, directory: Path) -> None:
    """Raise if records were refused, and say where they are."""
    if put.refused:
        reasons = "; ".join(f"{count:,} x {reason}" for reason, count in put.refused.most_common(3))
        path = directory / REFUSED
        raise PracticeError(
            f"{put.group} refused {put.refused.total():,} records: {reasons}. They are in {path}; put what is right "
            f"again: {COMMAND} features put --file {path}"
        )


def read_records(file: Path) -> Iterator[Features]:
    """The records of a file of JSON lines."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
            except (ValueError, RecursionError):
                record = None
            if not isinstance(record, dict) or not record:
                begins = line.strip()[:60].decode(errors="backslashreplace")
                raise PracticeError(
                    f"Line {number} of {file} is {begins!r}; allowed: one JSON object of features a line, "
                    f'as {{"customer_id": "C-000001", "event_time": "2026-11-22T10:00:00Z", "frequency": 3}}.'
                )
            yield record


def get_features(sandbox: Sandbox, customer_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """The newest features of these customers, by customer; who has none is not in it.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_BatchGetRecord.html
    """
    client: SageMakerFeatureStoreRuntimeClient = sandbox.client("sagemaker-featurestore-runtime")
    group, found = sandbox["CustomerFeatureGroup"], {}
    wanted = list(dict.fromkeys(customer_ids))
    for start in range(0, len(wanted), MOST_IDENTIFIERS):
        ids = wanted[start : start + MOST_IDENTIFIERS]
        while ids:
            answer = client.batch_get_record(
                Identifiers=[{"FeatureGroupName": group, "RecordIdentifiersValueAsString": ids}]
            )
            for error in answer["Errors"]:
                raise PracticeError(
                    f"{group}, customer {error['RecordIdentifierValueAsString']!r}: "
                    f"{error['ErrorCode']}: {error['ErrorMessage']}"
                )
            for detail in answer["Records"]:
                found[detail["RecordIdentifierValueAsString"]] = {
                    value["FeatureName"]: value["ValueAsString"] for value in detail["Record"]
                }
            ids = [
                customer_id
                for identifiers in answer["UnprocessedIdentifiers"]
                for customer_id in identifiers["RecordIdentifiersValueAsString"]
            ]
    return found


def require_all_found(sandbox: Sandbox, customer_ids: Sequence[str], found: Mapping[str, object]) -> None:
    """Raise if a customer has no features, and say who has."""
    missing = [customer_id for customer_id in customer_ids if customer_id not in found]
    if missing:
        some = f"SELECT customer_id FROM {_table(sandbox)} LIMIT 5"  # noqa: S608
        raise PracticeError(
            f"{sandbox['CustomerFeatureGroup']} has no features of {', '.join(missing)}; an id is as C-000001. "
            f'Customers who have features: {COMMAND} query "{some}"{"" if sandbox.target.cloud else " --aws"}'
        )


def count_offline(sandbox: Sandbox) -> int:
    """How many records the offline store holds, every write of its own."""
    answer = run(sandbox, Query(f"SELECT count(*) FROM {_table(sandbox)}", sandbox["FeaturesDatabase"]), rows=1)  # noqa: S608
    return int(answer.rows[0][0] or 0)


def _table(sandbox: Sandbox) -> str:
    return f"{sandbox['FeaturesDatabase']}.{TABLE}"


def _values(record: Features) -> list[FeatureValueTypeDef]:
    return [{"FeatureName": name, "ValueAsString": str(value)} for name, value in record.items() if value is not None]


def _features(entry: BatchWriteRecordEntryUnionTypeDef) -> Features:
    return {value["FeatureName"]: value["ValueAsString"] for value in entry["Record"]}


def _lists(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while found := list(islice(iterator, size)):
        yield found
