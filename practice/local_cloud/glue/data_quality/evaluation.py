"""Evaluates a ruleset on a Spark data frame, with the outcomes that Glue gives.

A rule on columns is judged row by row and has failed when one row fails; ``RowCount``, ``CustomSql`` and
``ColumnNamesMatchPattern`` judge the data set as a whole and are skipped in the rows. A composite rule is judged row
by row, as Glue does with ``compositeRuleEvaluation.method`` = ``ROW``.

NULL fails every ``ColumnValues`` rule that does not ask for it, and counts as a text of no length for ``ColumnLength``.
``IsUnique`` leaves it out of the data set's outcome, and compares it in the rows like a value. No rule on columns can
be met by a data set without rows. A pattern is written between ``^`` and ``$`` without a group of its own, is looked
for, and has to find a text that is not empty.

Source: https://docs.aws.amazon.com/glue/latest/dg/dqdl-rule-types.html and the pages below it, and Deequ, on which
Glue builds, where they are silent: https://github.com/awslabs/deequ/tree/0b8cea54/src/main/scala/com/amazon/deequ
(below dqdl and analyzers). Where the two differ, the pages count: Deequ's ``IsPrimaryKey`` of several columns takes
NULL, and its ``ColumnLength`` passes over it. The columns of the outcomes:
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-transforms-EvaluateDataQuality.html
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.errors import IllegalArgumentException
from pyspark.sql import Window
from pyspark.sql import functions as F  # noqa: N812 - as everyone calls it
from pyspark.sql.types import NumericType, StringType

from practice.local_cloud.glue.data_quality.dqdl import AnyRule, Composite, Condition, DqdlError, Operator, Rule
from practice.local_cloud.glue.data_quality.dqdl import RuleType as Type

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

PASSED, FAILED = "Passed", "Failed"
OUTCOMES = (
    "Rule string, Outcome string, FailureReason string, EvaluatedMetrics map<string, double>, EvaluatedRule string"
)
_DATA_SET_RULES = frozenset({Type.COLUMN_NAMES_MATCH_PATTERN, Type.CUSTOM_SQL, Type.ROW_COUNT})
_COMPARISONS = {
    Operator.EQUAL: operator.eq,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
}


@dataclass(frozen=True)
class RuleOutcome:
    """How one rule came out over the whole data set."""

    rule: str
    passed: bool
    reason: str | None
    metrics: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    outcomes: Sequence[RuleOutcome]
    rows: DataFrame
    """The data, with what each row passed, failed and skipped."""

    def outcomes_frame(self) -> DataFrame:
        rows = [
            (outcome.rule, PASSED if outcome.passed else FAILED, outcome.reason, outcome.metrics, outcome.rule)
            for outcome in self.outcomes
        ]
        return self.rows.sparkSession.createDataFrame(rows, OUTCOMES)


def evaluate(frame: DataFrame, rules: Sequence[AnyRule]) -> Evaluation:
    columns = frame.columns
    for rule in rules:
        _check_patterns(rule, frame)
    judged = [rule for rule in rules if _row_level(rule) and not _unfit(rule, frame)]
    marks = {_mark(index): F.coalesce(_passes(rule), F.lit(False)) for index, rule in enumerate(judged)}
    marked = frame.withColumns(marks) if marks else frame
    passes = {id(rule): _mark(index) for index, rule in enumerate(judged)}
    total, counts = _counts(marked, judged)
    of_rule = dict(zip((id(rule) for rule in judged), counts, strict=True))
    outcomes = [_outcome(rule, frame, total, of_rule.get(id(rule))) for rule in rules]
    return Evaluation(outcomes, _with_outcomes(marked, rules, passes).select(*columns, *_ROW_COLUMNS))


def _counts(marked: DataFrame, rules: Sequence[AnyRule]) -> tuple[int, list[tuple[int, int]]]:
    """The rows, and for each rule how many of them pass and how many count."""
    sums = []
    for index, rule in enumerate(rules):
        counts = _counts_for(rule)
        sums += [F.count_if(F.col(_mark(index)) & counts), F.count_if(counts)]
    total, *found = marked.agg(F.count(F.lit(1)), *sums).collect()[0]
    return total, list(zip(found[::2], found[1::2], strict=True))


def _counts_for(rule: AnyRule) -> Column:
    match rule:
        case Rule(type=Type.IS_UNIQUE, parameters=(name,)):
            return F.col(f"`{name}`").isNotNull()
    return F.lit(True)


def _mark(index: int) -> str:
    return f"__rule_{index}"


def _row_level(rule: AnyRule) -> bool:
    if isinstance(rule, Rule):
        return rule.type not in _DATA_SET_RULES
    if all(_row_level(part) for part in rule.rules):
        return True
    raise DqdlError(f"{rule.text} joins a rule on the whole data set to another; the local cloud joins rules on rows.")


def _parts(rule: AnyRule) -> Iterator[Rule]:
    if isinstance(rule, Rule):
        yield rule
    else:
        for part in rule.rules:
            yield from _parts(part)


def _unfit(rule: AnyRule, frame: DataFrame) -> str:
    """Why the data cannot be judged: a column that the rule asks for is missing, or of a type that it does not take."""
    parts = [part for part in _parts(rule) if part.type not in _DATA_SET_RULES]
    asked = dict.fromkeys(name for part in parts for name in part.parameters)
    if missing := [name for name in asked if name not in frame.columns]:
        return f"Input data does not include column {', '.join(missing)}!"
    for part in parts:
        found = frame.schema[part.parameters[0]].dataType
        if isinstance(wanted := _wanted(part), type) and not isinstance(found, wanted):
            kind = "StringType" if wanted is StringType else "one of the numeric types"
            return f"Expected type of column {part.parameters[0]} to be {kind}, but found {found} instead!"
    return ""


def _wanted(rule: Rule) -> type | None:
    """The type that the rule's column has to have."""
    match rule.type, rule.condition:
        case (Type.COLUMN_LENGTH, _) | (Type.COLUMN_VALUES, Condition(Operator.MATCHES)):
            return StringType
        case Type.COLUMN_VALUES, Condition(compared, (Decimal(),)) if compared in _COMPARISONS:
            return NumericType
    return None


