"""The guardrails stack on the local cloud: the guards really stop a job and an app, and a budget is kept."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import Deploy, temporary_stacks
from tests.patience import PATIENCE
from tests.sagemaker_jobs import ROLE, SageMakerJobs
from tests.synthesis import ROOT, synthesize

SLEEP = "import time; time.sleep(3600)"
KEY = "arn:aws:kms:us-east-1:000000000000:key/any"
OTHERS: dict[str, Any] = {
    "Notices": {"Type": "AWS::SNS::Topic", "Properties": {}},
    "Domain": {
        "Type": "AWS::SageMaker::Domain",
        "Properties": {"DomainName": "guarded", "AuthMode": "IAM", "DefaultUserSettings": {}},
    },
}
"""What other stacks export, as far as it must exist."""


@pytest.fixture(scope="module")
def jobs(local_cloud: LocalCloud) -> SageMakerJobs:
    return SageMakerJobs(local_cloud)


def guardrails(code: dict[str, str]) -> dict[str, Any]:
    """The stack's resources, with this code, and what other stacks export replaced."""

    def here(value: Any) -> Any:
        match value:
            case {"Fn::ImportValue": str(name)} if "Notices" in name:
                return {"Ref": "Notices"}
            case {"Fn::ImportValue": str(name)} if "StudioDomain" in name:
                return {"Fn::GetAtt": ["Domain", "DomainId"]}
            case {"Fn::ImportValue": str(name)}:
                return ROLE if "SpotTrainingRole" in name else KEY
            case {"S3Bucket": _, "S3Key": _}:
                return code
            case dict():
                return {key: here(item) for key, item in value.items()}
            case list():
                return [here(item) for item in value]
            case _:
                return value

    resources = synthesize("smallest")["Guardrails"].template["Resources"]
    return {name: here(body) for name, body in resources.items() if body["Type"] != "AWS::CDK::Metadata"}


@pytest.fixture(scope="module")
def deployed(local_cloud: LocalCloud, jobs: SageMakerJobs) -> Iterator[dict[str, str]]:
    """The stack, deployed; physical ids by what logical ids begin with."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        for path in sorted((ROOT / "lambda").rglob("*.py")):
            code.write(path, path.relative_to(ROOT / "lambda"))
    jobs.s3.put_object(Bucket=jobs.bucket, Key="lambda.zip", Body=archive.getvalue())
    resources = OTHERS | guardrails({"S3Bucket": jobs.bucket, "S3Key": "lambda.zip"})
    with temporary_stacks(local_cloud) as deploy:
        yield {name.rstrip("0123456789ABCDEF"): id_ for name, id_ in deploy(resources).items()}


@pytest.fixture
def notices(local_cloud: LocalCloud, deployed: dict[str, str]) -> Iterator[Any]:
    """Waits for the next notice."""
    sqs, sns = local_cloud.client("sqs"), local_cloud.client("sns")
    url = sqs.create_queue(QueueName=f"test-{uuid4().hex[:8]}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=deployed["Notices"], Protocol="sqs", Endpoint=arn)["SubscriptionArn"]

    def notice() -> str:
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
        return str(json.loads(message["Body"])["Message"])

    yield notice
    sns.unsubscribe(SubscriptionArn=subscription)
    sqs.delete_queue(QueueUrl=url)


def test_a_job_without_spot_is_stopped_told_and_tagged_and_one_on_spot_is_left_alone(
    jobs: SageMakerJobs, notices: Any
) -> None:
    on_spot = jobs.start_spot(SLEEP)
    on_demand = jobs.start(SLEEP)
    job = jobs.wait(on_demand)
    assert job["TrainingJobStatus"] == "Stopped"
    assert f"Training job {on_demand} was stopped: not on managed spot" in notices()
    until(lambda: str("not on managed spot" in tags(jobs, on_demand).values()), "True")
    assert jobs.sagemaker.describe_training_job(TrainingJobName=on_spot)["TrainingJobStatus"] == "InProgress"
    assert tags(jobs, on_spot) == {}
    jobs.sagemaker.stop_training_job(TrainingJobName=on_spot)
    jobs.wait(on_spot)


def tags(jobs: SageMakerJobs, name: str) -> dict[str, str]:
    arn = jobs.sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobArn"]
    return {tag["Key"]: tag["Value"] for tag in jobs.sagemaker.list_tags(ResourceArn=arn)["Tags"]}


@pytest.fixture
def app(local_cloud: LocalCloud, deployed: dict[str, str]) -> Iterator[Callable[[], str]]:
    """The status of an app in the domain, which is in service."""
    sagemaker, domain = local_cloud.client("sagemaker"), {"DomainId": deployed["Domain"]}
    sagemaker.create_user_profile(**domain, UserProfileName="ana")
    key = {**domain, "UserProfileName": "ana", "AppType": "JupyterLab", "AppName": "default"}
    sagemaker.create_app(**key)

    def status() -> str:
        return str(sagemaker.describe_app(**key)["Status"])

    until(status, "InService")
    yield status
    if status() == "InService":
        sagemaker.delete_app(**key)
    until(status, "Deleted")
    sagemaker.delete_user_profile(**domain, UserProfileName="ana")


def until(status: Callable[[], str], wanted: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while status() != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status() == wanted


def test_an_app_that_runs_too_long_is_stopped_and_told_and_before_that_left_alone(
    local_cloud: LocalCloud, deployed: dict[str, str], app: Callable[[], str], notices: Any
) -> None:
    def look(*, hours: int) -> None:
        """The guard looks some hours from now."""
        time_ = (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = local_cloud.client("lambda").invoke(
            FunctionName=deployed["IdleGuardFunction"], Payload=json.dumps({"time": time_})
        )
        assert "FunctionError" not in answer, answer["Payload"].read()

    look(hours=11)
    assert app() == "InService"
    look(hours=13)
    assert app() in ("Deleting", "Deleted")
    assert "Studio app JupyterLab default of ana" in notices()


def test_a_budget_is_kept_changed_and_deleted(local_cloud: LocalCloud, deploy: Deploy) -> None:
    budgets = local_cloud.client("budgets")
    (resource,) = (body for body in guardrails({}).values() if body["Type"] == "AWS::Budgets::Budget")
    stack = f"test-{uuid4().hex[:8]}"

    def kept() -> dict[str, Any]:
        found = budgets.describe_budgets(AccountId="000000000000")["Budgets"]
        (budget,) = (budget for budget in found if budget["BudgetName"].startswith(stack))
        return dict(budget)

    deploy({"Budget": resource}, stack)
    before = kept()
    assert before["BudgetLimit"] == {"Amount": "1", "Unit": "USD"}
    assert before["CostFilters"] == {"TagKeyValue": ["user:sandbox$ml-sandbox"]}
    alerts = budgets.describe_notifications_for_budget(AccountId="000000000000", BudgetName=before["BudgetName"])
    assert len(alerts["Notifications"]) == 4

    properties = resource["Properties"]
    larger = {**properties, "Budget": {**properties["Budget"], "BudgetLimit": {"Amount": 50, "Unit": "USD"}}}
    deploy({"Budget": {**resource, "Properties": larger}}, stack)
    assert (kept()["BudgetName"], kept()["BudgetLimit"]["Amount"]) == (before["BudgetName"], "50")

    fewer = {**larger, "NotificationsWithSubscribers": larger["NotificationsWithSubscribers"][:1]}
    deploy({"Budget": {**resource, "Properties": fewer}}, stack)
    assert kept()["BudgetName"] != before["BudgetName"]
