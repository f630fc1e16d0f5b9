"""Answers requests with a trained model: the script that SageMaker's XGBoost container serves it with.

It lies in the model's archive as ``code/inference.py``, beside what training has fitted, and imports nothing of the
project: the container installs the modules at the top of that folder, and no package of it can be relied upon.

**A request** holds rows of features by name, as the data set has them before any transformation. Case of a name and
order of the columns do not matter; the data set's other columns (keys, cutoff, label) may be there and are passed over.

- ``text/csv``: a header with the names, then the rows. Without a header, which batch transform leaves out of all but
  the first of its mini-batches when it splits by line, each row has the features alone, in the training set's order. A
  missing value is an empty cell.
- ``application/json``: an object, or a list of objects. A missing value is ``null``, or not there where the contract
  does not require the feature.

A value that the contract of the features does not allow is refused with row and column. A category that the contract
allows and training has not seen counts as a rare one, as it did in training.

**An answer** has a number for each row: the chance of the target, or its value in a regression. As ``text/csv`` it is
one a line, each line ended, so that mini-batches can be put together; as ``application/json`` it has the shape of the
container's own answers.

Only ``transform_fn`` can refuse: what ``input_fn`` raises, the container answers with status 500 and no reason.

Sources: https://github.com/aws/sagemaker-xgboost-container, ``serving.py``;
https://github.com/aws/sagemaker-containers, ``_server.py``, ``_modules.py`` and ``_transformer.py``;
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import xgboost as xgb
from werkzeug.wrappers import Response

BOOSTER = "xgboost-model"
"""At the top of the archive, alone there: the container's default loader takes every file at the top for a booster."""

TRANSFORMATIONS = "fitted/transformations.json"

CSV, JSON = "text/csv", "application/json"

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_LARGEST = float(np.finfo(np.float32).max)
"""The booster knows no larger number."""
_MOST_SHOWN = 60
"""How long a name or value may be in an answer, and how many of them."""

Row = dict[str, Any]


class RefusedError(ValueError):
    """A request that cannot be answered, with the status that says so."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Column:
    """One number that the booster reads, made of one feature."""

    name: str
    feature: str
    rule: str
    """``number``; ``missing``, 1 if there is none; ``position`` of the category; ``in``, ``not in`` the categories."""
    categories: tuple[str | None, ...] = ()
    fill: float = 0.0
    """What stands for a missing number."""
    log: bool = False
    factor: float = 1.0
    offset: float = 0.0

    def made_of(self, values: Any) -> np.ndarray:
        if self.rule in ("number", "missing"):
            numbers = np.asarray(values, dtype=float)
            absent = np.isnan(numbers)
            made = np.where(absent, self.fill, numbers) if self.rule == "number" else absent.astype(float)
            return (np.log1p(made) if self.log else made) * self.factor + self.offset
        known = [None if value is None or value != value else value for value in values]
        if self.rule == "position":
            positions = {category: position for position, category in enumerate(self.categories)}
            return np.array([positions.get(value, -1) for value in known], dtype=float)
        return np.array([(value in self.categories) == (self.rule == "in") for value in known], dtype=float)


@dataclass(frozen=True)
class Transformations:
    """The fitted transformations, as numbers that JSON can hold: nothing that is loaded can run code."""

    features: Mapping[str, Mapping[str, Any]]
    """By name, in the training set's order: the contract's JSON Schema, with ``required``."""
    passed_over: tuple[str, ...]
    """The data set's columns that are no features."""
    columns: tuple[Column, ...]

    @classmethod
    def read(cls, directory: Path) -> Transformations:
        told = json.loads((directory / TRANSFORMATIONS).read_text(encoding="utf-8"))
        columns = (Column(**{**column, "categories": tuple(column["categories"])}) for column in told["columns"])
        return cls(told["features"], tuple(told["passed_over"]), tuple(columns))

    def get_feature_names_out(self) -> list[str]:
        return [column.name for column in self.columns]

    def transform(self, rows: Any) -> np.ndarray:
        """The rows, a sequence of values for each feature by name, as the booster reads them."""
        return np.column_stack([column.made_of(rows[column.feature]) for column in self.columns])


