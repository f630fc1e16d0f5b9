"""Where automatic model tuning searches for hyperparameters, and for how long (guide 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OBJECTIVE = "validation:auc"
OWN_CHECKPOINTS = "/opt/ml/checkpoints/$TRAINING_JOB_NAME"
"""The jobs of one search share a place for checkpoints, so each has a folder of its own there."""

MOST_JOBS = 12
MOST_AT_ONCE = 2

RANGES: Mapping[str, tuple[str, str, str]] = {
    "eta": ("0.01", "0.3", "Logarithmic"),
    "min_child_weight": ("1", "20", "Logarithmic"),
    "subsample": ("0.5", "1", "Linear"),
    "colsample_bytree": ("0.5", "1", "Linear"),
}
"""Of each continuous hyperparameter the least, the most, and the scale it is searched on.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/xgboost-tuning.html
"""
_DEPTH = ("2", "8")
_ROUNDS = (20, 200)


def tuning_config(strategy: str, *, max_runtime_seconds: int) -> Mapping[str, Any]:
    """What is searched, how, and for how long at most: by jobs, by jobs at once, and by time.

    Hyperband takes the number of rounds for the resource that it gives out, and stops jobs itself; the other strategies
    leave that to SageMaker's early stopping.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html
    """
    config: dict[str, Any] = {
        "Strategy": strategy.capitalize(),
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": OBJECTIVE},
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": MOST_JOBS,
            "MaxParallelTrainingJobs": MOST_AT_ONCE,
            "MaxRuntimeInSeconds": max_runtime_seconds,
        },
        "ParameterRanges": {
            "IntegerParameterRanges": [
                {"Name": "max_depth", "MinValue": _DEPTH[0], "MaxValue": _DEPTH[1], "ScalingType": "Linear"}
            ],
            "ContinuousParameterRanges": [
                {"Name": name, "MinValue": least, "MaxValue": most, "ScalingType": scale}
                for name, (least, most, scale) in RANGES.items()
            ],
        },
        "RandomSeed": 0,
    }
    if strategy == "hyperband":
        least, most = _ROUNDS
        config["StrategyConfig"] = {"HyperbandStrategyConfig": {"MinResource": least, "MaxResource": most}}
    else:
        config["TrainingJobEarlyStoppingType"] = "Auto"
    return config
