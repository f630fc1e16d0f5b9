"""What a quality gate says: which rules failed, on how many rows, and which rows those are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - as everyone calls it

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FAILED_RULES = "failed_rules"
"""The column of a rejected row with the rules it failed."""

_FAIL = "DataQualityRulesFail"
_RESULT = "DataQualityEvaluationResult"
_OF_GLUE = ("DataQualityRulesPass", _FAIL, "DataQualityRulesSkip", _RESULT)


class QualityGateError(Exception):
    """The data may not pass; the message has each failed rule with its number of rows."""


@dataclass(frozen=True)
class RuleVerdict:
    """How one rule came out. A rule on the whole data set has no failed rows, only what it measured."""

    rule: str
    passed: bool
    failed_rows: int | None
    message: str | None

    def __str__(self) -> str:
        if self.failed_rows is None:
            return f"{self.rule} ({self.message})"
        return f"{self.rule} ({self.failed_rows} {'row' if self.failed_rows == 1 else 'rows'})"


@dataclass(frozen=True)
class Verdict:
    """How a data set came out of its gate in one run."""

    data_set: str
    ruleset: str
    as_of: date
    run_id: str
    rows: int
    rejected_rows: int
    rules: Sequence[RuleVerdict]

    @property
    def failed(self) -> list[RuleVerdict]:
        return [rule for rule in self.rules if not rule.passed]

    @property
    def passed(self) -> bool:
        return not self.failed

    @property
    def score(self) -> float:
        """The share of the rules that passed, as Glue scores a ruleset."""
        return 1 - len(self.failed) / len(self.rules)

    def to_json(self) -> str:
        """One line, as Athena reads JSON."""
        told = {
            "data_set": self.data_set,
            "ruleset": self.ruleset,
            "as_of": self.as_of.isoformat(),
            "run_id": self.run_id,
            "passed": self.passed,
            "score": round(self.score, 6),
            "rows": self.rows,
            "rejected_rows": self.rejected_rows,
            "rules": [asdict(rule) for rule in self.rules],
        }
        return json.dumps(told) + "\n"

    def raise_if_failed(self, *, judged: str, rejected: str, verdict: str) -> None:
        """Say what failed, and where the data, the rejected rows and the verdict are."""
        if self.passed:
            return
        if not self.rows:
            raise QualityGateError(
                f"{self.data_set} failed the quality gate of {self.as_of}: there is not one row in {judged}. "
                f"Verdict: {verdict}"
            )
        where = f" Rejected rows: {rejected}" if self.rejected_rows else ""
        raise QualityGateError(
            f"{self.data_set} failed the quality gate of {self.as_of}: {len(self.failed)} of {len(self.rules)} rules, "
            f"{self.rejected_rows} of {self.rows} rows in {judged}. "
            f"Failed: {'; '.join(map(str, self.failed))}.{where} Verdict: {verdict}"
        )


def verdict_of(
    outcomes: DataFrame, rows: DataFrame, *, data_set: str, ruleset: str, as_of: date, run_id: str
) -> Verdict:
    """The verdict from Glue's ``ruleOutcomes`` and ``rowLevelOutcomes``."""
    alike = rows.groupBy(_RESULT, _FAIL).count().collect()
    failed_rows = Counter[str]()
    for _, failed, count in alike:
        failed_rows.update(dict.fromkeys(failed or (), count))
    total = sum(count for _, _, count in alike)
    total_rejected = sum(count for result, _, count in alike if result == "Failed")
    rules = [
        RuleVerdict(row["Rule"], row["Outcome"] == "Passed", failed_rows.get(row["Rule"]), row["FailureReason"])
        for row in outcomes.select("Rule", "Outcome", "FailureReason").collect()
    ]
    if not rules:
        raise QualityGateError(f"ruleset {ruleset} gave no outcome for {data_set}; a gate without rules lets all pass.")
    return Verdict(data_set, ruleset, as_of, run_id, total, total_rejected, rules)


def rejected_rows(rows: DataFrame, as_of: date) -> DataFrame:
    """The rows that failed a rule, each with the rules it failed."""
    rejected = rows.where(F.col(_RESULT) == "Failed").withColumn(FAILED_RULES, F.col(_FAIL))
    return rejected.drop(*_OF_GLUE).withColumn("as_of", F.lit(as_of.isoformat()))
