"""The guide's transformations of module 4, for a model that is trained in one process: fitted on train only.

Which one a feature gets follows from what the contract says of it, so a new field finds its own. They are fewer than
``jobs.refinery.transformations`` shows on Spark: trees need no scaling and no bins, but the baselines beside them do.
"""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler

from contracts import Contract, Field
from jobs.training.dataset import FEATURES, TARGET

_ORDERED = ("tenure_bucket",)
"""The categories whose order in the contract means something."""

_RARE = 0.01


def build(target: str = TARGET) -> ColumnTransformer:
    """What turns the features, without the target if it is one of them, into numbers: not fitted yet."""
    fields = [
        field for field in Contract.load("customer_features").fields if field.name in FEATURES and field.name != target
    ]
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
