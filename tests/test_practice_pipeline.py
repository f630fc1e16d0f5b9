"""What is told of a run of the pipeline."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import boto3
import pytest
from botocore.stub import Stubber
from rich.console import Console
from typer.testing import CliRunner

from practice import pipeline_commands
from practice.errors import PracticeError
from practice.pipeline import Execution, Step, Verdict, last_execution, look, start, tree
from practice.sandbox import Sandbox, Target
from tests.synthesis import synthesize
from tests.test_processing_stack import machine

ARN = "arn:aws:states:us-east-1:111122223333:execution:pipeline:run"
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:pipeline"
BEGAN = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.fixture
def client() -> Any:
    session: Any = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")  # noqa: S106
    return session.client("stepfunctions")


@pytest.fixture
def sandbox(client: Any) -> Sandbox:
    return Sandbox("test", Target("test", lambda _: client, None), {"Pipeline": MACHINE})


def answer_look(stub: Stubber, status: str, went: list[tuple[str, float, float | None]], **described: Any) -> None:
    definition = machine(synthesize("default")["Processing"])
    stub.add_response(
        "describe_execution",
        {"executionArn": ARN, "stateMachineArn": MACHINE, "startDate": BEGAN, "status": status, **described},
    )
    stub.add_response(
        "describe_state_machine_for_execution",
        {
            "stateMachineArn": MACHINE,
            "name": "pipeline",
            "definition": json.dumps(definition),
            "roleArn": "arn:aws:iam::111122223333:role/pipeline",
            "updateDate": BEGAN,
        },
    )
    events: list[dict[str, Any]] = []
    for name, begun, ended in went:
        for moment, kind in ((begun, "Entered"), (ended, "Exited")):
            if moment is not None:
                events.append(
                    {
                        "id": len(events) + 1,
                        "type": f"TaskState{kind}",
                        "timestamp": BEGAN + timedelta(seconds=moment),
                        f"state{kind}EventDetails": {"name": name},
                    }
                )
    stub.add_response("get_execution_history", {"events": events})


def test_it_starts_with_the_dates_it_is_given(client: Any, sandbox: Sandbox) -> None:
    with Stubber(client) as stub:
        stub.add_response(
            "start_execution",
            {"executionArn": ARN, "startDate": BEGAN},
            {
                "stateMachineArn": MACHINE,
                "input": '{"as_of": "2026-11-22T04:00:00Z", "cutoffs": "2026-11-22,2026-10-23"}',
            },
        )
        assert start(sandbox, BEGAN, [BEGAN.date(), BEGAN.date() - timedelta(days=30)]) == ARN


def test_its_steps_are_told_in_the_order_of_the_definition_with_their_times(client: Any, sandbox: Sandbox) -> None:
    went = [
        ("Refine", 0.0, None),
        ("Customers: Start", 0.0, 0.1),
        ("Customers: Done", 3.0, 3.0),
        ("Gate inputs", 3.0, None),
        ("Gate orders", 3.0, None),
        ("Gate customers", 3.0, 5.0),
    ]
    with Stubber(client) as stub:
        answer_look(stub, "FAILED", went, stopDate=BEGAN + timedelta(seconds=8), error="States.TaskFailed", cause="x")
        execution = look(sandbox, ARN)
    assert [(step.name, step.seconds, step.finished) for step in execution.steps] == [
        ("Crawl customers", 3.0, True),
        ("Gate inputs", 5.0, False),
        ("Clean", None, False),
        ("Build features", None, False),
        ("Gate customer features", None, False),
        ("Publish", None, False),
        ("Crawl curated", None, False),
        ("Ingest", None, False),
        ("Fit transformations", None, False),
    ]
    assert execution.steps[1].inner == (
        Step("Gate customers", 2.0, finished=True),
        Step("Gate orders", 5.0, finished=False),
    )


@pytest.mark.parametrize("member", ["ErrorMessage", "StateDetails"])
def test_the_reason_of_a_failure_is_the_error_of_the_job(client: Any, sandbox: Sandbox, member: str) -> None:
    cause = json.dumps({"Name": "gate", member: "IsComplete customer_id failed on 3 rows"})
    with Stubber(client) as stub:
        answer_look(stub, "FAILED", [("Refine", 0.0, None)], error="States.TaskFailed", cause=cause)
        assert look(sandbox, ARN).reason == "IsComplete customer_id failed on 3 rows"


def test_the_tree_marks_what_went_well_what_failed_and_what_was_never_reached(client: Any, sandbox: Sandbox) -> None:
    with Stubber(client) as stub:
        answer_look(stub, "FAILED", [("Refine", 0.0, None), ("Gate inputs", 0.0, 7.0), ("Clean", 7.0, None)])
        execution = look(sandbox, ARN)
    console = Console(width=80)
    with console.capture() as shown:
        console.print(tree(execution))
    lines = shown.get().splitlines()
    assert "✗ pipeline" in lines[0]
    assert any("✓ Gate inputs  7.0 s" in line for line in lines)
    assert any("✗ Clean" in line for line in lines)
    assert any("· Publish" in line for line in lines)


def test_its_status_says_how_to_query_what_a_failed_gate_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Verdict("orders", rules_passed=8, rules_failed=1, rows=100, rejected_rows=3, as_of=BEGAN.date())
    passed = replace(failed, data_set="customers", rules_failed=0, rejected_rows=0)
    monkeypatch.setattr(pipeline_commands, "last_execution", lambda _: Execution(ARN, "FAILED", (), "error", "why"))
    monkeypatch.setattr(pipeline_commands, "verdicts", lambda *_: [failed, passed])
    told = CliRunner().invoke(pipeline_commands.app, ["status"], obj=Mock()).output.splitlines()
    assert [line.partition(" query ")[2] for line in told if "rejected rows" in line] == [
        "\"SELECT * FROM rejected_orders WHERE as_of = DATE '2026-11-22'\""
    ]


def test_a_verdict_brings_no_text_of_its_own_into_the_command_that_asks_for_its_rows() -> None:
    told = {"data_set": "orders; x", "rules": [], "rows": 1, "rejected_rows": 1}
    verdict = Verdict.from_json("orders", json.dumps(told | {"as_of": "2026-11-22"}))
    assert verdict.rejected_sql == "SELECT * FROM rejected_orders WHERE as_of = DATE '2026-11-22'"
    with pytest.raises(PracticeError, match="as of '\"; x', which is no date"):
        Verdict.from_json("orders", json.dumps(told | {"as_of": '"; x'}))


def test_a_pipeline_that_has_not_run_is_said_how_to_run(client: Any, sandbox: Sandbox) -> None:
    with Stubber(client) as stub:
        stub.add_response("list_executions", {"executions": []})
        with pytest.raises(PracticeError, match="pipeline run"):
            last_execution(sandbox)
