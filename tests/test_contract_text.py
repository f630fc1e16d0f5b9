"""No text that a spreadsheet runs, or that shows as something else, gets into the lake: not in any field of any data
set, and not for any engine that reads a contract's patterns.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import fastjsonschema
import pytest
from pyspark.sql import functions as F  # noqa: N812 - as everyone calls it

import contracts
from contracts import Contract, ContractError, Field
from firehose_transform.batch import transform_batch
from jobs.quality.compile import RULESETS, Ruleset, dqdl, rules
from jobs.refinery.schemas import features_schema, orders_schema
from practice.local_cloud.glue.data_quality.dqdl import Rule, RuleType, parse
from practice.local_cloud.glue.data_quality.evaluation import evaluate
from practice.sample.values import any_value, seeded
from tests.firehose_events import ARRIVAL, decoded, order, record

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

FULL_WIDTH = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}


def ordinary(field: Field) -> str:
    return str(any_value(field, datetime.fromisoformat(ARRIVAL), seeded("ordinary", field.name)))


def hostile(field: Field) -> dict[str, str]:
    """By what it does, text that no field may hold: whole values, and an ordinary one that is tampered with."""
    good = ordinary(field)
    return {
        "formula": '=HYPERLINK("http://x")',
        "formula of plus": "+cmd|' /C calc'!A0",
        "formula of minus": "-2+3",
        "formula of at": "@SUM(1)",
        "formula after a tab": "\t=1",
        "formula after a carriage return": "\r=1",
        "made a formula": f"={good}",
        "made a negative": f"-{good}",
        "formula after a separator": f"{good};=1",
        "shown backwards": f"{good}\u202e",
        "isolated": f"\u2066{good}\u2069",
        "invisible": f"{good}\u200b",
        "only invisible": "\u200b",
        "with a byte order mark": f"\ufeff{good}",
        "with a NUL": f"{good}\0",
        "only a NUL": "\0",
        "two lines": f"{good}\n{good}",
        "very long": good * 500,
        "full width": good.translate(FULL_WIDTH),
        "digits of another script": re.sub("[0-9]", "\u0663", good) if re.search("[0-9]", good) else "\u0663",
        "empty": "",
    }


def with_space(field: Field) -> dict[str, str]:
    """An ordinary value with what the border takes away, and the gate has to find."""
    good = ordinary(field)
    ends = {"line feed": "\n", "CRLF": "\r\n", "next line": "\x85", "line separator": "\u2028", "space": " "}
    return {f"ends in a {name}": good + end for name, end in ends.items()} | {"begins with a tab": f"\t{good}"}


def shows_as_it_is(text: str) -> bool:
    plain = all(character == " " or unicodedata.category(character)[0] not in "CZ" for character in text)
    return plain and text.isascii() and not text.startswith(("=", "+", "-", "@"))


# ---- the border ----


def stored(field: Field, value: str) -> str | None:
    """What the transform makes of an order with this value, None where it refuses the order."""
    (answer,) = transform_batch([record(json.dumps(order(**{field.name: value})).encode())]).records
    return str(decoded(answer)[field.name]) if answer["result"] == "Ok" else None


OF_ORDERS = pytest.mark.parametrize(
    "field",
    [field for field in Contract.load("orders").fields if field.schema["type"] == "string" and not field.read_only],
    ids=lambda field: field.name,
)


@OF_ORDERS
def test_the_border_refuses_an_order_with_hostile_text(field: Field) -> None:
    taken = {kind: stored(field, value) for kind, value in (hostile(field) | {"lone surrogate": "\ud800"}).items()}
    assert {kind: value for kind, value in taken.items() if value is not None} == {}


@OF_ORDERS
def test_the_border_takes_space_away_first(field: Field) -> None:
    good = stored(field, ordinary(field))
    assert good is not None
    assert shows_as_it_is(good)
    spaced = [value for value in with_space(field).values() if value.isascii() or "x-case" not in field.schema]
    assert [stored(field, value) for value in spaced] == [good] * len(spaced)


# ---- the gates ----


def test_every_data_set_has_a_gate() -> None:
    assert {path.stem for path in Path(contracts.__file__).parent.glob("*.json")} == {each.name for each in RULESETS}


def kept_as_text(ruleset: Ruleset) -> list[Field]:
    """The fields that the gate reads as text; of the others the type leaves nothing to say."""
    schemas = {"orders": orders_schema(), "customer_features": features_schema()}
    fields = [field for field in ruleset.contract.fields if field.schema["type"] == "string"]
    if ruleset.as_text:
        return fields
    return [field for field in fields if schemas[ruleset.name][field.name].dataType.simpleString() == "string"]


def judged(spark: SparkSession, ruleset: Ruleset, fields: list[Field]) -> dict[tuple[str, str], set[str]]:
    """By field and kind of text, the rules that a row failed which is ordinary in all other fields."""
    on_text = [rule.text for rule in rules(ruleset) if re.search(r' matches "| in \["', rule.text)]
    on_text = [text for text in on_text if any(f'"{field.name}"' in text for field in fields)]
    good = {field.name: ordinary(field) for field in fields}
    rows = [("", "ordinary", *good.values())]
    for field in fields:
        for kind, value in (hostile(field) | with_space(field)).items():
            rows.append((field.name, kind, *(good | {field.name: value}).values()))
    frame = spark.createDataFrame(rows, ", ".join(f"`{name}` string" for name in ("_field", "_kind", *good)))
    outcome = evaluate(frame, parse(f"Rules = [ {', '.join(on_text)} ]")).rows
    return {(row["_field"], row["_kind"]): set(row["DataQualityRulesFail"]) for row in outcome.collect()}


@pytest.mark.parametrize("ruleset", RULESETS, ids=lambda ruleset: ruleset.name)
def test_the_gate_rejects_a_row_with_hostile_text(spark: SparkSession, ruleset: Ruleset) -> None:
    fields = kept_as_text(ruleset)
    failed = judged(spark, ruleset, fields)
    assert failed.pop(("", "ordinary")) == set()
    passed = [key for key, found in failed.items() if not any(f'"{key[0]}"' in rule for rule in found)]
    assert passed == []
    assert {field for field, _ in failed} == {field.name for field in fields}


# ---- the engines ----


def patterns() -> Iterator[tuple[Field, str, str]]:
    """Each field with a pattern: the contract's, and the one that its gate has."""
    for ruleset in RULESETS:
        for field in ruleset.contract.fields:
            if "pattern" in field.schema:
                (found,) = re.findall(rf'ColumnValues "{field.name}" matches "([^"]*)"', dqdl(ruleset))
                yield field, field.schema["pattern"], found