def _check_patterns(rule: AnyRule, frame: DataFrame) -> None:
    for part in _parts(rule):
        match part:
            case Rule(type=Type.COLUMN_NAMES_MATCH_PATTERN, parameters=(pattern,)):
                _compiled(pattern, frame)
            case Rule(condition=Condition(Operator.MATCHES, (str(pattern),))):
                _compiled(_anchored(pattern), frame)


def _compiled(pattern: str, frame: DataFrame) -> Any:
    """Java's pattern, which is what Deequ and Spark look for."""
    jvm: Any = frame.sparkSession.sparkContext._jvm
    try:
        return jvm.java.util.regex.Pattern.compile(pattern)
    except IllegalArgumentException as error:
        reason = str(error).splitlines()[0]
        raise DqdlError(f"{pattern} is no regular expression of Java's: {reason}.") from None


def _anchored(pattern: str) -> str:
    return f"^{pattern}$"


def _passes(rule: AnyRule) -> Column:
    """Whether a row passes; NULL counts as no."""
    if isinstance(rule, Composite):
        join = operator.or_ if rule.operator == "or" else operator.and_
        return reduce(join, (F.coalesce(_passes(part), F.lit(False)) for part in rule.rules))
    columns = [F.col(f"`{name}`") for name in rule.parameters]
    column = columns[0]
    match rule.type, rule.condition:
        case Type.IS_COMPLETE, _:
            return column.isNotNull()
        case Type.IS_UNIQUE, _:
            return _occurrences(columns) == 1
        case Type.IS_PRIMARY_KEY, _:
            complete = reduce(operator.and_, (each.isNotNull() for each in columns))
            return complete & (_occurrences(columns) == 1)
        case Type.COLUMN_LENGTH, Condition() as condition:
            return _compare(F.coalesce(F.length(column), F.lit(0)), condition)
        case Type.COLUMN_VALUES, Condition() as condition:
            return _compare(column, condition)
    raise DqdlError(f"{rule.text} cannot be evaluated row by row.")


def _occurrences(columns: Iterable[Column]) -> Column:
    return F.count(F.lit(1)).over(Window.partitionBy(*columns))


def _compare(column: Column, condition: Condition) -> Column:
    match condition.operator, condition.operands:
        case Operator.MATCHES, (str(pattern),):
            return F.regexp_extract(column, _anchored(pattern), 0) != ""
        case Operator.IN, operands:
            return reduce(operator.or_, (_equals(column, operand) for operand in operands))
        case Operator.EQUAL, (operand,):
            return _equals(column, operand)
        case comparison, (operand,):
            compared: Column = _COMPARISONS[comparison](column, F.lit(operand))
            return compared
    raise DqdlError(f"{condition} cannot be evaluated.")


