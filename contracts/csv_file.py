"""How a data set lies in a CSV file, so that Spark, Athena, the crawler and the command line read it alike.

UTF-8 without a byte-order mark; a header with the contract's names in the contract's order; a row is a line, and a
value ends at a comma. Athena's table of the raw customers, which the crawler makes, reads by position and keeps
quotes; so the jobs read in the same way, and refuse a file with another header. No value that fits a contract holds a
comma, a quote or a line end (``contracts/text.py``), so what fits is written without quotes.

The command line takes more from a person's file, and writes it as above: quotes, any order of the columns, any line
ends, a byte-order mark. There too a row is a line, so that a quote that is never closed spoils its own row alone.

Sources: https://docs.aws.amazon.com/athena/latest/ug/lazy-simple-serde.html (no quotes),
https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html (CSV is read by position)
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LAND = "python -m practice land customers --file FILE"
"""What writes a file of customers anew in the way described here."""

_MOST_SHOWN = 160
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SIGNATURES = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_COMPRESSED = {b"\x1f\x8b": "gzip", b"PK\x03\x04": "a zip, as of a spreadsheet"}
_line_end = re.compile("\r\n|\r|\n")


class CsvFileError(ValueError):
    """A file that cannot be read as rows of the data set; the message names the file, the row and the column."""


@dataclass(frozen=True)
class Row:
    """A line of the file: its values in the order of the contract, or none, and why."""

    number: int
    text: str
    values: tuple[str, ...] = ()
    problem: str = ""


def check_header(start: bytes, source: str, names: Sequence[str]) -> None:
    """Refuse a file that does not begin as the jobs and Athena read it; ``start`` is its first line, or more.

    Raises:
        CsvFileError: with the columns that are found and those that are expected.
    """
    first = re.split(b"[\r\n]", start, maxsplit=1)[0]
    fix = f"Land it so: {LAND}"
    if first.startswith(codecs.BOM_UTF8):
        raise CsvFileError(f"{source}, row 1: begins with a byte-order mark, which becomes part of a name. {fix}")
    header = _decoded(first, source, names)
    if not header.strip():
        raise CsvFileError(f"{source}, row 1: is empty; expected {','.join(names)}. {fix}")
    if header.split(",") == list(names):
        return
    problem = _header_problem(header, _fields(header), names)
    raise CsvFileError(f"{source}, row 1: {problem or _other_order(header, names)}. {fix}")


def read(content: bytes, source: str, names: Sequence[str]) -> list[Row]:
    """All rows of a file that a person wrote, each with its values in the order of the names; blank lines are none.

    Raises:
        CsvFileError: when nobody can tell which value is whose: another encoding, separator, or set of names.
    """
    text = _decoded(content.removeprefix(codecs.BOM_UTF8), source, names)
    lines = [(number, line) for number, line in enumerate(_line_end.split(text), start=1) if line.strip()]
    if not lines:
        raise CsvFileError(f"{source}: is empty; expected {_shown(','.join(names))} and rows below it.")
    (number, header), *others = lines
    found = _fields(header)
    if problem := _header_problem(header, found, names):
        raise CsvFileError(f"{source}, row {number}: {problem}.")
    order = [found.index(name) for name in names]
    return [_row(number, line, order) for number, line in others]


def line(values: Sequence[object]) -> str:
    """A line of a file, with quotes where a value cannot do without: such a value fits no contract."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()


def written(rows: Sequence[Row]) -> Iterator[str]:
    """The rows as lines; one without values is the line that it was."""
    for row in rows:
        yield line(row.values) if row.values else f"{row.text}\n"


def _row(number: int, text: str, order: Sequence[int]) -> Row:
    values = _fields(text)
    if not values:
        return Row(number, text, problem="its quotes do not close, or a value goes on after them")
    if len(values) != len(order):
        return Row(number, text, problem=f"has {len(values)} values, the header {len(order)} names")
    return Row(number, text, tuple(values[place] for place in order))


def _fields(text: str) -> list[str]:
    """The values of a line, none if its quotes make no sense."""
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        return [] if '"' in text else text.split(",")


def _decoded(content: bytes, source: str, names: Sequence[str]) -> str:
    for signature, kind in _COMPRESSED.items():
        if content.startswith(signature):
            raise CsvFileError(f"{source}: is {kind}, not text. Unpack it, or save it as CSV.")
    encoding = next((name for signature, name in _SIGNATURES if content.startswith(signature)), "")
    if not encoding and b"\0" in content[:2]:
        encoding = "UTF-16LE" if content[:1] != b"\0" else "UTF-16BE"
    if encoding:
        raise CsvFileError(f"{source}, row 1: is {encoding}, expected UTF-8. {_conversion(encoding)}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = re.split(b"\r\n|\r|\n", content[: error.start])
        column = before[-1].count(b",")
        name = names[column] if column < len(names) else f"column {column + 1}"
        raise CsvFileError(
            f"{source}, row {len(before)}, {name}: byte 0x{content[error.start]:02x} is not UTF-8; the file is Latin-1 "
            f"or Windows-1252, it seems. {_conversion('WINDOWS-1252')}"
        ) from None


def _conversion(encoding: str) -> str:
    return f"Convert it: iconv -f {encoding} -t UTF-8 FILE > NEW"


def _header_problem(header: str, found: Sequence[str], names: Sequence[str]) -> str:
    """Why values cannot be told by the names of a header; nothing if it has all of them, in whatever order."""
    if sorted(found) == sorted(names):
        return ""
    for separator, called in _OTHER_SEPARATORS.items():
        if separator in header and len(found) < len(names):
            return f"the values are separated by {called}, expected commas. Save the file with commas"
    if not found:
        return f"the header's quotes do not close: {_shown(header)}"
    told = []
    if empty := [str(place) for place, name in enumerate(found, start=1) if not name.strip()]:
        told.append(f"column {', '.join(empty)} without a name")
    if twice := sorted({name for name in found if name.strip() and found.count(name) > 1}):
        told.append(f"twice: {', '.join(twice)}")
    alike = {name.strip().lower(): name for name in found if name not in names}
    if other := [f"{alike[name]!r} for {name}" for name in names if name not in found and name in alike]:
        told.append(f"written otherwise: {', '.join(other)}")
    if missing := [name for name in names if name not in found and name not in alike]:
        told.append(f"missing: {', '.join(missing)}")
    if unknown := [name for name in found if name.strip() and name.strip().lower() not in names]:
        told.append(f"unknown: {', '.join(unknown)}")
    return f"the header is {_shown(header)}; expected {','.join(names)} ({_shown('; '.join(told))})"


def _other_order(header: str, names: Sequence[str]) -> str:
    why = "quotes" if '"' in header else "another order"
    return f"the header is {_shown(header)}; expected {','.join(names)} ({why}: Athena reads by position)"


def _shown(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}… ({len(text):,} characters)"
