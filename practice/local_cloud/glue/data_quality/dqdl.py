"""Reads DQDL, the language of Glue's data quality rulesets, as far as the local cloud evaluates it.

What AWS knows and this does not (``where``, ``with threshold``, ``between``, dynamic rules, analyzers, other rule
types) is refused with a message, so that no rule counts as evaluated when it was not.

Source: https://docs.aws.amazon.com/glue/latest/dg/dqdl.html and the grammar of https://github.com/awslabs/dqdl
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, NoReturn

MOST_RULES = 2_000
"""Of a ruleset. Source: https://docs.aws.amazon.com/general/latest/gr/glue.html"""


class RuleType(StrEnum):
    COLUMN_LENGTH = "ColumnLength"
    COLUMN_NAMES_MATCH_PATTERN = "ColumnNamesMatchPattern"
    COLUMN_VALUES = "ColumnValues"
    CUSTOM_SQL = "CustomSql"
    IS_COMPLETE = "IsComplete"
    IS_PRIMARY_KEY = "IsPrimaryKey"
    IS_UNIQUE = "IsUnique"
    ROW_COUNT = "RowCount"


class Operator(StrEnum):
    EQUAL = "="
    GREATER = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="
    IN = "in"
    MATCHES = "matches"


Operand = str | Decimal | None
"""A text, a number, or NULL."""

_NUMERIC = frozenset({Operator.EQUAL, Operator.GREATER, Operator.AT_LEAST, Operator.LESS, Operator.AT_MOST})
_PARAMETERS: dict[RuleType, tuple[int, int]] = {
    RuleType.COLUMN_LENGTH: (1, 1),
    RuleType.COLUMN_NAMES_MATCH_PATTERN: (1, 1),
    RuleType.COLUMN_VALUES: (1, 1),
    RuleType.CUSTOM_SQL: (1, 1),
    RuleType.IS_COMPLETE: (1, 1),
    RuleType.IS_PRIMARY_KEY: (1, 100),
    RuleType.IS_UNIQUE: (1, 1),
    RuleType.ROW_COUNT: (0, 0),
}
_OPERATORS: dict[RuleType, frozenset[Operator]] = {
    RuleType.COLUMN_LENGTH: _NUMERIC,
    RuleType.COLUMN_VALUES: frozenset(Operator),
    RuleType.CUSTOM_SQL: _NUMERIC,
    RuleType.ROW_COUNT: _NUMERIC,
}


class DqdlError(ValueError):
    """A ruleset that the local cloud cannot evaluate; the message names the line and what is wrong."""


@dataclass(frozen=True)
class Condition:
    operator: Operator
    operands: tuple[Operand, ...]


@dataclass(frozen=True)
class Rule:
    """One rule; ``text`` is how the ruleset spells it, without line breaks."""

    text: str
    type: RuleType
    parameters: tuple[str, ...]
    condition: Condition | None = None


@dataclass(frozen=True)
class Composite:
    """Rules in parentheses that are joined by ``or`` or ``and``."""

    text: str
    operator: str
    rules: tuple[AnyRule, ...]


