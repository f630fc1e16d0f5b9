"""Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-dynamic-frame.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

if TYPE_CHECKING:
    from awsglue.context import GlueContext


class DynamicFrame:
    """A data frame on its way into and out of a transform of Glue."""

    def __init__(self, frame: DataFrame, name: str) -> None:
        self._frame, self.name = frame, name

    @classmethod
    def fromDF(cls, dataframe: DataFrame, glue_ctx: GlueContext, name: str) -> DynamicFrame:  # noqa: N802
        return cls(dataframe, name)

    def toDF(self) -> DataFrame:  # noqa: N802
        return self._frame


class DynamicFrameCollection:
    def __init__(self, frames: Mapping[str, DynamicFrame]) -> None:
        self._frames = dict(frames)

    def select(self, key: str) -> DynamicFrame:
        return self._frames[key]
