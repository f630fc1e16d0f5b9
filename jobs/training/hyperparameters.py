"""What a training job can be told: ``--name value`` for each hyperparameter, as SageMaker's script mode passes them.

Source: https://github.com/aws/sagemaker-containers#how-a-script-is-executed-inside-the-container
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from jobs.training.dataset import FEATURES, TARGET
from jobs.training.defaults import DEFAULTS

METRICS = {"binary:logistic": ("auc", "logloss"), "reg:squarederror": ("rmse",)}
"""What is measured each round, by objective. The last one decides when to stop early; less is better."""

OF_THE_BOOSTER = (
    "objective",
    *("eta", "max_depth", "min_child_weight", "subsample", "colsample_bytree", "lambda", "alpha", "seed"),
)

OF_THE_MODEL = (*OF_THE_BOOSTER, "target", "early_stopping_rounds")
"""What a resumed run may not change. More rounds only add to a model, and the others do not touch it."""


class HyperparameterError(ValueError):
    """A hyperparameter that there is not, or with a value that it cannot have."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        known = ", ".join(action.dest for action in self._actions if action.help != argparse.SUPPRESS)
        raise HyperparameterError(f"{message}. Known hyperparameters: {known}. Correct the job's HyperParameters.")


def parse(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = _Parser(prog="train.py", allow_abbrev=False, add_help=False)
    parser.add_argument("--objective", choices=list(METRICS), default="binary:logistic")
    parser.add_argument("--target", choices=[TARGET, *FEATURES], default=TARGET)
    parser.add_argument("--num_round", type=_at_least(1))
    parser.add_argument("--eta", type=float)
    parser.add_argument("--max_depth", type=_at_least(0))
    parser.add_argument("--min_child_weight", type=float)
    parser.add_argument("--subsample", type=float)
    parser.add_argument("--colsample_bytree", type=float)
    parser.add_argument("--lambda", type=float)
    parser.add_argument("--alpha", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--early_stopping_rounds", type=_at_least(0), default=0)
    parser.add_argument("--checkpoint_every", type=_at_least(1), default=10)
    # with $TRAINING_JOB_NAME in it, jobs that share a place in S3 have a folder each
    parser.add_argument("--checkpoint_path", type=os.path.expandvars, default="/opt/ml/checkpoints")
    parser.add_argument("--nthread", type=_at_least(1))
    # Automatic model tuning adds the name of its metric to the hyperparameters.
    parser.add_argument("--_tuning_objective_metric", help=argparse.SUPPRESS)
    # as text, so that a default becomes the same number as if the job had been told it
    parser.set_defaults(**{name: str(value) for name, value in DEFAULTS.items()})
    return {name: value for name, value in vars(parser.parse_args(arguments)).items() if not name.startswith("_")}


class _at_least:  # noqa: N801 - read as a function; argparse shows its repr
    def __init__(self, smallest: int) -> None:
        self.smallest = smallest

    def __call__(self, value: str) -> int:
        number = int(value)
        if number < self.smallest:
            raise argparse.ArgumentTypeError(f"{value} is too small; allowed: {self.smallest} or more")
        return number

    def __repr__(self) -> str:
        return "int"
