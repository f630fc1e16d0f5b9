"""How the model is trained unless a job is told otherwise: by hand and in the pipeline alike (guide 6.3).

A shop has few customers for so many features, so trees are held back: they are small, and each learns little.
"""

from __future__ import annotations

from collections.abc import Mapping

CHOSEN: Mapping[str, float] = {"num_round": 200, "max_depth": 3, "eta": 0.03}
"""What a run of the pipeline may choose anew."""

REGULARIZATION: Mapping[str, float] = {
    "min_child_weight": 10,
    "subsample": 0.8,
    "colsample_bytree": 0.5,
    "lambda": 5,
}

DEFAULTS: Mapping[str, float] = {**CHOSEN, **REGULARIZATION}