def _equals(column: Column, operand: Any) -> Column:
    return column.isNull() if operand is None else F.coalesce(column == F.lit(operand), F.lit(False))


def _outcome(rule: AnyRule, frame: DataFrame, total: int, counts: tuple[int, int] | None) -> RuleOutcome:
    if reason := _unfit(rule, frame):
        return RuleOutcome(rule.text, False, reason, {})
    if counts is None:
        assert isinstance(rule, Rule)  # noqa: S101 - _row_level has refused the others
        return _data_set_outcome(rule, frame, total)
    passing, counted = counts
    if not counted:
        why = "The column has no values." if total else "The data set has no rows."
        return RuleOutcome(rule.text, False, why, {})
    share, passed = passing / counted, passing == counted
    failure = None if passed else f"Value: {share} does not meet the constraint requirement!"
    return RuleOutcome(rule.text, passed, failure, {f"{_metric(rule)}.Compliance": share})


def _metric(rule: AnyRule) -> str:
    first = next(_parts(rule))
    kind = "Column" if len(first.parameters) == 1 else "Multicolumn"
    return f"{kind}.{','.join(first.parameters)}.{first.type}"


def _data_set_outcome(rule: Rule, frame: DataFrame, total: int) -> RuleOutcome:
    if rule.type == Type.COLUMN_NAMES_MATCH_PATTERN:
        pattern, names = _compiled(rule.parameters[0], frame), frame.columns
        strange = [name for name in names if not pattern.matcher(name).find()]
        reason = f"Columns that do not match the pattern: {', '.join(strange)}" if strange else None
        share = (len(names) - len(strange)) / len(names)
        return RuleOutcome(rule.text, not strange, reason, {"Dataset.*.ColumnNamesPatternMatchRatio": share})
    if rule.type == Type.ROW_COUNT:
        value, metric = float(total), "Dataset.*.RowCount"
    else:
        found = _answer(rule, frame)
        if found is None:
            return RuleOutcome(rule.text, False, "The SQL statement did not answer with a number.", {})
        value, metric = found, "Dataset.*.CustomSQL"
    passed = rule.condition is not None and _holds(value, rule.condition)
    reason = None if passed else f"Value: {value} does not meet the constraint requirement!"
    return RuleOutcome(rule.text, passed, reason, {metric: value})


def _answer(rule: Rule, frame: DataFrame) -> float | None:
    """What the statement answers, in which the data is called ``primary``."""
    # a view of its own plan: with a view, Spark forgets what was persisted of the same plan
    frame.select("*").createOrReplaceTempView("primary")
    try:
        answer = frame.sparkSession.sql(rule.parameters[0]).collect()
    finally:
        frame.sparkSession.catalog.dropTempView("primary")
    if len(answer) != 1 or len(answer[0]) != 1 or not isinstance(answer[0][0], int | float | Decimal):
        return None
    return float(answer[0][0])


def _holds(value: float, condition: Condition) -> bool:
    (operand,) = condition.operands
    assert isinstance(operand, Decimal)  # noqa: S101 - the parser lets nothing else through
    return bool(_COMPARISONS[condition.operator](value, float(operand)))


_ROW_COLUMNS = ("DataQualityRulesPass", "DataQualityRulesFail", "DataQualityRulesSkip", "DataQualityEvaluationResult")


def _with_outcomes(marked: DataFrame, rules: Sequence[AnyRule], passes: dict[int, str]) -> DataFrame:
    texts = "array<string>"

    def listed(wanted: bool) -> Column:
        named = [F.when(F.col(passes[id(rule)]) == wanted, F.lit(rule.text)) for rule in rules if id(rule) in passes]
        return F.filter(F.array(*named), lambda text: text.isNotNull()).cast(texts)

    skipped = F.array(*[F.lit(rule.text) for rule in rules if id(rule) not in passes]).cast(texts)
    passed, failed, skip, result = _ROW_COLUMNS
    return marked.withColumns({passed: listed(True), failed: listed(False), skip: skipped}).withColumn(
        result, F.when(F.size(failed) == 0, PASSED).otherwise(FAILED)
    )
