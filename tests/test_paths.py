"""A key of S3 becomes a file below the directory that it is meant for, or is refused by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from practice.paths import UnusableKeyError, path_of

ROOT = Path(__file__).parents[1]

ODD = ("a b", "größe/漢字", "a+b", "day=2024-01-01/x", "a%2Fb", ".hidden", "...", "..x", "x..", "a\\b", "~", "x" * 255)
"""What looks odd and is a file name all the same."""

UNUSABLE = {
    "a/../b": "the part '..'",
    "..": "the part '..'",
    "./a": "the part '.'",
    "a/./b": "the part '.'",
    "/a": "an empty part",
    "a//b": "an empty part",
    "a/": "an empty part",
    "": "an empty part",
    "a\0b": "a NUL character",
    "a/" + "x" * 256: "more than 255 bytes",
    "ü" * 128: "more than 255 bytes",
}


@pytest.mark.parametrize("key", ODD)
def test_an_odd_key_is_a_file_of_its_name(tmp_path: Path, key: str) -> None:
    path_of(tmp_path, key).write_text("content")

    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()] == [key]


@pytest.mark.parametrize("key", UNUSABLE)
def test_a_key_that_names_no_file_below_the_directory_is_refused_with_its_name_and_the_reason(
    tmp_path: Path, key: str
) -> None:
    with pytest.raises(UnusableKeyError) as refusal:
        path_of(tmp_path, key)

    assert repr(key) in str(refusal.value)
    assert UNUSABLE[key] in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_what_the_directory_stands_for_is_no_part_of_the_path(tmp_path: Path) -> None:
    assert path_of(tmp_path, "data//train/x", "data//train/") == tmp_path / "x"


def test_a_key_is_named_whole_though_a_part_of_it_is_the_path(tmp_path: Path) -> None:
    with pytest.raises(UnusableKeyError, match=r"'data/train/\.\./x'"):
        path_of(tmp_path, "data/train/../x", "data/train/")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("a", "a/b", "another object is a file where this one needs a directory"),
        ("a", "a/b/c", "another object is a file where this one needs a directory"),
        ("a/b", "a", "there is a directory of its name"),
    ],
)
def test_a_file_where_a_directory_must_be_is_refused_and_the_reverse(
    tmp_path: Path, first: str, second: str, reason: str
) -> None:
    path_of(tmp_path, first).write_text("first")

    with pytest.raises(UnusableKeyError, match=f"'{second}' cannot be a file in a directory: {reason}"):
        path_of(tmp_path, second)

    assert (tmp_path / first).read_text() == "first"


def test_a_link_below_the_directory_leads_nowhere_else(tmp_path: Path) -> None:
    outside, directory = tmp_path / "outside", tmp_path / "directory"
    outside.mkdir()
    directory.mkdir()
    (directory / "link").symlink_to(outside)

    with pytest.raises(UnusableKeyError, match="a link on its path leads out"):
        path_of(directory, "link/deeper/x")

    assert list(outside.iterdir()) == []


def test_a_directory_that_is_reached_through_a_link_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    path_of(tmp_path / "link", "a/b").write_text("content")

    assert (tmp_path / "real/a/b").read_text() == "content"


FROM_ELSEWHERE = {"key", "Key", "uri", "member"}
"""What the code calls a name that it was given."""


def test_a_path_is_made_of_a_key_by_path_of_alone() -> None:
    found = [f"{file.relative_to(ROOT)}:{line}" for file in _sources() for line in _made_by_hand(file)]

    assert found == [], "make it with practice.paths.path_of"


@pytest.mark.parametrize(
    "code",
    [
        "directory / key",
        "directory / 'x' / key.removeprefix(prefix)",
        "directory / item['Key']",
        "directory / f'{member.name}.csv'",
        "Path(directory, key)",
        "Path(f'{directory}/{key}')",
        "pathlib.Path(uri).name",
        "directory.joinpath(*key.split('/'))",
    ],
)
def test_a_path_that_is_made_of_a_key_by_hand_is_seen(tmp_path: Path, code: str) -> None:
    (tmp_path / "example.py").write_text(code)

    assert _made_by_hand(tmp_path / "example.py") == [1]


def _sources() -> Iterator[Path]:
    for folder in ("benchmarks", "contracts", "cost", "docs", "jobs", "lambda", "practice", "tests"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def _made_by_hand(file: Path) -> list[int]:
    """The lines where a path is made of what has one of these names."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.expr)]
    return sorted({node.lineno for node in nodes if _is_made_by_hand(node)})


def _is_made_by_hand(node: ast.expr) -> bool:
    match node:
        case ast.BinOp(op=ast.Div(), right=part):
            return _is_from_elsewhere(part)
        case ast.Call(func=ast.Name(id="Path") | ast.Attribute(attr="Path" | "joinpath"), args=parts):
            return any(map(_is_from_elsewhere, parts))
        case _:
            return False


def _is_from_elsewhere(part: ast.AST) -> bool:
    inside = [node for node in ast.walk(part) if isinstance(node, (ast.Name, ast.Constant))]
    return not FROM_ELSEWHERE.isdisjoint(node.id if isinstance(node, ast.Name) else node.value for node in inside)