@dataclass(frozen=True)
class Served:
    """What the container keeps between requests."""

    booster: xgb.Booster
    transformations: Transformations


def model_fn(model_dir: str) -> Served:
    directory = Path(model_dir)
    return Served(read_booster(directory), Transformations.read(directory))


def read_booster(directory: Path) -> xgb.Booster:
    return xgb.Booster(model_file=bytearray((directory / BOOSTER).read_bytes()))


def transform_fn(model: Served, body: str | bytes, content_type: str, accept: str) -> tuple[str, str] | Response:
    try:
        answered_as = _answer_type(accept)
        reader = _READERS.get(kind := _media_type(content_type))
        if reader is None:
            raise RefusedError(f"the content type is {kind!r}; allowed: {CSV} and {JSON}.", 415)
        rows = reader(_text(body), model.transformations)
    except RefusedError as error:
        told = f"{error}\n".encode("utf-8", "backslashreplace")
        return Response(told, status=error.status, mimetype="text/plain")
    columns = {name: [row.get(name) for row in rows] for name in model.transformations.features}
    numbers = model.transformations.transform(columns)
    matrix = xgb.DMatrix(numbers, feature_names=model.transformations.get_feature_names_out())
    predicted = [float(value) for value in model.booster.predict(matrix)]
    if answered_as == JSON:
        return json.dumps({"predictions": [{"score": value} for value in predicted]}), JSON
    return "".join(f"{value!r}\n" for value in predicted), CSV


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _answer_type(accept: str) -> str:
    kinds = [_media_type(kind) for kind in accept.split(",")]
    for kind in kinds:
        if kind in (CSV, JSON):
            return kind
        if kind in ("*/*", "text/*"):
            return CSV
        if kind == "application/*":
            return JSON
    raise RefusedError(f"the answer is to be {accept!r}; allowed: {CSV} and {JSON}. Correct the Accept header.", 406)


def _text(body: str | bytes) -> str:
    """The body as text; the container has decoded it already, unless the content type has parameters."""
    try:
        text = body if isinstance(body, str) else body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(f"the body is not UTF-8: {error}. Encode it as UTF-8.") from None
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    if not text.strip():
        raise RefusedError("the body is empty; expected one row at least.")
    return text


def _of_csv(text: str, transformations: Transformations) -> list[Row]:
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise RefusedError(f"the body is not CSV: {error}.") from None
    while not lines[-1]:
        lines.pop()
    features = list(transformations.features)
    names = {name.lower(): name for name in (*features, *transformations.passed_over)}
    if any(cell.strip().lower() in names for cell in lines[0]):
        header, *lines = lines
        columns = [names.get(cell.strip().lower(), cell) for cell in header]
        _check_names(columns, transformations, where="the header")
        if absent := [name for name in features if name not in columns]:
            raise RefusedError(f"the header lacks {_named(absent)}; needed: {_named(features)}.")
    else:
        columns = features
    if not lines:
        raise RefusedError("there is a header and no row; expected one row at least.")
    rows = []
    for number, line in enumerate(lines, 1):
        if len(line) != len(columns):
            raise RefusedError(
                f"row {number} has {len(line)} values; expected {len(columns)}: {_named(columns)}. "
                "Begin with a header of names, or send these alone in this order."
            )
        row = dict(zip(columns, line, strict=True))
        rows.append({name: _cell(row[name], name, number, transformations.features[name]) for name in features})
    return rows


