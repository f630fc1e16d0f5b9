"""What the expiry stack guarantees."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template

import app
from practice.sandbox import LAYERS
from stacks.expiry_stack import ExpiryStack
from stacks.notes import notes
from stacks.sandbox import sandbox_app
from stacks.settings import Settings, SettingsError
from tests.synthesis import SynthesizedStack, synthesize

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MACHINE = "AWS::StepFunctions::StateMachine"
CLOCK = "Custom::ExpiryClock"


@pytest.fixture(scope="module")
def expiry() -> SynthesizedStack:
    """Of a sandbox that lives for an hour."""
    return synthesize("smallest")["Expiry"]


def built(deployed_at: datetime = NOON, **settings: Any) -> Stack:
    return ExpiryStack(
        App(), "Expiry", settings=Settings(**settings), stack_names=["ml-sandbox-lake"], deployed_at=deployed_at
    )


def templates(*deployed_at: datetime, lifetime_hours: int) -> list[Any]:
    return [Template.from_stack(built(moment, lifetime_hours=lifetime_hours)).to_json() for moment in deployed_at]


def definition(stack: SynthesizedStack) -> Any:
    (parts,) = [part for _, part in [stack.one(MACHINE).properties["DefinitionString"]["Fn::Join"]]]
    return json.loads("".join(part if isinstance(part, str) else "?" for part in parts))


class TestWithoutALifetime:
    def test_the_stack_is_empty_so_that_the_cdk_cli_deletes_one_that_was_deployed(self) -> None:
        assert synthesize("default")["Expiry"].template == {}

    def test_a_template_does_not_depend_on_when_it_is_deployed(self) -> None:
        first, second = templates(NOON, NOON.replace(hour=13), lifetime_hours=0)
        assert first == second


class TestTheClock:
    def test_starts_again_with_each_deployment_whatever_else_changed(self) -> None:
        first, second = (template["Resources"] for template in templates(NOON, NOON.replace(hour=13), lifetime_hours=8))
        (changed,) = (id_ for id_ in first if first[id_] != second[id_])
        assert first[changed]["Type"] == CLOCK
        properties = first[changed]["Properties"]
        assert second[changed]["Properties"] == properties | {"DeployedAt": "2026-01-01T13:00:00+00:00"}

    def test_is_told_the_moment_of_synth(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told = []

        def build(*_: object, now: datetime) -> None:
            told.append(now)
            raise SettingsError("enough")

        monkeypatch.setattr(app, "build_sandbox", build)
        before = datetime.now(UTC)
        with pytest.raises(SystemExit, match="enough"):
            app.main()
        assert before <= told[0] <= datetime.now(UTC)

    @pytest.mark.parametrize(("hours", "until_warning"), [(1, 0), (8, 7 * 3600), (720, 719 * 3600)])
    def test_warns_an_hour_before_the_end(self, hours: int, until_warning: int) -> None:
        (template,) = templates(NOON, lifetime_hours=hours)
        (clock,) = (body for body in template["Resources"].values() if body["Type"] == CLOCK)
        given = json.loads(clock["Properties"]["Input"])
        assert (given["warn_after_seconds"], given["delete_after_seconds"]) == (until_warning, 3600)

    def test_starts_the_machine_of_this_stack_with_the_tested_code(self, expiry: SynthesizedStack) -> None:
        assert expiry.one(CLOCK).properties["StateMachineArn"] == {"Ref": expiry.one(MACHINE).logical_id}
        assert expiry.one("AWS::Lambda::Function", "ClockFunction").properties["Handler"] == (
            "expiry_clock.handler.on_event"
        )


class TestTheEnd:
    def test_is_that_of_every_stack_in_reverse(self, expiry: SynthesizedStack) -> None:
        states = definition(expiry)["States"]
        assert states["Wait until the warning"]["Assign"]["stacks"] == [f"ml-sandbox-{n}" for n in reversed(LAYERS)]
        assert states["Delete the own stack"]["Arguments"] == {"StackName": "ml-sandbox-expiry"}

    def test_deletes_one_stack_at_a_time(self, expiry: SynthesizedStack) -> None:
        assert definition(expiry)["States"]["Delete the stacks"]["MaxConcurrency"] == 1

    def test_comes_even_if_a_notice_fails(self, expiry: SynthesizedStack) -> None:
        notices = [s for s in definition(expiry)["States"].values() if s.get("Resource", "").endswith("sns:publish")]
        assert len(notices) == 4
        for notice in notices:
            assert [(catch["ErrorEquals"], catch["Next"]) for catch in notice["Catch"]] == [
                (["States.ALL"], notice["Next"])
            ]

    def test_has_a_day_before_the_machine_gives_up(self) -> None:
        (template,) = templates(NOON, lifetime_hours=8)
        (machine,) = (body for body in template["Resources"].values() if body["Type"] == MACHINE)
        assert f'"TimeoutSeconds":{32 * 3600}' in json.dumps(machine).replace("\\", "")

    def test_leaves_no_log_policy_in_the_account(self, expiry: SynthesizedStack) -> None:
        assert "LoggingConfiguration" not in expiry.one(MACHINE).properties

    @pytest.mark.parametrize(("retained", "said"), [(False, "its data too"), (True, "what it retains stays")])
    def test_is_announced_at_synth(self, retained: bool, said: str) -> None:
        stack = built(lifetime_hours=8, retain_data=retained)
        assert f"8 hours after each deployment, {said}" in " ".join(notes(stack.node.root))


class TestTheStack:
    def test_can_be_the_last_to_go_since_it_shares_nothing(self, expiry: SynthesizedStack) -> None:
        assert "Fn::ImportValue" not in json.dumps(expiry.template)
        assert [output for output in expiry.template["Outputs"].values() if "Export" in output] == []

    def test_is_the_first_to_be_deployed_so_that_half_a_sandbox_ends_as_well(self) -> None:
        stacks = [stack for stack in sandbox_app().node.children if isinstance(stack, Stack)]
        for stack in stacks:
            if stack.node.id != "Expiry":
                assert "Expiry" in [other.node.id for other in stack.dependencies]

    def test_tells_the_address_of_the_settings_through_a_topic_encrypted_without_the_sandbox_key(
        self, expiry: SynthesizedStack
    ) -> None:
        subscription = expiry.one("AWS::SNS::Subscription").properties
        topic = expiry.one("AWS::SNS::Topic")
        assert (subscription["Endpoint"], subscription["TopicArn"]) == ("owner@example.com", {"Ref": topic.logical_id})
        assert json.dumps(topic.properties["KmsMasterKeyId"]).endswith(':alias/aws/sns"]]}')
