"""What keeps the sandbox from costing more than it should."""

from typing import Any

from aws_cdk import Duration, Stack
from constructs import Construct

from guardrails.alarms import SandboxAlarms
from guardrails.budget import SandboxBudget
from guardrails.idle_guard import IdleGuard
from guardrails.note import note
from guardrails.spot_guard import SpotGuard
from stacks.lake_stack import LakeStack
from stacks.settings import PREFIX, Settings
from stacks.studio_stack import StudioStack
from stacks.training_stack import TrainingStack


class GuardrailsStack(Stack):
    """A budget, and guards over training, endpoints and notebooks (guide 6.6)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        lake: LakeStack,
        training: TrainingStack,
        studio: StudioStack,
        with_budget_type: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)

        spot_guard = SpotGuard(
            self,
            "SpotGuard",
            sandbox_name=settings.name,
            training_role=training.spot_training.role,
            instance_types=settings.training_instance_types,
            max_runtime=Duration.minutes(settings.training_max_runtime_minutes),
            topic=lake.notices,
            key=lake.key,
            log_retention=settings.log_retention,
        )
        idle_guard = IdleGuard(
            self,
            "IdleGuard",
            sandbox_name=settings.name,
            endpoint_idle_hours=settings.endpoint_idle_hours,
            notebook_max_hours=settings.notebook_max_hours,
            domain=studio.domain,
            topic=lake.notices,
            key=lake.key,
            log_retention=settings.log_retention,
        )
        alarms = SandboxAlarms(self, "Alarms", topic=lake.notices)
        alarms.watch_rule("GuardNotCalled", spot_guard.rule, "the guard over training jobs")
        alarms.watch_rule("IdleGuardNotCalled", idle_guard.rule, "the guard over endpoints and notebooks")
        if not settings.notice_email:
            note(
                self,
                f"There is no budget, since {PREFIX}notice_email is empty. To be told before the sandbox costs more "
                f"than USD {settings.budget_usd} a month: -c {PREFIX}notice_email=you@example.com",
            )
        elif not with_budget_type:
            note(
                self,
                "There is no budget, since CloudFormation in this region cannot create one. Budgets belong to the "
                f"whole account: create one in the Billing console, for the tag sandbox with value {settings.name}.",
            )
        else:
            SandboxBudget(
                self, "Budget", sandbox_name=settings.name, usd=settings.budget_usd, email=settings.notice_email
            )
