"""What a training job may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TrainingJob = Mapping[str, Any]
"""What SageMaker describes."""


@dataclass(frozen=True)
class Bounds:
    """The sandbox's training jobs: on managed spot, on these instance types, for at most so long."""

    instance_types: frozenset[str]
    max_runtime_seconds: int

    def violations(self, job: TrainingJob) -> list[str]:
        """What is not as it must be, in words that a tag's value may have: no commas, no quotes.

        A job without a runtime of its own may run for a day; one without an instance type names them by group.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
        """
        found = []
        if not job.get("EnableManagedSpotTraining"):
            found.append("not on managed spot")
        if others := sorted(_instance_types(job) - self.instance_types):
            found.append(f"on {' '.join(others)}")
        runtime = job["StoppingCondition"].get("MaxRuntimeInSeconds", 86_400)
        if runtime > self.max_runtime_seconds:
            found.append(f"may run {runtime} s instead of {self.max_runtime_seconds} s")
        return found


def _instance_types(job: TrainingJob) -> frozenset[str]:
    resources = job["ResourceConfig"]
    groups = resources.get("InstanceGroups", [])
    return frozenset(item["InstanceType"] for item in [resources, *groups] if "InstanceType" in item)
