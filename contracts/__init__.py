"""The data contracts: one JSON Schema per data set, the only place a field is declared.

Everything that knows a field's name or type derives it from here: Glue table columns, the Firehose
conversion schema, the transform's validator, the feature definitions, the sample data. Adding a field to the JSON
file adds it everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

from contracts.text import FORMATS, is_safe

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable  # not in the Pythons of EMR Serverless and SageMaker

DIRECTORY: Traversable = resources.files(__name__)
"""Where the contracts lie; not by path, because on Glue the package lies in a zip."""

_LARGEST_INT = 2**31 - 1
_FEATURE_TYPES = {"string": "String", "integer": "Integral", "number": "Fractional"}


class ContractError(ValueError):
    """A contract that cannot be mapped to what derives from it."""


@dataclass(frozen=True)
class Field:
    """One field of a data set: its JSON Schema, and what the lake-house makes of it."""

    name: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def description(self) -> str:
        return str(self.schema["description"])

    @property
    def read_only(self) -> bool:
        """Set by the pipeline, never by a producer (JSON Schema's ``readOnly``)."""
        return bool(self.schema.get("readOnly", False))

    @property
    def decimals(self) -> int:
        """Digits after the decimal point of a number that is a multiple of a power of ten."""
        return -int(Decimal(str(self.schema["multipleOf"])).as_tuple().exponent)

    @property
    def earliest(self) -> str:
        """The first day or moment that a field of such can have, in a form that sorts as text.

        Never before 1900: Spark writes no day before 1582-10-15 and no moment before 1900 to Parquet, since older
        readers count them by another calendar.

        Sources: https://ajv.js.org/packages/ajv-formats.html (the keywords, which JSON Schema itself lacks),
        https://spark.apache.org/docs/3.5.6/sql-data-sources-parquet.html (datetimeRebaseModeInWrite)
        """
        return str(self.schema["formatMinimum"])

    @property
    def latest(self) -> str:
        """The last one."""
        return str(self.schema["formatMaximum"])

    @property
    def glue_type(self) -> str:
        """The Hive type of the column in a typed table.

        A number that is a multiple of a power of ten becomes a ``decimal`` wide enough for its maximum,
        because sums of money in ``double`` drift.

        Source: https://docs.aws.amazon.com/athena/latest/ug/data-types.html
        """
        type_ = self.schema.get("type")
        if type_ == "string":
            return {"date-time": "timestamp", "date": "date"}.get(self.schema.get("format", ""), "string")
        if type_ == "boolean":
            return "boolean"
        if type_ == "integer":
            return "int" if self.schema.get("maximum", _LARGEST_INT + 1) <= _LARGEST_INT else "bigint"
        if type_ == "number" and "multipleOf" in self.schema:
            digits = len(str(int(self.schema["maximum"])))
            return f"decimal({digits + self.decimals},{self.decimals})"
        if type_ == "number":
            return "double"
        raise ContractError(
            f"field {self.name!r} has type {type_!r}; allowed: string, boolean, integer, number. "
            "Flatten nested values into fields of their own."
        )

    @property
    def feature_type(self) -> str:
        """The type of the feature in SageMaker Feature Store, which knows three.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_FeatureDefinition.html
        """
        type_ = self.schema.get("type")
        if type_ in _FEATURE_TYPES:
            return _FEATURE_TYPES[type_]
        raise ContractError(
            f"feature {self.name!r} has type {type_!r}; allowed: string, integer, number. "
            "Declare a boolean as an integer from 0 to 1."
        )


@dataclass(frozen=True)
class Contract:
    """A data set's contract, read from ``contracts/<name>.json``."""

    name: str
    schema: Mapping[str, Any]

    @classmethod
    def load(cls, name: str) -> Contract:
        source = DIRECTORY / f"{name}.json"
        if not source.is_file():
            names = sorted(file.name for file in DIRECTORY.iterdir())
            known = ", ".join(found.removesuffix(".json") for found in names if found.endswith(".json"))
            raise ContractError(f"no contract named {name!r}; known: {known}. Add contracts/{name}.json.")
        contract = cls(name=name, schema=json.loads(source.read_text(encoding="utf-8")))
        for field in contract.fields:
            if field.schema.get("type") == "string" and not is_safe(field.schema):
                raise ContractError(
                    f"field {field.name!r} of contracts/{name}.json has {dict(field.schema)!r}, which lets through "
                    "text that a spreadsheet runs, or that shows as something else. Give it an enum, the format date "
                    "or date-time, or a pattern such as ^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$: a letter or digit first, "
                    "then letters, digits, spaces and -./:_ in classes with {n} or {n,m}. contracts/text.py says why."
                )
            if field.schema.get("format") in FORMATS and not {"formatMinimum", "formatMaximum"} <= field.schema.keys():
                raise ContractError(
                    f"field {field.name!r} of contracts/{name}.json has {dict(field.schema)!r}, a day or moment "
                    "without bounds. Give it formatMinimum and formatMaximum, such as 1900-01-01 and 2100-12-31: what "
                    "some systems write for no date, 0001-01-01 or 9999-12-31, is in the calendar too."
                )
        return contract

    @property
    def description(self) -> str:
        return str(self.schema["description"])

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All fields, in the order the contract declares them."""
        required = frozenset(self.schema["required"])
        return tuple(Field(name, schema, name in required) for name, schema in self.schema["properties"].items())

    @property
    def given(self) -> tuple[Field, ...]:
        """The fields that a producer sets."""
        return tuple(field for field in self.fields if not field.read_only)

    @property
    def record_identifier(self) -> str:
        """The feature that names a record of the feature group."""
        return str(self.schema["x-record-identifier"])

    @property
    def event_time(self) -> str:
        """The feature that says when a record of the feature group was true."""
        return str(self.schema["x-event-time"])
