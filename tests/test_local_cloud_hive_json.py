"""JSON becomes the columns of a table as Firehose's OpenX JSON SerDe reads it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from practice.local_cloud.hive_json import DeserializationError, UnsupportedTypeError, reader
from practice.local_cloud.parquet import write_parquet

TYPES = ("string", "boolean", "int", "bigint", "double", "decimal(10,2)", "date", "timestamp")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), lambda inner: st.lists(inner)
)


def read(hive_type: str, value: str) -> str | None:
    return reader({"column": hive_type})(f'{{"column": {value}}}'.encode())[0]


@pytest.mark.parametrize(
    ("hive_type", "value", "text"),
    [
        ("string", '"text"', "text"),
        ("string", "12.50", "12.50"),
        ("string", '{"a": [1]}', '{"a": [1]}'),
        ("boolean", "true", "true"),
        ("boolean", '"False"', "false"),
        ("int", "-7", "-7"),
        ("int", '"42"', "42"),
        ("double", "1.5", "1.5"),
        ("double", '"1e3"', "1000.0"),
        ("decimal(10,2)", "12.34", "12.34"),
        ("decimal(10,2)", "12.345", "12.35"),
        ("decimal(10,2)", '"7"', "7.00"),
        ("date", '"2026-02-28"', "2026-02-28"),
        ("timestamp", '"2017-02-07T15:13:01.39256Z"', "2017-02-07 15:13:01.392560"),
        ("timestamp", '"2017-02-07T15:13:01Z"', "2017-02-07 15:13:01.000000"),
        ("timestamp", '"2017-2-7 15:13:01.14"', "2017-02-07 15:13:01.140000"),
        ("timestamp", "1518033528", "2018-02-07 19:58:48.000000"),
        ("timestamp", "1518033528123", "2018-02-07 19:58:48.123000"),
        ("timestamp", "1518033528.123", "2018-02-07 19:58:48.123000"),
        ("timestamp", "null", None),
    ],
)
def test_a_value_that_fits_its_column(hive_type: str, value: str, text: str | None) -> None:
    assert read(hive_type, value) == text


@pytest.mark.parametrize(
    ("hive_type", "value"),
    [
        ("string", r'"\ud800"'),
        ("boolean", "1"),
        ("int", "1.5"),
        ("int", "true"),
        ("int", "2147483648"),
        ("double", '"nan"'),
        ("decimal(10,2)", "100000000"),
        ("decimal(10,2)", "1e400"),
        ("decimal(10,2)", "[]"),
        ("date", '"2026-02-31"'),
        ("date", "20260228"),
        ("timestamp", '"2026-01-01T00:00:00+01:00"'),
        ("timestamp", '"2026-13-01T00:00:00Z"'),
        ("timestamp", "1e300"),
    ],
)
def test_a_value_that_does_not_fit_its_column(hive_type: str, value: str) -> None:
    with pytest.raises(DeserializationError, match=r"column: .* is no") as caught:
        read(hive_type, value)
    assert caught.value.code == "DataFormatConversion.MalformedData"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "ParseError"),
        (b"\xff", "ParseError"),
        (b'{"column": NaN}', "ParseError"),
        (b"{} {}", "ParseError"),
        (b"[" * 100_000, "ParseError"),
        (b'{"column": ' + b"9" * 5000 + b"}", "ParseError"),
        (b"[]", "MalformedData"),
        (b"1", "MalformedData"),
    ],
    ids=["empty", "not UTF-8", "NaN", "two objects", "nested deeply", "huge number", "array", "number"],
)
def test_data_that_is_no_json_object(data: bytes, code: str) -> None:
    with pytest.raises(DeserializationError) as caught:
        reader({"column": "string"})(data)
    assert caught.value.code == f"DataFormatConversion.{code}"


def test_names_are_matched_without_regard_to_case_and_other_fields_ignored() -> None:
    assert reader({"one": "int", "two": "int", "three": "int"})(b'{"Other": 0, "TWO": 2, "one": 1}') == ["1", "2", None]


def test_a_column_type_it_does_not_know_is_refused() -> None:
    with pytest.raises(UnsupportedTypeError, match=r"'array<int>'; it knows .*timestamp"):
        reader({"column": "array<int>"})


@settings(max_examples=50, deadline=None)
@given(row=st.dictionaries(st.sampled_from(TYPES), JSON))
def test_what_is_read_can_be_written_as_parquet(row: dict[str, Any]) -> None:
    """One record that DuckDB rejects would take the records of a whole object with it."""
    columns = {f"c{number}": hive_type for number, hive_type in enumerate(TYPES)}
    data = json.dumps({f"c{TYPES.index(hive_type)}": value for hive_type, value in row.items()}).encode()
    try:
        texts = reader(columns)(data)
    except DeserializationError:
        return
    assert write_parquet(columns, [texts], "SNAPPY").startswith(b"PAR1")


def test_parquet_has_the_columns_and_values(tmp_path: Any) -> None:
    columns = {"amount": "decimal(10,2)", "note": "string", "at": "timestamp", "count": "int"}
    rows: list[list[str | None]] = [["12.34", 'a"\x00\n', "2026-01-02 03:04:05.678000", "1"], [None, None, None, None]]
    path = tmp_path / "rows.parquet"
    path.write_bytes(write_parquet(columns, rows, "GZIP"))
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM '{path}'").fetchall()  # noqa: S608
        described = connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()  # noqa: S608
    assert found[0][:2] == (Decimal("12.34"), 'a"\x00\n')
    assert found[1] == (None, None, None, None)
    assert [column[1] for column in described] == ["DECIMAL(10,2)", "VARCHAR", "TIMESTAMP", "INTEGER"]
