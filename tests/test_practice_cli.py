"""The command line: commands explain themselves, output can be piped, and a mistake gets a hint, not a traceback."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from typer.testing import CliRunner

from practice import cli
from practice.features import MOST_ENTRIES
from practice.ingest import ATTEMPTS
from practice.sample.customer_features import features_of_customers
from practice.sample.orders import orders
from practice.sample.plan import Plan
from practice.sandbox import Target

COMMANDS = [
    "local",
    "up",
    "down",
    "flush",
    "generate orders",
    "generate customers",
    "land customers",
    "send",
    "crawl",
    "queries",
    "query",
    "status",
    "features put",
    "features get",
    "cost",
    "doctor",
    "sweep",
]


def run(monkeypatch: pytest.MonkeyPatch, directory: Path, *arguments: str) -> int:
    """Run the command line as ``python -m practice`` does; returns the exit code."""
    monkeypatch.setattr(sys, "argv", ["practice", "--directory", str(directory), *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


class Deployed:
    """A deployed sandbox, its services stubbed call by call."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.stubs: dict[str, Stubber] = {}
        for name in ("cloudformation", "firehose", "sagemaker-featurestore-runtime"):
            self.clients[name] = boto3.client(
                name,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",  # noqa: S106
            )
            self.stubs[name] = Stubber(self.clients[name])
            self.stubs[name].activate()
        for stack, outputs in (
            ("lake", {"RawBucket": "raw"}),
            ("ingestion", {"DeliveryStream": "orders"}),
            ("feature-store", {"CustomerFeatureGroup": "features", "FeaturesDatabase": "features_db"}),
        ):
            self.stubs["cloudformation"].add_response(
                "describe_stacks",
                {
                    "Stacks": [
                        {
                            "StackName": f"ml-sandbox-{stack}",
                            "CreationTime": "2026-03-14T00:00:00Z",
                            "StackStatus": "CREATE_COMPLETE",
                            "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
                        }
                    ]
                },
                {"StackName": f"ml-sandbox-{stack}"},
            )
        for _ in ("training", "processing", "studio", "guardrails", "monitoring"):
            self.stubs["cloudformation"].add_client_error("describe_stacks", "ValidationError")

    def will_take_features(self, number: int) -> None:
        assert number <= MOST_ENTRIES
        self.stubs["sagemaker-featurestore-runtime"].add_response(
            "batch_write_record", {"Errors": [], "UnprocessedEntries": []}
        )

    def has_features(self, *customer_ids: str) -> None:
        """The feature store knows these customers, of the three who are asked for."""
        found = [
            {
                "FeatureGroupName": "features",
                "RecordIdentifierValueAsString": customer_id,
                "Record": [
                    {"FeatureName": "customer_id", "ValueAsString": customer_id},
                    {"FeatureName": "frequency", "ValueAsString": f"{number}0"},
                ],
            }
            for number, customer_id in enumerate(customer_ids, start=1)
        ]
        self.stubs["sagemaker-featurestore-runtime"].add_response(
            "batch_get_record", {"Records": found, "Errors": [], "UnprocessedIdentifiers": []}
        )

    def will_answer(self, records: list[bytes], *error_codes: str) -> None:
        answers = [{"ErrorCode": code} if code else {"RecordId": "1"} for code in error_codes]
        self.stubs["firehose"].add_response(
            "put_record_batch",
            {"FailedPutCount": sum(map(bool, error_codes)), "RequestResponses": answers},
            {"DeliveryStreamName": "orders", "Records": [{"Data": data} for data in records]},
        )


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Deployed:
    deployed = Deployed()
    target = Target("test account", deployed.clients.__getitem__, None)
    monkeypatch.setattr(Target, "choose", lambda *, aws, directory: target)
    return deployed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(cli.app, [*command.split(), "--help"])
    assert result.exit_code == 0
    assert f"Usage: root {command}" in " ".join(result.output.split())


def test_generated_orders_can_be_piped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    arguments = ("generate", "orders", "--count", "50", "--malformed", "0", "--end", "2026-03-14T09:26:53Z")
    assert run(monkeypatch, tmp_path, *arguments) == 0
    output = capfdbinary.readouterr()
    assert len([json.loads(line) for line in output.out.splitlines()]) == 50
    assert b"50 records: 50 to be processed" in output.err


def test_customers_are_written_to_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    assert run(monkeypatch, tmp_path, "generate", "customers", "--orders", "50", "--out", str(file)) == 0
    assert file.read_text(encoding="utf-8").startswith("customer_id,")


def test_shares_that_do_not_fit_are_an_error_without_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, "generate", "orders", "--malformed", "0.9", "--late", "0.9") == 1
    assert capsys.readouterr().err.startswith("✗ malformed 0.9, late 0.9")


@pytest.mark.parametrize("command", ["status", "send", "queries", "crawl", "flush", "features put", "features get C-1"])
def test_without_a_local_cloud_nothing_goes_to_aws_and_the_hint_says_how(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, *command.split()) == 1
    error = capsys.readouterr().err
    assert "make local" in error
    assert "--aws" in error


def test_stopping_what_does_not_run_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert run(monkeypatch, tmp_path, "down") == 0


def test_the_target_is_always_told(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b"{}\n")
    deployed.will_answer([b"{}\n"], "")
    assert run(monkeypatch, tmp_path, "send", "--file", str(file), "--anyway") == 0
    assert "ml-sandbox · test account" in capsys.readouterr().out


