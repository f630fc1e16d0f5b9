"""How Athena splits a line of a text table into fields, by either of its SerDes for separated values.

Source: Trino, on which Athena builds, and whose readers are "bug for bug compatible" with Hive's:
https://github.com/trinodb/trino/tree/master/lib/trino-hive-formats/src/main/java/io/trino/hive/formats/line
(csv/CsvDeserializer.java and simple/SimpleDeserializer.java)
"""

from __future__ import annotations

from collections.abc import Iterator


def plain_fields(line: str, delimiter: str, escape: str) -> Iterator[str]:
    """The fields of LazySimpleSerDe: quotes mean nothing; what follows an escape character is text."""
    field, at = "", 0
    while at < len(line):
        if escape and line[at] == escape and at + 1 < len(line):
            at += 1
            field += line[at]
        elif line[at] == delimiter:
            yield field
            field = ""
        else:
            field += line[at]
        at += 1
    yield field


def quoted_fields(line: str, delimiter: str, quote: str, escape: str) -> Iterator[str | None]:
    """The fields of OpenCSVSerDe, which knows no line break inside quotes.

    An empty line has no fields at all, and a last field whose quote nothing closes has no value. A quote in the middle
    of a field stays.
    """
    if not line:
        return
    field, quoted, begun, at = "", False, False, 0
    while at < len(line):
        sign, following = line[at], line[at + 1 : at + 2]
        if sign == escape:
            if (quoted or begun) and following in (quote, escape):
                field += following
                at += 1
        elif sign == quote:
            if (quoted or begun) and following == quote:
                field += quote
                at += 1
            else:
                if at > 2 and line[at - 1] != delimiter and following not in ("", delimiter):
                    field = "" if field.isspace() else field + quote
                quoted = not quoted
            begun = not begun
        elif sign == delimiter and not quoted:
            yield field
            field, begun = "", False
        else:
            field += sign
            begun = True
        at += 1
    yield None if quoted else field