AnyRule = Rule | Composite


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_TOKENS = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*(?:\n|\Z))"""
    r"""|(?P<string>"[^"\\]*")"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)"""
    r"""|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)"""
    r"""|(?P<sign>>=|<=|[=<>\[\](),])"""
)


def parse(ruleset: str) -> tuple[AnyRule, ...]:
    """The rules of a ruleset in their order; raises DqdlError for what cannot be evaluated."""
    return _Parser(ruleset).ruleset()


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = list(self._tokens())
        self.at = 0

    def _tokens(self) -> Sequence[_Token]:
        tokens, at = [], 0
        while at < len(self.source):
            match = _TOKENS.match(self.source, at)
            if match is None:
                self._fail(f"cannot read {self.source[at : at + 20].splitlines()[0]!r}", at)
            if match.lastgroup != "skip":
                tokens.append(_Token(str(match.lastgroup), match.group(), at, match.end()))
            at = match.end()
        tokens.append(_Token("end", "the end", len(self.source), len(self.source)))
        return tokens

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def ruleset(self) -> tuple[AnyRule, ...]:
        self._expect("Rules")
        self._expect("=")
        self._expect("[")
        rules = [self._rule()]
        while self._taken(","):
            rules.append(self._rule())
        self._expect("]")
        if self.token.kind != "end":
            self._fail(f"{self.token.text!r} follows the rules; only a list named Rules is supported")
        if len(rules) > MOST_RULES:
            self._fail(f"{len(rules)} rules; allowed: {MOST_RULES}")
        return tuple(rules)

    def _rule(self) -> AnyRule:
        return self._composite() if self.token.text == "(" else self._plain_rule()

    def _composite(self) -> AnyRule:
        start = self.token.start
        rules = [self._parenthesised()]
        operator = self.token.text.lower()
        while self.token.text.lower() in {"and", "or"}:
            if self.token.text.lower() != operator:
                self._fail(f"{self.token.text!r} follows {operator!r}; put what belongs together in parentheses")
            self.at += 1
            rules.append(self._parenthesised())
        return rules[0] if len(rules) == 1 else Composite(self._text_from(start), operator, tuple(rules))

    def _parenthesised(self) -> AnyRule:
        self._expect("(")
        rule = self._rule()
        self._expect(")")
        return rule

    def _plain_rule(self) -> Rule:
        start = self.token
        if start.kind != "word":
            self._fail(f"{start.text!r} where a rule should begin")
        if start.text not in set(RuleType):
            self._fail(f"the local cloud cannot evaluate rules of type {start.text!r}; it can: {', '.join(RuleType)}")
        self.at += 1
        kind = RuleType(start.text)
        parameters: list[str] = []
        while self.token.kind == "string":
            parameters.append(self._string())
        fewest, most = _PARAMETERS[kind]
        if not fewest <= len(parameters) <= most:
            self._fail(f"{kind} has {len(parameters)} parameters; allowed: {fewest} to {most}", start.start)
        matching = kind == RuleType.COLUMN_NAMES_MATCH_PATTERN
        condition = None if matching or kind not in _OPERATORS else self._condition(kind)
        if self.token.kind == "word" and self.token.text.lower() not in {"and", "or"}:
            self._fail(f"the local cloud does not support {self.token.text!r} in a rule")
        return Rule(self._text_from(start.start), kind, tuple(parameters), condition)

    def _condition(self, kind: RuleType) -> Condition:
        token = self.token
        if token.text not in {str(operator) for operator in _OPERATORS[kind]}:
            allowed = ", ".join(operator for operator in Operator if operator in _OPERATORS[kind])
            self._fail(f"{kind} has {token.text!r} for an expression; supported: {allowed}")
        self.at += 1
        operator = Operator(token.text)
        if operator == Operator.MATCHES:
            return Condition(operator, (self._string(),))
        if operator != Operator.IN:
            return Condition(operator, (self._operand(kind, operator),))
        self._expect("[")
        operands = [self._operand(kind, operator)]
        while self._taken(","):
            operands.append(self._operand(kind, operator))
        self._expect("]")
        return Condition(operator, tuple(operands))

    def _operand(self, kind: RuleType, operator: Operator) -> Operand:
        token = self.token
        if token.kind == "number":
            self.at += 1
            return Decimal(token.text)
        if kind == RuleType.COLUMN_VALUES and operator in {Operator.EQUAL, Operator.IN}:
            if token.kind == "string":
                return self._string()
            if token.text in {"NULL", "null"}:
                self.at += 1
                return None
        return self._fail(f"{token.text!r} after {operator!r}; {kind} cannot be compared with it here")

    def _string(self) -> str:
        token = self.token
        if token.kind != "string":
            self._fail(f"{token.text!r} where a text in double quotes should be")
        self.at += 1
        return token.text[1:-1]

    def _taken(self, text: str) -> bool:
        if self.token.text != text:
            return False
        self.at += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._taken(text):
            self._fail(f"{self.token.text!r} where {text!r} should be")

    def _text_from(self, start: int) -> str:
        return " ".join(self.source[start : self.tokens[self.at - 1].end].split())

    def _fail(self, problem: str, at: int | None = None) -> NoReturn:
        line = self.source.count("\n", 0, self.token.start if at is None else at) + 1
        raise DqdlError(f"line {line} of the ruleset: {problem}.")
