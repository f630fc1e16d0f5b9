"""What a script finds in the container of a training job: SageMaker's script mode, under a temporary root.

A host's name is an address of the loopback interface, since nothing here resolves AWS's ``algo-1``: the first,
``127.0.0.1``, can be reached everywhere; the others tell the instances apart, and can be reached on Linux.

Source: the toolkit that the containers run a script with, in ``environment.py``, ``mapping.py`` and ``params.py`` of
https://github.com/aws/sagemaker-training-toolkit, and
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from practice.local_cloud.sagemaker.job_process import JobProcess, base_environment, localized

_DEFAULT_CHECKPOINTS = "/opt/ml/checkpoints"
_TOOLKIT_PREFIX = "sagemaker_"
_TOOLKIT_NAMES = ("_tuning_objective_metric", "default_user_module_name")
_INSTANCE_GROUP = "homogeneousCluster"


class CodeError(Exception):
    """The archive of the job's code cannot be run."""


def decoded(value: str) -> Any:
    """A hyperparameter as the toolkit reads it: as JSON if it is JSON."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def hosts(request: Mapping[str, Any]) -> list[str]:
    return [f"127.0.0.{number + 1}" for number in range(request["ResourceConfig"]["InstanceCount"])]


@dataclass(frozen=True)
class Container:
    """One instance of a training job: its directories, and the process of the script."""

    root: Path
    host: str
    request: Mapping[str, Any]
    tracker_port: int
    """Where the instances may meet: on one machine, each attempt of each job needs a port of its own."""

    def channel(self, name: str) -> Path:
        return self.root / "input" / "data" / name

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def output_data(self) -> Path:
        return self.root / "output" / "data"

    @property
    def log(self) -> Path:
        return self.root.parent / "log"

    @property
    def checkpoints(self) -> Path:
        config = self.request.get("CheckpointConfig", {})
        return Path(localized(config.get("LocalPath", _DEFAULT_CHECKPOINTS), self.root))

    def prepare(self, code: Path) -> None:
        """Lay out ``/opt/ml`` and unpack the job's code."""
        for directory in (self._config, self.output_data, self.model, self._code, self.checkpoints):
            directory.mkdir(parents=True)
        with tarfile.open(code) as archive:
            archive.extractall(self._code, filter="data")
        if (self._code / "requirements.txt").exists():
            raise CodeError("the local cloud installs nothing for a job: leave out requirements.txt, or run it on AWS.")
        for name, content in (
            ("hyperparameters", self.request["HyperParameters"]),
            ("inputdataconfig", self._input_data_config),
            ("resourceconfig", self._resource_config),
        ):
            (self._config / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def start(self) -> JobProcess:
        return JobProcess(
            [sys.executable, self._program, *self._arguments],
            directory=self._code,
            output=self.log,
            environment=self._environment(),
        )

    @property
    def _config(self) -> Path:
        return self.root / "input" / "config"

    @property
    def _code(self) -> Path:
        return self.root / "code"

    @property
    def _program(self) -> str:
        return str(decoded(self.request["HyperParameters"]["sagemaker_program"]))

    @property
    def _hyperparameters(self) -> dict[str, Any]:
        """Those that are the script's, not the toolkit's, by name."""
        given = {name: decoded(value) for name, value in sorted(self.request["HyperParameters"].items())}
        return {
            name: localized(value, self.root) if isinstance(value, str) else value
            for name, value in given.items()
            if not name.startswith(_TOOLKIT_PREFIX) and name not in _TOOLKIT_NAMES
        }

    @property
    def _arguments(self) -> Sequence[str]:
        pairs = (("--" if len(name) > 1 else "-", name, value) for name, value in self._hyperparameters.items())
        return [part for dashes, name, value in pairs for part in (f"{dashes}{name}", _argument(value))]

    @property
    def _input_data_config(self) -> dict[str, Any]:
        mode = self.request["AlgorithmSpecification"]["TrainingInputMode"]
        return {
            channel["ChannelName"]: {
                "ContentType": channel.get("ContentType", ""),
                "TrainingInputMode": channel.get("InputMode", mode),
                "S3DistributionType": channel["DataSource"]["S3DataSource"].get(
                    "S3DataDistributionType", "FullyReplicated"
                ),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
            }
            for channel in self.request.get("InputDataConfig", ())
        }

    @property
    def _resource_config(self) -> dict[str, Any]:
        kind, everyone = self.request["ResourceConfig"]["InstanceType"], hosts(self.request)
        group = {"instance_group_name": _INSTANCE_GROUP, "instance_type": kind, "hosts": everyone}
        return {
            "current_host": self.host,
            "current_instance_type": kind,
            "current_group_name": _INSTANCE_GROUP,
            "hosts": everyone,
            "instance_groups": [group],
            "network_interface_name": "lo",
        }

    def _environment(self) -> dict[str, str]:
        hyperparameters = self._hyperparameters
        values = {
            "CHANNELS": sorted(self._input_data_config),
            "CURRENT_HOST": self.host,
            "CURRENT_INSTANCE_TYPE": self._resource_config["current_instance_type"],
            "HOSTS": self._resource_config["hosts"],
            "HPS": hyperparameters,
            "INPUT_CONFIG_DIR": str(self._config),
            "INPUT_DATA_CONFIG": self._input_data_config,
            "INPUT_DIR": str(self.root / "input"),
            "LOG_LEVEL": 20,
            "MODEL_DIR": str(self.model),
            "MODULE_DIR": str(self._code),
            "MODULE_NAME": self._program.removesuffix(".py"),
            "NETWORK_INTERFACE_NAME": self._resource_config["network_interface_name"],
            "NUM_CPUS": os.cpu_count(),
            "NUM_GPUS": 0,
            "OUTPUT_DATA_DIR": str(self.output_data),
            "OUTPUT_DIR": str(self.root / "output"),
            "RESOURCE_CONFIG": self._resource_config,
            "USER_ARGS": self._arguments,
            "USER_ENTRY_POINT": self._program,
            **{f"CHANNEL_{name.upper()}": str(self.channel(name)) for name in self._input_data_config},
            **{f"HP_{name.upper()}": value for name, value in hyperparameters.items()},
        }
        return {
            **base_environment(self.root, self.request.get("Environment", {})),
            "PYTHONPATH": str(self._code),
            "SAGEMAKER_BASE_DIR": str(self.root),
            "TRACKER_PORT": str(self.tracker_port),
            "TRAINING_JOB_ARN": self.request["TrainingJobArn"],
            "TRAINING_JOB_NAME": self.request["TrainingJobName"],
            **{f"SM_{name}": value if isinstance(value, str) else _json(value) for name, value in values.items()},
        }


def _argument(value: Any) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={item}" for name, item in sorted(value.items()))
    return "" if value is None else str(value)


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))
