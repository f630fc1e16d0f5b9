"""What a training job leaves in ``model.tar.gz``: the booster, what its input goes through first, how it came about.

The booster has the name that the container's serving stack looks for, and its format.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.compose import ColumnTransformer

BOOSTER = "xgboost-model"
TRANSFORMATIONS = "transformations.joblib"
MANIFEST = "model.json"


@dataclass(frozen=True)
class Model:
    """Predicts from raw features, since it brings the transformations that were fitted with it."""

    booster: xgb.Booster
    transformations: ColumnTransformer
    manifest: dict[str, Any]

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """The chance of the target for ``binary:logistic``, its value for ``reg:squarederror``."""
        predicted: np.ndarray = self.booster.predict(matrix(self.transformations, rows))
        return predicted

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / BOOSTER).write_bytes(self.booster.save_raw("ubj"))
        joblib.dump(self.transformations, directory / TRANSFORMATIONS)
        (directory / MANIFEST).write_text(json.dumps(self.manifest, indent=2) + "\n", encoding="utf-8")


def load(directory: Path) -> Model:
    return Model(
        xgb.Booster(model_file=bytearray((directory / BOOSTER).read_bytes())),
        joblib.load(directory / TRANSFORMATIONS),
        json.loads((directory / MANIFEST).read_text(encoding="utf-8")),
    )


def matrix(transformations: ColumnTransformer, rows: pd.DataFrame) -> xgb.DMatrix:
    """The rows as the booster reads them, with the names of what it reads."""
    names = list(transformations.get_feature_names_out())
    return xgb.DMatrix(transformations.transform(rows), feature_names=names)
