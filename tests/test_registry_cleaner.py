"""What the registry cleaner does, against stubbed pages of the service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cleaning.passes import StillThereError
from registry_cleaner import handler

PIPELINE = "ml-sandbox-churn-training"
GROUP = "ml-sandbox-customer-churn"
DELETE = {
    "RequestType": "Delete",
    "PhysicalResourceId": PIPELINE,
    "GiveUpAt": 4e9,
    "ResourceProperties": {"PipelineName": PIPELINE, "ModelPackageGroupName": GROUP},
}
KEPT = DELETE | {"ResourceProperties": {"PipelineName": PIPELINE}}
EXECUTION_ARN = f"arn:aws:sagemaker:us-east-1:111122223333:pipeline/{PIPELINE}/execution"
PACKAGE_ARN = f"arn:aws:sagemaker:us-east-1:111122223333:model-package/{GROUP}"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """SageMaker as the handler's client sees it: these calls, in this order, and no others."""
    client = boto3.client("sagemaker", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    monkeypatch.setattr(handler, "sagemaker_client", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def execution(name: str, status: str = "Executing") -> dict[str, Any]:
    return {"PipelineExecutionArn": f"{EXECUTION_ARN}/{name}", "PipelineExecutionStatus": status}


def package(version: int, status: str = "Completed") -> dict[str, Any]:
    return {
        "ModelPackageGroupName": GROUP,
        "ModelPackageVersion": version,
        "ModelPackageArn": f"{PACKAGE_ARN}/{version}",
        "CreationTime": 0,
        "ModelPackageStatus": status,
    }


def lists(service: Stubber, operation: str, *pages: list[dict[str, Any]]) -> None:
    """The service is asked for this pipeline or group, page by page."""
    key, asked = {
        "list_pipeline_executions": ("PipelineExecutionSummaries", {"PipelineName": PIPELINE}),
        "list_model_packages": ("ModelPackageSummaryList", {"ModelPackageGroupName": GROUP}),
    }[operation]
    for number, page in enumerate(pages):
        token = {"NextToken": f"page-{number}"} if number else {}
        following = {"NextToken": f"page-{number + 1}"} if number + 1 < len(pages) else {}
        service.add_response(operation, {key: page} | following, asked | token)


def stops(service: Stubber, name: str) -> None:
    expected = {"PipelineExecutionArn": f"{EXECUTION_ARN}/{name}"}
    service.add_response("stop_pipeline_execution", {}, expected)


def deletes(service: Stubber, version: int) -> None:
    service.add_response("delete_model_package", {}, {"ModelPackageName": f"{PACKAGE_ARN}/{version}"})


def complete(event: dict[str, Any] = DELETE) -> bool:
    return handler.is_complete(event, None)["IsComplete"]


class TestExecutions:
    def test_of_every_page_are_stopped_before_packages_are_deleted(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [execution("a"), execution("b")], [execution("c")])
        for name in "abc":
            stops(service, name)
        assert not complete()

    def test_that_are_being_stopped_are_waited_for(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [execution("a", "Stopping")])
        assert not complete()

    @pytest.mark.parametrize("status", ["Stopped", "Failed", "Succeeded"])
    def test_that_have_ended_are_left_alone(self, service: Stubber, status: str) -> None:
        lists(service, "list_pipeline_executions", [execution("a", status)])
        lists(service, "list_model_packages", [])
        assert complete()


class TestPackages:
    def test_of_every_page_are_deleted_when_no_execution_runs(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [execution("a", "Stopped")])
        lists(service, "list_model_packages", [package(3), package(2, "Failed")], [package(1)])
        for version in (3, 2, 1):
            deletes(service, version)
        assert not complete()

    def test_that_are_being_deleted_are_waited_for(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [])
        lists(service, "list_model_packages", [package(1, "Deleting")])
        assert not complete()

    def test_still_there_when_it_is_time_to_give_up_are_named_in_the_reason(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [])
        lists(service, "list_model_packages", [package(1, "Deleting")])
        with pytest.raises(StillThereError, match=rf"model packages of .*: {PACKAGE_ARN}/1 \(Deleting\)\. Delete the"):
            complete(DELETE | {"GiveUpAt": 0.0})

    def test_of_a_group_that_is_kept_are_kept_and_executions_are_stopped(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [execution("a")])
        stops(service, "a")
        lists(service, "list_pipeline_executions", [execution("a", "Stopped")])
        assert [complete(KEPT) for _ in range(2)] == [False, True]


class TestDeletion:
    def test_takes_as_many_passes_as_it_needs(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [execution("a")])
        stops(service, "a")
        lists(service, "list_pipeline_executions", [execution("a", "Stopping")])
        lists(service, "list_pipeline_executions", [execution("a", "Stopped")])
        lists(service, "list_model_packages", [package(1)])
        deletes(service, 1)
        lists(service, "list_pipeline_executions", [execution("a", "Stopped")])
        lists(service, "list_model_packages", [])
        assert [complete() for _ in range(4)] == [False, False, False, True]

    def test_of_a_pipeline_that_is_gone_still_empties_the_group(self, service: Stubber) -> None:
        service.add_client_error("list_pipeline_executions", "ResourceNotFound", f"Pipeline {PIPELINE} does not exist.")
        lists(service, "list_model_packages", [package(1)])
        deletes(service, 1)
        assert not complete()

    def test_of_a_group_that_is_gone_is_complete(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [])
        service.add_client_error("list_model_packages", "ValidationException", "ModelPackageGroup x does not exist.")
        assert complete()

    @pytest.mark.parametrize(
        "throttled",
        ["list_pipeline_executions", "stop_pipeline_execution", "list_model_packages", "delete_model_package"],
    )
    def test_is_not_complete_when_a_pass_is_throttled(self, service: Stubber, throttled: str) -> None:
        if throttled != "list_pipeline_executions":
            running = [execution("a"), execution("b")] if throttled == "stop_pipeline_execution" else []
            lists(service, "list_pipeline_executions", running)
        if throttled == "delete_model_package":
            lists(service, "list_model_packages", [package(2), package(1)])
        service.add_client_error(throttled, "ThrottlingException", "Rate exceeded")
        assert not complete()

    def test_goes_on_when_something_ended_meanwhile_or_is_in_use(self, service: Stubber) -> None:
        lists(service, "list_pipeline_executions", [execution("a"), execution("b"), execution("c")])
        service.add_client_error("stop_pipeline_execution", "ConflictException", "has ended")
        service.add_client_error("stop_pipeline_execution", "ResourceNotFound", "does not exist")
        stops(service, "c")
        lists(service, "list_pipeline_executions", [])
        lists(service, "list_model_packages", [package(3), package(2), package(1)])
        service.add_client_error("delete_model_package", "ConflictException", "is being changed")
        service.add_client_error("delete_model_package", "ValidationException", "ModelPackage x does not exist.")
        deletes(service, 1)
        assert [complete() for _ in range(2)] == [False, False]

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
    @pytest.mark.parametrize("operation", ["list_pipeline_executions", "delete_model_package"])
    def test_fails_with_what_waiting_does_not_cure(self, service: Stubber, operation: str, code: str) -> None:
        if operation == "delete_model_package":
            lists(service, "list_pipeline_executions", [])
            lists(service, "list_model_packages", [package(1)])
        service.add_client_error(operation, code, "not like this")
        with pytest.raises(ClientError, match="not like this"):
            complete()


class TestOtherEvents:
    @pytest.mark.usefixtures("service")
    @pytest.mark.parametrize("request_type", ["Create", "Update"])
    def test_are_complete_without_a_call(self, request_type: str) -> None:
        assert complete(DELETE | {"RequestType": request_type})

    @pytest.mark.parametrize("request_type", ["Create", "Update"])
    def test_name_the_resource_after_its_pipeline_so_that_a_replaced_one_is_cleaned(self, request_type: str) -> None:
        event = DELETE | {"RequestType": request_type, "ResourceProperties": {"PipelineName": "new"}}
        assert handler.on_event(event, None) == {"PhysicalResourceId": "new"}
