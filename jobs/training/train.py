"""Trains the model: the entry script of a SageMaker training job in script mode.

Goes on from the newest checkpoint if there is one, and ends with the same model as a run that was never interrupted.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import xgboost as xgb

from jobs.training import dataset, hyperparameters, model, transformations
from jobs.training.boosting import Boosting
from jobs.training.checkpoints import CheckpointError, Checkpoints
from jobs.training.data_parallel import Group
from jobs.training.interruption import EXIT_CODE, Interruption


def main(environment: Mapping[str, str]) -> int:
    """0 when the model is written, 143 when SIGTERM ended it, 1 on an error, which is in the failure file too.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    interruption = Interruption()
    try:
        return train(hyperparameters.parse(), environment, interruption)
    except Exception as error:
        traceback.print_exc()
        directory = Path(environment.get("SM_OUTPUT_DIR", "/opt/ml/output"))
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "failure").write_text(f"{type(error).__name__}: {error}\n", encoding="utf-8")
        return 1


def train(hyperparameter: dict[str, Any], environment: Mapping[str, str], interruption: Interruption) -> int:
    group = Group.of(environment)
    target = hyperparameter["target"]
    training = dataset.read(Path(environment["SM_CHANNEL_TRAIN"]))
    validation = dataset.read(Path(environment["SM_CHANNEL_VALIDATION"]))
    unfitted = transformations.build(target)
    fingerprint = {
        **{name: hyperparameter[name] for name in hyperparameters.OF_THE_MODEL},
        "training data": dataset.digest(training),
        "validation data": dataset.digest(validation),
        "transformations": joblib.hash(unfitted),
        "hosts": len(group.hosts),
        "xgboost": xgb.__version__,
    }
    fitted = transformations.as_numbers(unfitted.fit(training), target)
    names = fitted.get_feature_names_out()
    rows = group.share(fitted.transform(training), training[target].to_numpy(), names)
    checkpoints = Checkpoints(Path(hyperparameter["checkpoint_path"]), fingerprint)

    with group.joined():
        start = group.agree(checkpoints.newest())
        if start.rounds > hyperparameter["num_round"]:
            raise CheckpointError(
                f"the newest checkpoint has {start.rounds} rounds, num_round is {hyperparameter['num_round']}; "
                "allowed: as many or more. Raise num_round, or start anew with a checkpoint directory of its own."
            )
        validating = xgb.DMatrix(fitted.transform(validation), validation[target].to_numpy(), feature_names=names)
        boosting = Boosting(hyperparameter, rows, validating, start)
        if start.rounds and group.first:
            _say(f"going on after round {start.rounds - 1}, from {hyperparameter['checkpoint_path']}")
        for line in boosting.rounds():
            if group.first:
                _say(line)
            stopping = group.any(interruption.requested)
            if group.first and (stopping or boosting.done % hyperparameter["checkpoint_every"] == 0):
                checkpoints.save(boosting.progress)
            if stopping:
                return EXIT_CODE

    if group.first:
        manifest = {
            "hyperparameters": hyperparameter,
            "target": target,
            "feature_names": names,
            "xgboost": xgb.__version__,
            "training_data": fingerprint["training data"],
            "learning_curve": boosting.curve,
        }
        model.Model(boosting.best(), fitted, manifest).save(Path(environment["SM_MODEL_DIR"]))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    code = main(os.environ)
    sys.stderr.flush()
    os._exit(code)  # in a group that broke apart, the tracker's thread would wait for hosts that are gone
