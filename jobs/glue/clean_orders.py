"""The job ``clean_orders``: processed orders and the newest batch of customers to cleaned ones.

It reads the ``lookback_days`` days that end with ``as_of`` and replaces exactly their partitions, so a late event gets
to its own day, and a day that is run again is what it was. Explicit dates instead of job bookmarks: a bookmark
remembers which files were read, so the second run of a day would see no file of it, nor an earlier copy of an event.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import functions as F  # noqa: N812 - as all of Spark's documentation has it

from jobs.refinery import storage
from jobs.refinery.arguments import day, read_arguments, whole_number
from jobs.refinery.clean import can_be_cleaned, clean_customers, clean_orders
from jobs.refinery.customers import newest_batch
from jobs.refinery.schemas import orders_schema
from jobs.refinery.session import spark_session

REQUIRED = ("raw_bucket", "processed_bucket", "as_of")
OPTIONAL = {"lookback_days": "400"}


def main(argv: Sequence[str]) -> None:
    """Clean the orders of the lookback and the customers of the newest snapshot that is not after ``as_of``."""
    arguments = read_arguments(argv, required=REQUIRED, optional=OPTIONAL)
    as_of = day("as_of", arguments["as_of"])
    lookback = whole_number("lookback_days", arguments["lookback_days"], 1, 3650)
    days = [as_of - timedelta(days=back) for back in reversed(range(lookback))]
    processed = f"s3://{arguments['processed_bucket']}"
    if not storage.exists(f"{processed}/orders/"):
        raise FileNotFoundError(f"no object under {processed}/orders/; expected the orders Firehose writes. Send some.")
    spark = spark_session("clean_orders")

    batch = newest_batch(spark, arguments["raw_bucket"], as_of)
    snapshot = batch.day
    customers = clean_customers(batch.rows, snapshot)
    storage.write_partitions(customers, f"{processed}/cleaned_customers/", "snapshot_date", [snapshot.isoformat()])

    orders = storage.read_parquet(spark, f"{processed}/orders/", orders_schema())
    orders = orders.where(F.col("order_date").between(days[0], days[-1]))
    in_time = F.to_date("event_time").between(days[0], days[-1])
    cleaned = clean_orders(orders.where(in_time), customers)
    storage.write_partitions(cleaned, f"{processed}/cleaned_orders/", "order_date", map(date.isoformat, days))

    left_out = orders.where(~(can_be_cleaned() & F.coalesce(in_time, F.lit(False)))).count()
    print(  # noqa: T201 - a job's output is its log
        f"Cleaned the orders from {days[0]} to {days[-1]} with the customers of {snapshot}. {left_out} events were "
        "left out: without an id or a time, or in the partition of a day that is not theirs and out of this range."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
