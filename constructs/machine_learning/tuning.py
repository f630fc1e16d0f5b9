"""Automatic model tuning (guide 6.4)."""

from enum import StrEnum


class Tuning(StrEnum):
    """How hyperparameters are found."""

    OFF = "off"
    """They are given."""

    BAYESIAN = "bayesian"
    """From the results so far; the guide's recommendation."""

    RANDOM = "random"
    """At random, so that all jobs could run at once."""

    HYPERBAND = "hyperband"
    """Many at first, of which the poor ones are stopped early."""
