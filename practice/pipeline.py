"""Runs the refinery's pipeline, and tells what it did: each step, each gate's verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.tree import Tree

from jobs.refinery.day_folders import DayFolders, is_hidden
from practice.console import FINE, GOING_ON, WRONG, line, styled, table
from practice.errors import PracticeError
from practice.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

_LOOK_EVERY_SECONDS = {True: 0.5, False: 5.0}
_TOLD = ("Task", "Parallel")
DATA_SETS = ("customers", "orders", "customer_features")


@dataclass(frozen=True)
class Step:
    """A step of the pipeline, and how it went; a step that a run never came to has no time."""

    name: str
    seconds: float | None
    finished: bool
    inner: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Execution:
    """A run of the pipeline that has ended, or has not yet."""

    arn: str
    status: str
    steps: tuple[Step, ...]
    error: str
    cause: str

    @property
    def reason(self) -> str:
        """Why it failed: the error of the job, where one failed."""
        try:
            told = json.loads(self.cause)
        except ValueError:
            return self.cause or self.error
        if not isinstance(told, dict):
            return self.cause
        # of a Glue job, or of a job of EMR Serverless
        return str(told.get("ErrorMessage") or told.get("StateDetails") or self.cause)


@dataclass(frozen=True)
class Verdict:
    """What a gate has said of a data set: as many rules passed, as many failed, on as many of its rows."""

    data_set: str
    rules_passed: int
    rules_failed: int
    rows: int
    rejected_rows: int
    as_of: date

    @classmethod
    def from_json(cls, data_set: str, text: str) -> Verdict:
        told = json.loads(text)
        passed = sum(rule["passed"] for rule in told["rules"])
        failed = len(told["rules"]) - passed
        try:
            as_of = date.fromisoformat(told["as_of"])
        except ValueError:
            raise PracticeError(f"The verdict on {data_set} is as of {told['as_of']!r}, which is no date.") from None
        return cls(data_set, passed, failed, told["rows"], told["rejected_rows"], as_of)

    @property
    def rejected_sql(self) -> str:
        """What asks Athena for the rows it is about; a learner gives it to a shell, so nothing in it is free text."""
        return f"SELECT * FROM rejected_{self.data_set} WHERE as_of = DATE '{self.as_of}'"  # noqa: S608 - our own


def start(sandbox: Sandbox, as_of: datetime, cutoffs: list[date]) -> str:
    """Start the pipeline; returns the execution's ARN."""
    client: SFNClient = sandbox.client("stepfunctions")
    given = {"as_of": as_of.strftime("%Y-%m-%dT%H:%M:%SZ"), "cutoffs": ",".join(map(str, cutoffs))}
    return client.start_execution(stateMachineArn=sandbox["Pipeline"], input=json.dumps(given))["executionArn"]


def wait(sandbox: Sandbox, execution_arn: str, tell: Callable[[str], None]) -> Execution:
    """Wait until the run has ended, telling what it does; raise if it failed, and say why."""
    while (found := look(sandbox, execution_arn)).status == "RUNNING":
        tell(", ".join(_running(found.steps)))
        time.sleep(_LOOK_EVERY_SECONDS[sandbox.target.cloud is not None])
    if found.status != "SUCCEEDED":
        raise PracticeError(
            f"The pipeline ended as {found.status} at {', '.join(_running(found.steps)) or 'its start'}: {found.reason}"
        )
    return found


