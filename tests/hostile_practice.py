"""Every command of the command line, amid hostile text: from AWS, in files, and in what programs print."""

from __future__ import annotations

import io
import json
import re
import sys
import unicodedata
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from botocore.client import BaseClient

from contracts import Contract
from practice import cli, console, deploy
from practice.console import Screen
from practice.local_cloud.lifecycle import LocalCloud, LocalCloudError
from practice.pipeline import DATA_SETS
from practice.sample.orders import orders
from practice.sample.plan import Plan
from tests.hostile import CONTROLS, NAME, HostileAws, Patch, Session, body

_WIDE, _NARROW = 10_000, 80
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
_SPLITS_OR_SPOILS = {"a\nb", "a\rb", "\ud800"}
"""What makes two lines of an error message or of a log, and what no file can hold."""

OF_RICH = re.compile(r"\x1b\[[0-9;]*m|\x1b\[\?25[lh]|\x1b\[2K|\x1b\[1A|\r")
"""Rich's colours, and how it moves a spinner or a bar: the cursor off and on, a line erased, a line up."""

_OUTPUTS = (
    "RawBucket", "ProcessedBucket", "TrainingBucket", "RawCrawlers", "RawDatabase", "ProcessedDatabase",
    "CuratedDatabase", "FeaturesDatabase", "WorkGroup", "DeliveryStream", "CustomerFeatureGroup", "Pipeline",
    "TrainingPipeline",
)  # fmt: skip
_RUN_ARN = "arn:aws:sagemaker:us-east-1:111122223333:pipeline/p/execution/a1b2c3"


def unseen(text: str) -> set[str]:
    """The characters that a terminal would obey, or show nothing of."""
    return {character for character in text if unicodedata.category(character) in _UNSEEN} - {"\n"}


class Cloud:
    """A local cloud whose every answer is hostile."""

    fresh = True
    endpoint = "http://127.0.0.1:1"
    state = SimpleNamespace(port=1, access=SimpleNamespace(variables={}))
    client = staticmethod(Session.client)

    def __init__(self, directory: Path, refusal: str) -> None:
        self.directory, self._refusal = directory, refusal
        self.environment: dict[str, str] = {}

    def post(self, path: str) -> None:
        if self._refusal:
            raise LocalCloudError(self._refusal)

    def stop(self) -> None:
        pass


