"""What the guard does with a training job, against stubs of the services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from spot_guard import handler
from spot_guard.bounds import Bounds

ARN = "arn:aws:sagemaker:us-east-1:111122223333:training-job/churn"
ROLE = "arn:aws:iam::111122223333:role/training"
TOPIC = "arn:aws:sns:us-east-1:111122223333:notices"
REASON = "not on managed spot"


@dataclass
class Services:
    """SageMaker and SNS as the handler's clients see them: these calls, in this order, and no others."""

    sagemaker: Stubber
    sns: Stubber

    def describe(self, **changes: Any) -> None:
        """The job as it must not be: on demand, unless it is changed."""
        job = {
            "TrainingJobName": "churn",
            "TrainingJobArn": ARN,
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Starting",
            "CreationTime": 0,
            "RoleArn": ROLE,
            "EnableManagedSpotTraining": False,
            "ResourceConfig": {"InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model"},
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            **changes,
        }
        self.sagemaker.add_response("describe_training_job", job, {"TrainingJobName": "churn"})

    def list_tags(self, *tags: str) -> None:
        known = [{"Key": key, "Value": "any"} for key in tags]
        self.sagemaker.add_response("list_tags", {"Tags": known}, {"ResourceArn": ARN})

    def stop(self) -> None:
        self.sagemaker.add_response("stop_training_job", {}, {"TrainingJobName": "churn"})

    def publish(self, message: Any = ANY) -> None:
        notice = {"TopicArn": TOPIC, "Subject": "Training job stopped: churn", "Message": message}
        self.sns.add_response("publish", {"MessageId": "1"}, notice)

    def add_tags(self, reason: str = REASON) -> None:
        tags = [{"Key": "stopped-because", "Value": reason}]
        self.sagemaker.add_response("add_tags", {"Tags": tags}, {"ResourceArn": ARN, "Tags": tags})


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    given = {
        "INSTANCE_TYPES": "ml.m5.large,ml.c5.xlarge",
        "MAX_RUNTIME_SECONDS": "600",
        "REASON_TAG": "stopped-because",
        "TOPIC_ARN": TOPIC,
        "TRAINING_ROLE_ARN": ROLE,
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    clients: dict[str, Any] = {
        name: boto3.client(name, region_name="us-east-1", config=Config(signature_version=UNSIGNED))
        for name in ("sagemaker", "sns")
    }
    monkeypatch.setattr(handler, "sagemaker_client", lambda: clients["sagemaker"])
    monkeypatch.setattr(boto3, "client", clients.__getitem__)
    with Stubber(clients["sagemaker"]) as sagemaker, Stubber(clients["sns"]) as sns:
        yield Services(sagemaker, sns)
        sagemaker.assert_no_pending_responses()
        sns.assert_no_pending_responses()


def guard() -> None:
    handler.lambda_handler({"detail": {"TrainingJobName": "churn"}}, None)


def test_a_job_outside_the_bounds_is_stopped_told_and_tagged(services: Services) -> None:
    services.describe()
    services.list_tags("sandbox")
    services.stop()
    services.publish()
    services.add_tags()
    guard()


SPOT = {"EnableManagedSpotTraining": True}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, REASON),
        ({**SPOT, "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "VolumeSizeInGB": 1}}, "on ml.p3.2xlarge"),
        (
            {
                **SPOT,
                "ResourceConfig": {
                    "VolumeSizeInGB": 1,
                    "InstanceGroups": [
                        {"InstanceType": type_, "InstanceCount": 1, "InstanceGroupName": type_}
                        for type_ in ("ml.m5.large", "ml.g5.xlarge")
                    ],
                },
            },
            "on ml.g5.xlarge",
        ),
        ({**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 601}}, "may run 601 s instead of 600 s"),
        ({**SPOT, "StoppingCondition": {}}, "may run 86400 s instead of 600 s"),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 3600}},
            "not on managed spot and may run 3600 s instead of 600 s",
        ),
    ],
)
def test_the_reason_says_every_bound_that_is_crossed(services: Services, changes: dict[str, Any], reason: str) -> None:
    services.describe(**changes)
    services.list_tags()
    services.stop()
    services.publish()
    services.add_tags(reason)
    guard()


@pytest.mark.parametrize(
    "changes",
    [SPOT, {**SPOT, "ResourceConfig": {"InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 1}}],
)
def test_a_job_within_the_bounds_is_left_alone(services: Services, changes: dict[str, Any]) -> None:
    services.describe(**changes)
    guard()


def test_a_job_of_another_role_is_left_alone(services: Services) -> None:
    services.describe(RoleArn="arn:aws:iam::111122223333:role/another")
    guard()


def test_a_job_that_was_told_before_is_left_alone(services: Services) -> None:
    services.describe(TrainingJobStatus="Stopping")
    services.list_tags("sandbox", "stopped-because")
    guard()


def test_the_notice_says_what_is_allowed_and_how_to_allow_more(services: Services) -> None:
    services.describe()
    services.list_tags()
    services.stop()
    services.publish(
        "Training job churn was stopped: not on managed spot.\nStart it with EnableManagedSpotTraining, on "
        "ml.c5.xlarge, ml.m5.large, and with MaxRuntimeInSeconds of at most 600. The settings "
        "sandbox:training_instance_types and sandbox:training_max_runtime_minutes allow more."
    )
    services.add_tags()
    guard()


def test_throttling_fails_the_attempt_so_that_lambda_tries_again(services: Services) -> None:
    services.describe()
    services.list_tags()
    services.stop()
    services.sns.add_client_error("publish", "Throttled")
    with pytest.raises(ClientError, match="Throttled"):
        guard()


def test_another_attempt_does_what_was_not_done_yet(services: Services) -> None:
    services.describe(TrainingJobStatus="Stopping")
    services.list_tags("sandbox")
    services.publish()
    services.add_tags()
    guard()


def test_a_reason_fits_a_tag() -> None:
    """Even the longest that SageMaker can lead to: five instance groups, and the longest runtime of 28 days."""
    groups = [{"InstanceType": f"ml.p4de.2{n}xlarge"} for n in range(5)]
    job = {"ResourceConfig": {"InstanceGroups": groups}, "StoppingCondition": {"MaxRuntimeInSeconds": 2_419_200}}
    reason = " and ".join(Bounds(frozenset(), 600).violations(job))
    assert len(reason) <= 256
    assert set(reason) <= set("abcdefghijklmnopqrstuvwxyz0123456789 .")
