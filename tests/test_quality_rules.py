"""The rulesets agree with the contracts, and the local cloud evaluates them as Glue does."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from contracts import ContractError, Field
from jobs.quality import compile as rulesets
from jobs.quality.compile import RULESETS, Dimension, Ruleset, dqdl, path, rules
from practice.local_cloud.glue.data_quality.dqdl import Composite, Condition, DqdlError, Operator, Rule, RuleType, parse
from practice.local_cloud.glue.data_quality.evaluation import Evaluation, evaluate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

names = pytest.mark.parametrize("ruleset", RULESETS, ids=lambda ruleset: ruleset.name)


# ---- the rulesets ----


@names
def test_the_committed_ruleset_is_what_its_contract_gives(ruleset: Ruleset) -> None:
    assert path(ruleset.name).read_text(encoding="utf-8") == dqdl(ruleset)


@names
def test_a_ruleset_covers_the_five_dimensions_of_the_guide(ruleset: Ruleset) -> None:
    assert {rule.dimension for rule in rules(ruleset)} == set(Dimension)


@names
def test_every_rule_names_its_dimension_in_a_comment_of_its_line(ruleset: Ruleset) -> None:
    lines = [line for line in dqdl(ruleset).splitlines() if line.startswith("    ")]
    told = [re.search(r",?  # ([a-z]+)(: |$)", line) for line in lines]
    assert [match and match[1] for match in told] == [rule.dimension for rule in rules(ruleset)]


@names
def test_the_local_cloud_evaluates_every_rule_of_the_ruleset(ruleset: Ruleset) -> None:
    assert [rule.text for rule in parse(dqdl(ruleset))] == [rule.text for rule in rules(ruleset)]


@names
def test_glue_takes_the_ruleset(ruleset: Ruleset) -> None:
    text = dqdl(ruleset)
    assert text.isascii()
    assert len(text) < 65_536


@names
def test_every_required_field_is_to_be_complete(ruleset: Ruleset) -> None:
    complete = {
        rule.parameters[0] for rule in parse(dqdl(ruleset)) if isinstance(rule, Rule) and rule.type == "IsComplete"
    }
    assert complete == {field.name for field in ruleset.contract.fields if field.required}


def test_an_enum_a_pattern_and_bounds_become_rules() -> None:
    found = {rule.text for ruleset in RULESETS if ruleset.name == "orders" for rule in rules(ruleset)}
    assert found >= {
        'ColumnValues "event_type" in ["purchase", "return"]',
        'ColumnValues "order_id" matches "^O-[0-9]{1,18}(?!(?s:.))"',
        'ColumnValues "quantity" >= 1',
        'ColumnValues "quantity" <= 1000',
        'ColumnValues "amount" <= 99999999.99',
    }


def test_an_optional_field_may_be_null() -> None:
    found = {rule.text for ruleset in RULESETS if ruleset.name == "orders" for rule in rules(ruleset)}
    pattern = "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}(?!(?s:.))"
    assert f'(ColumnValues "coupon" = NULL) or (ColumnValues "coupon" matches "{pattern}")' in found


@pytest.mark.parametrize(
    ("schema", "as_text"),
    [
        ({"type": "string", "pattern": "[A-Z]"}, False),
        ({"type": "string", "pattern": '^"$'}, False),
        ({"type": "string", "pattern": r"^\d$"}, False),
        ({"type": "number", "minimum": 0}, True),
    ],
)
def test_what_cannot_become_a_rule_is_an_error(schema: dict[str, Any], as_text: bool) -> None:
    with pytest.raises(ContractError, match="there are no quality rules; allowed:"):
        list(rulesets._checks(Field("odd", schema, required=True), as_text=as_text))


# ---- the language ----


def parsed(rule: str) -> Any:
    (found,) = parse(f"Rules = [ {rule} ]")
    return found


def test_a_rule_has_a_type_parameters_and_a_condition() -> None:
    text = 'ColumnValues "amount" >= -0.005'
    condition = Condition(Operator.AT_LEAST, (Decimal("-0.005"),))
    assert parsed(text) == Rule(text, RuleType.COLUMN_VALUES, ("amount",), condition)


def test_a_list_may_hold_null() -> None:
    assert parsed('ColumnValues "a" in ["x", NULL, 1]').condition.operands == ("x", None, Decimal(1))


def test_composite_rules_nest() -> None:
    rule = parsed('(IsComplete "a") and ((IsUnique "a") OR (ColumnLength "a" > 1))')
    assert isinstance(rule, Composite)
    assert rule.operator == "and"
    assert isinstance(rule.rules[1], Composite)
    assert rule.rules[1].operator == "or"


def test_comments_and_line_breaks_are_not_part_of_a_rule() -> None:
    ruleset = 'Rules = [ # [,\n  IsComplete\n "a", # "why\n  ColumnValues "b" matches "#+" ]  # end'
    assert [rule.text for rule in parse(ruleset)] == ['IsComplete "a"', 'ColumnValues "b" matches "#+"']


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ('Mean "a" > 1', "cannot evaluate rules of type 'Mean'; it can: ColumnLength"),
        ('DataFreshness "a" <= 24 hours', "cannot evaluate rules of type 'DataFreshness'"),
        ('IsComplete "a" where "b > 1"', "does not support 'where'"),
        ('ColumnValues "a" in ["x"] with threshold > 0.9', "does not support 'with'"),
        ('IsComplete "a" labels=["x"="y"]', "does not support 'labels'"),
        (
            'ColumnValues "a" between 1 and 2',
            "has 'between' for an expression; supported: =, >, >=, <, <=, in, matches",
        ),
        ('ColumnValues "a" > (now() - 3 days)', "cannot read '- 3 days"),
        ('ColumnValues "a" > "x"', """'"x"' after"""),
        ("RowCount > avg(last(3))", "'avg' after"),
        ("RowCount", "RowCount has ']' for an expression"),
        ("IsComplete", "IsComplete has 0 parameters; allowed: 1 to 1"),
        ('IsUnique "a" "b"', "IsUnique has 2 parameters"),
        ("IsComplete a", "IsComplete has 0 parameters"),
        ('(IsComplete "a") or (IsUnique "a") and (IsUnique "b")', "put what belongs together in parentheses"),
        (r'ColumnValues "a" matches "\d"', "cannot read"),
        ('IsComplete "a" IsUnique "a"', "does not support 'IsUnique'"),
        ("", "']' where a rule should begin"),
    ],
)
def test_what_is_not_evaluated_is_refused(rule: str, problem: str) -> None:
    with pytest.raises(DqdlError, match=f"line 2 of the ruleset: .*{problem}"):
        parse(f"\nRules = [ {rule} ]")


@pytest.mark.parametrize("ruleset", ["", 'IsComplete "a"', 'Rules = [ IsUnique "a" ] Analyzers = [ RowCount ]'])
def test_anything_but_a_list_of_rules_is_refused(ruleset: str) -> None:
    with pytest.raises(DqdlError):
        parse(ruleset)


# ---- the evaluation ----

Rows = Sequence[tuple[Any, ...]]
Failing = dict[str, set[int]]
"""By rule, the ids of the rows that fail it."""

TEXTS = [(1, "book"), (2, "Book"), (3, ""), (4, None), (5, "books")]
ON_TEXTS = {
    'IsComplete "v"': {4},
    'ColumnValues "v" in ["book", "books"]': {2, 3, 4},
    'ColumnValues "v" in ["book", NULL]': {2, 3, 5},
    'ColumnValues "v" = "book"': {2, 3, 4, 5},
    'ColumnValues "v" = NULL': {1, 2, 3, 5},
    'ColumnValues "v" matches "[a-z]*"': {2, 3, 4},
    'ColumnValues "v" matches "book"': {2, 3, 4, 5},
    'ColumnValues "v" matches "book|x"': {2, 3, 4},
    'ColumnLength "v" >= 4': {3, 4},
    'ColumnLength "v" <= 4': {5},
    '(ColumnValues "v" = NULL) or (ColumnLength "v" >= 4)': {3},
    '(IsComplete "v") and (ColumnLength "v" <= 4)': {4, 5},
}
ON_NUMBERS = {
    'ColumnValues "{}" >= 1': {1, 4},
    'ColumnValues "{}" > 1': {1, 2, 4},
    'ColumnValues "{}" <= 1': {3, 4},
    'ColumnValues "{}" < 1.5': {3, 4},
    'ColumnValues "{}" = 1': {1, 3, 4},
    'ColumnValues "{}" in [1, 2]': {1, 4},
    'IsComplete "{}"': {4},
}
NUMBERS = [(i, n, n and float(n), n and Decimal(n)) for i, n in enumerate((-1, 1, 2, None), start=1)]
NUMBER_TYPES = "id int, a int, b double, c decimal(10,2)"
KEYS = [(1, "a", 1), (2, "a", 2), (3, "b", 1), (4, "b", 1), (5, "c", None), (6, None, 1), (7, None, 2)]
ON_KEYS = {'IsUnique "v"': {1, 2, 3, 4, 6, 7}, 'IsPrimaryKey "v" "w"': {3, 4, 5, 6, 7}}
TIMES = [(1, date(2026, 11, 22), datetime(2026, 11, 22)), (2, None, None)]  # noqa: DTZ001 - Spark's are naive
ON_TIMES = {'IsComplete "v"': {2}, 'IsComplete "w"': {2}}


def evaluated(spark: SparkSession, texts: Iterable[str], rows: Rows, schema: str = "id int, v string") -> Evaluation:
    return evaluate(spark.createDataFrame(rows, schema), parse(f"Rules = [ {', '.join(texts)} ]"))


def failing(evaluation: Evaluation) -> Failing:
    rows = evaluation.rows.collect()
    return {
        outcome.rule: {row["id"] for row in rows if outcome.rule in row["DataQualityRulesFail"]}
        for outcome in evaluation.outcomes
    }


@pytest.fixture(scope="module")
def on_rows(spark: SparkSession) -> tuple[Failing, dict[str, bool]]:
    """All rules on rows, evaluated once: which rows failed each, and whether it passed."""
    evaluations = [
        evaluated(spark, ON_TEXTS, TEXTS),
        evaluated(spark, [rule.format(column) for rule in ON_NUMBERS for column in "abc"], NUMBERS, NUMBER_TYPES),
    ]
    failed: Failing = {}
    passed: dict[str, bool] = {}
    for evaluation in evaluations:
        failed |= failing(evaluation)
        passed |= {outcome.rule: outcome.passed for outcome in evaluation.outcomes}
    return failed, passed


@pytest.mark.parametrize(("rule", "expected"), ON_TEXTS.items())
def test_a_rule_on_texts_fails_these_rows(on_rows: tuple[Failing, Any], rule: str, expected: set[int]) -> None:
    assert on_rows[0][rule] == expected


@pytest.mark.parametrize("column", "abc")
@pytest.mark.parametrize(("rule", "expected"), ON_NUMBERS.items())
def test_a_rule_on_numbers_fails_these_rows(
    on_rows: tuple[Failing, Any], rule: str, expected: set[int], column: str
) -> None:
    assert on_rows[0][rule.format(column)] == expected


def test_a_rule_on_rows_has_failed_when_one_row_fails(on_rows: tuple[Failing, dict[str, bool]]) -> None:
    failed, passed = on_rows
    assert passed == dict.fromkeys(failed, False)


def test_a_value_is_unique_where_there_is_one_and_a_primary_key_complete_too(spark: SparkSession) -> None:
    assert failing(evaluated(spark, ON_KEYS, KEYS, "id int, v string, w int")) == ON_KEYS


def test_dates_and_times_can_be_complete(spark: SparkSession) -> None:
    assert failing(evaluated(spark, ON_TIMES, TIMES, "id int, v date, w timestamp")) == ON_TIMES


ON_THE_DATA_SET = {
    "RowCount > 4": (True, {"Dataset.*.RowCount": 5.0}),
    "RowCount > 5": (False, {"Dataset.*.RowCount": 5.0}),
    "RowCount = 5": (True, {"Dataset.*.RowCount": 5.0}),
    'CustomSql "select count(*) from primary where v is null" <= 1': (True, {"Dataset.*.CustomSQL": 1.0}),
    'CustomSql "select count(*) from primary" <= 1': (False, {"Dataset.*.CustomSQL": 5.0}),
    'CustomSql "select cast(0.5 as decimal(3,2))" <= 1': (True, {"Dataset.*.CustomSQL": 0.5}),
    'CustomSql "select max(id) from primary where id > 9" <= 1': (False, {}),
    'CustomSql "select v from primary" <= 1': (False, {}),
    'ColumnNamesMatchPattern "i|v"': (True, {"Dataset.*.ColumnNamesPatternMatchRatio": 1.0}),
    'ColumnNamesMatchPattern "^(?:i|v)$"': (False, {"Dataset.*.ColumnNamesPatternMatchRatio": 0.5}),
    '(IsComplete "gone") or (ColumnValues "v" = NULL)': (False, {}),
}


@pytest.fixture(scope="module")
def on_the_data_set(spark: SparkSession) -> Evaluation:
    return evaluated(spark, ON_THE_DATA_SET, TEXTS)


@pytest.mark.parametrize(("rule", "expected"), ON_THE_DATA_SET.items())
def test_a_rule_on_the_data_set_has_one_answer(
    on_the_data_set: Evaluation, rule: str, expected: tuple[bool, dict[str, float]]
) -> None:
    (found,) = (outcome for outcome in on_the_data_set.outcomes if outcome.rule == rule)
    assert (found.passed, found.metrics) == expected
    assert (found.reason is None) == found.passed


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("RowCount > 5", "Value: 5.0 does not meet the constraint requirement!"),
        ('ColumnNamesMatchPattern "^(?:i|v)$"', "Columns that do not match the pattern: id"),
        ('(IsComplete "gone") or (ColumnValues "v" = NULL)', "Input data does not include column gone!"),
    ],
)
def test_a_failed_rule_on_the_data_set_says_why(on_the_data_set: Evaluation, rule: str, reason: str) -> None:
    assert reason in {outcome.reason for outcome in on_the_data_set.outcomes if outcome.rule == rule}


def test_a_rule_on_the_data_set_or_a_missing_column_is_skipped_in_the_rows(on_the_data_set: Evaluation) -> None:
    rows = on_the_data_set.rows.collect()
    assert [row["DataQualityRulesSkip"] for row in rows] == [list(ON_THE_DATA_SET)] * len(TEXTS)
    assert {row["DataQualityEvaluationResult"] for row in rows} == {"Passed"}


def test_a_rule_in_sql_leaves_what_is_persisted_persisted(spark: SparkSession) -> None:
    frame = spark.createDataFrame(TEXTS, "id int, v string").persist()
    evaluate(frame, parse('Rules = [ CustomSql "select count(*) from primary" <= 1 ]'))
    assert frame.storageLevel.useMemory
    frame.unpersist()


def test_no_rule_is_met_by_no_rows(spark: SparkSession) -> None:
    texts = ['IsComplete "v"', 'ColumnValues "v" in ["a"]', 'IsUnique "v"', "RowCount > 0"]
    assert not any(outcome.passed for outcome in evaluated(spark, texts, []).outcomes)


def test_a_row_names_what_it_passed_failed_and_skipped(spark: SparkSession) -> None:
    evaluation = evaluated(spark, ['IsComplete "v"', 'ColumnLength "v" >= 4', "RowCount > 9"], TEXTS)
    first, *_, fourth, _ = evaluation.rows.orderBy("id").collect()
    assert evaluation.rows.columns == [
        "id",
        "v",
        "DataQualityRulesPass",
        "DataQualityRulesFail",
        "DataQualityRulesSkip",
        "DataQualityEvaluationResult",
    ]
    assert list(first)[2:] == [['IsComplete "v"', 'ColumnLength "v" >= 4'], [], ["RowCount > 9"], "Passed"]
    assert list(fourth)[2:] == [[], ['IsComplete "v"', 'ColumnLength "v" >= 4'], ["RowCount > 9"], "Failed"]


def test_the_outcomes_have_the_columns_of_glue(spark: SparkSession) -> None:
    outcomes = evaluated(spark, ['IsComplete "v"', 'IsComplete "id"'], TEXTS).outcomes_frame()
    assert [tuple(row) for row in outcomes.drop("EvaluatedRule").collect()] == [
        (
            'IsComplete "v"',
            "Failed",
            "Value: 0.8 does not meet the constraint requirement!",
            {"Column.v.IsComplete.Compliance": 0.8},
        ),
        ('IsComplete "id"', "Passed", None, {"Column.id.IsComplete.Compliance": 1.0}),
    ]
    assert outcomes.columns == ["Rule", "Outcome", "FailureReason", "EvaluatedMetrics", "EvaluatedRule"]


def test_rules_on_the_data_set_cannot_be_joined_to_rules_on_rows(spark: SparkSession) -> None:
    with pytest.raises(DqdlError, match="joins a rule on the whole data set"):
        evaluated(spark, ['(RowCount > 0) or (IsComplete "v")'], TEXTS)