@dataclass
class Practice:
    """The command line amid hostile texts, which stand side by side in every place; on a terminal or piped."""

    texts: Iterable[str]
    directory: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    terminal: bool
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def __call__(
        self,
        *arguments: str,
        answers: Mapping[str, Patch] | None = None,
        refused: Callable[[str], bool] = lambda _: False,
        cloud_refuses: str = "",
        fails: bool | None = False,
        silent: bool = False,
    ) -> None:
        """Run a command, and look at all that it shows; only one that is silent shows nothing of the text."""
        self.ran.append(arguments)
        aws = HostileAws(self.text, self._readable() | dict(answers or {}), refused)
        self.monkeypatch.setattr(BaseClient, "_make_api_call", lambda *call: aws.call(*call))
        cloud = Cloud(self.directory, cloud_refuses)
        self.monkeypatch.setattr(LocalCloud, "attach", lambda _: cloud)
        self.monkeypatch.setattr(LocalCloud, "start", lambda *_: cloud)
        self.monkeypatch.setattr(sys, "stdin", io.StringIO())
        self.monkeypatch.setattr(sys, "argv", ["practice", "--directory", str(self.directory), *arguments])
        for name in ("out", "err"):
            width = _NARROW if self.terminal else _WIDE
            screen = Screen(stderr=name == "err", highlight=False, width=width, force_terminal=self.terminal)
            self.monkeypatch.setattr(console, name, screen)
        with pytest.raises(SystemExit) as end:
            cli.main()
        told = "".join(self.capsys.readouterr())
        assert "Traceback" not in told, told
        assert fails in (bool(end.value.code), None), told
        assert unseen(OF_RICH.sub("", told) if self.terminal else told) == set()
        if not (self.terminal or silent):
            lacking = {text for text in self.texts if CONTROLS.get(text, text) not in told.replace("\\\\", "\\")}
            assert lacking <= _SPLITS_OR_SPOILS, told

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    @property
    def named(self) -> str:
        return f"{NAME}-{self.text}"

    def file(self, *content: str) -> str:
        """A file with such lines, and as much of the text in its name as a file system takes."""
        name = re.sub("[/\x00\ud800]", "", self.text)[:50]
        path = self.directory / f"{name}.jsonl"
        path.write_text("\n".join(content), encoding="utf-8", errors="replace")
        return str(path)

    def _readable(self) -> dict[str, Patch]:
        """What a command has to understand, or else it ends before it has shown anything."""
        succeeded = {"QueryExecution": {"Status": {"State": "SUCCEEDED"}, "StatementType": "DML"}}
        machine = {self.named: {"Type": "Task", "Next": "never"}, "never": {"Type": "Task"}}
        refine = {"Type": "Parallel", "Branches": [{"StartAt": self.named, "States": machine}]}
        steps = (
            {"StepName": self.named, "StepStatus": "Failed", "FailureReason": self.text},
            {"StepName": "Train", "StepStatus": "Succeeded", "Metadata": {"TrainingJob": {"Arn": self._arn}}},
            {"StepName": "GoodEnough", "StepStatus": "Succeeded"},
            {"StepName": "Register", "StepStatus": "Succeeded", "Metadata": {"RegisterModel": {"Arn": self._arn}}},
        )
        parameters = [{"Name": "NumRound", "DefaultValue": "2000"}, {"Name": self.text, "DefaultValue": self.text}]
        return {
            "DescribeStacks": self._stack("CREATE_COMPLETE"),
            "GetCallerIdentity": {"Arn": self._arn, "Account": self.text},
            "ListObjectsV2": self._objects,
            "GetObject": self._object,
            "PutRecordBatch": lambda request: {"RequestResponses": [{} for _ in request["Records"]]},
            "GetCrawler": self._crawler("SUCCEEDED"),
            "StartQueryExecution": lambda request: {"QueryExecutionId": request["QueryString"]},
            "GetQueryExecution": succeeded,
            "GetQueryResults": self._rows,
            "BatchWriteRecord": {"Errors": [], "UnprocessedEntries": []},
            "BatchGetRecord": self._features,
            "DescribeExecution": {"status": "SUCCEEDED"},
            "DescribeStateMachineForExecution": {
                "definition": json.dumps({"StartAt": "Refine", "States": {"Refine": refine}})
            },
            "StartPipelineExecution": {"PipelineExecutionArn": _RUN_ARN},
            "DescribePipelineExecution": {"PipelineExecutionStatus": "Succeeded"},
            "ListPipelineExecutionSteps": {"PipelineExecutionSteps": steps},
            "DescribePipeline": {"PipelineDefinition": json.dumps({"Steps": [{"Name": self.text}]})},
            "DescribePipelineDefinitionForExecution": {"PipelineDefinition": json.dumps({"Parameters": parameters})},
            "DescribeHyperParameterTuningJob": {"HyperParameterTuningJobStatus": "Completed"},
            "ListTrainingJobsForHyperParameterTuningJob": {
                "TrainingJobSummaries": [
                    {
                        "TrainingJobName": self.text,
                        "TrainingJobStatus": "Failed",
                        "TunedHyperParameters": {self.text: "1"},
                    }
                ]
            },
            "GetResources": {
                "ResourceTagMappingList": [
                    {"ResourceARN": arn, "Tags": [{"Key": "sandbox", "Value": NAME}]}
                    for arn in (self._arn, f"arn:aws:{self.text}:us-east-1:1:thing/x")
                ]
            },
        }

    @property
    def _arn(self) -> str:
        return HostileAws(self.text, {}, bool).arn

    def _stack(self, status: str, *more: str) -> Patch:
        outputs = [{"OutputKey": key, "OutputValue": f"{self.text}{key}"} for key in (*_OUTPUTS, *more)]
        stack = {"StackName": self.named, "StackId": self._arn, "StackStatus": status, "Outputs": outputs}
        return {"Stacks": [stack | {"Description": self.text, "Tags": [{"Key": self.text, "Value": self.text}]}]}

    def _crawler(self, status: str) -> Patch:
        last = dict.fromkeys(("ErrorMessage", "LogGroup", "LogStream"), self.text)
        return {"Crawler": {"State": "READY", "LastCrawl": last | {"Status": status}}}

    def _objects(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        run = self._arn.rpartition(":")[2]
        keys = {
            "customers/": [f"customers/snapshot_date={self.text}/1"],
            "errors/": [f"errors/{self.text}/1"],
            "orders/": ["orders/1"] if request["Bucket"].endswith("RawBucket") else [],
            "quality/": [f"quality/{run}-{data_set}.json" for data_set in DATA_SETS],
        }
        return {"Contents": [{"Key": key} for key in keys.get(request["Prefix"], [])]}

    def _object(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        order = b64encode(next(orders(Plan(1, malformed=0))).data).decode()
        arrived = datetime.now(UTC).timestamp() * 1000
        failure = {"arrivalTimestamp": arrived, "rawData": order, "errorCode": self.text}
        verdict = {"rules": [{"passed": False}], "rows": 1, "rejected_rows": 1, "as_of": "2026-11-22"}
        metrics = {"auc": {"value": 0.5}, self.text: {"value": 0.5}}
        evaluation = {
            "binary_classification_metrics": metrics,
            "baselines": {self.text: metrics},
            "comparison": {"auc_margin": 0.1, "best_baseline": self.text},
        }
        contents = {"errors/": failure, "quality/": verdict | {"data_set": self.text}, "evaluations/": evaluation}
        content = next((json.dumps(held) for start, held in contents.items() if request["Key"].startswith(start)), None)
        return {"Body": body((content or self.text).encode(errors="replace") + b"\n")}

    def _rows(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        counts = "count(*)" in request["QueryExecutionId"]
        columns = [{"Name": name, "Type": self.text} for name in (self.text, "other")]
        values = [{"VarCharValue": "1" if counts else self.text}, {}]
        return {"ResultSet": {"ResultSetMetadata": {"ColumnInfo": columns}, "Rows": [{"Data": values}] * 3}}

    def _features(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        names = ("customer_id", "frequency", "recency", "T", "favourite_category", self.named)
        values = dict.fromkeys(names, self.text) | {"monetary_value": "1"}
        record = [{"FeatureName": name, "ValueAsString": value} for name, value in values.items()]
        ids = request["Identifiers"][0]["RecordIdentifiersValueAsString"]
        records = [{"RecordIdentifierValueAsString": customer_id, "Record": record} for customer_id in ids]
        return {"Records": records, "Errors": [], "UnprocessedIdentifiers": []}


Drive = Callable[[Practice], None]


def _local(practice: Practice) -> None:
    output = practice.directory / "output"
    output.write_text(f"{practice.text}\n", encoding="utf-8", errors="replace")
    program = practice.directory / "cdk"
    practice.monkeypatch.setattr(deploy, "CDK", program)
    for status in (0, 3):
        program.write_text(f"#!/bin/sh\n/bin/cat '{output}'\nexit {status}\n", encoding="utf-8")
        program.chmod(0o755)
        practice("local", "--count", "20", fails=True)


def _send(practice: Practice) -> None:
    given = practice.file(practice.text, json.dumps({practice.text: practice.text}), "[1]")
    practice("send", "--aws", "--file", given, fails=True)
    practice("send", "--aws", "--file", given, "--anyway")
    practice("send", "--file", practice.text, fails=True, silent=True)
    with_kinesis: dict[str, Patch] = {
        "DescribeStacks": practice._stack("CREATE_COMPLETE", "OrderStream"),
        "PutRecords": lambda request: {"Records": [{} for _ in request["Records"]]},
    }
    practice("send", "--aws", "--count", "5", answers=with_kinesis)
    practice("send", "--count", "5", answers=_refusing_records(practice.text), fails=True)
    practice("send", "--count", "5", refused="PutRecordBatch".__eq__, fails=True)


def _land(practice: Practice) -> None:
    practice("land", "customers", "--orders", "5", "--aws", answers=_NOTHING_LANDED)
    practice("land", "customers", "--orders", "5", fails=True)
    names = ",".join(field.name for field in Contract.load("customers").given)
    rows = [f"C-{number},{practice.text},FR,social,true,1990" for number in (1, 2)]
    given = practice.file(names, *rows, practice.text)
    practice("land", "customers", "--file", given, fails=True, silent=True)  # a long value is cut
    practice("land", "customers", "--file", given, "--anyway", answers=_NOTHING_LANDED, silent=True)
    practice("land", "customers", "--file", practice.file(practice.text), fails=True, silent=True)


_NOTHING_LANDED: Mapping[str, Patch] = {
    "GetObject": lambda _: {"Body": body(",".join(f.name for f in Contract.load("customers").given).encode())}
}


def _refusing_records(why: str) -> Mapping[str, Patch]:
    return {"PutRecordBatch": lambda request: {"RequestResponses": [{"ErrorCode": why} for _ in request["Records"]]}}


def _status(practice: Practice) -> None:
    sent = {
        "stream": practice.text,
        "target": f"AWS account {practice.text} in us-east-1",
        "at": practice.text,
        "taken": 1,
    }
    last = practice.directory / "last-send.json"
    for refused in ({practice.text: 1}, {practice.text: practice.text}):
        last.write_text(json.dumps(sent | {"refused": refused}), encoding="utf-8")
        practice("status", "--aws")
    last.write_text(practice.text, encoding="utf-8", errors="replace")
    practice("status")


def _crawl(practice: Practice) -> None:
    practice("crawl", "--aws")
    practice("crawl", answers={"GetCrawler": practice._crawler("FAILED")}, fails=True)


def _query(practice: Practice) -> None:
    practice("query", practice.named, "--aws")
    practice("query", f"SELECT {practice.text}")
    practice("query", "no-such-query", fails=True)
    failed = {"Status": {"State": "FAILED", "StateChangeReason": practice.text}}
    practice("query", "SELECT 1", answers={"GetQueryExecution": {"QueryExecution": failed}}, fails=True)


def _features_put(practice: Practice) -> None:
    practice("features", "put", "--aws", "--file", practice.file(json.dumps({"customer_id": practice.text})))
    practice("features", "put", "--file", practice.file(practice.text), fails=True, silent=True)
    entry = {"Record": [{"FeatureName": practice.text, "ValueAsString": practice.text}]}
    refusal = {"ErrorCode": practice.text, "ErrorMessage": practice.text, "Entry": entry}
    refusing = {"BatchWriteRecord": {"Errors": [refusal], "UnprocessedEntries": []}}
    practice("features", "put", "--aws", "--customers", "2", answers=refusing, fails=True)


def _pipeline(practice: Practice) -> None:
    practice("pipeline", "run", "--aws")
    practice("pipeline", "run", answers={"DescribeExecution": {"status": "FAILED"}}, fails=True)


def _pipeline_status(practice: Practice) -> None:
    for status in ("RUNNING", "FAILED"):
        practice("pipeline", "status", "--aws", answers={"DescribeExecution": {"status": status}})


def _train(practice: Practice) -> None:
    practice("train", "--aws")
    practice("train", answers={"DescribePipelineExecution": {"PipelineExecutionStatus": "Failed"}}, fails=True)
    reports = {"Contents": [{"Key": f"evaluations/a1b2c3/../{practice.text}", "Size": 1}]}
    practice("train", answers={"ListObjectsV2": reports}, fails=True)


def _experiments(practice: Practice) -> None:
    for evaluation in (practice.text, json.dumps({"binary_classification_metrics": {"auc": {"value": practice.text}}})):
        no_evaluation = {"GetObject": lambda _, text=evaluation: {"Body": body(text.encode(errors="replace"))}}
        practice("experiments", "--aws", answers=no_evaluation, silent=True)
        practice("train", "--aws", answers=no_evaluation, fails=True)
    told = {"PipelineParameters": [{"Name": "NumRound", "Value": practice.text}]}
    practice("experiments", "--aws", answers={"ListPipelineParametersForExecution": told})


def _drill(practice: Practice) -> None:
    train = {"StepName": "Train", "StepStatus": "Executing", "Metadata": {"TrainingJob": {"Arn": practice._arn}}}
    tells: dict[str, Patch] = {
        "DescribePipeline": {"PipelineDefinition": json.dumps({"Steps": [{"Name": "Train"}]})},
        "ListPipelineExecutionSteps": {
            "PipelineExecutionSteps": [{"StepName": practice.text, "StepStatus": "Succeeded"}, train]
        },
        "GetLogEvents": {
            "events": [{"message": f"[{number}]\ttrain-{practice.text}", "timestamp": number} for number in (0, 1999)]
        },
        "ListTrainingJobs": {"TrainingJobSummaries": [{"TrainingJobName": "job", "TrainingJobArn": practice._arn}]},
    }
    practice("drill", "spot", answers=tells)
    practice("drill", "spot", answers=tells, cloud_refuses=practice.text, fails=True)


def _cost(practice: Practice) -> None:
    templates = {practice.text: {"Resources": {practice.text: {"Type": "AWS::KMS::Key"}}}}
    practice.monkeypatch.setattr("cost.estimate.synthesized", lambda _: templates)
    practice("cost", f"key={practice.text}")
    practice("cost", "--compare", f"key={practice.text}", "default")
    practice("cost", practice.text.replace("=", ""), fails=True, silent=True)
    templates[practice.text]["Resources"][practice.text]["Type"] = practice.text
    practice("cost", fails=True)


def _sweep(practice: Practice) -> None:
    practice("sweep", "--aws")
    practice("sweep", refused="ListEndpoints".__eq__, fails=True)
    event = {"LogicalResourceId": practice.text, "PhysicalResourceId": "", "ResourceStatus": "DELETE_FAILED"}
    failed: dict[str, Patch] = {
        "DescribeStacks": practice._stack("DELETE_FAILED"),
        "DescribeStackEvents": {"StackEvents": [event | {"ResourceStatusReason": practice.text}]},
    }

    def refuses(call: str) -> bool:
        return call.startswith(("Delete", "Schedule", "Stop"))

    practice("sweep", "--aws", "--delete", "--yes", answers=failed, refused=refuses, fails=True)
    practice.monkeypatch.setattr(typer, "confirm", lambda question, **_: typer.echo(question))
    practice("sweep", "--delete", answers=failed, refused=refuses, fails=True)


def _doctor(practice: Practice) -> None:
    practice("doctor", "--aws", fails=True)
    practice.monkeypatch.setattr(
        "practice.doctor.local_cloud.shutil.disk_usage", lambda place: SimpleNamespace(free=0, place=place)
    )
    practice("doctor", fails=None, silent=True)


DRIVES: Mapping[str, Drive] = {
    "local": _local,
    "up": lambda practice: practice("up", silent=True),
    "down": lambda practice: practice("down", silent=True),
    "env": lambda practice: practice("env", silent=True),
    "flush": lambda practice: practice("flush", cloud_refuses=practice.text, fails=True),
    "generate orders": lambda practice: practice("generate", "orders", "--end", practice.text, fails=True),
    "generate customers": lambda practice: practice("generate", "customers", "--end", practice.text, fails=True),
    "land customers": _land,
    "send": _send,
    "crawl": _crawl,
    "queries": lambda practice: practice("queries", "--aws"),
    "query": _query,
    "status": _status,
    "features put": _features_put,
    "features get": lambda practice: practice("features", "get", practice.named, "--aws"),
    "pipeline run": _pipeline,
    "pipeline status": _pipeline_status,
    "train": _train,
    "tune": lambda practice: practice("tune", "--aws"),
    "experiments": _experiments,
    "drill spot": _drill,
    "cost": _cost,
    "doctor": _doctor,
    "sweep": _sweep,
}
"""By command, what drives it past every place in which it shows text that is not its own."""
