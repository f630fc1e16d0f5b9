"""Writes the transform's validator from the orders contract: ``python -m contracts.compile``.

The transform runs on the standard library alone, so what checks a record is generated beforehand and
committed; a test fails when the committed file is not what the contract gives.

Why not fastjsonschema's output: measured with ``benchmarks.firehose_transform`` in its place, the transform ran
at 0.46 of the floor's speed instead of 0.57 (the goal is 0.5), since normalising and checking take two passes and
``multipleOf`` a Decimal; and its exceptions quote the value, which a log must not hold. The tests use it as the
independent judge of what this code lets through.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from contracts import Contract, ContractError, Field

TARGET = Path(__file__).parents[1] / "lambda" / "firehose_transform" / "orders_contract.py"

_OBJECT_KEYWORDS = {"$schema", "title", "description", "type", "additionalProperties", "required", "properties"}


class Check(NamedTuple):
    """How the generated code checks one field."""

    function: str
    """The function of ``firehose_transform.fields`` that it calls."""
    arguments: str = ""
    """What the call has besides the field's name and value."""
    accepts: str = ""
    """For text: what says whether a value is accepted."""


def compile_contract(contract: Contract) -> str:
    """The source of a module that normalises one record and checks it against the contract.

    Every keyword of a field's schema becomes code or raises ContractError; none is passed over.
    """
    unknown = contract.schema.keys() - _OBJECT_KEYWORDS
    if unknown or contract.schema.get("additionalProperties") is not False:
        raise ContractError(
            f"contract {contract.name!r} has {sorted(unknown)} and additionalProperties "
            f"{contract.schema.get('additionalProperties')!r}; allowed are {sorted(_OBJECT_KEYWORDS)} and false. "
            "Say what a record may hold in its properties."
        )
    checks = [(field, _check(field)) for field in contract.fields if not field.read_only]
    functions = sorted({"undeclared"} | {check.function for _, check in checks})
    lines = [
        f'"""The {contract.name} contract as code. Written by ``python -m contracts.compile``; not to be edited."""',
        "from __future__ import annotations\n",
        "import re",
        "from typing import Any\n",
        f"from firehose_transform.fields import {', '.join(functions)}",
        "from firehose_transform.reasons import Reason, Rejected",
        f"READ_ONLY = {_names(field for field in contract.fields if field.read_only)}",
        f"DECLARED = {_names(field for field, _ in checks)}",
        *(f"_{field.name.upper()} = {check.accepts}" for field, check in checks if check.accepts),
        "def conform(record: dict[str, Any], arrival: str) -> dict[str, Any]:",
        f'    """The record as the {contract.name} contract describes it; raises Rejected when it cannot be."""',
        "    if not DECLARED.issuperset(record):",
        "        raise undeclared(record, DECLARED, READ_ONLY)",
        "    try:",
        "        normalised = {",
        *(f"            {field.name!r}: {_call(field, check)}," for field, check in checks if field.required),
        "        }",
        "    except KeyError as missing:",
        '        raise Rejected(Reason.MISSING_FIELD, missing.args[0], "is required") from None',
    ]
    for field, check in checks:
        if not field.required:
            lines += [
                f"    if {field.name!r} in record:",
                f"        normalised[{field.name!r}] = {_call(field, check)}",
            ]
    return _formatted("\n".join([*lines, "    return normalised", ""]))


def _check(field: Field) -> Check:
    schema = field.schema
    match schema.get("type"), _constraints(field):
        case "string", ["format", "formatMaximum", "formatMinimum"] if schema["format"] == "date-time":
            return Check("utc_time", f"{field.earliest!r}, {field.latest!r}, arrival")
        case "string", _:
            return _text_check(field)
        case "boolean", []:
            return Check("boolean")
        case "integer", ["maximum", "minimum"]:
            return Check("integer", f"{schema['minimum']}, {schema['maximum']}")
        case "number", ["maximum", "minimum", "multipleOf"]:
            return Check("decimal_number", f"{float(schema['minimum'])}, {float(schema['maximum'])}, {field.decimals}")
    raise _unsupported(field)


def _text_check(field: Field) -> Check:
    match [keyword for keyword in _constraints(field) if keyword != "x-case"]:
        case ["enum"]:
            values = field.schema["enum"]
            accepts, rule = f"frozenset({values!r}).__contains__", f"must be one of {', '.join(values)}"
        case ["pattern"] if re.fullmatch(r"\^.*\$", field.schema["pattern"]):
            pattern = field.schema["pattern"]
            accepts, rule = f"re.compile({pattern!r}, re.ASCII).fullmatch", f"must match {pattern}"
        case _:
            raise _unsupported(field)
    function = {None: "text", "upper": "upper_text", "lower": "lower_text"}.get(field.schema.get("x-case"))
    if function is None:
        raise _unsupported(field)
    return Check(function, f"_{field.name.upper()}, {rule!r}", accepts)


def _constraints(field: Field) -> list[str]:
    return sorted(field.schema.keys() - {"description", "readOnly", "type"})


def _unsupported(field: Field) -> ContractError:
    return ContractError(
        f"field {field.name!r} has {dict(field.schema)!r}, which the transform cannot check; allowed besides a "
        "description: string with enum, pattern (from ^ to $) or format date-time with formatMinimum and "
        "formatMaximum, and with x-case upper or lower; boolean; integer with minimum and maximum; number with these "
        "and multipleOf. "
        "Declare the field so, or teach contracts/compile.py and firehose_transform/fields.py the new kind."
    )


def _call(field: Field, check: Check) -> str:
    arguments = f", {check.arguments}" if check.arguments else ""
    return f"{check.function}({field.name!r}, record[{field.name!r}]{arguments})"


def _names(fields: Iterable[Field]) -> str:
    return f"frozenset({[field.name for field in fields]!r})"


def _formatted(source: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout  # noqa: S603


if __name__ == "__main__":
    TARGET.write_text(compile_contract(Contract.load("orders")), encoding="utf-8")
