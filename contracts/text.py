r"""The text that a field may hold: nothing that a reader further down takes for something else.

Values end in files that people open, such as Athena's results. A spreadsheet takes what begins with ``=``, ``+``,
``-`` or ``@`` for a formula, after a separator too; a control or bidirectional character shows a value as another one.
So text begins with a letter or digit, and holds only ASCII letters, digits and `` -./:_``.

Python, Java (Spark and Glue) and RE2 (DuckDB) read regular expressions differently. A pattern has only what all of
them read alike: characters and classes of them, each once, ``{n}`` or ``{n,m}`` times. ``\d`` is the digits of every
script to some, ``.`` leaves out line ends, and ``|`` reaches as far as the engine that adds ``^`` and ``$`` lets it.

Source: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FORMATS = frozenset({"date", "date-time"})

_RANGE = "[A-Z]-[A-Z]|[a-z]-[a-z]|[0-9]-[0-9]|[A-Za-z0-9]"
_FIRST = rf"(?:[A-Za-z0-9]|\[(?:{_RANGE})+\])(?:\{{[1-9][0-9]*(?:,[0-9]+)?\}})?"
_NEXT = rf"(?:[A-Za-z0-9 /:_-]|\[(?:{_RANGE}|[ ./:_])+-?\])(?:\{{[0-9]+(?:,[0-9]+)?\}})?"
_is_pattern = re.compile(rf"\^{_FIRST}(?:{_NEXT})*\$").fullmatch
_is_value = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./:_-]*").fullmatch


def is_safe(schema: Mapping[str, Any]) -> bool:
    """Whether a string field's enum, pattern or format lets nothing else through."""
    if "enum" in schema:
        return all(_is_value(value) for value in schema["enum"])
    if "pattern" in schema:
        return _is_pattern(schema["pattern"]) is not None
    return schema.get("format") in FORMATS
