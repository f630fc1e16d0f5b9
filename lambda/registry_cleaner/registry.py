"""What blocks the deletion of a pipeline and of a model package group, and what was not asked to end yet."""

from __future__ import annotations

from collections.abc import Iterable

from sagemaker_api.listing import Listed

_EXECUTING = "Executing"
_STOPPING = "Stopping"
_DELETING = "Deleting"


def running(executions: Iterable[Listed]) -> list[Listed]:
    """The executions that have not ended.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PipelineExecutionSummary.html
    """
    return [execution for execution in executions if execution["PipelineExecutionStatus"] in (_EXECUTING, _STOPPING)]


def to_stop(executions: Iterable[Listed]) -> list[Listed]:
    """Those that nobody has asked SageMaker to stop yet."""
    return [execution for execution in executions if execution["PipelineExecutionStatus"] != _STOPPING]


def to_delete(packages: Iterable[Listed]) -> list[Listed]:
    """Those that nobody has asked SageMaker to delete yet; one that failed is in the way as well.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelPackageSummary.html
    """
    return [package for package in packages if package["ModelPackageStatus"] != _DELETING]