def test_a_file_is_sent_line_by_line_as_it_is_and_its_faults_are_told_by_reason(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = next(orders(Plan(1))).data
    file = tmp_path / "mine.jsonl"
    file.write_bytes(good + b"\n[1]\r\n" + b'{"a": 1}')
    deployed.will_answer([good, b"\n", b"[1]\r\n", b'{"a": 1}\n'], "", "", "", "")
    assert run(monkeypatch, tmp_path, "send", "--file", str(file)) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "empty_record 1 2" in output
    assert "not_an_object 1 3" in output
    assert "unknown_field 1 4 a is not in the contract" in output
    assert "4 of 4 records taken by Firehose stream orders" in output
    assert "in processed 1 failed 3" in output


@pytest.mark.parametrize(("days", "told"), [(3, False), (4, True)])
def test_a_file_of_more_dates_than_firehose_has_partitions_is_told_and_sent(
    deployed: Deployed,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    days: int,
    told: bool,
) -> None:
    monkeypatch.setattr(cli, "MOST_ACTIVE_PARTITIONS", 3)
    order = json.loads(next(orders(Plan(1))).data)
    start = datetime.fromisoformat(order["event_time"]) - timedelta(days=days)
    moments = [(start + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%SZ") for day in range(days)]
    lines = [json.dumps(order | {"event_time": at, "sent_time": at}).encode() + b"\n" for at in moments]
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b"".join(lines))
    deployed.will_answer(lines, *[""] * days)
    assert run(monkeypatch, tmp_path, "send", "--file", str(file)) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert ("has orders of 4 dates; Firehose keeps 3 partitions open" in output) == told
    assert f"{days} of {days} records taken" in output


def test_refused_records_are_kept_in_a_file_and_are_an_error(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("practice.ingest.LONGEST_PAUSE", 0.0)
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b"[1]\n[2]\n")
    deployed.will_answer([b"[1]\n", b"[2]\n"], "", "InternalFailure")
    for _ in range(ATTEMPTS - 1):
        deployed.will_answer([b"[2]\n"], "InternalFailure")
    assert run(monkeypatch, tmp_path, "send", "--file", str(file), "--anyway") == 1
    assert (tmp_path / "refused.jsonl").read_bytes() == b"[2]\n"
    assert "Refused to the end: 1 x InternalFailure" in capsys.readouterr().err


def test_refused_records_can_be_sent_from_the_file_that_keeps_them(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = tmp_path / "refused.jsonl"
    refused.write_bytes(b"[1]\n[2]\n")
    deployed.will_answer([b"[1]\n", b"[2]\n"], "", "")
    assert run(monkeypatch, tmp_path, "send", "--file", str(refused), "--anyway") == 0
    assert "2 of 2 records taken" in capsys.readouterr().out
    assert refused.read_bytes() == b""


def test_an_interrupted_send_leaves_the_file_of_refused_records_as_it_was(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refused = tmp_path / "refused.jsonl"
    refused.write_bytes(b"[1]\n[2]\n")
    deployed.stubs["firehose"].add_client_error("put_record_batch", "AccessDeniedException")
    assert run(monkeypatch, tmp_path, "send", "--file", str(refused), "--anyway") == 1
    assert refused.read_bytes() == b"[1]\n[2]\n"


def test_an_interrupted_send_says_how_far_it_came(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = [record.data for record in orders(Plan(500, end=Plan().end))]
    file = tmp_path / "mine.jsonl"
    file.write_bytes(b"".join(records) + b"{}\n")
    deployed.will_answer(records, *[""] * 500)
    deployed.stubs["firehose"].add_client_error("put_record_batch", "AccessDeniedException")
    assert run(monkeypatch, tmp_path, "send", "--file", str(file)) == 1
    assert "Stopped after 500 of 501 records were taken" in capsys.readouterr().err


def test_features_of_sample_customers_are_put_for_every_moment_since_their_first_purchase(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    end = datetime(2026, 3, 14, tzinfo=UTC)
    due = len(list(features_of_customers(Plan(seed=3, end=end).shop, 5, [end, end - timedelta(days=30)])))
    deployed.will_take_features(due)
    arguments = ("--customers", "5", "--cutoffs", "2", "--seed", "3", "--end", end.isoformat())
    assert run(monkeypatch, tmp_path, "features", "put", *arguments) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert f"{due} records written to features" in output
    assert "Athena sees them within about 15 minutes" in output


def test_ones_own_features_are_put_from_a_file(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"customer_id": "C-1"}\n{"customer_id": "C-2"}\n', encoding="utf-8")
    deployed.will_take_features(2)
    assert run(monkeypatch, tmp_path, "features", "put", "--file", str(file)) == 0
    assert "2 records written to features" in capsys.readouterr().out


def test_more_moments_than_the_shop_is_old_are_refused_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, "features", "put", "--cutoffs", "15") == 2
    assert "less than or equal to 14" in " ".join(capsys.readouterr().err.split())


def test_customers_stand_side_by_side_and_one_without_features_is_an_error_at_the_end(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed.has_features("C-1", "C-3")
    assert run(monkeypatch, tmp_path, "features", "get", "C-1", "C-2", "C-3") == 1
    told = capsys.readouterr()
    assert "C-1 C-3" in " ".join(told.out.split())
    assert "frequency 10 20" in " ".join(told.out.split())
    assert "features has no features of C-2;" in told.err
