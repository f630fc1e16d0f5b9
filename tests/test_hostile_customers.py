"""Files of customers as people have them: each row used, or refused with its reason; none lost, merged or invented.

Each file goes both ways in: through ``land customers --file``, and straight into the raw zone. What the command line
says of a row is what the quality gate then says of it.
"""

from __future__ import annotations

import io
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyspark.sql import functions as F  # noqa: N812 - as everyone calls it

from contracts import Contract
from contracts.csv_file import CsvFileError, read, written
from jobs.quality.compile import path
from jobs.refinery import storage
from jobs.refinery.quality_measures import measured
from practice import cli
from practice.customers import objections, read_file, to_land
from practice.errors import PracticeError
from practice.ingest import land_customers
from practice.local_cloud.glue.data_quality.dqdl import parse
from practice.local_cloud.glue.data_quality.evaluation import evaluate
from practice.local_cloud.lifecycle import LocalCloud
from practice.sandbox import Sandbox, Target
from tests.refinery_lake import HEADER, Mount
from tests.refinery_lake import mount as mount  # a fixture

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TODAY = date(2026, 11, 22)
NAMES = [field.name for field in Contract.load("customers").given]
ANN, BOB, CID = (f"C-{number},2026-01-31,FR,social,true,1990" for number in (1, 2, 3))


def lines(*rows: str, header: str = HEADER, end: str = "\n") -> str:
    return end.join([header, *rows, ""])


def changed(column: str, value: str) -> str:
    """A customer with another value in one column."""
    return ",".join(value if name == column else old for name, old in zip(NAMES, BOB.split(","), strict=True))


def quoted(text: str) -> str:
    return "\n".join(",".join(f'"{value}"' for value in line.split(",")) for line in text.splitlines())


def reordered(text: str) -> str:
    return "\n".join(",".join(reversed(line.split(","))) for line in text.splitlines())


GOOD = lines(ANN, BOB)

USED: dict[str, tuple[str | bytes, int]] = {
    "as it should be": (GOOD, 2),
    "no final newline": (GOOD.rstrip("\n"), 2),
    "CRLF": (lines(ANN, BOB, end="\r\n"), 2),
    "CR alone": (lines(ANN, BOB, end="\r"), 2),
    "mixed line ends": (f"{HEADER}\r\n{ANN}\r{BOB}\n", 2),
    "quoted everywhere": (quoted(GOOD), 2),
    "quoted ids": (lines('"C-1",2026-01-31,FR,social,true,1990', BOB), 2),
    "quoted, CRLF, no final newline": (quoted(GOOD).replace("\n", "\r\n"), 2),
    "a byte-order mark": (b"\xef\xbb\xbf" + GOOD.encode(), 2),
    "a byte-order mark and quotes": (b"\xef\xbb\xbf" + quoted(GOOD).encode(), 2),
    "header in another order": (reordered(GOOD), 2),
    "two rows that start alike": (reordered(lines(ANN, BOB, CID)), 3),
    "blank lines": (f"\n{HEADER}\n\n{ANN}\n   \n{BOB}\n\n\n", 2),
    "no birth year": (lines("C-1,2026-01-31,FR,social,true,", BOB), 2),
    "bounds of a day": (lines("C-1,1900-01-01,FR,social,true,", f"C-2,{TODAY},FR,social,true,2026"), 2),
    "a long id": (lines(f"C-{'9' * 18},2026-01-31,FR,social,false,1990"), 1),
    "ten thousand rows": (lines(*(f"C-{number},2026-01-31,FR,social,true,1990" for number in range(10_000))), 10_000),
}
"""Files of which every row fits, with how many rows they have."""

