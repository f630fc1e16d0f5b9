"""The cleaner's entry points, as the CDK's provider framework calls them."""

from __future__ import annotations

from typing import Any

from cleaning.passes import Obstacle, clear, listed, named_after, sagemaker_client
from registry_cleaner.registry import running, to_delete, to_stop


def on_event(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Name the resource after its pipeline."""
    return named_after(event, "PipelineName")


def is_complete(event: dict[str, Any], _context: object) -> dict[str, bool]:
    """Whether pipeline and group can be deleted; as long as they cannot, ask SageMaker to remove what is in the way.

    There is nothing to do unless the resource is being deleted.
    """
    if event["RequestType"] != "Delete":
        return {"IsComplete": True}
    group = event["ResourceProperties"].get("ModelPackageGroupName")
    return {"IsComplete": clean(sagemaker_client(), event["PhysicalResourceId"], group)}


def clean(client: Any, pipeline: str, group: str | None) -> bool:
    """One pass: the executions that run, and once none does, since it might register one more, the group's packages.

    Without a group the packages are kept. True when nothing is left.
    """
    executions = Obstacle(
        "executions",
        lambda: running(
            listed(client, "list_pipeline_executions", "PipelineExecutionSummaries", PipelineName=pipeline)
        ),
        to_stop,
        lambda execution: client.stop_pipeline_execution(PipelineExecutionArn=execution["PipelineExecutionArn"]),
    )
    if group is None:
        return clear(pipeline, [executions])
    packages = Obstacle(
        "model packages",
        lambda: listed(client, "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=group),
        to_delete,
        lambda package: client.delete_model_package(ModelPackageName=package["ModelPackageArn"]),
    )
    return clear(pipeline, [executions, packages])
