"""The rules of SageMaker Debugger that are applied to the learning curve."""

from __future__ import annotations

import pytest

from jobs.training.debugging import findings, loss_not_decreasing, overfit


@pytest.mark.parametrize(
    ("losses", "first"),
    [
        ([1.0 - step / 100 for step in range(31)], None),
        ([1.0] * 11, 10),
        ([1.0] * 10, None),
        ([1.0 - step / 100 for step in range(20)] + [1.0], 20),
        # between two checks it may rise
        ([1.0, 5.0, 0.9] + [0.8] * 8, None),
    ],
)
def test_the_loss_should_be_lower_than_ten_rounds_before(losses: list[float], first: int | None) -> None:
    assert loss_not_decreasing(losses) == first


@pytest.mark.parametrize(
    ("validation", "first"),
    [
        ([1.0, 1.09, 1.09], None),
        ([1.0, 1.2, 1.0, 1.2], None),
        ([1.0, 1.2, 1.2], 2),
    ],
    ids=["within a tenth", "one round is allowed", "two are not"],
)
def test_validation_loss_should_stay_within_a_tenth_of_training_loss(
    validation: list[float], first: int | None
) -> None:
    assert overfit([1.0] * len(validation), validation) == first


def test_the_loss_is_the_last_metric() -> None:
    curve = {"train-auc": [0.9], "validation-auc": [0.1], "train-logloss": [0.5], "validation-logloss": [0.5]}
    assert findings(curve) == {"LossNotDecreasing": {"first_round": None}, "Overfit": {"first_round": None}}