PARTLY: dict[str, tuple[str, dict[int, str]]] = {
    "a quoted line break": (
        lines(ANN, '"C-2\n",2026-01-31,FR,social,true,1990', CID),
        {3: "the whole row", 4: "the whole row"},
    ),
    "a quote that is never closed": (lines('"C-1,2026-01-31,FR,social,true,1990', BOB, CID), {2: "the whole row"}),
    "text behind a quote": (lines('"C-1"2,2026-01-31,FR,social,true,1990', BOB), {2: "the whole row"}),
    "a quote inside": (lines('C-"1,2026-01-31,FR,social,true,1990', BOB), {2: "customer_id"}),
    "a comma in quotes": (lines('"C-1,2",2026-01-31,FR,social,true,1990', BOB), {2: "customer_id"}),
    "a short row": (lines("C-1,2026-01-31,FR,social,true", BOB), {2: "the whole row"}),
    "a long row": (lines(f"{ANN},more", BOB), {2: "the whole row"}),
    "trailing separators in rows": (lines(f"{ANN},", f"{BOB},", CID), {2: "the whole row", 3: "the whole row"}),
    "one word": (lines("total", BOB), {2: "the whole row"}),
    "commas alone": (lines(",,,,,", BOB), {2: "customer_id"}),
    "the header again": (lines(ANN, HEADER, BOB), {3: "customer_id"}),
    "a customer twice": (lines(ANN, BOB, ANN), {2: "customer_id", 4: "customer_id"}),
    "a customer twice, with another country": (
        lines(ANN, ANN.replace("FR", "AT")),
        {2: "customer_id", 3: "customer_id"},
    ),
    "a decimal year": (lines(ANN, changed("birth_year", "1990.5")), {3: "birth_year"}),
    "a year of words": (lines(ANN, changed("birth_year", "young")), {3: "birth_year"}),
    "a year with spaces": (lines(ANN, changed("birth_year", " 1990")), {3: "birth_year"}),
    "a year too early": (lines(ANN, changed("birth_year", "1899")), {3: "birth_year"}),
    "a customer not yet born": (lines(ANN, changed("birth_year", "2027")), {3: "birth_year"}),
    "a customer of 121": (lines(ANN, changed("birth_year", "1905")), {3: "birth_year"}),
    "a huge number": (lines(ANN, changed("birth_year", "9" * 5_000)), {3: "birth_year"}),
    "no": (lines(ANN, changed("marketing_opt_in", "no")), {3: "marketing_opt_in"}),
    "TRUE": (lines(ANN, changed("marketing_opt_in", "TRUE")), {3: "marketing_opt_in"}),
    "1 for true": (lines(ANN, changed("marketing_opt_in", "1")), {3: "marketing_opt_in"}),
    "a date of elsewhere": (lines(ANN, changed("signup_date", "01/02/2026")), {3: "signup_date"}),
    "the empty date of some systems": (lines(ANN, changed("signup_date", "0001-01-01")), {3: "signup_date"}),
    "the last date of some systems": (lines(ANN, changed("signup_date", "9999-12-31")), {3: "signup_date"}),
    "a day that is none": (lines(ANN, changed("signup_date", "2026-02-30")), {3: "signup_date"}),
    "a day to come": (lines(ANN, changed("signup_date", "2026-11-23")), {3: "signup_date"}),
    "a week": (lines(ANN, changed("signup_date", "2026-W05-6")), {3: "signup_date"}),
    "a time": (lines(ANN, changed("signup_date", "2026-01-31T00:00:00Z")), {3: "signup_date"}),
    "no id": (lines(ANN, changed("customer_id", "")), {3: "customer_id"}),
    "an id in small letters": (lines(ANN, changed("customer_id", "c-2")), {3: "customer_id"}),
    "an id of Arabic digits": (lines(ANN, changed("customer_id", "C-\u0662")), {3: "customer_id"}),
    "a formula": (lines(ANN, changed("customer_id", "=cmd|'/c calc'!A0")), {3: "customer_id"}),
    "text from right to left": (lines(ANN, changed("country", "\u202eRF")), {3: "country"}),
    "a NUL": (lines(ANN, changed("customer_id", "C-2\0")), {3: "customer_id"}),
    "a NUL before": (lines(ANN, changed("customer_id", "\0C-2")), {3: "customer_id"}),
    "a line separator": (lines(ANN, changed("customer_id", "C-2\u2028")), {3: "customer_id"}),
    "a vertical tab": (lines(ANN, changed("country", "FR\x0b")), {3: "country"}),
    "a non-breaking space": (lines(ANN, changed("country", "FR\u00a0")), {3: "country"}),
    "null": (lines(ANN, changed("country", "null")), {3: "country"}),
    "a giant field": (lines(ANN, changed("country", "F" * 300_000), CID), {3: "country"}),
    "a giant field in quotes": (lines(ANN, changed("country", f'"{"F" * 300_000}"'), CID), {3: "the whole row"}),
    "many columns": (lines(ANN, "," * 30_000, CID), {3: "the whole row"}),
    "another channel": (lines(ANN, changed("acquisition_channel", "radio")), {3: "acquisition_channel"}),
    "a channel and a space": (lines(ANN, changed("acquisition_channel", "social ")), {3: "acquisition_channel"}),
    "nothing that fits": (lines("a,b,c,d,e,f", "g,h,i,j,k,l"), {2: "customer_id", 3: "customer_id"}),
}  # fmt: skip
"""Files with rows that do not fit: the number of each, and the first column that is at fault."""

