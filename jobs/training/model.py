"""What a training job leaves in ``model.tar.gz``: the booster, what its input goes through first, how it came about.

It lies there as SageMaker's XGBoost container serves it: the booster at the top, under the name and in the format that
the container knows, and the script that answers requests in ``code/``.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost.html,
https://sagemaker.readthedocs.io/en/stable/frameworks/xgboost/using_xgboost.html
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost as xgb

from jobs.training import inference
from jobs.training.inference import BOOSTER, TRANSFORMATIONS, Transformations, read_booster

MANIFEST = "fitted/model.json"
CODE = "code"


@dataclass(frozen=True)
class Model:
    """Predicts from raw features, since it brings the transformations that were fitted with it."""

    booster: xgb.Booster
    transformations: Transformations
    manifest: dict[str, Any]

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """The chance of the target for ``binary:logistic``, its value for ``reg:squarederror``."""
        predicted: np.ndarray = self.booster.predict(matrix(self.transformations, rows))
        return predicted

    def save(self, directory: Path) -> None:
        for path, content in ((TRANSFORMATIONS, asdict(self.transformations)), (MANIFEST, self.manifest)):
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        (directory / BOOSTER).write_bytes(self.booster.save_raw("ubj"))
        script = Path(inference.__file__)
        (directory / CODE).mkdir(exist_ok=True)
        shutil.copyfile(script, directory / CODE / script.name)


def load(directory: Path) -> Model:
    return Model(
        read_booster(directory),
        Transformations.read(directory),
        json.loads((directory / MANIFEST).read_text(encoding="utf-8")),
    )


def matrix(transformations: Transformations, rows: pd.DataFrame) -> xgb.DMatrix:
    """The rows as the booster reads them, with the names of what it reads."""
    return xgb.DMatrix(transformations.transform(rows), feature_names=list(transformations.get_feature_names_out()))
