"""Guide 4.6, temporal features: what the calendar says of a moment, in UTC whatever zone Spark runs in.

What comes round again is also told as a point on a circle, where Sunday lies beside Monday and December beside January:
(sin, cos) of 2 pi * position / length of the cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import DataFrame

from jobs.refinery.transformations.transformation import INTERMEDIATE, Stage, Transformation, with_columns

_CALENDAR = {
    "hour_of_day": "hour({time})",
    "day_of_week": "weekday({time}) + 1",  # Monday is 1, as in ISO 8601
    "month": "month({time})",
    "quarter": "quarter({time})",
    "is_weekend": "int(weekday({time}) >= 5)",
}

_CYCLES = {
    "hour_of_day": ("hour({time})", 24),
    "day_of_week": ("weekday({time})", 7),
    "month": ("month({time}) - 1", 12),
}


@dataclass(frozen=True)
class TemporalFeatures(Transformation):
    """Hour of day, day of week, month, quarter and is weekend of texts like ``2026-11-22T00:00:00Z``."""

    columns: tuple[str, ...]

    def stages(self, training: DataFrame) -> list[Stage]:
        moments = {column: f"{INTERMEDIATE}{column}_moment" for column in self.columns}
        derived: dict[str, str] = {}
        for column, moment in moments.items():
            time = f"`{moment}`"
            derived |= {f"{column}_{name}": sql.format(time=time) for name, sql in _CALENDAR.items()}
            for name, (position, length) in _CYCLES.items():
                angle = f"2 * pi() * ({position.format(time=time)}) / {length}"
                derived |= {f"{column}_{name}_sin": f"sin({angle})", f"{column}_{name}_cos": f"cos({angle})"}
        # without a zone on both sides: no hour is skipped or repeated
        parsed = {
            moment: f"to_timestamp_ntz(`{column}`, \"yyyy-MM-dd'T'HH:mm:ss'Z'\")" for column, moment in moments.items()
        }
        return [with_columns(parsed), with_columns(derived)]
