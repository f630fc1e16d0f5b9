"""The scripts of jobs/training with the libraries of the container that AWS runs them in, not those of development.

`make test` makes the environment. The container's Python is 3.12; where there is only 3.11, its libraries run on that.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from jobs.training import dataset
from machine_learning.xgboost_image import VERSION
from tests import training_data
from tests.test_training_serving import Endpoint, container
from tests.training_jobs import ROOT, Job, channels

PYTHON = ROOT / ".venv-image" / "bin" / "python"
PINS = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "requirements-image.in").read_text("utf-8"), re.MULTILINE))

SCORED = """\
import json, sys
from pathlib import Path
from jobs.training import dataset, point_in_time, prepare
from jobs.training.evaluate import read_model
rows = dataset.read(Path(sys.argv[2]))
print(json.dumps([float(value) for value in read_model(Path(sys.argv[1])).predict(rows)]))
"""


def test_the_pins_are_those_of_the_image() -> None:
    assert PINS["xgboost-cpu"].rpartition(".")[0] == VERSION.partition("-")[0]
    assert f"xgboost-cpu=={PINS['xgboost-cpu']}\n" in (ROOT / "requirements-dev.in").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not (PYTHON.parents[1] / ".complete").exists(),
    reason="no environment of the container's libraries; `make .venv-image/.complete` makes it of Python 3.11 or 3.12",
)
def test_training_evaluation_and_serving_run_with_the_libraries_of_the_container(tmp_path: Path) -> None:
    data = channels(training_data.customers(count=200), tmp_path / "data")
    job = Job(tmp_path / "job", data)

    def run(*arguments: str) -> str:
        finished = subprocess.run(  # noqa: S603 - our own scripts
            [str(PYTHON), *arguments],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
            | job.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    installed = json.loads(
        run("-c", f"import importlib.metadata as m, json; print(json.dumps({{n: m.version(n) for n in {list(PINS)}}}))")
    )
    assert installed == PINS

    run("-m", "jobs.training.train", *job.arguments({"num_round": 30}))
    packed = tmp_path / "packed"
    packed.mkdir()
    with tarfile.open(packed / "model.tar.gz", "w:gz") as archive:
        archive.add(job.directory / "model", ".")
    splits = [text for name in dataset.Split._fields for text in (f"--{name}", str(data / name))]
    run("jobs/training/evaluate.py", "--model", str(packed), *splits, "--output", str(tmp_path / "evaluation"))
    assert (tmp_path / "evaluation" / "report.html").exists()

    (tmp_path / "ml").mkdir()
    endpoint = Endpoint(job.directory / "model", tmp_path / "ml", container()["Environment"], str(PYTHON))
    answer = endpoint.invoke(dataset.read(data / "test").to_csv(index=False))
    assert answer.numbers == json.loads(run("-c", SCORED, str(packed), str(data / "test")))
    endpoint.close()
