"""What somebody should look into."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from firehose_transform.reasons import Reason
from guardrails.metrics import PERIOD, DeliveryMetrics, not_handed_over, training_runs

_GRACE = Duration.minutes(10)
_MOST_FAILED_PERCENT = 10
_FEWEST_RECORDS = 20


class SandboxAlarms(Construct):
    """Few alarms, each about something to be done that nothing else in the sandbox tells, and told to the topic.

    They are made in the stack that they watch, since a reference from another would keep what they watch from being
    replaced. A refinery run that fails, for one, tells so itself, and only a run that times out cannot. What has no
    data is in order: a sandbox where nothing happens stays silent. CloudWatch bills an alarm by the metrics that it
    refers to, ten of which are free in every account; those of a sandbox together refer to fewer.

    Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_billing.html,
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html,
    https://aws.amazon.com/cloudwatch/pricing/
    """

    def __init__(self, scope: Construct, construct_id: str, *, topic: sns.ITopic) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic

    def watch_delivery(self, delivery: DeliveryMetrics, *, buffer_seconds: int) -> None:
        """Tell when orders arrive late, or fail.

        With dynamic partitioning, Firehose itself may delay a record by one and a half times its buffer interval.

        Source: https://docs.aws.amazon.com/firehose/latest/dev/buffering.html
        """
        self._tell(
            "DeliveryIsLate",
            "Orders have been waiting in Firehose for longer than its buffer explains. The delivery stream's log says "
            "why.",
            delivery.processed_age,
            threshold=1.5 * buffer_seconds + _GRACE.to_seconds(),
        )
        self._tell(
            "TransformFails",
            "Firehose got no answer from the transform: it failed, took too long or was throttled. Its log says why; "
            "records that fail three times lie under errors/ in the processed zone.",
            delivery.answered,
            threshold=1,
            comparison=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
        )
        self._tell(
            "TransformHasAFault",
            "The transform could not judge a record, for a fault of its own, not of the record. Its log has a line "
            "with the reason internal_error.",
            delivery.failed_for(Reason.INTERNAL_ERROR),
            threshold=0,
        )
        self._tell(
            "ManyRecordsFail",
            f"More than {_MOST_FAILED_PERCENT} % of the orders do not fit the contract: a producer has changed. The "
            "dashboard shows the reasons, the query failures_by_reason the records.",
            cloudwatch.MathExpression(
                expression=f"IF(received >= {_FEWEST_RECORDS}, 100 * failed / received, 0)",
                using_metrics={"failed": delivery.failed, "received": delivery.received},
                label="failed, in percent",
                period=PERIOD,
            ),
            threshold=_MOST_FAILED_PERCENT,
        )

    def watch_refinery(self, state_machine: sfn.StateMachine) -> None:
        """Tell when a run has taken too long, which ends it before it can tell so itself."""
        self._tell(
            "RefineryTimedOut",
            "A run of the refinery has reached the time limit of its state machine and was ended. Its execution shows "
            "the job that took so long; start it again once that is settled.",
            state_machine.metric_timed_out(period=PERIOD),
            threshold=0,
        )

    def watch_training(self, pipeline: str) -> None:
        """Tell when a training run fails, or ends without a model that is good enough."""
        self._tell(
            "TrainingFailed",
            "A run of the training pipeline has failed. Its failed step says why: a job that broke, or, at "
            "NotGoodEnough, a model that is not registered.",
            training_runs(pipeline, "ExecutionFailed"),
            threshold=0,
        )

    def watch_rule(self, construct_id: str, rule: events.IRule, target: str) -> None:
        """Tell when EventBridge could not call what a rule is there to call."""
        self._tell(
            construct_id,
            f"EventBridge has given up on calling {target}: it may not, or there is none. Deploy the sandbox again.",
            not_handed_over(rule),
            threshold=0,
        )

    def _tell(
        self,
        construct_id: str,
        description: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_description=description,
            metric=metric,
            threshold=threshold,
            comparison_operator=comparison,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
