"""What the dashboard shows, that it exists, and that it costs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from cost.prices import price_list
from firehose_transform.batch import Batch, Failure
from firehose_transform.reasons import Reason
from firehose_transform.telemetry import log_lines
from practice.local_cloud.embedded_metrics import metrics as embedded
from stacks.sandbox import build_sandbox
from stacks.settings import Settings
from tests.dashboards import ANY_NAMESPACE, Metric, shown, watched, widgets
from tests.policy_documents import Resolver, arn_of, name_of
from tests.synthesis import NOW, synthesize

FREE_DASHBOARD_METRICS = 50
FREE_ALARM_METRICS = 10
"""Of a dashboard, and of all alarms, in an account: https://aws.amazon.com/cloudwatch/pricing/"""

FIREHOSE = "https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html"
SAGEMAKER = "https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html"

DOCUMENTED: Mapping[str, Sequence[tuple[str, set[str], set[str]]]] = {
    FIREHOSE: [
        (
            "AWS/Firehose",
            {
                "BackupToS3.DataFreshness",
                "DeliveryToS3.DataFreshness",
                "ExecuteProcessing.Success",
                "IncomingRecords",
            },
            {"DeliveryStreamName"},
        )
    ],
    "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html": [
        ("AWS/Lambda", {"Duration", "Errors", "Throttles"}, {"FunctionName"})
    ],
    "https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html": [
        (
            "AWS/States",
            {
                "ExecutionTime",
                "ExecutionsAborted",
                "ExecutionsFailed",
                "ExecutionsSucceeded",
                "ExecutionsTimedOut",
            },
            {"StateMachineArn"},
        )
    ],
    SAGEMAKER: [
        (
            "AWS/Sagemaker/ModelBuildingPipeline",
            {"ExecutionDuration", "ExecutionFailed", "ExecutionStopped", "ExecutionSucceeded"},
            {"PipelineName"},
        ),
        # of these the page names no namespace
        (
            ANY_NAMESPACE,
            {"Invocations", "Latency", "Operation4XXErrors", "Operation5XXErrors", "ThrottledRequests"},
            {"FeatureGroupName", "OperationName"},
        ),
    ],
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html": [
        ("AWS/Events", {"FailedInvocations"}, {"RuleName"})
    ],
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/monitor_estimated_charges_with_cloudwatch.html": [
        ("AWS/Billing", {"EstimatedCharges"}, {"Currency"})
    ],
}
"""What AWS emits, of what is shown or watched: namespace, metrics and dimensions, by the page that says so."""

NAMED: Mapping[str, str] = {
    "DeliveryStreamName": "AWS::KinesisFirehose::DeliveryStream",
    "FeatureGroupName": "AWS::SageMaker::FeatureGroup",
    "FunctionName": "AWS::Lambda::Function",
    "PipelineName": "AWS::SageMaker::Pipeline",
    "RuleName": "AWS::Events::Rule",
    "StateMachineArn": "AWS::StepFunctions::StateMachine",
}
"""What a dimension's value names. Of others, the values are known."""

DIFFERENT = [
    "default",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("kinesis", "refinery", "emr-serverless")),
]
"""The combinations of settings that change what is shown or watched, or where it comes from."""

KNOWN = {"Currency": {"USD"}, "OperationName": {"PutRecord"}, "Reason": {reason.value for reason in Reason}}


def emitted(combination: str) -> set[Metric]:
    """What the transform emits, as it is deployed, when a record fails for every reason."""
    function = synthesize(combination)["Ingestion"].one("AWS::Lambda::Function", "OrderTransform")
    namespace = function.properties["Environment"]["Variables"]["METRIC_NAMESPACE"]
    failures = [Failure(str(number), reason) for number, reason in enumerate(Reason)]
    found = embedded("\n".join(log_lines(Batch([], failures), namespace, 0)))
    return {
        Metric(namespace, datum["MetricName"], frozenset((d["Name"], d["Value"]) for d in datum["Dimensions"]))
        for namespace, data in found.items()
        for datum in data
    }


def documented() -> set[tuple[str, str, frozenset[str]]]:
    return {
        (namespace, name, frozenset(dimensions))
        for groups in DOCUMENTED.values()
        for namespace, names, dimensions in groups
        for name in names
    }


def of_aws(combination: str) -> list[Metric]:
    own = emitted(combination)
    return [metric for metric in shown(combination) + watched(combination) if metric not in own]