def _of_json(text: str, transformations: Transformations) -> list[Row]:
    try:
        told = json.loads(text, object_pairs_hook=_without_duplicates)
    except RefusedError:
        raise
    except (RecursionError, ValueError) as error:
        raise RefusedError(f"the body is not JSON that can be read: {error}.") from None
    objects = told if isinstance(told, list) else [told]
    if not objects:
        raise RefusedError("the list is empty; expected one row at least.")
    names = {name.lower(): name for name in (*transformations.features, *transformations.passed_over)}
    rows = []
    for number, given in enumerate(objects, 1):
        if not isinstance(given, dict):
            raise RefusedError(
                f"row {number} is {_shown(given)}; expected an object with a value for each of "
                f"{_named(transformations.features)}, or a list of such objects."
            )
        pairs: list[tuple[str, Any]] = [(names.get(name.lower()) or name, value) for name, value in given.items()]
        _check_names([name for name, _ in pairs], transformations, where=f"row {number}")
        row = dict(pairs)
        rows.append(
            {
                name: _checked(row.get(name), name, number, schema, absent=name not in row)
                for name, schema in transformations.features.items()
            }
        )
    return rows


_READERS: Mapping[str, Callable[[str, Transformations], list[Row]]] = {CSV: _of_csv, JSON: _of_json}


def _without_duplicates(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if twice := _twice([name for name, _ in pairs]):
        raise RefusedError(f"an object has {_named(twice)} more than once; allowed: once.")
    return dict(pairs)


def _check_names(found: Sequence[str], transformations: Transformations, *, where: str) -> None:
    if twice := _twice(found):
        raise RefusedError(f"{where} has {_named(twice)} more than once; allowed: once.")
    allowed = (*transformations.features, *transformations.passed_over)
    if unknown := [name for name in found if name not in allowed]:
        raise RefusedError(
            f"{where} has {_named(unknown)}; allowed: {_named(allowed)}. Correct the name, or leave it out."
        )


def _twice(names: Sequence[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _cell(text: str, name: str, number: int, schema: Mapping[str, Any]) -> Any:
    """A cell of CSV as the value that it stands for; what stands for no number is judged as it is."""
    value: Any = text.strip() or None
    if value is not None and schema["type"] != "string" and _NUMBER.fullmatch(value):
        value = float(value)
    return _checked(value, name, number, schema)


def _checked(value: Any, name: str, number: int, schema: Mapping[str, Any], *, absent: bool = False) -> Any:
    """The value, if the contract allows it."""

    def refuse(allowed: str) -> NoReturn:
        found = "not there" if absent else "missing" if value is None else _shown(value)
        raise RefusedError(f"{name} in row {number} is {found}; allowed: {allowed}.")

    if value is None:
        if schema["required"]:
            refuse(_allowed(schema))
        return None
    if schema["type"] == "string":
        known = value in schema["enum"] if "enum" in schema else isinstance(value, str)
        if not (known and re.fullmatch(schema.get("pattern", ".*"), value)):
            refuse(_allowed(schema))
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not -_LARGEST <= value <= _LARGEST:
        refuse(_allowed(schema))
    whole = schema["type"] == "number" or value == int(value)
    if not (whole and schema.get("minimum", -math.inf) <= value <= schema.get("maximum", math.inf)):
        refuse(_allowed(schema))
    return float(value)


def _allowed(schema: Mapping[str, Any]) -> str:
    """What the contract says of a value, in words."""

    def said() -> Iterator[str]:
        if "enum" in schema:
            yield ", ".join(schema["enum"])
        elif schema["type"] == "string":
            yield f"text that matches {schema['pattern']}" if "pattern" in schema else "text"
        else:
            yield "a whole number" if schema["type"] == "integer" else "a number"
            if "minimum" in schema:
                yield f"of at least {schema['minimum']}"
            if "maximum" in schema:
                yield f"up to {schema['maximum']}"

    return " ".join(said()) + ("" if schema["required"] else ", or nothing where it is missing")


def _named(names: Iterable[str]) -> str:
    return ", ".join(_short(name) for name in list(names)[:_MOST_SHOWN])


def _shown(value: Any) -> str:
    return _short(json.dumps(value, ensure_ascii=False))


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + "..."
