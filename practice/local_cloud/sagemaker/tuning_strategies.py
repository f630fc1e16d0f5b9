"""How a tuning job chooses what to try next, and what to stop early.

- Random: anywhere in the ranges.
- Bayesian: where a Gaussian process expects the largest improvement, after a few random ones.
- Hyperband: at random, and a job is stopped at a rung (MinResource values of the objective, then threefold) unless it
  is among the best third that came so far: asynchronous successive halving, by Li et al.,
  https://arxiv.org/abs/1810.05934. AWS does not publish its own way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RANDOM_STARTS = 3
_CANDIDATES = 1000
_REDUCTION = 3


class RandomSearch:
    """Points of the unit cube, one dimension per hyperparameter. Of a score, more is better."""

    def __init__(self, dimensions: int, seed: int | None) -> None:
        # what takes a moment to import is imported by those who tune
        import numpy as np

        self._dimensions = dimensions
        self._random = np.random.default_rng(seed)

    def suggest(self) -> list[float]:
        return [float(number) for number in self._random.random(self._dimensions)]

    def tell(self, point: Sequence[float], score: float) -> None:
        """Take in how well a point did."""

    def is_hopeless(self, scores: Sequence[float]) -> bool:
        """Whether a job that has come this far, score by score, had better be stopped."""
        return False


class BayesianSearch(RandomSearch):
    """Learns from every job that has ended."""

    def __init__(self, dimensions: int, seed: int | None) -> None:
        super().__init__(dimensions, seed)
        self._points: list[Sequence[float]] = []
        self._scores: list[float] = []

    def tell(self, point: Sequence[float], score: float) -> None:
        self._points.append(point)
        self._scores.append(score)

    def suggest(self) -> list[float]:
        if len(self._scores) < RANDOM_STARTS:
            return super().suggest()
        candidates = self._random.random((_CANDIDATES, self._dimensions))
        best = candidates[int(self._expected_improvement(candidates).argmax())]
        return [float(number) for number in best]

    def _expected_improvement(self, candidates: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np
        from scipy.special import ndtr
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import Matern

        # the length stays fixed: a few jobs say too little to learn it from
        model = GaussianProcessRegressor(Matern(0.5, "fixed", nu=2.5), alpha=1e-4, normalize_y=True)
        model.fit(np.array(self._points), np.array(self._scores))
        mean, deviation = model.predict(candidates, return_std=True)
        gain = mean - max(self._scores)
        z = gain / np.maximum(deviation, 1e-9)
        improvement: NDArray[np.float64] = gain * ndtr(z) + deviation * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        return improvement


class HyperbandSearch(RandomSearch):
    """Stops early what does badly early."""

    def __init__(self, dimensions: int, seed: int | None, *, least: int, most: int) -> None:
        super().__init__(dimensions, seed)
        self._most = most
        self._rungs = [least]
        while self._rungs[-1] * _REDUCTION < most:
            self._rungs.append(self._rungs[-1] * _REDUCTION)
        self._seen: defaultdict[int, list[float]] = defaultdict(list)
        self._passed = 0

    def suggest(self) -> list[float]:
        self._passed = 0
        return super().suggest()

    def is_hopeless(self, scores: Sequence[float]) -> bool:
        while self._passed < len(self._rungs) and len(scores) >= (rung := self._rungs[self._passed]):
            self._passed += 1
            score, others = scores[rung - 1], self._seen[rung]
            others.append(score)
            if sum(other > score for other in others) > (len(others) - 1) // _REDUCTION:
                return True
        return len(scores) > self._most
