"""The batch of customers that a run reads: chosen and read here for the gate and for the job behind it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from contracts import Contract
from jobs.refinery import storage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Batch(NamedTuple):
    """The rows of a day's batch as they came, all text, and where they lie."""

    day: date
    place: str
    rows: DataFrame


def newest_batch(spark: SparkSession, raw_bucket: str, as_of: date) -> Batch:
    """The newest batch that is not after the day; what lies beside the batches is told in the job's log.

    Raises:
        FileNotFoundError: when there is none.
        CsvFileError: when a file of it has another header.
    """
    place = f"s3://{raw_bucket}/customers/"
    folders = storage.day_folders(place, "snapshot_date")
    day = folders.newest(as_of)
    if day is None:
        raise FileNotFoundError(
            f"no snapshot of the customers under {place} up to {as_of}; found: "
            f"{', '.join(map(str, folders.days)) or 'none'}. Land {place}snapshot_date={as_of}/customers.csv, "
            "or run for a later day."
        )
    folder = f"{place}snapshot_date={day}/"
    names = [field.name for field in Contract.load("customers").given]
    return Batch(day, folder, storage.read_csv(spark, folder, names))
