"""Rules of Glue Data Quality on the local cloud: each outcome as Deequ's source, or AWS's page, has it.

The expectations are read from Deequ at one commit, whose line each row names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from practice.local_cloud.glue.data_quality.dqdl import DqdlError, parse
from practice.local_cloud.glue.data_quality.evaluation import Evaluation, evaluate

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DEEQU = (
    "https://github.com/awslabs/deequ/blob/0b8cea54b25fd4713c6212c17703117f9eddc734/src/main/scala/com/amazon/deequ/"
)
FOUND = f"{DEEQU}dqdl/execution/executors/ColumnNamesMatchPatternExecutor.scala#L38"
ANCHORED = f"{DEEQU}dqdl/translation/rules/ColumnValuesRule.scala#L211"
NOT_EMPTY = f"{DEEQU}analyzers/PatternMatch.scala#L103"
COMPLETE = f"{DEEQU}dqdl/translation/rules/ColumnValuesRule.scala#L94"
NULL_OPERAND = f"{DEEQU}dqdl/translation/rules/ColumnValuesRule.scala#L260"
GROUPED = f"{DEEQU}analyzers/GroupingAnalyzers.scala#L80"
ROWS_GROUPED = f"{DEEQU}analyzers/GroupingAnalyzers.scala#L105"
NUMERIC = f"{DEEQU}analyzers/Analyzer.scala#L417"
TEXT = f"{DEEQU}analyzers/Analyzer.scala#L432"
VALUES_PAGE = "https://docs.aws.amazon.com/glue/latest/dg/dqdl-rule-types-ColumnValues.html"
LENGTH_PAGE = "https://docs.aws.amazon.com/glue/latest/dg/dqdl-rule-types-ColumnLength.html"
KEY_PAGE = "https://docs.aws.amazon.com/glue/latest/dg/dqdl-rule-types-IsPrimaryKey.html"


def judged(frame: DataFrame, rule: str) -> Evaluation:
    return evaluate(frame, parse(f"Rules = [ {rule} ]"))


def passing(spark: SparkSession, rule: str, values: list[Any], kind: str) -> tuple[bool, list[Any]]:
    """Whether the data set passes, and the values whose rows do."""
    frame = spark.createDataFrame([(value, number) for number, value in enumerate(values)], f"x {kind}, n int")
    evaluation = judged(frame, rule)
    rows = evaluation.rows.where("size(DataQualityRulesPass) = 1").orderBy("n").collect()
    return evaluation.outcomes[0].passed, [row["x"] for row in rows]


# ---- the names of columns ----


@pytest.mark.parametrize(
    ("pattern", "strange"),
    [
        ("a", ["b", "xb"]),
        ("^a", ["xa", "b", "xb"]),
        ("a|b", []),
        ("^a|b$", ["xa"]),
        ("^(?:a|b)$", ["xa", "ab", "xb"]),
        ("[0-9]*", []),  # an empty find is a find
        ("(?i)A$", ["b", "ab", "xb"]),
    ],
)
def test_a_pattern_is_looked_for_in_the_names_of_columns(spark: SparkSession, pattern: str, strange: list[str]) -> None:
    names = ["a", "xa", "b", "ab", "xb"]
    outcome = judged(spark.createDataFrame([(1,) * 5], names), f'ColumnNamesMatchPattern "{pattern}"').outcomes[0]
    assert outcome.passed == (not strange), FOUND
    assert outcome.reason == (f"Columns that do not match the pattern: {', '.join(strange)}" if strange else None)
    assert outcome.metrics == {"Dataset.*.ColumnNamesPatternMatchRatio": (5 - len(strange)) / 5}


# ---- the values of a column ----

TEXTS = ["a", "ax", "xb", "b", "", None, "a\n", "A"]


@pytest.mark.parametrize(
    ("pattern", "rows", "source"),
    [
        ("a|b", ["a", "ax", "xb", "b", "a\n"], ANCHORED),
        ("(a|b)", ["a", "b", "a\n"], ANCHORED),
        ("(?:a|b)(?!(?s:.))", ["a", "b"], ANCHORED),
        ("[a-z]*", ["a", "ax", "xb", "b", "a\n"], NOT_EMPTY),
        ("a?", ["a", "a\n"], NOT_EMPTY),
        ("a", ["a", "a\n"], ANCHORED),
        ("(?i)a", ["a", "a\n", "A"], ANCHORED),
        (".*", ["a", "ax", "xb", "b", "a\n", "A"], NOT_EMPTY),
    ],
)
def test_a_pattern_is_matched_as_it_stands_between_anchors(
    spark: SparkSession, pattern: str, rows: list[str], source: str
) -> None:
    assert passing(spark, f'ColumnValues "x" matches "{pattern}"', TEXTS, "string") == (False, rows), source


@pytest.mark.parametrize(
    ("rule", "kind", "values", "passed", "rows", "source"),
    [
        ('ColumnValues "x" > 0', "int", [1, None], False, [1], COMPLETE),
        ('ColumnValues "x" >= 0', "int", [0, None, -1], False, [0], COMPLETE),
        ('ColumnValues "x" < 0', "double", [-1.0, None], False, [-1.0], COMPLETE),
        ('ColumnValues "x" <= 0', "int", [0], True, [0], COMPLETE),
        ('ColumnValues "x" = 1', "int", [1, None], False, [1], COMPLETE),
        ('ColumnValues "x" = NULL', "int", [None, None], True, [None, None], NULL_OPERAND),
        ('ColumnValues "x" = NULL', "string", [None, "a"], False, [None], NULL_OPERAND),
        ('ColumnValues "x" = "a"', "string", ["a", None], False, ["a"], NULL_OPERAND),
        ('ColumnValues "x" in ["a"]', "string", ["a", None], False, ["a"], VALUES_PAGE),
        ('ColumnValues "x" in ["a", NULL]', "string", ["a", None], True, ["a", None], VALUES_PAGE),
        ('ColumnValues "x" in [1, 2]', "int", [1, None, 3], False, [1], VALUES_PAGE),
        ('ColumnValues "x" matches "a"', "string", ["a", None], False, ["a"], NOT_EMPTY),
        ('ColumnLength "x" > 4', "string", ["abcde", None], False, ["abcde"], LENGTH_PAGE),
        ('ColumnLength "x" < 6', "string", ["abcde", None], True, ["abcde", None], LENGTH_PAGE),
        ('IsComplete "x"', "string", ["", None], False, [""], LENGTH_PAGE),
        ('IsUnique "x"', "string", ["a", "b", None, None], True, ["a", "b"], f"{GROUPED} and {ROWS_GROUPED}"),
        ('IsUnique "x"', "string", ["a", "a", None], False, [None], f"{GROUPED} and {ROWS_GROUPED}"),
        ('IsUnique "x"', "string", [None, None], False, [], GROUPED),
        ('IsPrimaryKey "x"', "string", ["a", None], False, ["a"], KEY_PAGE),
        ('IsPrimaryKey "x" "n"', "string", ["a", "a"], True, ["a", "a"], KEY_PAGE),
        ('IsPrimaryKey "x" "n"', "string", ["a", None], False, ["a"], KEY_PAGE),
        ('(ColumnValues "x" = NULL) or (ColumnValues "x" >= 0)', "int", [None, 0], True, [None, 0], NULL_OPERAND),
    ],
)
def test_null_counts_as_in_glue(
    spark: SparkSession, rule: str, kind: str, values: list[Any], passed: bool, rows: list[Any], source: str
) -> None:
    assert passing(spark, rule, values, kind) == (passed, rows), source


@pytest.mark.parametrize(
    ("rule", "kind", "value", "source"),
    [
        ('ColumnValues "x" > 0', "string", "1", NUMERIC),
        ('ColumnValues "x" = 1', "string", "1", NUMERIC),
        ('ColumnValues "x" <= 1', "boolean", True, NUMERIC),
        ('ColumnValues "x" matches "1"', "int", 1, TEXT),
        ('ColumnLength "x" = 1', "int", 1, TEXT),
    ],
)
def test_a_column_of_another_type_fails_its_rule_and_no_row(
    spark: SparkSession, rule: str, kind: str, value: Any, source: str
) -> None:
    evaluation = judged(spark.createDataFrame([(value,)], f"x {kind}"), rule)
    assert not evaluation.outcomes[0].passed, source
    assert "Expected type of column x to be" in str(evaluation.outcomes[0].reason)
    assert [(row["DataQualityRulesFail"], row["DataQualityRulesSkip"]) for row in evaluation.rows.collect()] == [
        ([], [rule])
    ]


@pytest.mark.parametrize("rule", ['ColumnNamesMatchPattern "("', 'ColumnValues "x" matches "["'])
def test_a_pattern_that_java_does_not_know_is_refused_with_its_reason(spark: SparkSession, rule: str) -> None:
    with pytest.raises(DqdlError, match=r"is no regular expression of Java's: Un"):
        judged(spark.createDataFrame([("a",)], "x string"), rule)