REFUSED: dict[str, tuple[bytes | str, str]] = {
    "empty": ("", "is empty"),
    "only line ends": ("\n\r\n", "is empty"),
    "a header alone": (f"{HEADER}\n", "no customer below it"),
    "no header": (f"{ANN}\n{BOB}\n", "row 1: the header is C-1"),
    "semicolons": (GOOD.replace(",", ";"), "row 1: the values are separated by semicolons"),
    "tabs": (GOOD.replace(",", "\t"), "row 1: the values are separated by tabs"),
    "vertical bars": (GOOD.replace(",", "|"), "row 1: the values are separated by vertical bars"),
    "UTF-16": (GOOD.encode("utf-16"), "row 1: is UTF-16"),
    "UTF-16 without a mark": (GOOD.encode("utf-16-le"), "row 1: is UTF-16LE"),
    "UTF-16, big end first, without a mark": (GOOD.encode("utf-16-be"), "row 1: is UTF-16BE"),
    "UTF-32": (GOOD.encode("utf-32"), "row 1: is UTF-32"),
    "Latin-1": (lines(ANN, changed("country", "Österreich")).encode("latin-1"), "row 3, country: byte 0xd6"),
    "Latin-1, CR alone": (lines(ANN, changed("country", "Ö"), end="\r").encode("latin-1"), "row 3, country: byte"),
    "cut in a character": (GOOD.encode() + "C-3,ö".encode()[:-1], "row 4, signup_date: byte 0xc3"),
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "is gzip"),
    "a spreadsheet": (b"PK\x03\x04" + bytes(20), "is a zip"),
    "a header of other case": (GOOD.replace("customer_id", "Customer_ID"), "'Customer_ID' for customer_id"),
    "a header with spaces": (GOOD.replace(",country", ", country"), "' country' for country"),
    "a column twice": (GOOD.replace("birth_year", "country"), "twice: country; missing: birth_year"),
    "a column less": (GOOD.replace(",birth_year", ""), "missing: birth_year"),
    "a column more": (GOOD.replace("birth_year", "birth_year,loyalty"), "unknown: loyalty"),
    "a column without a name": (GOOD.replace("birth_year", ""), "column 6 without a name"),
    "trailing separators": ("".join(f"{line},\n" for line in GOOD.splitlines()), "column 7 without a name"),
    "a header that never closes": (f'"{GOOD}', "quotes do not close"),
    "a giant header": ("x" * 3_000 + "\n1\n", "(3,000 characters)"),
    "a header of many columns": (",".join(f"column_{n}" for n in range(3_000)) + "\n", "characters)"),
    "JSON": ('{"customer_id": "C-1"}\n', "row 1: the header is"),
    "SQL's answer": ("+----+\n| id |\n", "row 1: the"),
}
"""Files that nobody can read rows of, with what is said."""


def content(given: str | bytes) -> bytes:
    return given if isinstance(given, bytes) else given.encode()


