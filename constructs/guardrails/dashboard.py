"""What the sandbox does, on one page."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from firehose_transform.reasons import Reason
from guardrails.metrics import PERIOD, DeliveryMetrics, account_charges, put_records, training_runs

_WHOLE, _HALF, _THIRD, _QUARTER = 24, 12, 8, 6
"""Widths, in columns of the dashboard."""

_SPEND = """
What **{name}** itself costs:

- before it is deployed: `python -m practice cost`
- afterwards: [Cost Explorer](https://console.aws.amazon.com/cost-management/home#/cost-explorer), filtered by the tag
  `sandbox` = `{name}`, once that is active for cost allocation; a
  [budget](https://console.aws.amazon.com/billing/home#/budgets) counts the same, if `sandbox:notice_email` is set

The graph is of the **whole account**, and empty until somebody turns on
[billing alerts](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html).
"""


class SandboxDashboard(Construct):
    """One CloudWatch dashboard: a heading per layer, a row of graphs under it, for the layers that a region has.

    It stays within what CloudWatch gives every account for nothing: three dashboards of at most 50 metrics each. How
    long jobs take is read from the log of the state machine, because the log knows the jobs of Glue and of EMR
    Serverless alike, while Glue's own job metrics are custom metrics that cost. Its name carries the region, since
    dashboards belong to the whole account.

    Sources: https://aws.amazon.com/cloudwatch/pricing/,
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html (the ARN),
    https://docs.aws.amazon.com/glue/latest/dg/monitoring-awsglue-with-cloudwatch-metrics.html,
    https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, sandbox_name: str) -> None:
        super().__init__(scope, construct_id)
        self._dashboard = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=f"{sandbox_name}-{Aws.REGION}", default_interval=Duration.days(1)
        )
        self._add(
            "Spend",
            _graph("Charges this month, of the whole account", "USD", [account_charges()], _HALF),
            cloudwatch.TextWidget(markdown=_SPEND.format(name=sandbox_name), width=_HALF, height=6),
        )

    @property
    def url(self) -> str:
        """Where the console shows it."""
        return f"https://console.aws.amazon.com/cloudwatch/home?region={Aws.REGION}#dashboards/dashboard/{self.name}"

    @property
    def name(self) -> str:
        return self._dashboard.dashboard_name

    def show_delivery(self, delivery: DeliveryMetrics, transform: lambda_.IFunction) -> None:
        """How old is what waits, how many records fail and why, and whether the transform works."""
        self._add(
            "Delivery of orders",
            _graph("Age of what waits", "seconds", [delivery.processed_age, delivery.raw_age], _QUARTER),
            _graph("Records", "records", [delivery.sent, delivery.valid, delivery.failed], _QUARTER),
            _graph(
                "Transform: calls that failed",
                "calls",
                [
                    transform.metric_errors(label="errors", period=PERIOD),
                    transform.metric_throttles(label="throttled", period=PERIOD),
                ],
                _QUARTER,
            ),
            _graph(
                "Transform: duration",
                "milliseconds",
                [
                    transform.metric_duration(label=statistic.lower(), statistic=statistic, period=PERIOD)
                    for statistic in ("Average", "Maximum")
                ],
                _QUARTER,
            ),
            _graph(
                "Failed records by reason",
                "records",
                [delivery.failed_for(reason) for reason in Reason],
                _WHOLE,
                stacked=True,
            ),
        )

    def show_refinery(self, state_machine: sfn.StateMachine, log_group: logs.ILogGroup) -> None:
        """How its runs end, and how long they and their jobs take."""
        self._add(
            "Refinery",
            _graph(
                "Runs by end",
                "runs",
                [
                    state_machine.metric_succeeded(label="succeeded", period=PERIOD),
                    state_machine.metric_failed(label="failed", period=PERIOD),
                    state_machine.metric_timed_out(label="timed out", period=PERIOD),
                    state_machine.metric_aborted(label="aborted", period=PERIOD),
                ],
                _QUARTER,
            ),
            _graph(
                "Duration of a run",
                "milliseconds",
                [state_machine.metric_time(label="longest", statistic="Maximum", period=PERIOD)],
                _QUARTER,
            ),
            cloudwatch.LogQueryWidget(
                width=_HALF,
                title="Duration of each job, newest first",
                log_group_names=[log_group.log_group_name],
                view=cloudwatch.LogQueryVisualizationType.TABLE,
                query_lines=[
                    "filter type in ['TaskStateEntered', 'TaskStateExited']",
                    "stats min(@timestamp) as begun, max(@timestamp) as ended, (ended - begun) / 1000 as seconds "
                    "by execution_arn, details.name",
                    "sort begun desc",
                    "limit 50",
                ],
            ),
        )

    def show_features(self, feature_group: str) -> None:
        """How many records the online store takes and refuses, and how long it needs for one."""
        refused = {
            "Operation4XXErrors": "4xx",
            "Operation5XXErrors": "5xx",
            "ThrottledRequests": "throttled",
        }
        self._add(
            "Feature store",
            _graph("Records put", "requests", [put_records(feature_group, "Invocations", label="put")], _THIRD),
            _graph(
                "Records refused",
                "requests",
                [put_records(feature_group, name, label=label) for name, label in refused.items()],
                _THIRD,
            ),
            _graph(
                "Latency of a put",
                "microseconds",
                [put_records(feature_group, "Latency", label="average", statistic="Average")],
                _THIRD,
            ),
        )

    def show_training(self, pipeline: str) -> None:
        """How training runs end, and how long they take."""
        ends = {"ExecutionSucceeded": "succeeded", "ExecutionFailed": "failed", "ExecutionStopped": "stopped"}
        self._add(
            "Training",
            _graph(
                "Runs by end",
                "runs",
                [training_runs(pipeline, name, label=label) for name, label in ends.items()],
                _HALF,
            ),
            _graph(
                "Duration of a run",
                "milliseconds",
                [training_runs(pipeline, "ExecutionDuration", label="longest", statistic="Maximum")],
                _HALF,
            ),
        )

    def _add(self, heading: str, *widgets: cloudwatch.IWidget) -> None:
        self._dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {heading}", width=_WHOLE, height=1))
        self._dashboard.add_widgets(*widgets)


def _graph(
    title: str, unit: str, metrics: Sequence[cloudwatch.IMetric], width: int, *, stacked: bool = False
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        width=width,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(label=unit, min=0, show_units=False),
        stacked=stacked,
    )
