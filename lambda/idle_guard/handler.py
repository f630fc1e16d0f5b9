"""The guard's entry point, as EventBridge calls it on a schedule."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from guarding.notices import tell
from idle_guard.apps import is_billed, was_started
from idle_guard.endpoints import Endpoint, bills_while_idle, metrics_of_use
from sagemaker_api.apps import app_key
from sagemaker_api.listing import Listed, listed, sagemaker_client

_IN_SERVICE = "InService"
"""What is in another state is not there yet, or is stopping already."""


class GuardError(Exception):
    """Not everything could be looked at and stopped; the message says what."""


def lambda_handler(event: dict[str, Any], _context: object) -> None:
    """Look at all that runs, and stop and tell what runs on.

    What fails keeps nothing else from being looked at. At the end it fails the attempt, so that Lambda tries again; by
    then the rest is stopping and left alone. The notice comes before the deed: it may come twice, and is never lost.
    """
    look = Look.with_environment(os.environ, datetime.fromisoformat(event["time"]))
    failures: list[str] = []
    for kind, running, stop_what_runs_on in (
        ("EndpointName", look.endpoints, look.at_endpoint),
        ("NotebookInstanceName", look.notebook_instances, look.at_notebook_instance),
        ("AppName", look.apps, look.at_app),
    ):
        with _noted(failures, kind):
            for item in running():
                with _noted(failures, f"{kind} {item[kind]}"):
                    stop_what_runs_on(item)
    if failures:
        raise GuardError("; ".join(failures))


@contextmanager
def _noted(failures: list[str], what: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        failures.append(f"{what}: {error}")


@dataclass(frozen=True)
class Look:
    """A look at what is in service at a time, by what the settings allow."""

    sagemaker: Any
    now: datetime
    sandbox: str
    idle: timedelta
    """How long an endpoint may be idle."""
    longest: timedelta
    """How long a notebook may run."""
    domain_id: str

    @classmethod
    def with_environment(cls, environment: Mapping[str, str], now: datetime) -> Look:
        return cls(
            sagemaker_client(),
            now,
            environment["SANDBOX"],
            timedelta(hours=int(environment["ENDPOINT_IDLE_HOURS"])),
            timedelta(hours=int(environment["NOTEBOOK_MAX_HOURS"])),
            environment["DOMAIN_ID"],
        )

    def endpoints(self) -> list[Listed]:
        """Those that nobody has created or changed lately."""
        found = listed(self.sagemaker, "list_endpoints", "Endpoints", StatusEquals=_IN_SERVICE)
        return [endpoint for endpoint in found if self.now - endpoint["LastModifiedTime"] > self.idle]

    def at_endpoint(self, summary: Listed) -> None:
        """An endpoint that is deleted can be created again: its configuration stays, and so does its model.

        Inference components would not: they are no part of the configuration. Their endpoints are left alone.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-delete-resources.html
        """
        name = summary["EndpointName"]
        if not self._is_of_the_sandbox(summary["EndpointArn"]):
            return
        endpoint = self.sagemaker.describe_endpoint(EndpointName=name)
        if not bills_while_idle(endpoint) or self._has_components(name) or self._is_used(endpoint):
            return
        tell(
            f"Endpoint deleted: {name}",
            f"Endpoint {name} was not invoked for {_hours(self.idle)} and is deleted. Its configuration and its model "
            f"stay. To bring it back: aws sagemaker create-endpoint --endpoint-name {name} --endpoint-config-name "
            f"{endpoint['EndpointConfigName']} --tags Key=sandbox,Value={self.sandbox}\n"
            "The setting sandbox:endpoint_idle_hours allows more.",
        )
        self.sagemaker.delete_endpoint(EndpointName=name)

    def notebook_instances(self) -> list[Listed]:
        """Those that were started too long ago; starting one modifies it.

        Source: https://github.com/aws-samples/amazon-sagemaker-notebook-instance-lifecycle-config-samples/pull/17
        """
        found = listed(self.sagemaker, "list_notebook_instances", "NotebookInstances", StatusEquals=_IN_SERVICE)
        return [notebook for notebook in found if self.now - notebook["LastModifiedTime"] > self.longest]

    def at_notebook_instance(self, notebook: Listed) -> None:
        name = notebook["NotebookInstanceName"]
        if not self._is_of_the_sandbox(notebook["NotebookInstanceArn"]):
            return
        tell(
            f"Notebook instance stopped: {name}",
            f"Notebook instance {name} ran for more than {_hours(self.longest)} and is stopped. Its volume stays. To "
            f"go on: aws sagemaker start-notebook-instance --notebook-instance-name {name}\n"
            "The setting sandbox:notebook_max_hours allows more.",
        )
        self.sagemaker.stop_notebook_instance(NotebookInstanceName=name)

    def apps(self) -> list[Listed]:
        """Those of the domain that were created too long ago."""
        return [
            app
            for app in listed(self.sagemaker, "list_apps", "Apps", DomainIdEquals=self.domain_id)
            if app["DomainId"] == self.domain_id
            and app["Status"] == _IN_SERVICE
            and is_billed(app)
            and self.now - app["CreationTime"] > self.longest
        ]

    def at_app(self, app: Listed) -> None:
        """An app that was started again within a day counts as the same, as old as before: CloudTrail is asked.

        Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeApp.html
        """
        pages = (
            boto3.client("cloudtrail")
            .get_paginator("lookup_events")
            .paginate(
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateApp"}],
                StartTime=self.now - self.longest,
            )
        )
        if was_started(app, (event for page in pages for event in page["Events"])):
            return
        name = f"{app['AppType']} {app['AppName']} of {app.get('SpaceName') or app['UserProfileName']}"
        tell(
            f"Studio app stopped: {name}",
            f"Studio app {name} in domain {self.domain_id} ran for more than {_hours(self.longest)} and is stopped. "
            "What is saved in its space stays. To go on, start it again in Studio.\n"
            "The setting sandbox:notebook_max_hours allows more.",
        )
        self.sagemaker.delete_app(**app_key(app))

    def _is_of_the_sandbox(self, arn: str) -> bool:
        tags = listed(self.sagemaker, "list_tags", "Tags", ResourceArn=arn)
        return {"Key": "sandbox", "Value": self.sandbox} in tags

    def _has_components(self, endpoint: str) -> bool:
        found = listed(self.sagemaker, "list_inference_components", "InferenceComponents", EndpointNameEquals=endpoint)
        return any(component["EndpointName"] == endpoint for component in found)

    def _is_used(self, endpoint: Endpoint) -> bool:
        """GetMetricStatistics rather than GetMetricData, which has no free tier.

        Source: https://repost.aws/knowledge-center/cloudwatch-getmetricdata-api
        """
        cloudwatch = boto3.client("cloudwatch")
        return any(
            point["Sum"]
            for metric, dimensions in metrics_of_use(endpoint)
            for point in cloudwatch.get_metric_statistics(
                Namespace="AWS/SageMaker",
                MetricName=metric,
                Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
                StartTime=self.now - self.idle,
                EndTime=self.now,
                Period=3600,
                Statistics=["Sum"],
            )["Datapoints"]
        )


def _hours(time: timedelta) -> str:
    hours = int(time.total_seconds() // 3600)
    return f"{hours} hour" if hours == 1 else f"{hours} hours"
