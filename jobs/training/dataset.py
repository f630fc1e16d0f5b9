"""The rows a model learns from: who the customer is, what was known at the cutoff, and whether they bought again."""

from __future__ import annotations

import hashlib
import io
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contracts import Contract

TARGET = "no_purchase_90d"
HORIZON = timedelta(days=90)
CUTOFF = "cutoff_date"

_CONTRACT = Contract.load("customer_features")
_KEYS = (_CONTRACT.record_identifier, _CONTRACT.event_time)

FEATURES = tuple(field.name for field in _CONTRACT.fields if field.name not in _KEYS)
"""What a model may see. The keys only say which row it is."""

COLUMNS = (*(field.name for field in _CONTRACT.fields), CUTOFF, TARGET)


class DatasetError(ValueError):
    """Data that cannot be trained on."""


class Split(NamedTuple):
    """Three parts of the rows, none of which knows what happened after the next one's cutoff."""

    train: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame


def read(directory: Path) -> pd.DataFrame:
    """The rows of all Parquet files, with the contract's names whatever case Athena left, in an order of their own.

    So the same rows are the same frame, and the same digest, however they lie in files. In Pipe mode there is no
    directory but a FIFO beside it, through which the files come one after the other.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
    """
    fifo = directory.with_name(f"{directory.name}_0")
    tables = [_whole(fifo)] if fifo.is_fifo() else [pq.read_table(file) for file in sorted(directory.glob("*.parquet"))]
    if not tables:
        raise DatasetError(f"{directory} holds no *.parquet file; expected one at least. Write the data set there.")
    rows = pa.concat_tables([_named(table, directory) for table in tables], promote_options="permissive").to_pandas()
    if rows[TARGET].isna().any():
        raise DatasetError(
            f"{int(rows[TARGET].isna().sum())} of {len(rows)} rows in {directory} have no {TARGET}; allowed: none. "
            "Query only cutoffs whose 90 days are over."
        )
    return rows.sort_values([CUTOFF, *_KEYS], ignore_index=True)


def write(rows: pd.DataFrame, directory: Path) -> None:
    """One Parquet file, so that Pipe mode can read it too."""
    directory.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(directory / "part-0.parquet", index=False)


def digest(rows: pd.DataFrame) -> str:
    """The same for the same rows, different for any other."""
    hashed = hashlib.sha256(",".join(rows.columns).encode())
    hashed.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return hashed.hexdigest()


def split(rows: pd.DataFrame) -> Split:
    """By time, with the label's 90 days between the parts.

    The newest cutoff tests, the newest that is 90 days or more before it validates, all that are 90 days or more before
    that one train. A label looks 90 days ahead, so without the gaps a model would be told of days it is tested on.
    """
    cutoffs = sorted(set(rows[CUTOFF]))
    validating = [cutoff for cutoff in cutoffs if cutoff + HORIZON <= cutoffs[-1]]
    training = [cutoff for cutoff in validating if cutoff + HORIZON <= validating[-1]]
    if not training:
        raise DatasetError(_too_few(cutoffs))
    return Split(
        *(rows[rows[CUTOFF].isin(part)].reset_index(drop=True) for part in (training, validating[-1:], cutoffs[-1:]))
    )


def _too_few(cutoffs: list[date]) -> str:
    newest = cutoffs[-1] if cutoffs else None
    wanted = ", ".join(f"{newest - HORIZON * steps}" for steps in (2, 1, 0)) if newest else "three of them"
    return (
        f"the data set has the cutoffs {', '.join(map(str, cutoffs)) or 'none'}; needed are three at least, each "
        f"{HORIZON.days} days or more after the one before, to train, validate and test. "
        f"Run the features pipeline with the cutoffs {wanted} or earlier, and query the data set again."
    )


def _named(table: pa.Table, source: Path) -> pa.Table:
    """The table with the columns of :data:`COLUMNS`, and no other."""
    found = {name.lower(): name for name in table.column_names}
    missing = [name for name in COLUMNS if name.lower() not in found]
    if missing:
        raise DatasetError(
            f"{source} lacks the column(s) {', '.join(missing)}; found: {', '.join(table.column_names)}. "
            "Query every feature of contracts/customer_features.json, the cutoff and the label."
        )
    return table.select([found[name.lower()] for name in COLUMNS]).rename_columns(list(COLUMNS))


def _whole(fifo: Path) -> pa.Table:
    data = fifo.read_bytes()
    if b"PAR1PAR1" in data:  # the end of one file and the begin of the next
        raise DatasetError(
            f"{fifo} streams several Parquet files; Pipe mode allows one, since its end says where its columns begin. "
            "Use FastFile mode, or write one file."
        )
    return pq.read_table(io.BytesIO(data))
