"""What starts the clock of a sandbox's end with every deployment."""

from datetime import datetime

from aws_cdk import ArnFormat, CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import custom_resources as cr
from constructs import Construct

from guardrails.acknowledge import acknowledge, acknowledge_wildcard_resources
from guardrails.expiry import Expiry
from guardrails.provider_framework import FRAMEWORK_FINDINGS, LAMBDA_FINDINGS, framework_role
from guardrails.python_function import python_function


class ExpiryClock(Construct):
    """A custom resource that starts an execution of the expiry, and then stops those that ran before.

    CloudFormation calls a resource only when one of its properties has changed, so the moment of the deployment is
    one: whatever else changed or did not, the clock starts again. It is deleted before the state machine, and stops
    what runs then: while an execution waits, Step Functions would not let go of its machine, for hours. The code is
    ``lambda/expiry_clock``.

    Its log group is encrypted by CloudWatch Logs, without the sandbox's key, which goes before this.

    Sources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes-update.html,
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DeleteStateMachine.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        expiry: Expiry,
        deployed_at: datetime,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(self, "Logs", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
        function = python_function(
            self,
            "Function",
            description="Starts the clock of the sandbox's expiry",
            handler="expiry_clock.handler.on_event",
            memory_size=256,
            timeout=Duration.minutes(1),
            role=self._role(expiry, log_group),
            log_group=log_group,
        )
        acknowledge(function, LAMBDA_FINDINGS)
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=function,
            log_group=log_group,
            framework_on_event_role=framework_role(self, "FrameworkRole", [function], log_group),
        )
        acknowledge(provider, FRAMEWORK_FINDINGS)
        CustomResource(
            self,
            "Resource",
            resource_type="Custom::ExpiryClock",
            service_token=provider.service_token,
            service_timeout=Duration.minutes(15),
            properties={
                "StateMachineArn": expiry.state_machine.state_machine_arn,
                "Input": expiry.input,
                "DeployedAt": deployed_at.isoformat(),
            },
        )

    def _role(self, expiry: Expiry, log_group: logs.ILogGroup) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        machine = expiry.state_machine
        executions = Stack.of(self).format_arn(
            service="states",
            resource="execution",
            resource_name=f"{machine.state_machine_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["states:StartExecution", "states:ListExecutions"], resources=[machine.state_machine_arn]
            )
        )
        role.add_to_policy(iam.PolicyStatement(actions=["states:StopExecution"], resources=[executions]))
        acknowledge_wildcard_resources(
            role, {executions: "Executions are named after CloudFormation's requests; the state machine is exact"}
        )
        return role
