"""The hyperparameters that a tuning job searches, each as a position between 0 and 1 on the scale of its range.

Not in AWS's documentation: which scale Auto becomes; here logarithmic for a positive range that spans a hundredfold.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WIDE = 100


@dataclass(frozen=True)
class NumberRange:
    """Numbers from ``low`` to ``high``, both included."""

    name: str
    low: float
    high: float
    scaling: str
    integer: bool

    def value(self, position: float) -> str:
        low, high = self._scaled(self.low), self._scaled(self.high)
        number = min(max(self._unscaled(low + position * (high - low)), self.low), self.high)
        return str(round(number)) if self.integer else repr(number)

    def complaint(self) -> str:
        """Why there is no such range, if there is none."""
        if self.low > self.high:
            return f"{self.name}: MinValue {self.low} is above MaxValue {self.high}."
        if self.scaling == "Logarithmic" and self.low <= 0:
            return f"{self.name}: MinValue is {self.low}; Logarithmic scaling needs values above 0."
        if self.scaling == "ReverseLogarithmic" and not 0 <= self.low <= self.high < 1:
            return f"{self.name}: {self.low} to {self.high}; ReverseLogarithmic scaling needs a range within 0<=x<1."
        return ""

    @property
    def _scale(self) -> str:
        if self.scaling != "Auto":
            return self.scaling
        return "Logarithmic" if self.low > 0 and self.high / self.low >= _WIDE else "Linear"

    def _scaled(self, number: float) -> float:
        match self._scale:
            case "Logarithmic":
                return math.log(number)
            case "ReverseLogarithmic":
                return -math.log1p(-number)
            case _:
                return number

    def _unscaled(self, number: float) -> float:
        match self._scale:
            case "Logarithmic":
                return math.exp(number)
            case "ReverseLogarithmic":
                return -math.expm1(-number)
            case _:
                return number


@dataclass(frozen=True)
class Categories:
    """One of some values."""

    name: str
    values: Sequence[str]

    def value(self, position: float) -> str:
        return self.values[min(int(position * len(self.values)), len(self.values) - 1)]

    def complaint(self) -> str:
        return ""


Range = NumberRange | Categories


def ranges(given: Mapping[str, Any]) -> list[Range]:
    """The ranges of a request."""
    return [*_numbers(given, "Integer"), *_numbers(given, "Continuous"), *_categories(given)]


def _numbers(given: Mapping[str, Any], kind: str) -> Iterator[NumberRange]:
    for one in given.get(f"{kind}ParameterRanges", ()):
        low, high = float(one["MinValue"]), float(one["MaxValue"])
        yield NumberRange(one["Name"], low, high, one.get("ScalingType", "Auto"), kind == "Integer")


def _categories(given: Mapping[str, Any]) -> Iterator[Categories]:
    for one in given.get("CategoricalParameterRanges", ()):
        yield Categories(one["Name"], one["Values"])
