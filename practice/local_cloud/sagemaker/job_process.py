"""Runs the command of a SageMaker job in a process of its own, where AWS runs it in a container.

Of the container there is the environment and, under a temporary root, ``/opt/ml``: a path below it is rewritten in what
a job is told, and written back in what it says. Everything else of the machine the command sees as it is, and Python
and its libraries are those of the local cloud.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from practice.local_cloud.jobs.environments import SAGEMAKER
from practice.local_cloud.jobs.process import environment, exit_code, kill_family
from practice.local_cloud.loopback import access
from practice.programs import search_path

ML = "/opt/ml"
_ML = re.compile(r"(?<![\w./-])/opt/ml(?![\w-])")
_LAUNCHER = Path(__file__).parents[1] / "jobs" / "launcher.py"
_IMAGE = re.compile(r"(.*/)?(sagemaker-)?(xgboost|scikit-learn)([:@].*)?")


def refused_image(image: str | None) -> str:
    """Why a job of this image does not run here, if it does not."""
    if image and _IMAGE.fullmatch(image):
        return ""
    return (
        f"the image is {image!r}; the local cloud runs jobs of SageMaker's XGBoost and scikit-learn containers only, "
        "with its own Python. Use sagemaker-xgboost or sagemaker-scikit-learn."
    )


def is_of_container(path: str) -> bool:
    """Whether a directory that a request names is one that a job has here: ``/opt/ml``, or below it."""
    place = PurePosixPath(path)
    return place.is_relative_to(ML) and ".." not in place.parts


def localized(text: str, root: Path) -> str:
    """The text with ``/opt/ml`` where it is here."""
    return _ML.sub(lambda _: str(root), text)


def as_in_container(text: str, root: Path) -> str:
    return text.replace(str(root), ML)


def base_environment(root: Path, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of every container, with what the job's request adds."""
    shared = environment(SAGEMAKER, access(), root.parent / "home")
    temporary = root.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        **shared,
        # the jobs of the local cloud share its CPUs, and threads that wait for one another cost more than they save
        "OMP_NUM_THREADS": "1",
        "PATH": search_path(shared),
        "TMPDIR": str(temporary),
        **{name: localized(value, root) for name, value in given.items()},
    }


class JobProcess:
    """A command that runs, and can be asked to end or be ended. It ends when the local cloud does."""

    def __init__(
        self, command: Sequence[str], *, directory: Path, output: Path, environment: Mapping[str, str]
    ) -> None:
        """Start it; what it says is in the output file."""
        with output.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: S603 - the learner's own job
                [sys.executable, "-I", "-S", str(_LAUNCHER), str(directory), *command],
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        status = self._process.poll()
        return None if status is None else exit_code(status)

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within the time."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def terminate(self) -> None:
        self._process.terminate()

    def end(self) -> None:
        """Kill what still runs of it, also of what it has started."""
        if self._process.poll() is None:
            kill_family(self._process.pid)
            self._process.wait()
        if self._process.stdin:
            self._process.stdin.close()
