"""The rounds of gradient boosting, such that a round depends on the rounds before it and on nothing else.

XGBoost's own training loop does not promise that: with ``subsample`` or ``colsample_bytree`` below 1, a run resumed
from a saved model draws other rows and columns than one that was never interrupted
(https://github.com/dmlc/xgboost/issues/10324). Two settings make them equal. ``seed_per_iteration`` seeds the generator
by the number of the round, which ``Booster.update`` takes and ``xgboost.train`` always counts from 0. And loading the
booster's own configuration anew drops the one state that is kept beside it: the column sampler's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import xgboost as xgb

from jobs.training.hyperparameters import METRICS, OF_THE_BOOSTER


@dataclass
class Progress:
    """How far training has come: the model as UBJSON, and each metric's value per round."""

    booster: bytes = b""
    curve: dict[str, list[float]] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        return max(map(len, self.curve.values()), default=0)


class Boosting:
    """A booster and its learning curve, from wherever training has come to before."""

    def __init__(
        self, hyperparameters: dict[str, Any], train: xgb.DMatrix, validation: xgb.DMatrix, start: Progress
    ) -> None:
        self._hyperparameters = hyperparameters
        self._train = train
        self._evaluated = [(train, "train"), (validation, "validation")]
        self._metrics = METRICS[hyperparameters["objective"]]
        self.curve = {name: list(values) for name, values in start.curve.items()}
        parameters = {name: hyperparameters[name] for name in OF_THE_BOOSTER}
        self.booster = xgb.Booster(
            {
                **parameters,
                "eval_metric": list(self._metrics),
                "nthread": hyperparameters["nthread"],
                "seed_per_iteration": True,
                "tree_method": "hist",
            },
            [matrix for matrix, _ in self._evaluated],
            model_file=bytearray(start.booster) if start.booster else None,
        )

    @property
    def progress(self) -> Progress:
        return Progress(bytes(self.booster.save_raw("ubj")), self.curve)

    @property
    def done(self) -> int:
        return Progress(curve=self.curve).rounds

    def rounds(self) -> Iterator[str]:
        """Trains the rounds that are left; yields the metrics after each, as SageMaker's metric definitions read them.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
        """
        for number in range(self.done, self._hyperparameters["num_round"]):
            if self._stops_early():
                return
            self.booster.load_config(self.booster.save_config())
            self.booster.update(self._train, number)
            # "[7]\ttrain-auc:0.9\tvalidation-auc:0.8"
            for measured in self.booster.eval_set(self._evaluated, number).split()[1:]:
                name, value = measured.rsplit(":", 1)
                self.curve.setdefault(name, []).append(float(value))
            yield f"[{number}] " + " ".join(f"{name}:{values[-1]:.6f}" for name, values in self.curve.items())

    def best(self) -> xgb.Booster:
        """The model up to its best round on the validation data, if training may stop early; else all of it."""
        return self.booster[: self._best + 1] if self._hyperparameters["early_stopping_rounds"] else self.booster

    @property
    def _best(self) -> int:
        deciding = self.curve[f"validation-{self._metrics[-1]}"]
        return deciding.index(min(deciding))

    def _stops_early(self) -> bool:
        patience = self._hyperparameters["early_stopping_rounds"]
        return bool(patience and self.done and self.done - 1 - self._best >= patience)
