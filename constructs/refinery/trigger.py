"""What starts the pipeline."""

from enum import StrEnum

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from guardrails.acknowledge import acknowledge


class ProcessingTrigger(StrEnum):
    """What starts the pipeline."""

    ON_DEMAND = "on-demand"

    DAILY = "daily"
    """At four in the morning, UTC, an hour after the crawlers of the setting of the same name."""

    NEW_CUSTOMERS = "new-customers"
    """Whenever a file of customers arrives in the raw zone."""


class PipelineTrigger(Construct):
    """An EventBridge rule that starts the pipeline, unless it is started on demand.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trigger: ProcessingTrigger,
        state_machine: sfn.IStateMachine,
        raw: s3.IBucket,
        customers_prefix: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.rule: events.Rule | None = None
        if trigger == ProcessingTrigger.ON_DEMAND:
            return
        by_schedule = trigger == ProcessingTrigger.DAILY
        self.rule = events.Rule(
            self,
            "Rule",
            schedule=events.Schedule.cron(hour="4", minute="0") if by_schedule else None,
            event_pattern=None
            if by_schedule
            else events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [raw.bucket_name]}, "object": {"key": [{"prefix": customers_prefix}]}},
            ),
            targets=[
                targets.SfnStateMachine(
                    state_machine,
                    # an event's own fields are no dates
                    input=events.RuleTargetInput.from_object({}),
                    retry_attempts=2,
                    max_event_age=Duration.hours(1),
                )
            ],
        )
        lost_event = "An event that is lost costs nothing but time: the next one, or a run on demand, does its work too"
        acknowledge(self.rule, {"Serverless-EventBusDLQ": lost_event})