def verdicts(sandbox: Sandbox, execution_arn: str) -> list[Verdict]:
    """What the gates have said in a run, as far as it came to them."""
    s3: S3Client = sandbox.client("s3")
    bucket, run_id = sandbox["ProcessedBucket"], execution_arn.rpartition(":")[2]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="quality/")
    keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
    return [
        Verdict.from_json(data_set, s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
        for data_set in DATA_SETS
        for key in keys
        if key.endswith(f"/{run_id}-{data_set}.json")
    ]


def stray_customers(sandbox: Sandbox) -> str:
    """What to say of what lies beside the batches of customers, where no run reads it; nothing, if there is nothing."""
    s3: S3Client = sandbox.client("s3")
    place = f"s3://{sandbox['RawBucket']}/customers/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=sandbox["RawBucket"], Prefix="customers/")
    keys = [item["Key"].removeprefix("customers/") for page in pages for item in page.get("Contents", [])]
    uris = [f"{place}{key}" for key in keys if not is_hidden(key) and not key.endswith("/")]
    return DayFolders.among(uris, place, "snapshot_date").warning


def last_execution(sandbox: Sandbox) -> Execution:
    """The run that was started last."""
    client: SFNClient = sandbox.client("stepfunctions")
    executions = client.list_executions(stateMachineArn=sandbox["Pipeline"], maxResults=1)["executions"]
    if not executions:
        raise PracticeError("The pipeline has not run yet. Run it: python -m practice pipeline run")
    return look(sandbox, executions[0]["executionArn"])


def look(sandbox: Sandbox, execution_arn: str) -> Execution:
    """The run as it is now: its steps in the order of the definition, their times from its history."""
    client: SFNClient = sandbox.client("stepfunctions")
    described = client.describe_execution(executionArn=execution_arn)
    definition = json.loads(client.describe_state_machine_for_execution(executionArn=execution_arn)["definition"])
    entered: dict[str, datetime] = {}
    exited: dict[str, datetime] = {}
    for page in client.get_paginator("get_execution_history").paginate(executionArn=execution_arn):
        for event in page["events"]:
            if details := event.get("stateEnteredEventDetails"):
                entered.setdefault(details["name"], event["timestamp"])
            elif left := event.get("stateExitedEventDetails"):
                exited[left["name"]] = event["timestamp"]
    until = described.get("stopDate") or datetime.now(UTC)
    (whole,) = (step for step in _steps(definition, entered, exited, until) if step.inner)
    return Execution(
        execution_arn, described["status"], whole.inner, described.get("error", ""), described.get("cause", "")
    )


def _steps(
    branch: Mapping[str, Any], entered: Mapping[str, datetime], exited: Mapping[str, datetime], until: datetime
) -> Iterator[Step]:
    for name in _way(branch):
        state = branch["States"][name]
        if state["Type"] in _TOLD and not name.endswith(": Look"):
            begun, ended = entered.get(name), exited.get(name)
            if name.endswith(": Start"):
                ended = exited.get(name.replace(": Start", ": Done"))
            yield Step(
                f"Crawl {name.partition(':')[0].lower()}" if ":" in name else name,
                ((ended or until) - begun).total_seconds() if begun else None,
                ended is not None,
                tuple(step for inner in state.get("Branches", []) for step in _steps(inner, entered, exited, until)),
            )


def _way(branch: Mapping[str, Any]) -> list[str]:
    """The states in the order in which they follow when all goes well."""
    way: list[str] = []
    name: str | None = branch["StartAt"]
    while name:
        way.append(name)
        state = branch["States"][name]
        ahead = [*(choice["Next"] for choice in state.get("Choices", [])), state.get("Default"), state.get("Next")]
        name = next((n for n in ahead if n and n not in way and branch["States"][n]["Type"] != "Fail"), None)
    return way


def _running(steps: tuple[Step, ...]) -> list[str]:
    begun = [step for step in steps if step.seconds is not None and not step.finished]
    return [name for step in begun for name in (_running(step.inner) or [step.name])]


def tree(execution: Execution) -> Tree:
    """The run as a tree: a mark, a name and a time for each step."""
    mark = {"SUCCEEDED": FINE, "RUNNING": GOING_ON}.get(execution.status, WRONG)
    root = Tree(line(mark, "pipeline"))
    _grow(root, execution.steps, failed=execution.status not in ("SUCCEEDED", "RUNNING"))
    return root


def verdicts_table(found: Sequence[Verdict]) -> Table:
    """The gates' verdicts, a line each."""
    made = table("gate", "rules passed", "failed", "rows", "rejected", "", numbers=("rules passed", "failed", "rows"))
    for verdict in found:
        made.add_row(
            verdict.data_set,
            f"{verdict.rules_passed}",
            f"{verdict.rules_failed}",
            f"{verdict.rows:,}",
            f"{verdict.rejected_rows:,}",
            WRONG if verdict.rules_failed else FINE,
        )
    return made


def _grow(root: Tree, steps: tuple[Step, ...], *, failed: bool) -> None:
    for step in steps:
        if step.seconds is None:
            root.add(styled(f"· {step.name}", "dim"))
            continue
        mark = FINE if step.finished else WRONG if failed else GOING_ON
        told = line(mark, step.name, styled(f" {step.seconds:.1f} s", "dim"))
        _grow(root.add(told), step.inner, failed=failed)
