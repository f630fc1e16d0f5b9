"""What is said where nothing can be imported: by app.py, the command line and the tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from stacks.imports import LIBRARIES, shadows
from tests.synthesis import ROOT

COPIED = ("contracts", "lambda", "practice", "stacks")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of the same code, to which a file can be added."""
    for name in COPIED:
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "app.py").write_bytes((ROOT / "app.py").read_bytes())
    for name in ("practice", "stacks"):
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()
        for file in (ROOT / name).iterdir():
            (tmp_path / name / file.name).symlink_to(file)
    for module in ("stacks/imports.py", "stacks/__init__.py", "practice/__init__.py", "practice/__main__.py"):
        (tmp_path / module).unlink()
        (tmp_path / module).write_bytes((ROOT / module).read_bytes())
    (tmp_path / "constructs").mkdir()
    return tmp_path


def started(project: Path, *arguments: str, python: str = sys.executable) -> tuple[int, str]:
    ended = subprocess.run([python, *arguments], cwd=project, capture_output=True, text=True, check=False)  # noqa: S603
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("file", ["constructs/__init__.py", "constructs.py", "aws_cdk.py", "pydantic/__init__.py"])
@pytest.mark.parametrize("arguments", [("app.py",), ("-m", "practice", "cost")], ids=" ".join)
def test_a_file_that_hides_a_library_is_named_in_a_sentence(
    project: Path, file: str, arguments: tuple[str, ...]
) -> None:
    path = project / file
    path.parent.mkdir(exist_ok=True)
    path.touch()
    status, told = started(project, *arguments)
    assert status == 1
    assert "Traceback" not in told
    assert told.splitlines()[-1].startswith(f"{path} hides the library")  # jsii may have warned of Node.js before


def test_nothing_of_this_project_hides_a_library() -> None:
    assert [*shadows(ROOT)] == []
    assert "constructs" in LIBRARIES


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python without any package."""
    directory = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory)], check=True)  # noqa: S603
    return str(directory / "bin" / "python")


@pytest.mark.parametrize(
    ("arguments", "lock"),
    [(("app.py",), "requirements.txt"), (("-m", "practice", "--help"), "requirements-deploy.txt")],
    ids=["app.py", "practice"],
)
def test_without_its_packages_a_program_says_what_to_install(bare: str, arguments: tuple[str, ...], lock: str) -> None:
    status, told = started(ROOT, *arguments, python=bare)
    assert status == 1
    assert "Traceback" not in told
    assert f"--require-hashes --requirement {lock}" in told
    assert "make s" in told
    assert told.count("\n") == 1


def test_a_mistake_in_our_own_modules_is_not_told_as_a_missing_package(project: Path) -> None:
    (project / "practice" / "cli.py").unlink()
    _, told = started(project, "-m", "practice", "--help")
    assert "No module named 'practice.cli'" in told
    assert "requirements" not in told
