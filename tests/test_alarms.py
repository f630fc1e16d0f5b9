"""What the alarms guarantee."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from stacks.sandbox import build_sandbox
from stacks.settings import Settings
from tests.dashboards import alarms
from tests.permissions import service_may
from tests.policy_documents import ACCOUNT, REGION
from tests.synthesis import NOW, synthesize

KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/key"
NOTICES = f"arn:aws:sns:{REGION}:{ACCOUNT}:notices"
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:ml-sandbox-ingestion-AlarmsDeliveryIsLate-a1b2"
OF_THE_SANDBOX = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": ALARM}
CLOUDWATCH = "cloudwatch.amazonaws.com"


def alarm(name: str, combination: str = "default") -> Any:
    return alarms(combination)[name]


def test_are_few() -> None:
    assert set(alarms("default")) == {
        "DeliveryIsLate",
        "TransformFails",
        "TransformHasAFault",
        "ManyRecordsFail",
        "RefineryTimedOut",
        "TrainingFailed",
        "GuardNotCalled",
        "IdleGuardNotCalled",
    }


@pytest.mark.parametrize("name", alarms("refinery"))
class TestEvery:
    def test_tells_the_topic_and_what_to_do(self, name: str) -> None:
        assert alarm(name, "refinery")["AlarmActions"] == [NOTICES]
        assert len(alarm(name, "refinery")["AlarmDescription"]) > 80

    def test_is_silent_while_nothing_happens(self, name: str) -> None:
        assert alarm(name, "refinery")["TreatMissingData"] == "notBreaching"
        assert "InsufficientDataActions" not in alarm(name, "refinery")


class TestDelivery:
    def test_is_late_ten_minutes_after_what_the_buffer_explains(self) -> None:
        app = App()
        build_sandbox(app, Settings(buffer_seconds=900), now=NOW)
        stack = app.node.find_child("Ingestion")
        assert isinstance(stack, Stack)
        Template.from_stack(stack).has_resource_properties(
            "AWS::CloudWatch::Alarm",
            {
                "MetricName": "DeliveryToS3.DataFreshness",
                "Statistic": "Maximum",
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": 1.5 * 900 + 600,
            },
        )

    def test_is_watched_for_calls_of_the_transform_without_an_answer(self) -> None:
        found = alarm("TransformFails")
        assert (found["MetricName"], found["Statistic"]) == ("ExecuteProcessing.Success", "Minimum")
        assert (found["ComparisonOperator"], found["Threshold"]) == ("LessThanThreshold", 1)

    def test_is_watched_for_faults_of_the_transform_itself(self) -> None:
        found = alarm("TransformHasAFault")
        assert found["Dimensions"] == [{"Name": "Reason", "Value": "internal_error"}]
        assert (found["Statistic"], found["Threshold"]) == ("Sum", 0)

    def test_is_watched_for_a_tenth_of_the_records_failing_and_not_for_the_few_of_a_few(self) -> None:
        found = alarm("ManyRecordsFail")
        (math,) = (query["Expression"] for query in found["Metrics"] if "Expression" in query)
        assert math == "IF(received >= 20, 100 * failed / received, 0)"
        assert (found["ComparisonOperator"], found["Threshold"]) == ("GreaterThanThreshold", 10)


class TestRuns:
    def test_of_the_refinery_are_told_once(self) -> None:
        """One that fails publishes to the topic itself, so that only one that times out needs an alarm."""
        metrics = {found.get("MetricName") for found in alarms("default").values()}
        assert metrics & {"ExecutionsTimedOut", "ExecutionsFailed", "ExecutionsAborted"} == {"ExecutionsTimedOut"}
        machine = synthesize("default")["Processing"].one("AWS::StepFunctions::StateMachine")
        assert "sns:publish" in json.dumps(machine.properties["DefinitionString"])

    def test_of_training_are_told_when_they_fail(self) -> None:
        found = alarm("TrainingFailed")
        assert (found["MetricName"], found["Statistic"], found["Threshold"]) == ("ExecutionFailed", "Sum", 0)


class TestRules:
    def test_that_cannot_call_the_guard_are_told(self) -> None:
        assert alarm("GuardNotCalled")["MetricName"] == "FailedInvocations"

    @pytest.mark.parametrize("combination", ["refinery", "new-customers"])
    def test_that_cannot_start_the_refinery_are_told_where_there_is_one(self, combination: str) -> None:
        assert alarm("RefineryNotStarted", combination)["MetricName"] == "FailedInvocations"


class TestTheTopic:
    def test_takes_messages_of_the_alarms_of_the_sandbox_alone(self) -> None:
        assert service_may(CLOUDWATCH, "sns:Publish", NOTICES, OF_THE_SANDBOX)
        assert not service_may("events.amazonaws.com", "sns:Publish", NOTICES, OF_THE_SANDBOX)
        assert not service_may(CLOUDWATCH, "sns:Subscribe", NOTICES, OF_THE_SANDBOX)

    @pytest.mark.parametrize("other", ["aws:SourceAccount", "aws:SourceArn"])
    def test_takes_none_of_another(self, other: str) -> None:
        theirs = {"aws:SourceAccount": "444455556666", "aws:SourceArn": ALARM.replace("ml-sandbox", "another")}
        assert not service_may(CLOUDWATCH, "sns:Publish", NOTICES, {**OF_THE_SANDBOX, other: theirs[other]})
        assert not service_may(CLOUDWATCH, "kms:Decrypt", KEY, {**OF_THE_SANDBOX, other: theirs[other]})

    @pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
    def test_is_encrypted_with_a_key_that_the_alarms_may_use(self, action: str) -> None:
        assert service_may(CLOUDWATCH, action, KEY, OF_THE_SANDBOX)
        assert not service_may(CLOUDWATCH, "kms:Encrypt", KEY, OF_THE_SANDBOX)

    def test_knows_the_alarms_by_the_name_that_their_stack_gives_them(self) -> None:
        assert not [found for found in alarms("default").values() if "AlarmName" in found]
