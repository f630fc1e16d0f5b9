"""What the guard stops, and what it leaves alone, in an account of moto's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sagemaker.models import sagemaker_backends
from moto.sns.models import sns_backends

from idle_guard import handler
from tests.sweep_account import PREFIX, REGION, ROLE, SweepAccount

DOMAIN = "d-mine"
TAGS = {"sandbox": "ml-sandbox"}
APP = {"DomainId": DOMAIN, "SpaceName": "lab", "AppType": "JupyterLab", "AppName": "default"}


class Account(SweepAccount):
    """An account at a time, given by the hours that have passed since all in it was created."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime.now(UTC)
        self.topic = self.client("sns").create_topic(Name="notices")["TopicArn"]
        image = {"Image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/x:1"}
        self.sagemaker.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=image)

    @property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    def add_endpoint(self, name: str = "churn", *, tags: dict[str, str] = TAGS, **variant: Any) -> None:
        variant = variant or {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=f"{name}-config",
            ProductionVariants=[{"VariantName": "a", "ModelName": "model", **variant}],
        )
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=f"{name}-config", Tags=as_list(tags))

    def add_notebook(self, name: str = "notes", *, tags: dict[str, str] = TAGS) -> None:
        self.sagemaker.create_notebook_instance(
            NotebookInstanceName=name, InstanceType="ml.t3.medium", RoleArn=ROLE, Tags=as_list(tags)
        )

    def add_app(self, **changes: Any) -> None:
        self.listed["Apps"].append({**APP, "Status": "InService", "CreationTime": self.now, **changes})

    def measure(self, metric: str, *, hours: float, **dimensions: str) -> None:
        """A value of one, some hours after everything was created."""
        self.client("cloudwatch").put_metric_data(
            Namespace="AWS/SageMaker",
            MetricData=[
                {
                    "MetricName": metric,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                    "Timestamp": self.now + timedelta(hours=hours),
                    "Value": 1,
                }
            ],
        )

    def describe_as(self, **changes: Any) -> None:
        """Endpoints are described with what moto knows nothing of."""
        self.sagemaker.meta.events.register(
            "after-call.sagemaker.DescribeEndpoint", lambda parsed, **_: parsed.update(changes)
        )

    def look(self, hours: float) -> None:
        """The guard looks when so many hours have passed."""
        handler.lambda_handler({"time": (self.now + timedelta(hours=hours)).isoformat()}, None)

    def endpoints(self) -> list[str]:
        return sorted(endpoint["EndpointName"] for endpoint in self.sagemaker.list_endpoints()["Endpoints"])

    def notebooks(self, status: str = "InService") -> list[str]:
        found = self.sagemaker.list_notebook_instances(StatusEquals=status)["NotebookInstances"]
        return sorted(notebook["NotebookInstanceName"] for notebook in found)

    def apps(self) -> list[str]:
        return [app["AppName"] for app in self.listed["Apps"]]

    def notices(self) -> list[str]:
        sent = sns_backends[DEFAULT_ACCOUNT_ID][REGION].topics[self.topic].sent_notifications
        return [message for _, message, *_ in sent]


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    with mock_aws():
        account = Account()
        given = {
            "SANDBOX": "ml-sandbox",
            "ENDPOINT_IDLE_HOURS": "2",
            "NOTEBOOK_MAX_HOURS": "12",
            "DOMAIN_ID": DOMAIN,
            "TOPIC_ARN": account.topic,
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(boto3, "client", lambda service, **_: account.client(service))
        yield account


class TestEndpoints:
    def test_that_nobody_invokes_are_deleted_and_told_with_the_way_back(self, account: Account) -> None:
        account.add_endpoint()
        account.measure("Invocations", hours=0.5, EndpointName="churn", VariantName="a")
        account.look(hours=2.6)
        assert account.endpoints() == []
        assert account.notices() == [
            "Endpoint churn was not invoked for 2 hours and is deleted. Its configuration and its model stay. To bring "
            "it back: aws sagemaker create-endpoint --endpoint-name churn --endpoint-config-name churn-config --tags "
            "Key=sandbox,Value=ml-sandbox\nThe setting sandbox:endpoint_idle_hours allows more."
        ]

    def test_that_somebody_has_invoked_are_left_alone(self, account: Account) -> None:
        account.add_endpoint()
        account.measure("Invocations", hours=20, EndpointName="churn", VariantName="a")
        account.look(hours=21.5)
        assert account.endpoints() == ["churn"]
        assert account.notices() == []

    def test_that_are_younger_than_they_may_be_idle_are_left_alone(self, account: Account) -> None:
        account.add_endpoint()
        account.look(hours=1.9)
        assert account.endpoints() == ["churn"]

    @pytest.mark.parametrize("tags", [{}, {"sandbox": "ml-sandbox-two"}])
    def test_of_others_are_left_alone(self, account: Account, tags: dict[str, str]) -> None:
        account.add_endpoint(tags=tags)
        account.look(hours=100)
        assert account.endpoints() == ["churn"]

    @pytest.mark.parametrize("status", ["Creating", "Updating", "Deleting"])
    def test_that_are_not_in_service_are_left_alone(self, account: Account, status: str) -> None:
        account.add_endpoint()
        sagemaker_backends[DEFAULT_ACCOUNT_ID][REGION].endpoints["churn"].endpoint_status = status
        account.look(hours=100)
        assert account.endpoints() == ["churn"]

    @pytest.mark.parametrize("metric", ["InvocationsProcessed", "ApproximateBacklogSize"])
    def test_for_asynchronous_inference_are_used_while_they_work_though_they_count_no_invocations(
        self, account: Account, metric: str
    ) -> None:
        account.add_endpoint()
        account.describe_as(AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": "s3://any"}})
        account.measure(metric, hours=9, EndpointName="churn")
        account.look(hours=10)
        assert account.endpoints() == ["churn"]
        account.look(hours=12)
        assert account.endpoints() == []

    @pytest.mark.parametrize(("provisioned", "left"), [({}, ["churn"]), ({"ProvisionedConcurrency": 1}, [])])
    def test_without_a_server_are_deleted_only_if_capacity_is_kept_warm(
        self, account: Account, provisioned: dict[str, int], left: list[str]
    ) -> None:
        account.add_endpoint(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1, **provisioned})
        account.look(hours=3)
        assert account.endpoints() == left

    def test_of_inference_components_are_left_alone_since_nothing_would_bring_them_back(self, account: Account) -> None:
        account.add_endpoint()
        component = {
            "InferenceComponentName": "a",
            "InferenceComponentArn": f"{PREFIX}:inference-component/a",
            "EndpointName": "churn",
            "EndpointArn": f"{PREFIX}:endpoint/churn",
            "VariantName": "a",
            "CreationTime": account.now,
            "LastModifiedTime": account.now,
        }
        account.listed["InferenceComponents"].append(component)
        account.look(hours=100)
        assert account.endpoints() == ["churn"]


class TestNotebookInstances:
    def test_that_run_for_too_long_are_stopped_and_told_with_the_way_back(self, account: Account) -> None:
        account.add_notebook()
        account.look(hours=12.1)
        assert account.notebooks("Stopped") == ["notes"]
        (notice,) = account.notices()
        assert "ran for more than 12 hours and is stopped" in notice
        assert "aws sagemaker start-notebook-instance --notebook-instance-name notes" in notice
        assert "sandbox:notebook_max_hours" in notice

    def test_that_run_for_less_are_left_alone(self, account: Account) -> None:
        account.add_notebook()
        account.look(hours=11.9)
        assert account.notebooks() == ["notes"]

    def test_of_others_are_left_alone(self, account: Account) -> None:
        account.add_notebook("untagged", tags={})
        account.add_notebook("another", tags={"sandbox": "ml-sandbox-two"})
        account.look(hours=100)
        assert account.notebooks() == ["another", "untagged"]


class TestApps:
    def test_that_run_for_too_long_are_stopped_and_told(self, account: Account) -> None:
        account.add_app()
        account.look(hours=12.1)
        assert account.apps() == []
        (notice,) = account.notices()
        assert "Studio app JupyterLab default of lab in domain d-mine ran for more than 12 hours" in notice

    @pytest.mark.parametrize(
        "changes",
        [
            {"DomainId": "d-another"},  # even if it is listed
            {"Status": "Deleting"},
            {"Status": "Deleted"},
            {"AppType": "JupyterServer", "ResourceSpec": {"InstanceType": "system"}},
        ],
        ids=lambda changes: "-".join(changes),
    )
    def test_of_others_or_stopping_or_free_are_left_alone(self, account: Account, changes: dict[str, Any]) -> None:
        account.add_app(**changes)
        account.look(hours=100)
        assert account.apps() == ["default"]
        assert account.notices() == []

    def test_that_run_for_less_are_left_alone(self, account: Account) -> None:
        account.add_app()
        account.look(hours=11.9)
        assert account.apps() == ["default"]

    @pytest.mark.parametrize(
        ("record", "left"),
        [
            ({}, ["default"]),
            ({"requestParameters": {"domainId": DOMAIN, "spaceName": "other"}}, []),
            ({"errorCode": "AccessDenied"}, []),
            ({"requestParameters": None}, []),
        ],
    )
    def test_that_were_started_again_are_as_old_as_that_though_they_keep_their_creation_time(
        self, account: Account, record: dict[str, Any], left: list[str]
    ) -> None:
        account.add_app()
        request = {"domainId": DOMAIN, "spaceName": "lab", "appType": "JupyterLab", "appName": "default"}
        event = {"eventName": "CreateApp", "requestParameters": request, **record}
        account.listed["Events"].append({"EventName": "CreateApp", "CloudTrailEvent": json.dumps(event)})
        account.look(hours=20)
        assert account.apps() == left

    def test_are_asked_for_with_the_time_they_may_run(self, account: Account) -> None:
        asked: list[dict[str, Any]] = []
        events = account.client("cloudtrail").meta.events
        events.register("provide-client-params.cloudtrail.LookupEvents", lambda params, **_: asked.append(dict(params)))
        account.add_app()
        account.look(hours=20)
        (request,) = asked
        assert request["LookupAttributes"] == [{"AttributeKey": "EventName", "AttributeValue": "CreateApp"}]
        assert request["StartTime"] == account.now + timedelta(hours=20 - 12)


class TestALook:
    def test_reads_every_page(self, account: Account) -> None:
        for number in range(12):
            account.add_endpoint(f"churn-{number}")
            account.add_notebook(f"notes-{number}")
        account.look(hours=13)
        assert (account.endpoints(), account.notebooks()) == ([], [])

    def test_at_what_is_stopping_does_and_tells_nothing(self, account: Account) -> None:
        account.add_endpoint()
        account.add_notebook()
        account.add_app()
        account.look(hours=13)
        account.look(hours=14)
        assert len(account.notices()) == 3

    @pytest.mark.parametrize(
        ("operation", "failed", "left"),
        [
            ("ListEndpoints", "EndpointName: ", ["bad", "good"]),
            ("DescribeEndpoint", "EndpointName bad: ", ["bad"]),
            ("DeleteEndpoint", "EndpointName bad: ", ["bad"]),
        ],
    )
    def test_that_fails_in_one_place_looks_everywhere_else_and_then_fails_the_attempt(
        self, account: Account, operation: str, failed: str, left: list[str]
    ) -> None:
        account.add_endpoint("bad")
        account.add_endpoint("good")
        account.add_notebook()
        account.add_app()

        def refuse(params: dict[str, Any], **_: Any) -> None:
            if operation == "ListEndpoints" or params["EndpointName"] == "bad":
                raise account.sagemaker.exceptions.ClientError({"Error": {"Code": "ThrottlingException"}}, operation)

        account.sagemaker.meta.events.register_first(f"provide-client-params.sagemaker.{operation}", refuse)
        with pytest.raises(handler.GuardError, match=f"^{failed}.*ThrottlingException"):
            account.look(hours=13)
        account.sagemaker.meta.events.unregister(f"provide-client-params.sagemaker.{operation}", refuse)
        assert account.endpoints() == left
        assert (account.notebooks(), account.apps()) == ([], [])

    def test_stops_nothing_that_it_cannot_tell(self, account: Account) -> None:
        account.add_endpoint()
        account.client("sns").delete_topic(TopicArn=account.topic)
        with pytest.raises(handler.GuardError, match=r"EndpointName churn: .*NotFound"):
            account.look(hours=3)
        assert account.endpoints() == ["churn"]
