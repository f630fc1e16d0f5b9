"""Guide 4.2, log transformation: a long tail becomes short."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from jobs.refinery.transformations.transformation import Stage, Transformation, with_columns


@dataclass(frozen=True)
class LogTransformation(Transformation):
    """log(x + 1), since counts and sums of money may be 0; what is below 0 has no logarithm and becomes null."""

    columns: tuple[str, ...]

    def stages(self, training: DataFrame) -> list[Stage]:
        return [with_columns({f"{column}_log": _log(column) for column in self.columns})]


def _log(column: str) -> str:
    return f"CASE WHEN `{column}` >= 0 THEN log1p(`{column}`) END"
