"""The cleaner's entry points, as the CDK's provider framework calls them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cleaning.passes import Obstacle, clear, named_after
from registry_cleaner.registry import running, to_delete, to_stop
from sagemaker_api.listing import listed, sagemaker_client


def on_event(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Name the resource after its pipeline."""
    return named_after(event, "PipelineName")


def is_complete(event: dict[str, Any], _context: object) -> dict[str, bool]:
    """Whether pipeline and group can be deleted; as long as they cannot, ask SageMaker to remove what is in the way.

    There is nothing to do unless the resource is being deleted.
    """
    if event["RequestType"] != "Delete":
        return {"IsComplete": True}
    return {"IsComplete": clean(sagemaker_client(), event)}


def clean(client: Any, event: Mapping[str, Any]) -> bool:
    """One pass: the executions that run, and once none does, since it might register one more, the group's packages.

    Without a group the packages are kept. True when nothing is left.
    """
    pipeline, group = event["PhysicalResourceId"], event["ResourceProperties"].get("ModelPackageGroupName")
    executions = Obstacle(
        "executions",
        lambda: running(
            listed(client, "list_pipeline_executions", "PipelineExecutionSummaries", PipelineName=pipeline)
        ),
        to_stop,
        lambda execution: client.stop_pipeline_execution(PipelineExecutionArn=execution["PipelineExecutionArn"]),
        lambda execution: f"{execution['PipelineExecutionArn']} ({execution['PipelineExecutionStatus']})",
    )
    if group is None:
        return clear(event, [executions])
    packages = Obstacle(
        "model packages",
        lambda: listed(client, "list_model_packages", "ModelPackageSummaryList", ModelPackageGroupName=group),
        to_delete,
        lambda package: client.delete_model_package(ModelPackageName=package["ModelPackageArn"]),
        lambda package: f"{package['ModelPackageArn']} ({package['ModelPackageStatus']})",
    )
    return clear(event, [executions, packages])