@pytest.mark.parametrize("combination", DIFFERENT)
class TestEveryMetric:
    def test_is_emitted_by_the_sandbox_or_documented_by_aws(self, combination: str) -> None:
        found = {(m.namespace, m.name, frozenset(key for key, _ in m.dimensions)) for m in of_aws(combination)}
        assert found == documented()

    def test_is_of_something_that_the_sandbox_has(self, combination: str) -> None:
        stacks = synthesize(combination)
        names = {
            type_: {
                arn_of(stack, r) if type_ == "AWS::StepFunctions::StateMachine" else name_of(stack, r)
                for stack, template in stacks.items()
                for r in template.all()
                if r.type == type_
            }
            for type_ in NAMED.values()
        }
        for metric in shown(combination) + watched(combination):
            for dimension, value in metric.dimensions:
                assert value in (KNOWN.get(dimension) or names[NAMED[dimension]])

    def test_that_the_transform_emits_about_failures_is_shown(self, combination: str) -> None:
        assert {m for m in emitted(combination) if m.name == "RecordsFailed"} <= set(shown(combination))


class TestTheDashboard:
    @pytest.mark.parametrize("combination", DIFFERENT)
    def test_stays_within_the_free_tier(self, combination: str) -> None:
        assert synthesize(combination)["Monitoring"].count("AWS::CloudWatch::Dashboard") == 1
        assert len(shown(combination)) <= FREE_DASHBOARD_METRICS
        assert len(watched(combination)) <= FREE_ALARM_METRICS

    def test_has_a_heading_for_each_layer_and_fills_its_columns(self) -> None:
        rows: dict[int, int] = {}
        for widget in widgets("default"):
            rows[widget["y"]] = rows.get(widget["y"], 0) + widget["width"]
        assert set(rows.values()) == {24}
        headings = [w["properties"]["markdown"] for w in widgets("default") if w["height"] == 1]
        assert headings == [f"## {h}" for h in ("Spend", "Delivery of orders", "Refinery", "Feature store", "Training")]

    def test_says_of_every_graph_what_it_shows_and_in_which_unit(self) -> None:
        graphs = [widget["properties"] for widget in widgets("default") if widget["type"] == "metric"]
        assert len(graphs) == 13
        for graph in graphs:
            assert graph["title"]
            assert graph["yAxis"]["left"]["label"]

    def test_says_that_charges_are_those_of_the_whole_account_and_where_the_sandbox_is_counted(self) -> None:
        graph, text = widgets("default")[1:3]
        assert "whole account" in graph["properties"]["title"]
        assert "python -m practice cost" in text["properties"]["markdown"]
        assert "billing alerts" in text["properties"]["markdown"]

    @pytest.mark.parametrize("combination", ["default", "emr-serverless"])
    def test_reads_how_long_jobs_take_from_the_log_of_what_runs_them_under_either_engine(
        self, combination: str
    ) -> None:
        (table,) = (widget["properties"] for widget in widgets(combination) if widget["type"] == "log")
        stacks = synthesize(combination)
        machine = stacks["Processing"].one("AWS::StepFunctions::StateMachine").properties
        logging = machine["LoggingConfiguration"]
        assert logging["Level"] == "ALL"
        (group,) = logging["Destinations"]
        arn = Resolver(stacks, "Processing").resolve(group["CloudWatchLogsLogGroup"]["LogGroupArn"])
        name = arn.removesuffix(":*").rpartition(":")[2]
        assert table["query"].startswith(f"SOURCE '{name}' | filter type in ['TaskStateEntered', 'TaskStateExited']")

    def test_has_a_name_of_its_own_in_each_region_of_an_account(self) -> None:
        (dashboard,) = synthesize("default")["Monitoring"].of_type("AWS::CloudWatch::Dashboard")
        assert dashboard.properties["DashboardName"] == {"Fn::Join": ["", ["ml-sandbox-", {"Ref": "AWS::Region"}]]}

    def test_shows_what_a_region_has(self) -> None:
        app = App()
        build_sandbox(app, Settings(), "ap-south-2", now=NOW)
        stack = app.node.find_child("Monitoring")
        assert isinstance(stack, Stack)
        text = json.dumps(Template.from_stack(stack).to_json())
        assert "## Delivery of orders" in text
        assert not [heading for heading in ("## Refinery", "## Feature store", "## Training") if heading in text]

    def test_is_found_by_an_output(self) -> None:
        url = json.dumps(synthesize("default")["Monitoring"].template["Outputs"]["DashboardUrl"])
        assert "#dashboards/dashboard/" in url


def test_two_sandboxes_in_an_account_count_apart() -> None:
    namespace = {metric.namespace for metric in emitted("default")}
    assert namespace == {"MlSandbox/ml-sandbox"}


def test_what_the_transform_emits_is_as_many_metrics_as_its_price_says() -> None:
    """More than the ten that CloudWatch gives for nothing, so that the hours in which they are sent cost."""
    assert len(emitted("default")) == 3 + len(Reason)
    assert "has three, and one for each reason" in price_list().prices["custom-metric-month"].note
