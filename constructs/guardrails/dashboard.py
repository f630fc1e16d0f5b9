"""What the sandbox does, on one page."""

from __future__ import annotations

from collections.abc import Mapping

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
            _graph("Charges this month, of the whole account", "USD", {"charges": account_charges()}, _HALF),
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
        durations = {name: transform.metric_duration(statistic=name, period=PERIOD) for name in ("Average", "Maximum")}
        failed_calls = {
            "errors": transform.metric_errors(period=PERIOD),
            "throttled": transform.metric_throttles(period=PERIOD),
        }
        records = {"sent": delivery.sent, "valid": delivery.valid, "failed": delivery.failed}
        ages = {"processed": delivery.processed_age, "raw": delivery.raw_age}
        reasons = {reason.replace("_", " "): delivery.failed_for(reason) for reason in Reason}
        self._add(
            "Delivery of orders",
            _graph("Age of what waits", "seconds", ages, _QUARTER),
            _graph("Records", "records", records, _QUARTER),
            _graph("Transform: calls that failed", "calls", failed_calls, _QUARTER),
            _graph("Transform: duration", "milliseconds", durations, _QUARTER),
            _graph("Failed records by reason", "records", reasons, _WHOLE, stacked=True),
        )

    def show_refinery(self, state_machine: sfn.StateMachine, log_group: logs.ILogGroup) -> None:
        """How its runs end, and how long they and their jobs take."""
        ends = {
            "succeeded": state_machine.metric_succeeded(period=PERIOD),
            "failed": state_machine.metric_failed(period=PERIOD),
            "timed out": state_machine.metric_timed_out(period=PERIOD),
            "aborted": state_machine.metric_aborted(period=PERIOD),
        }
        longest = {"longest": state_machine.metric_time(statistic="Maximum", period=PERIOD)}
        self._add(
            "Refinery",
            _graph("Runs by end", "runs", ends, _QUARTER),
            _graph("Duration of a run", "milliseconds", longest, _QUARTER),
            cloudwatch.LogQueryWidget(
                title="Duration of each job that succeeded, newest first",
                width=_HALF,
                view=cloudwatch.LogQueryVisualizationType.TABLE,
                log_group_names=[log_group.log_group_name],
                query_lines=[
                    "filter type in ['TaskStateEntered', 'TaskStateExited']",
                    "stats min(@timestamp) as begun, max(@timestamp) as ended, (ended - begun) / 1000 as seconds "
                    "by execution_arn, details.name",
                    # one that fails does not exit
                    "filter ended > begun",
                    "sort begun desc",
                    "limit 50",
                ],
            ),
        )

    def show_features(self, feature_group: str) -> None:
        """How many records the online store takes and refuses, and how long it needs for one."""
        refused = {"4xx": "Operation4XXErrors", "5xx": "Operation5XXErrors", "throttled": "ThrottledRequests"}
        refusals = {label: put_records(feature_group, name) for label, name in refused.items()}
        self._add(
            "Feature store",
            _graph("Records put", "requests", {"put": put_records(feature_group, "Invocations")}, _THIRD),
            _graph("Records refused", "requests", refusals, _THIRD),
            _graph(
                "Latency of a put",
                "microseconds",
                {"average": put_records(feature_group, "Latency", "Average")},
                _THIRD,
            ),
        )

    def show_training(self, pipeline: str) -> None:
        """How training runs end, and how long they take."""
        ends = {end: training_runs(pipeline, f"Execution{end.title()}") for end in ("succeeded", "failed", "stopped")}
        longest = {"longest": training_runs(pipeline, "ExecutionDuration", "Maximum")}
        self._add(
            "Training",
            _graph("Runs by end", "runs", ends, _HALF),
            _graph("Duration of a run", "milliseconds", longest, _HALF),
        )

    def _add(self, heading: str, *widgets: cloudwatch.IWidget) -> None:
        self._dashboard.add_widgets(cloudwatch.TextWidget(markdown=f"## {heading}", width=_WHOLE, height=1))
        self._dashboard.add_widgets(*widgets)


def _graph(
    title: str,
    unit: str,
    metrics: Mapping[str, cloudwatch.Metric | cloudwatch.MathExpression],
    width: int,
    *,
    stacked: bool = False,
) -> cloudwatch.GraphWidget:
    """A graph of metrics by label."""
    return cloudwatch.GraphWidget(
        title=title,
        width=width,
        left=[metric.with_(label=label) for label, metric in metrics.items()],
        left_y_axis=cloudwatch.YAxisProps(label=unit, min=0, show_units=False),
        stacked=stacked,
    )