@pytest.fixture
def own_file(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def made(given: str | bytes) -> Path:
        file = tmp_path / "own.csv"
        file.write_bytes(content(given))
        return file

    return made


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(USED) + len(PARTLY) + len(REFUSED) >= 40


@pytest.mark.parametrize("name", USED)
def test_every_row_of_it_fits_and_lands_as_it_should_be(name: str, own_file: Callable[[str | bytes], Path]) -> None:
    given, number = USED[name]
    rows = read_file(own_file(given))
    assert list(objections(rows, TODAY)) == []
    landed = "".join(to_land(rows))
    assert landed.startswith(f"{HEADER}\n")
    assert '"' not in landed
    assert len({line.split(",")[0] for line in landed.splitlines()[1:]}) == len(rows) == number


@pytest.mark.parametrize("name", PARTLY)
def test_each_row_of_it_is_used_or_refused_with_its_row_and_column(
    name: str, own_file: Callable[[str | bytes], Path]
) -> None:
    given, expected = PARTLY[name]
    rows = read_file(own_file(given))
    found: dict[int, str] = {}
    for objection in objections(rows, TODAY):
        found.setdefault(objection.row, objection.column)
        assert len(objection.value) + len(objection.why) < 240
    assert found == expected
    assert len(rows) == sum(1 for line in given.split("\n")[1:] if line.strip())
    assert read("".join(to_land(rows)).encode(), "again", NAMES) == [
        type(row)(number, *rest) for number, row in enumerate(rows, start=2) for rest in [_as_landed(row)]
    ]


def _as_landed(row: Any) -> tuple[str, tuple[str, ...], str]:
    (text,) = written([row])
    return text.removesuffix("\n"), row.values, row.problem


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_a_line_that_names_the_file_and_what_is_wrong(
    name: str, own_file: Callable[[str | bytes], Path]
) -> None:
    given, told = REFUSED[name]
    file = own_file(given)
    with pytest.raises(PracticeError) as error:
        read_file(file)
    message = str(error.value)
    assert message.startswith(str(file))
    assert told in message
    assert "\n" not in message
    assert len(message) - len(str(file)) < 3 * 200


# ---- the same files in the raw zone ----


@pytest.fixture(scope="module")
def raw(local_cloud: LocalCloud, mount: Mount) -> Callable[[bytes], str]:
    """Puts a file where the shop's export would; returns its place."""
    s3, bucket = local_cloud.client("s3"), f"raw-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    mount()

    def put(body: bytes) -> str:
        key = f"customers/{uuid.uuid4().hex}/customers.csv"
        s3.put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key.rpartition('/')[0]}/"

    return put


RULES = [
    rule for rule in parse(path("customers").read_text(encoding="utf-8")) if "days_since_snapshot" not in rule.text
]


def refused_by_the_gate(spark: SparkSession, place: str) -> tuple[int, list[str]]:
    """How many rows the gate sees, and whose it refuses."""
    rows = storage.read_csv(spark, place, NAMES).withColumn("snapshot_date", F.lit(TODAY.isoformat()))
    judged = evaluate(measured("customers", rows, TODAY), RULES).rows.collect()
    refused = [row for row in judged if row["DataQualityEvaluationResult"] == "Failed"]
    return len(judged), sorted(str(row["_corrupt_record"] or row["customer_id"]) for row in refused)


def test_the_gate_refuses_the_rows_that_the_command_line_named(
    spark: SparkSession, raw: Callable[[bytes], str], own_file: Callable[[str | bytes], Path]
) -> None:
    """All rows of the corpus in one file, with ids of their own: one run of the rules instead of sixty."""
    texts: list[str] = []
    for number, (given, _) in enumerate(PARTLY.values()):
        for row in read(given.encode(), "the corpus", NAMES):
            (text,) = written([row])
            texts.append(text.replace("C-1,", f"C-{number}01,").replace("C-2,", f"C-{number}02,"))
    rows = read_file(own_file(f"{HEADER}\n{''.join(texts)}"))
    refused = {objection.row for objection in objections(rows, TODAY)}
    seen, by_gate = refused_by_the_gate(spark, raw("".join(to_land(rows)).encode()))
    assert (seen, len(by_gate)) == (len(rows), len(refused))


@pytest.mark.parametrize(
    ("name", "not_refused"),
    [("quoted ids", 1), ("a byte-order mark", None), ("header in another order", None), ("CR alone", 2)],
)
def test_straight_in_the_raw_zone_it_is_read_as_athena_reads_it_or_refused(
    name: str, not_refused: int | None, spark: SparkSession, raw: Callable[[bytes], str]
) -> None:
    given, number = USED[name]
    place = raw(content(given))
    if not_refused is None:
        with pytest.raises(CsvFileError, match=f"{place}customers.csv, row 1: "):
            refused_by_the_gate(spark, place)
    else:
        seen, refused = refused_by_the_gate(spark, place)
        assert (seen, seen - len(refused)) == (number, not_refused)


# ---- landing ----


def landed(local_cloud: LocalCloud, bucket: str) -> bytes:
    key = f"customers/snapshot_date={TODAY}/customers.csv"
    body: bytes = local_cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


