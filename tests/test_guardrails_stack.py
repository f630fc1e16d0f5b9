"""What the guardrails stack guarantees."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Match, Template

from stacks.notes import notes
from stacks.regions import MISSING
from stacks.sandbox import build_sandbox
from stacks.settings import Settings
from tests.synthesis import NOW, SynthesizedStack, synthesize

BUDGET = "AWS::Budgets::Budget"
FUNCTION = "AWS::Lambda::Function"
WITH_BUDGET = Settings(notice_email="owner@example.com")


@pytest.fixture(scope="module")
def guardrails() -> SynthesizedStack:
    return synthesize("default")["Guardrails"]


@pytest.fixture(scope="module")
def budget() -> Any:
    return synthesize("smallest")["Guardrails"].one(BUDGET).properties


@pytest.fixture(scope="module")
def without_budget() -> Stack:
    """Of settings that differ in what training may be, and how long something may run."""
    context = {
        "sandbox:endpoint_idle_hours": 1,
        "sandbox:notebook_max_hours": 24,
        "sandbox:training_instance_types": "ml.m5.xlarge,ml.c5.xlarge",
        "sandbox:training_max_runtime_minutes": 5,
    }
    return built(Settings.from_context(context), "eu-central-1")


def built(settings: Settings, region: str) -> Stack:
    app = App()
    build_sandbox(app, settings, region, now=NOW)
    stack = app.node.find_child("Guardrails")
    assert isinstance(stack, Stack)
    return stack


class TestBudget:
    def test_is_of_the_setting_by_month(self, budget: Any) -> None:
        assert budget["Budget"]["BudgetLimit"] == {"Amount": 1, "Unit": "USD"}
        assert (budget["Budget"]["BudgetType"], budget["Budget"]["TimeUnit"]) == ("COST", "MONTHLY")

    def test_counts_what_carries_the_sandbox_tag(self, budget: Any) -> None:
        assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:sandbox$ml-sandbox"]}

    def test_alerts_at_half_at_80_percent_and_when_it_is_spent_or_will_be(self, budget: Any) -> None:
        alerts = [entry["Notification"] for entry in budget["NotificationsWithSubscribers"]]
        assert [(alert["NotificationType"], alert["Threshold"]) for alert in alerts] == [
            ("ACTUAL", 50),
            ("ACTUAL", 80),
            ("ACTUAL", 100),
            ("FORECASTED", 100),
        ]
        assert {(alert["ComparisonOperator"], alert["ThresholdType"]) for alert in alerts} == {
            ("GREATER_THAN", "PERCENTAGE")
        }

    def test_alerts_the_address_of_the_settings(self, budget: Any) -> None:
        for entry in budget["NotificationsWithSubscribers"]:
            assert entry["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": "owner@example.com"}]

    def test_has_no_name_that_its_replacement_would_find_taken(self, budget: Any) -> None:
        assert "BudgetName" not in budget["Budget"]

    def test_says_how_to_activate_the_tag_that_it_counts_by(self) -> None:
        stack = built(WITH_BUDGET, "eu-central-1")
        assert "TagKey=sandbox,Status=Active" in " ".join(notes(stack.node.root))

    def test_is_left_out_without_an_address_and_synth_says_so(self, without_budget: Stack) -> None:
        Template.from_stack(without_budget).resource_count_is(BUDGET, 0)
        assert "notice_email is empty" in " ".join(notes(without_budget.node.root))

    def test_is_left_out_in_a_region_that_lacks_the_type_and_synth_says_so(self) -> None:
        assert "eu-north-1" in MISSING[BUDGET]
        stack = built(WITH_BUDGET, "eu-north-1")
        Template.from_stack(stack).resource_count_is(BUDGET, 0)
        assert "in this region cannot create one" in " ".join(notes(stack.node.root))


class TestSpotGuard:
    def test_looks_at_running_training_jobs_of_the_sandbox_role_alone(self, guardrails: SynthesizedStack) -> None:
        pattern = guardrails.one("AWS::Events::Rule", "SpotGuard").properties["EventPattern"]
        assert pattern["source"] == ["aws.sagemaker"]
        assert pattern["detail-type"] == ["SageMaker Training Job State Change"]
        assert pattern["detail"]["TrainingJobStatus"] == ["InProgress"]
        (role,) = pattern["detail"]["RoleArn"]
        assert "SpotTrainingRole" in role["Fn::ImportValue"]

    def test_knows_the_bounds_of_the_settings(self, without_budget: Stack) -> None:
        Template.from_stack(without_budget).has_resource_properties(
            "AWS::Lambda::Function",
            {
                "Environment": {
                    "Variables": Match.object_like(
                        {"INSTANCE_TYPES": "ml.m5.xlarge,ml.c5.xlarge", "MAX_RUNTIME_SECONDS": "300"}
                    )
                }
            },
        )

    def test_runs_the_tested_code_for_the_role_that_the_rule_names(self, guardrails: SynthesizedStack) -> None:
        function = guardrails.one("AWS::Lambda::Function", "SpotGuard").properties
        assert function["Handler"] == "spot_guard.handler.lambda_handler"
        (role,) = guardrails.one("AWS::Events::Rule", "SpotGuard").properties["EventPattern"]["detail"]["RoleArn"]
        assert function["Environment"]["Variables"]["TRAINING_ROLE_ARN"] == role


class TestIdleGuard:
    def test_looks_once_an_hour(self, guardrails: SynthesizedStack) -> None:
        rule = guardrails.one("AWS::Events::Rule", "IdleGuard").properties
        assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 hour)", "ENABLED")
        (target,) = rule["Targets"]
        assert target["Arn"] == {"Fn::GetAtt": [guardrails.one(FUNCTION, "IdleGuard").logical_id, "Arn"]}

    def test_knows_what_the_settings_allow(self, without_budget: Stack) -> None:
        allowed = {"ENDPOINT_IDLE_HOURS": "1", "NOTEBOOK_MAX_HOURS": "24", "SANDBOX": "ml-sandbox"}
        Template.from_stack(without_budget).has_resource_properties(
            FUNCTION,
            {
                "Handler": "idle_guard.handler.lambda_handler",
                "Environment": {"Variables": Match.object_like(allowed)},
            },
        )

    def test_knows_the_domain_of_the_sandbox(self, guardrails: SynthesizedStack) -> None:
        domain = guardrails.one(FUNCTION, "IdleGuard").properties["Environment"]["Variables"]["DOMAIN_ID"]
        assert "StudioDomain" in domain["Fn::ImportValue"]


@pytest.mark.parametrize("guard", ["IdleGuard", "SpotGuard"])
def test_a_guard_tells_a_topic_and_so_do_its_failures(guardrails: SynthesizedStack, guard: str) -> None:
    function = guardrails.one(FUNCTION, guard).properties
    topic = function["Environment"]["Variables"]["TOPIC_ARN"]
    assert "Notices" in topic["Fn::ImportValue"]
    assert function["DeadLetterConfig"] == {"TargetArn": topic}
