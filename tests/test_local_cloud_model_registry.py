"""The model registry of the local cloud: versions in a group, their approval, and what is left of them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.sagemaker_in_process import SageMaker

CONTAINERS = [
    {"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/x:1", "ModelDataUrl": "s3://artefacts/model.tar.gz"}
]


@pytest.fixture(scope="module")
def client() -> Any:
    return SageMaker().client


@pytest.fixture
def group(client: Any) -> str:
    name = f"test-{uuid4().hex[:8]}"
    client.create_model_package_group(ModelPackageGroupName=name)
    return name


def register(client: Any, group: str, **members: Any) -> str:
    return str(client.create_model_package(ModelPackageGroupName=group, **members)["ModelPackageArn"])


def versions(client: Any, **request: Any) -> list[int]:
    listed = client.list_model_packages(**request)["ModelPackageSummaryList"]
    return [package["ModelPackageVersion"] for package in listed]


def test_a_version_is_described_as_it_was_registered(client: Any, group: str) -> None:
    specification = {
        "Containers": CONTAINERS,
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    quality = {"ContentType": "application/json", "S3Uri": "s3://artefacts/evaluation.json"}
    metrics = {"ModelQuality": {"Statistics": quality}}
    arn = register(client, group, InferenceSpecification=specification, ModelMetrics=metrics)
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{group}/1"
    for name in (arn, f"{group}/1"):
        described = client.describe_model_package(ModelPackageName=name)
        assert described["InferenceSpecification"] == specification
        assert described["ModelMetrics"] == metrics
        assert described["ModelPackageStatus"] == "Completed"
        assert described["ModelApprovalStatus"] == "PendingManualApproval"


def test_versions_count_up_and_the_number_of_a_deleted_one_is_not_used_again(client: Any, group: str) -> None:
    register(client, group)
    client.delete_model_package(ModelPackageName=register(client, group))
    assert register(client, f"arn:aws:sagemaker:us-east-1:000000000000:model-package-group/{group}").endswith("/3")
    assert versions(client, ModelPackageGroupName=group) == [1, 3]
    with pytest.raises(ClientError, match=f"model-package/{group}/2 does not exist"):
        client.describe_model_package(ModelPackageName=f"{group}/2")


def test_a_version_is_approved_with_a_reason(client: Any, group: str) -> None:
    arn = register(client, group, CustomerMetadataProperties={"a": "1", "b": "2"})
    client.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="beats every baseline",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    described = client.describe_model_package(ModelPackageName=arn)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Approved", "beats every baseline")
    assert described["CustomerMetadataProperties"] == {"b": "2", "c": "3"}


def test_versions_are_listed_by_approval_and_order(client: Any, group: str) -> None:
    register(client, group)
    for _ in range(2):
        register(client, group, ModelApprovalStatus="Approved")
    assert versions(client, ModelPackageGroupName=group, ModelApprovalStatus="Approved") == [2, 3]
    assert versions(client, ModelPackageGroupName=group, SortOrder="Descending", MaxResults=2) == [3, 2]


def test_a_list_has_no_versions_unless_it_asks_for_a_group_or_for_them(client: Any, group: str) -> None:
    register(client, group)
    assert versions(client) == []
    assert 1 in versions(client, ModelPackageType="Versioned", MaxResults=100)


def test_a_group_with_versions_is_not_deleted(client: Any, group: str) -> None:
    arn = register(client, group)
    with pytest.raises(client.exceptions.ConflictException, match=arn):
        client.delete_model_package_group(ModelPackageGroupName=group)
    client.delete_model_package(ModelPackageName=arn)
    client.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        register(client, group)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"ModelPackageName": "alone"}, "keeps model packages in groups only"),
        ({"Tags": [{"Key": "a", "Value": "b"}]}, "Tags are those of the model package group"),
        ({"ModelApprovalStatus": "Maybe"}, "ModelApprovalStatus is 'Maybe'; allowed: Approved, Rejected"),
    ],
)
def test_a_registration_that_does_not_fit_is_refused(
    client: Any, group: str, members: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        register(client, group, **members)


def test_a_change_that_is_not_emulated_says_so(client: Any, group: str) -> None:
    with pytest.raises(ClientError, match="does not change SourceUri"):
        client.update_model_package(ModelPackageArn=register(client, group), SourceUri="s3://x/y")
