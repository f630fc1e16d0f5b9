"""Stops what goes on costing money by the hour."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.guard import Guard
from guardrails.notifications import NotificationTopic
from machine_learning.studio_domain import StudioDomain


class IdleGuard(Guard):
    """Once an hour, deletes endpoints of the sandbox that nobody invokes and stops its notebooks that run too long.

    - An endpoint cannot be stopped; what it takes to create it again stays, and the notice says how. Serverless
      endpoints without provisioned capacity cost nothing while they are idle and stay, and so do endpoints of
      inference components, which could not be brought back. One that scales automatically fails to be deleted, which
      is told: the right to deregister what scales it cannot be kept to this sandbox.
    - Notebooks are notebook instances and Studio apps. Studio shuts down idle ones itself, after an hour; this is for
      those that something keeps busy, and for apps of kinds without idle shutdown.

    Whose an endpoint or a notebook instance is, its tag says, to the code and to IAM; an app is in the domain. Since an
    app that is started again may keep its creation time, CloudTrail's event history is asked for the start; IAM cannot
    narrow that to apps. The code is ``lambda/idle_guard``.

    Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html,
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        endpoint_idle_hours: int,
        notebook_max_hours: int,
        domain: StudioDomain,
        topic: NotificationTopic,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        stack = Stack.of(scope)
        endpoints = stack.format_arn(service="sagemaker", resource="endpoint", resource_name="*")
        notebooks = stack.format_arn(service="sagemaker", resource="notebook-instance", resource_name="*")
        of_the_sandbox = {"StringEquals": {"aws:ResourceTag/sandbox": sandbox_name}}
        apps = stack.format_arn(service="sagemaker", resource="app", resource_name=f"{domain.id}/*")
        named_by_others = "Whoever creates one names it; the tag keeps those of others from being stopped"
        statements = [
            iam.PolicyStatement(
                actions=[
                    "cloudtrail:LookupEvents",
                    "cloudwatch:GetMetricStatistics",
                    "sagemaker:ListApps",
                    "sagemaker:ListEndpoints",
                    "sagemaker:ListInferenceComponents",
                    "sagemaker:ListNotebookInstances",
                ],
                resources=["*"],
            ),
            iam.PolicyStatement(actions=["sagemaker:ListTags"], resources=[endpoints, notebooks]),
            iam.PolicyStatement(
                actions=["sagemaker:DeleteEndpoint", "sagemaker:DescribeEndpoint"],
                resources=[endpoints],
                conditions=of_the_sandbox,
            ),
            iam.PolicyStatement(
                actions=["sagemaker:StopNotebookInstance"], resources=[notebooks], conditions=of_the_sandbox
            ),
            iam.PolicyStatement(actions=["sagemaker:DeleteApp"], resources=[apps]),
        ]
        wildcards = {
            "*": "Lists, metrics and the event history cannot be narrowed to a resource",
            endpoints: named_by_others,
            notebooks: named_by_others,
            apps: "Learners name what they start; the wildcard ends at the domain",
        }
        super().__init__(
            scope,
            construct_id,
            package="idle_guard",
            description="Stops idle endpoints, and notebooks that run too long",
            timeout=Duration.minutes(5),
            environment={
                "SANDBOX": sandbox_name,
                "ENDPOINT_IDLE_HOURS": str(endpoint_idle_hours),
                "NOTEBOOK_MAX_HOURS": str(notebook_max_hours),
                "DOMAIN_ID": domain.id,
            },
            statements=statements,
            wildcards=wildcards,
            topic=topic,
            key=key,
            log_retention=log_retention,
        )
        self.rule = events.Rule(
            self,
            "Rule",
            schedule=events.Schedule.rate(Duration.hours(1)),
            targets=[targets.LambdaFunction(self.function)],
        )
        acknowledge(self.rule, {"Serverless-EventBusDLQ": "What one hour misses, the next one looks at again"})
