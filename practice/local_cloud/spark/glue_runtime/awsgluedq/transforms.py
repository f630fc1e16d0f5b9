"""Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-EvaluateDataQuality.html"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection

from practice.local_cloud.glue.data_quality.dqdl import Composite, DqdlError, parse
from practice.local_cloud.glue.data_quality.evaluation import evaluate

COMPOSITE_METHOD = "compositeRuleEvaluation.method"


class EvaluateDataQuality:
    """The transform, for the rules that the local cloud evaluates."""

    def process_rows(
        self,
        frame: DynamicFrame,
        ruleset: str,
        publishing_options: Mapping[str, Any] | None = None,
        additional_options: Mapping[str, Any] | None = None,
    ) -> DynamicFrameCollection:
        rules, data = parse(ruleset), frame.toDF()
        method = (additional_options or {}).get(COMPOSITE_METHOD, "COLUMN")
        if method != "ROW" and any(isinstance(rule, Composite) for rule in rules):
            raise DqdlError(
                f"{COMPOSITE_METHOD} is {method!r}; the local cloud judges composite rules row by row. Set it to 'ROW'."
            )
        evaluation = evaluate(data, rules)
        frames = {
            "originalData": data,
            "ruleOutcomes": evaluation.outcomes_frame(),
            "rowLevelOutcomes": evaluation.rows,
        }
        return DynamicFrameCollection({name: DynamicFrame(each, name) for name, each in frames.items()})
