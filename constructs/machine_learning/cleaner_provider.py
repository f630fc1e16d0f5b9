"""What calls a cleaner's functions until they are done."""

from collections.abc import Sequence
from typing import cast

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import custom_resources as cr
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.provider_framework import FRAMEWORK_FINDINGS, accept_every_version, framework_role


class CleanerProvider(cr.Provider):
    """The CDK's framework for custom resources that take long, with roles and a log group of this stack.

    Left to itself it would log into groups that nobody owns. Its state machine does not log at all: that needs a
    resource policy of CloudWatch Logs, which Step Functions adds to the account and no stack removes.

    Source: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        on_event: lambda_.IFunction,
        is_complete: lambda_.IFunction,
        log_group: logs.ILogGroup,
        longest_wait: Duration,
    ) -> None:
        functions = [on_event, is_complete]
        super().__init__(
            scope,
            construct_id,
            on_event_handler=on_event,
            is_complete_handler=is_complete,
            query_interval=Duration.seconds(15),
            total_timeout=longest_wait,
            log_group=log_group,
            framework_on_event_role=framework_role(scope, "OnEventFrameworkRole", functions, log_group),
            framework_complete_and_timeout_role=framework_role(scope, "WaitingFrameworkRole", functions, log_group),
        )
        acknowledge(self, FRAMEWORK_FINDINGS)
        waiter = self.node.find_child("waiter-state-machine")
        framework = [self.node.find_child(name) for name in ("framework-isComplete", "framework-onTimeout")]
        accept_every_version(waiter, cast(Sequence[lambda_.IFunction], framework))
        no_tracing = "The CDK has no setting for it; the state machine repeats one call until it is answered"
        acknowledge(
            waiter,
            {
                "AwsSolutions-SF1": "The functions log each pass; a log of the state machine would outlive the stack",
                "AwsSolutions-SF2": no_tracing,
                "Serverless-StepFunctionStateMachineXray": no_tracing,
            },
        )
