"""What deletes the sandbox when its time is over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.expiry import Expiry
from guardrails.expiry_clock import ExpiryClock
from guardrails.note import note
from guardrails.notifications import NotificationTopic
from stacks.settings import PREFIX, Settings


class ExpiryStack(Stack):
    """The clock of a sandbox with a lifetime (guide 6.6); empty for one without.

    It imports nothing from the other stacks, whose key or topic it would outlive, so its topic is encrypted with the
    key that AWS manages for SNS: every role that may publish can use it, and it costs nothing.

    Without a lifetime it is a stack without resources, which the CDK CLI does not deploy, and deletes if it exists. A
    stack that the app left out would stay in the account, and its clock would still delete the sandbox.

    Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html,
    https://github.com/aws/aws-cdk-cli/blob/main/packages/aws-cdk/lib/cli/cdk-toolkit.ts
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        stack_names: Sequence[str],
        deployed_at: datetime,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            # its parameter would be a difference from a stack that is not deployed
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=bool(settings.lifetime_hours)),
            **kwargs,
        )

        if not settings.lifetime_hours:
            self.template_options.description = None
            acknowledge(self, {"CloudFormation-Validate::F0001": "The CDK CLI deploys no stack without resources"})
            return
        expiry = Expiry(
            self,
            "Expiry",
            sandbox_name=settings.name,
            stack_names=stack_names,
            lifetime=Duration.hours(settings.lifetime_hours),
            topic=NotificationTopic(
                self,
                "Notices",
                key=kms.Alias.from_alias_name(self, "SnsKey", "alias/aws/sns"),
                email=settings.notice_email,
            ),
        )
        ExpiryClock(self, "Clock", expiry=expiry, deployed_at=deployed_at, log_retention=settings.log_retention)
        CfnOutput(self, "ExpiryMachine", value=expiry.state_machine.state_machine_arn)
        data = "what it retains stays" if settings.retain_data else "its data too"
        note(
            self,
            f"The sandbox deletes itself {settings.lifetime_hours} hours after each deployment, {data}. To keep it, "
            f"deploy it with -c {PREFIX}lifetime_hours=0",
        )
