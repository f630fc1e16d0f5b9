"""What rules of SageMaker Debugger would find in the learning curve (guide 6.7).

Debugger itself takes no new customers since 30 July 2026, so a sandbox in a new account could not switch it on. Two of
its rules that apply to XGBoost need nothing but the losses, and are applied to the whole curve after training.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-availability-change.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/use-debugger-built-in-rules.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/loss-not-decreasing.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/overfit.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NUM_STEPS = 10
RATIO_THRESHOLD = 0.1
PATIENCE = 1


def findings(curve: Mapping[str, Sequence[float]]) -> dict[str, dict[str, Any]]:
    """By rule the first round in which it finds an issue, or None; the loss is the last metric of the curve."""
    loss = list(curve)[-1].split("-", 1)[1]
    training, validation = curve[f"train-{loss}"], curve[f"validation-{loss}"]
    return {
        "LossNotDecreasing": {"first_round": loss_not_decreasing(training)},
        "Overfit": {"first_round": overfit(training, validation)},
    }


def loss_not_decreasing(losses: Sequence[float]) -> int | None:
    """The loss is compared with that of ten rounds before, every ten rounds; it should be lower."""
    checked = range(NUM_STEPS, len(losses), NUM_STEPS)
    return next((step for step in checked if losses[step] >= losses[step - NUM_STEPS]), None)


def overfit(training: Sequence[float], validation: Sequence[float]) -> int | None:
    """The loss on validation data should not be above that on training data by more than a tenth, but for one round."""
    beyond = 0
    for step, (seen, unseen) in enumerate(zip(training, validation, strict=True)):
        beyond = beyond + 1 if unseen - seen > RATIO_THRESHOLD * seen else 0
        if beyond > PATIENCE:
            return step
    return None
