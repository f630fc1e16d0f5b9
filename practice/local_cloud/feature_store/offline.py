"""The offline store of a feature group: every write, as Parquet in S3.

Writes are buffered; AWS delivers them within 15 minutes, the local cloud within seconds, or at once on
``POST /_sandbox/feature-store/flush``. Files lie where AWS puts them, encrypted with the group's key: those of the
format Glue in a folder per hour of the event time, those of the format Iceberg in a folder per day of it.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-offline.html
"""

from __future__ import annotations

import logging
import secrets
import string
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from practice.local_cloud.athena.catalog import Location
from practice.local_cloud.feature_store import catalog
from practice.local_cloud.loopback import client
from practice.local_cloud.parquet import write_parquet

LOG = logging.getLogger("feature-store")

INTERVAL_SECONDS = 2.0
_TICK_SECONDS = 0.5
_ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Write:
    """A row of the offline store, but for the time it is written."""

    values: Mapping[str, str]
    moment: datetime
    invoked: datetime
    deleted: bool = False


class OfflineStore:
    """Takes the writes of one feature group, whose description is the service's own record of it."""

    def __init__(self, group: Mapping[str, Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._group = group
        self._clock = clock
        self._accepting = threading.Lock()
        self._delivering = threading.Lock()
        self._buffer: list[Write] = []
        self._since = 0.0
        self._partitions: set[tuple[str, ...]] = set()

    @property
    def name(self) -> str:
        return str(self._group["FeatureGroupName"])

    def accept(self, write: Write) -> None:
        """Take a write in; delivery happens later."""
        with self._accepting:
            if not self._buffer:
                self._since = self._clock()
            self._buffer.append(write)

    @property
    def is_due(self) -> bool:
        with self._accepting:
            return bool(self._buffer) and self._clock() - self._since >= INTERVAL_SECONDS

    def deliver(self) -> int:
        """Write everything that is buffered; return the number of rows.

        A failure of S3 or Glue raises, and what was not written stays for the next call.
        """
        with self._delivering:
            with self._accepting:
                waiting, self._buffer = self._buffer, []
            by_folder: dict[tuple[str, ...], list[Write]] = defaultdict(list)
            for write in waiting:
                by_folder[self._partition(write)].append(write)
            delivered = 0
            try:
                self._register(by_folder)
                for partition, writes in list(by_folder.items()):
                    self._write(partition, writes)
                    delivered += len(by_folder.pop(partition))
            except Exception:
                with self._accepting:
                    self._buffer[:0] = [write for writes in by_folder.values() for write in writes]
                    self._since = self._clock()
                raise
            return delivered

    def _partition(self, write: Write) -> tuple[str, ...]:
        if catalog.is_iceberg(self._group):
            return (f"{write.moment:%Y-%m-%d}",)
        return tuple(f"{write.moment:%Y %m %d %H}".split())

    def _register(self, partitions: Mapping[tuple[str, ...], Any]) -> None:
        if catalog.is_iceberg(self._group) or not catalog.has_own_table(self._group):
            return
        new = sorted(partitions.keys() - self._partitions)
        catalog.register_partitions(self._group, new)
        self._partitions.update(new)

    def _write(self, partition: tuple[str, ...], writes: Sequence[Write]) -> None:
        columns = catalog.columns(self._group)
        now = _timestamp(datetime.now(UTC))
        rows = []
        for write in writes:
            added = {"write_time": now, "api_invocation_time": _timestamp(write.invoked), "is_deleted": _flag(write)}
            row = {**write.values, **added}
            rows.append([row.get(name) for name in columns])
        storage = self._group["OfflineStoreConfig"]["S3StorageConfig"]
        target = Location.parse(storage["ResolvedOutputS3Uri"])
        latest = max(write.moment for write in writes)
        key = f"{target.prefix}{self._folder(partition)}/{latest:%Y%m%dT%H%M%SZ}_{_random(16)}.parquet"
        encryption = {"SSEKMSKeyId": storage["KmsKeyId"]} if "KmsKeyId" in storage else {}
        client("s3").put_object(
            Bucket=target.bucket,
            Key=key,
            Body=write_parquet(columns, rows, "SNAPPY"),
            ContentType="application/octet-stream",
            ServerSideEncryption="aws:kms",
            **encryption,
        )

    def _folder(self, partition: tuple[str, ...]) -> str:
        if catalog.is_iceberg(self._group):
            return f"{_random(8)}/{self._group['EventTimeFeatureName']}_trunc={partition[0]}"
        return catalog.folder(partition)


def _timestamp(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", "microseconds")


def _flag(write: Write) -> str:
    return "true" if write.deleted else "false"


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


_stores: list[OfflineStore] = []
_starting = threading.Lock()
_worker: list[threading.Thread] = []


def start(store: OfflineStore) -> None:
    """Deliver the store's writes in the background from now on."""
    with _starting:
        _stores.append(store)
        if not _worker:
            _worker.append(threading.Thread(target=_run, name="feature-store", daemon=True))
            _worker[0].start()


def finish(store: OfflineStore) -> None:
    """Deliver what is left and no more. What cannot be delivered now never is."""
    _stores.remove(store)
    try:
        store.deliver()
    except Exception:
        LOG.exception("feature group %s was deleted, and its last records could not be delivered", store.name)


def _run() -> None:
    while True:
        time.sleep(_TICK_SECONDS)
        for store in list(_stores):
            try:
                if store.is_due:
                    store.deliver()
            except Exception:
                LOG.exception("feature group %s: delivery failed and will be tried again", store.name)


def flush() -> dict[str, int]:
    """Deliver everything that is buffered, and answer when it is in S3: rows written, by feature group."""
    delivered: dict[str, int] = defaultdict(int)
    problems = []
    for store in list(_stores):
        try:
            delivered[store.name] += store.deliver()
        except Exception as error:
            LOG.exception("feature group %s could not be flushed", store.name)
            problems.append(f"feature group {store.name}: {error}")
    if problems:
        raise RuntimeError("; ".join(problems))
    return dict(delivered)