def samples(field: Field) -> dict[str, bool]:
    """Text, and whether the field may hold it."""
    bad = hostile(field) | with_space(field)
    return dict.fromkeys(bad.values(), False) | {ordinary(field): True}


def found_by(frame: DataFrame, pattern: str) -> dict[str, bool]:
    """As Glue's engine asks, which is Deequ's ``PatternMatch``: whether Java finds the pattern."""
    rows = frame.select("text", (F.regexp_extract("text", pattern, 0) != "").alias("found")).collect()
    return {row["text"]: row["found"] for row in rows}


@pytest.mark.parametrize(("field", "pattern", "of_gate"), [pytest.param(*each, id=each[0].name) for each in patterns()])
def test_every_engine_reads_a_pattern_alike(spark: SparkSession, field: Field, pattern: str, of_gate: str) -> None:
    expected = samples(field)
    frame = spark.createDataFrame([(text,) for text in expected], "text string")
    readings = {
        "Python": {text: re.compile(pattern, re.ASCII).fullmatch(text) is not None for text in expected},
        "JSON Schema": {text: accepts(field.schema, text) for text in expected},
        "Glue": found_by(frame, f"^{of_gate}$"),
        "Glue, were it to search": found_by(frame, of_gate),
        "DuckDB": {
            text: duckdb.execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchall()[0][0]
            for text in expected
        },
    }
    wrong = {
        (engine, text) for engine, reading in readings.items() for text in expected if reading[text] != expected[text]
    }
    assert wrong == set()


def accepts(schema: Any, value: str) -> bool:
    try:
        fastjsonschema.compile({"type": schema["type"], "pattern": schema["pattern"]})(value)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


