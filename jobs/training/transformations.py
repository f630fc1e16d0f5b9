"""The guide's transformations of module 4, for a model that is trained in one process: fitted on train only.

Which one a feature gets follows from what the contract says of it, so a new field finds its own. They are fewer than
``jobs.refinery.transformations`` shows on Spark: trees need no scaling and no bins, but the baselines beside them do.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from contracts import Contract, Field
from jobs.training.dataset import COLUMNS, FEATURES, TARGET
from jobs.training.inference import Column, Transformations

_ORDERED = ("tenure_bucket",)
"""The categories whose order in the contract means something."""

_RARE = 0.01

_CHECKED = ("type", "minimum", "maximum", "enum", "pattern")
"""What of the contract a request is held against."""


def build(target: str = TARGET) -> ColumnTransformer:
    """What turns the features, without the target if it is one of them, into numbers: not fitted yet."""
    fields = _fields(target)
    steps = {
        "amounts": _amounts(),
        "shares": _shares(),
        "ordered": _ordered([field for field in fields if field.name in _ORDERED]),
        "categories": _categories(),
    }
    return ColumnTransformer(
        [(name, step, [field.name for field in fields if _kind(field) == name]) for name, step in steps.items()],
        verbose_feature_names_out=False,
    )


def as_numbers(fitted: ColumnTransformer, target: str = TARGET) -> Transformations:
    """What was fitted, without the code that fitted it: what training, evaluation and serving all apply.

    A pickle of it would run, wherever it is loaded, whatever somebody who may write to the bucket has put there.
    """
    fields = _fields(target)
    return Transformations(
        features={
            field.name: {
                "required": field.required,
                **{key: field.schema[key] for key in _CHECKED if key in field.schema},
            }
            for field in fields
        },
        passed_over=tuple(name for name in COLUMNS if name not in {field.name for field in fields}),
        columns=tuple(_columns(fitted)),
    )


def _columns(fitted: ColumnTransformer) -> Iterator[Column]:
    """The numbers of each step, by scikit-learn's documented attributes, in the order of its columns."""
    of = {name: (step, list(features)) for name, step, features in fitted.transformers_}
    amounts, features = of["amounts"]
    imputer, _, scaler = (step for _, step in amounts.steps)
    for column, mean, scale in zip(_imputed(imputer, features), scaler.mean_, scaler.scale_, strict=True):
        yield Column(**column, log=True, factor=float(1 / scale), offset=float(-mean / scale))
    shares, features = of["shares"]
    imputer, scaler = (step for _, step in shares.steps)
    for column, scale, least in zip(_imputed(imputer, features), scaler.scale_, scaler.min_, strict=True):
        yield Column(**column, factor=float(scale), offset=float(least))
    ordered, features = of["ordered"]
    for feature, categories in zip(features, getattr(ordered, "categories_", ()), strict=True):
        yield Column(feature, feature, "position", tuple(categories))
    encoder, features = of["categories"]
    for feature, found, rare in zip(features, encoder.categories_, encoder.infrequent_categories_, strict=True):
        left_out = [] if rare is None else [_category(value) for value in rare]
        frequent = [value for value in map(_category, found) if value not in left_out]
        for value in frequent:
            yield Column(f"{feature}_{value}", feature, "in", (value,))
        if left_out:
            yield Column(f"{feature}_infrequent_sklearn", feature, "not in", tuple(frequent))


def _imputed(imputer: SimpleImputer, features: list[str]) -> Iterator[dict[str, Any]]:
    for feature, median in zip(features, imputer.statistics_, strict=True):
        yield {"name": feature, "feature": feature, "rule": "number", "fill": float(median)}
    for position in imputer.indicator_.features_:
        feature = features[position]
        yield {"name": f"missingindicator_{feature}", "feature": feature, "rule": "missing"}


def _category(value: Any) -> str | None:
    return None if value is None or value != value else str(value)


def _fields(target: str) -> list[Field]:
    fields = Contract.load("customer_features").fields
    return [field for field in fields if field.name in FEATURES and field.name != target]


def _kind(field: Field) -> str:
    if field.name in _ORDERED:
        return "ordered"
    if field.schema["type"] == "string":
        return "categories"
    return "shares" if field.schema.get("maximum") == 1 else "amounts"


def _amounts() -> Pipeline:
    """4.3 imputation (median) with indicator variables, 4.2 log transformation, 4.2 standardization.

    Money, counts and days have a long tail, and many customers at 0.
    """
    logarithm = FunctionTransformer(np.log1p, feature_names_out="one-to-one")
    return make_pipeline(_imputer(), logarithm, StandardScaler())


def _shares() -> Pipeline:
    """4.3 imputation (median) with indicator variables, 4.2 min-max normalization."""
    return make_pipeline(_imputer(), MinMaxScaler())


def _imputer() -> SimpleImputer:
    return SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)


def _ordered(fields: list[Field]) -> OrdinalEncoder:
    """4.4 label encoding, in the order of the contract; a missing category is -1."""
    return OrdinalEncoder(
        categories=[list(field.schema["enum"]) for field in fields],
        handle_unknown="use_encoded_value",
        unknown_value=-1,
        encoded_missing_value=-1,
    )


def _categories() -> OneHotEncoder:
    """4.4 one-hot encoding; what is rare or new shares one column."""
    return OneHotEncoder(min_frequency=_RARE, handle_unknown="infrequent_if_exist", sparse_output=False)
