"""What CloudWatch knows of the sandbox: by layer, the metrics that the dashboard shows and the alarms watch.

What a construct of the CDK gives is taken from there. ``tests/test_dashboard.py`` compares all of it with AWS's
documentation, or with what the sandbox's own code emits.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events

from firehose_transform.reasons import Reason

PERIOD = Duration.minutes(5)


@dataclass(frozen=True)
class DeliveryMetrics:
    """Of the delivery stream, and of its transform's own records.

    Source: https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
    """

    stream_name: str
    namespace: str
    """In which the transform emits."""

    @property
    def raw_age(self) -> cloudwatch.Metric:
        return self._of_stream("BackupToS3.DataFreshness", "Maximum")

    @property
    def processed_age(self) -> cloudwatch.Metric:
        return self._of_stream("DeliveryToS3.DataFreshness", "Maximum")

    @property
    def sent(self) -> cloudwatch.Metric:
        return self._of_stream("IncomingRecords", "Sum")

    @property
    def answered(self) -> cloudwatch.Metric:
        """How often the transform has answered, of how often Firehose has asked: 1 is always."""
        return self._of_stream("ExecuteProcessing.Success", "Minimum")

    @property
    def received(self) -> cloudwatch.Metric:
        return self._of_transform("RecordsIn")

    @property
    def valid(self) -> cloudwatch.Metric:
        return self._of_transform("RecordsOk")

    @property
    def failed(self) -> cloudwatch.Metric:
        return self._of_transform("RecordsFailed")

    def failed_for(self, reason: Reason) -> cloudwatch.Metric:
        return self._of_transform("RecordsFailed", {"Reason": reason})

    def _of_stream(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/Firehose",
            metric_name=name,
            dimensions_map={"DeliveryStreamName": self.stream_name},
            statistic=statistic,
            period=PERIOD,
        )

    def _of_transform(self, name: str, dimensions_map: dict[str, str] | None = None) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self.namespace,
            metric_name=name,
            dimensions_map=dimensions_map,
            statistic="Sum",
            period=PERIOD,
        )


def put_records(feature_group: str, name: str, statistic: str = "Sum") -> cloudwatch.MathExpression:
    """A metric of the requests that put a record into a feature group.

    A search, because AWS names metrics and dimensions, and no namespace. It finds what has reported within two weeks.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-feature-store,
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """
    terms = f'MetricName="{name}" FeatureGroupName="{feature_group}" OperationName="PutRecord"'
    return cloudwatch.MathExpression(expression=f"SEARCH('{terms}', '{statistic}')", using_metrics={}, period=PERIOD)


def training_runs(pipeline: str, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
    """A metric of the executions of a SageMaker pipeline.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html#cloudwatch-metrics-pipelines
    """
    return cloudwatch.Metric(
        # spelt so
        namespace="AWS/Sagemaker/ModelBuildingPipeline",
        metric_name=name,
        dimensions_map={"PipelineName": pipeline},
        statistic=statistic,
        period=PERIOD,
    )


def not_handed_over(rule: events.IRule) -> cloudwatch.Metric:
    """How many events EventBridge has given up on, since the rule's target could not be called.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    """
    return cloudwatch.Metric(
        namespace="AWS/Events",
        metric_name="FailedInvocations",
        dimensions_map={"RuleName": rule.rule_name},
        statistic="Sum",
        period=PERIOD,
    )


def account_charges() -> cloudwatch.Metric:
    """What the whole account is charged this month. AWS publishes it some times a day, in one region.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html
    """
    return cloudwatch.Metric(
        namespace="AWS/Billing",
        metric_name="EstimatedCharges",
        dimensions_map={"Currency": "USD"},
        region="us-east-1",
        statistic="Maximum",
        period=Duration.hours(6),
    )