@pytest.fixture
def sandbox(local_cloud: LocalCloud) -> Sandbox:
    bucket = f"land-{uuid.uuid4().hex[:8]}"
    local_cloud.client("s3").create_bucket(Bucket=bucket)
    return Sandbox("test", Target("test", local_cloud.client, local_cloud), {"RawBucket": bucket})


@pytest.mark.parametrize("name", [*USED, *PARTLY])
def test_own_customers_of_the_day_stay_whatever_their_file_looks_like(
    name: str, local_cloud: LocalCloud, sandbox: Sandbox
) -> None:
    given = content((USED | PARTLY)[name][0])
    bucket, key = sandbox["RawBucket"], f"customers/snapshot_date={TODAY}/customers.csv"
    local_cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=given)
    there = read(given, "there", NAMES)
    new = changed("customer_id", "C-777777")
    for _ in range(2):
        url, number = land_customers(sandbox, [f"{HEADER}\n", f"{new}\n"], TODAY)
        assert (url, number) == (f"s3://{bucket}/{key}", len(there) + 1)
    rows = read(landed(local_cloud, bucket), "now", NAMES)
    assert sorted((row.values, row.problem) for row in rows) == sorted(
        [*((row.values, row.problem) for row in there), (tuple(new.split(",")), "")]
    )


@pytest.mark.parametrize("name", [name for name in REFUSED if "header alone" not in name])
def test_where_the_file_of_the_day_cannot_be_read_nothing_is_written(
    name: str, local_cloud: LocalCloud, sandbox: Sandbox
) -> None:
    given = content(REFUSED[name][0])
    bucket, key = sandbox["RawBucket"], f"customers/snapshot_date={TODAY}/customers.csv"
    local_cloud.client("s3").put_object(Bucket=bucket, Key=key, Body=given)
    with pytest.raises(PracticeError, match="Nothing was landed") as error:
        land_customers(sandbox, [f"{HEADER}\n", f"{ANN}\n"], TODAY)
    assert str(error.value).startswith(f"s3://{bucket}/{key}")
    assert landed(local_cloud, bucket) == given


def test_a_row_that_cannot_be_read_replaces_none_but_itself(local_cloud: LocalCloud, sandbox: Sandbox) -> None:
    for row, rows in (("total", 1), ("total", 1), ("C-1,too,few", 2), (ANN, 3), (f"{ANN},many", 4)):
        assert land_customers(sandbox, [f"{HEADER}\n", f"{row}\n"], TODAY)[1] == rows
    assert landed(local_cloud, sandbox["RawBucket"]).decode() == lines("total", "C-1,too,few", ANN, f"{ANN},many")


def test_a_row_replaces_that_of_the_same_customer(local_cloud: LocalCloud, sandbox: Sandbox) -> None:
    land_customers(sandbox, [f"{HEADER}\n", f"{ANN}\n", f"{BOB}\n"], TODAY)
    _, number = land_customers(sandbox, [f"{HEADER}\n", changed("country", "AT")], TODAY)
    assert number == 2
    assert landed(local_cloud, sandbox["RawBucket"]).decode() == lines(ANN, changed("country", "AT"))


@pytest.mark.parametrize(
    ("answer", "options", "lands"), [("y\n", [], True), ("n\n", [], False), ("", [], False), ("", ["--anyway"], True)]
)
def test_a_file_of_which_nothing_fits_is_asked_about(
    answer: str,
    options: list[str],
    lands: bool,
    own_file: Callable[[str | bytes], Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    taken: list[list[str]] = []

    def land(_sandbox: object, given: Iterator[str], _day: date) -> tuple[str, int]:
        taken.append(list(given))
        return "s3://raw/customers.csv", 2

    monkeypatch.setattr(cli, "land_customers", land)
    monkeypatch.setattr("practice.options.Common.sandbox", lambda *_: None)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    file = own_file(PARTLY["nothing that fits"][0])
    monkeypatch.setattr(sys, "argv", ["practice", "land", "customers", "--file", str(file), *options])
    with pytest.raises(SystemExit) as end:
        cli.main()
    told = "".join(capsys.readouterr())
    assert (len(taken), end.value.code or 0) == ((1, 0) if lands else (0, 1))
    assert "2 rows = 0 that fit + 2 that the gate will refuse" in told
    assert ("--anyway" in told) == (not options)


def test_the_days_of_the_corpus_are_past() -> None:
    assert datetime.now(UTC).date() >= TODAY
