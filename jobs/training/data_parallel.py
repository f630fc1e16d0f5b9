"""Guide 6.5, data parallelism: the same model on several hosts, each with a part of the rows, gradients added up.

XGBoost's own collective does the adding. Every host reads all rows (``S3DataDistributionType: FullyReplicated``), fits
the same transformations and finds the same histogram bins, then trains on every n-th row. So the model is that of one
host but for the order in which numbers are added, and no host has to be told what another has fitted. It divides the
work, not the memory: rows that do not fit on one host need ``ShardedByS3Key``, and transformations fitted before.

With ``subsample`` below 1 each host samples its own rows: the model is as good as that of one host, but not the same.

Source: https://xgboost.readthedocs.io/en/release_3.2.0/python/python_api.html#module-xgboost.collective
"""

from __future__ import annotations

import json
import socket
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import xgboost as xgb
from xgboost import collective
from xgboost.tracker import RabitTracker

from jobs.training.boosting import Progress

_PORT = 9099
_PATIENCE_SECONDS = 600
"""How long the hosts of one job may differ in reading the same data."""


@dataclass(frozen=True)
class Group:
    """The hosts of a job, and which of them this one is; the first decides and saves."""

    hosts: tuple[str, ...]
    rank: int
    port: int = _PORT

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Group:
        """As SageMaker tells it. ``TRACKER_PORT`` is for workers on one machine, where another job may have the port.

        Source: https://github.com/aws/sagemaker-containers#sm-hosts
        """
        current = environment.get("SM_CURRENT_HOST", "localhost")
        hosts = tuple(json.loads(environment.get("SM_HOSTS", json.dumps([current]))))
        return cls(hosts, hosts.index(current), int(environment.get("TRACKER_PORT", _PORT)))

    @property
    def first(self) -> bool:
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return len(self.hosts) == 1

    @contextmanager
    def joined(self) -> Iterator[None]:
        """While it lasts, what XGBoost adds up it adds up over all hosts. The first host runs the tracker."""
        if self.alone:
            yield
            return
        if self.first:
            tracker = RabitTracker(len(self.hosts), _address(self.hosts[0]), self.port, sortby="task")
            tracker.start()
        self._join()
        yield
        # Not after an error: the others are gone or stuck, and both would wait for them. The process has to end.
        collective.finalize()
        if self.first:
            tracker.wait_for()

    def _join(self) -> None:
        """Tries until the tracker is there: its host may still be reading the data, or have no address yet."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    collective.init(
                        dmlc_communicator="rabit",
                        dmlc_tracker_uri=_address(self.hosts[0]),
                        dmlc_tracker_port=self.port,
                        dmlc_task_id=f"{self.rank:06d}",  # what the tracker sorts by
                        dmlc_retry=1,
                    )
            except (xgb.core.XGBoostError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def share(self, features: np.ndarray, target: np.ndarray, names: list[str]) -> xgb.QuantileDMatrix:
        """This host's rows, with the histogram bins of all rows. Call it before joining, or bins are agreed upon."""
        every = xgb.QuantileDMatrix(features, target, feature_names=names)
        if self.alone:
            return every
        mine = slice(self.rank, None, len(self.hosts))
        return xgb.QuantileDMatrix(features[mine], target[mine], feature_names=names, ref=every)

    def agree(self, progress: Progress) -> Progress:
        """What the first host has."""
        return progress if self.alone else collective.broadcast(progress, 0)

    def any(self, mine: bool) -> bool:
        """Whether it is so on any host: all stop after the same round, or none."""
        return mine if self.alone else bool(collective.allreduce(np.array([mine], np.int32), collective.Op.MAX)[0])


def _address(host: str) -> str:
    return socket.gethostbyname(host)