@pytest.mark.parametrize("name", ["customers", "customer_features"])
def test_glue_takes_no_column_for_declared_because_a_declared_name_is_part_of_it(
    spark: SparkSession, name: str
) -> None:
    (ruleset,) = [each for each in RULESETS if each.name == name]
    (pattern,) = [
        rule.parameters[0]
        for rule in parse(dqdl(ruleset))
        if isinstance(rule, Rule) and rule.type == RuleType.COLUMN_NAMES_MATCH_PATTERN
    ]
    names = [field.name for field in ruleset.contract.fields]
    strange = [f"{name}s" for name in names] + [f"old_{name}" for name in names] + [f"{name}\n" for name in names]
    found = found_by(spark.createDataFrame([(text,) for text in names + strange], "text string"), pattern)
    assert [text for text in names if not found[text]] == []
    assert [text for text in strange if found[text]] == []


# ---- a new field ----


BOUNDS = {"formatMinimum": "1900-01-01", "formatMaximum": "2100-12-31"}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads a contract of one field of text."""
    monkeypatch.setattr(contracts, "DIRECTORY", tmp_path)

    def loaded(schema: dict[str, Any]) -> Contract:
        contract = {"description": "", "required": [], "properties": {"note": {"type": "string"} | schema}}
        (tmp_path / "notes.json").write_text(json.dumps(contract), encoding="utf-8")
        return Contract.load("notes")

    return loaded


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"minLength": 1, "maxLength": 32},
        {"format": "uri"},
        {"enum": ["good", "=bad"]},
        {"enum": ["good", "b\u202ead"]},
        {"enum": ["a;=1"]},
        {"pattern": "[a-z]{1,9}"},
        {"pattern": "^.{1,9}$"},
        {"pattern": "^[^a-z]{1,9}$"},
        {"pattern": "^[a-z]+$"},
        {"pattern": r"^\d{1,9}$"},
        {"pattern": r"^[\w]{1,9}$"},
        {"pattern": "^a|b$"},
        {"pattern": "^(a|b)$"},
        {"pattern": "^[ -~]{1,9}$"},
        {"pattern": "^[A-z]{1,9}$"},
        {"pattern": "^[a-z-]{1,9}$"},
        {"pattern": "^ [a-z]{1,9}$"},
        {"pattern": "^[a-z]{0,9}[=]$"},
        {"pattern": "^[a-z][a-z;]{0,9}$"},
        {"pattern": "^[a-z][a-z\u00fc]{0,9}$"},
        {"pattern": "^[a-z][a-z&&[b]]{0,9}$"},
        {"pattern": "^[a-z]{1,9}$\n"},
        {"pattern": "^$"},
    ],
    ids=lambda schema: json.dumps(schema),
)
def test_a_field_of_unsafe_text_is_refused_with_what_to_do(load: Any, schema: dict[str, Any]) -> None:
    told = r"'note' of contracts/notes\.json .* Give it an enum, .* or a pattern such as \^\[A-Za-z0-9\]"
    with pytest.raises(ContractError, match=told):
        load(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"enum": ["paid_search", "30_to_89d", "own use"]},
        {"format": "date", **BOUNDS},
        {"format": "date-time", **BOUNDS},
        {"pattern": "^C-[0-9]{1,18}$"},
        {"pattern": "^[A-Z]{3}$"},
        {"pattern": "^[A-Za-z0-9][A-Za-z0-9 ./:_-]{0,63}$"},
    ],
    ids=lambda schema: json.dumps(schema),
)
def test_a_field_of_safe_text_is_taken(load: Any, schema: dict[str, Any]) -> None:
    assert [field.name for field in load(schema).fields] == ["note"]


@pytest.mark.parametrize("format_", ["date", "date-time"])
@pytest.mark.parametrize("left_out", BOUNDS)
def test_a_day_or_moment_without_bounds_is_refused_with_what_to_do(load: Any, format_: str, left_out: str) -> None:
    given = {keyword: bound for keyword, bound in BOUNDS.items() if keyword != left_out}
    with pytest.raises(
        ContractError, match=r"'note' of contracts/notes\.json .* Give it formatMinimum and formatMaximum"
    ):
        load({"format": format_, **given})


def test_the_pattern_that_the_refusal_proposes_is_taken(load: Any) -> None:
    with pytest.raises(ContractError) as refusal:
        load({})
    (proposed,) = re.findall(r"such as (\S+\$):", str(refusal.value))
    assert load({"pattern": proposed}).fields
