"""Finding the sandbox and crawling it: what is missing is named, together with the command that makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from practice.crawl import crawl
from practice.errors import PracticeError
from practice.sandbox import LAYERS, Sandbox, Target, default_name


def stubbed(service_name: Any) -> tuple[Any, Stubber]:
    client = boto3.client(
        service_name,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )
    return client, Stubber(client)


def target(client: Any) -> Target:
    return Target("test account", lambda service_name: client, None)


def stack(name: str, **outputs: str) -> dict[str, Any]:
    return {
        "Stacks": [
            {
                "StackName": name,
                "CreationTime": "2026-03-14T00:00:00Z",
                "StackStatus": "CREATE_COMPLETE",
                "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
            }
        ]
    }


def found(**outputs_of: dict[str, str] | None) -> Sandbox:
    """A sandbox of these stacks, by layer with ``_`` for ``-``; None is a stack that is not there."""
    client, stubber = stubbed("cloudformation")
    for layer in LAYERS:
        outputs, name = outputs_of.get(layer.replace("-", "_"), {}), f"mine-{layer}"
        if outputs is None:
            stubber.add_client_error("describe_stacks", "ValidationError", expected_params={"StackName": name})
        else:
            stubber.add_response("describe_stacks", stack(name, **outputs), {"StackName": name})
    with stubber:
        return Sandbox.find("mine", target(client))


def test_the_outputs_of_all_stacks_are_found() -> None:
    sandbox = found(
        lake={"RawBucket": "raw"},
        ingestion={"DeliveryStream": "orders"},
        feature_store={"CustomerFeatureGroup": "features"},
        training={"TrainingBucket": "training"},
        processing={"Pipeline": "pipeline"},
        studio={"DomainId": "d-1"},
    )
    outputs = ("RawBucket", "DeliveryStream", "CustomerFeatureGroup", "TrainingBucket", "Pipeline", "DomainId")
    assert [sandbox[output] for output in outputs] == ["raw", "orders", "features", "training", "pipeline", "d-1"]


@pytest.mark.parametrize("layer", ["feature-store", "training", "processing", "studio", "guardrails", "monitoring"])
def test_a_region_that_lacks_a_part_leaves_the_others_in_use(layer: str) -> None:
    sandbox = found(lake={"RawBucket": "raw"}, **{layer.replace("-", "_"): None})
    assert sandbox["RawBucket"] == "raw"
    with pytest.raises(PracticeError, match=f"no output 'X'; there is no stack mine-{layer}, which a region can lack"):
        sandbox["X"]


@pytest.mark.parametrize("layer", ["lake", "ingestion"])
def test_a_sandbox_cannot_lack_its_lake_or_its_ingestion(layer: str) -> None:
    with pytest.raises(PracticeError, match=f"no stack mine-{layer} in the test account"):
        found(**{layer: None})


def test_a_stack_that_is_not_deployed_says_how_to_deploy_it() -> None:
    client, stubber = stubbed("cloudformation")
    stubber.add_client_error("describe_stacks", "ValidationError")
    with (
        stubber,
        pytest.raises(PracticeError, match=r"no stack mine-lake in the test account\. Deploy it: make deploy"),
    ):
        Sandbox.find("mine", target(client))


def test_a_missing_output_says_that_the_deployment_may_be_unfinished() -> None:
    with pytest.raises(PracticeError, match="no output 'RawBucket'; a deployment may be unfinished"):
        Sandbox("mine", target(None), {})["RawBucket"]


def test_without_a_local_cloud_aws_has_to_be_asked_for(tmp_path: Path) -> None:
    for not_asked in (None, False):
        with pytest.raises(PracticeError, match="To use your AWS account, add --aws"):
            Target.choose(aws=not_asked, directory=tmp_path)


def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    """An account, with its STS stubbed."""
    sts, stubber = stubbed("sts")
    stubber.add_response("get_caller_identity", {"Account": "111122223333"})
    client = boto3.Session.client
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr(
        boto3.Session,
        "client",
        lambda session, name, **settings: sts if name == "sts" else client(session, name, **settings),
    )
    with stubber:
        return Target.choose(aws=True, directory=tmp_path)


def test_aws_is_told_by_account_and_region(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aws(tmp_path, monkeypatch).description == "AWS account 111122223333 in eu-west-1"


def test_clients_of_aws_try_again_in_the_standard_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a service that is busy for a moment would end a run of thousands of calls."""
    glue = aws(tmp_path, monkeypatch).client("glue")
    assert glue.meta.config.retries == {"mode": "standard", "total_max_attempts": 8}


def test_the_name_is_the_one_that_the_stacks_are_deployed_under() -> None:
    assert default_name() == "ml-sandbox"


def crawled(*states: dict[str, Any], running_already: bool = False, more: tuple[str, ...] = ()) -> dict[str, int]:
    client, stubber = stubbed("glue")
    if running_already:
        stubber.add_client_error("start_crawler", "CrawlerRunningException")
    else:
        stubber.add_response("start_crawler", {}, {"Name": "crawler"})
    for name in more:
        stubber.add_response("start_crawler", {}, {"Name": name})
    for state in states:
        stubber.add_response("get_crawler", {"Crawler": state}, {"Name": "crawler"})
    for name in more:
        stubber.add_response("get_crawler", {"Crawler": DONE}, {"Name": name})
    table = {
        "Name": "customers",
        "StorageDescriptor": {"Columns": [{"Name": "id"}, {"Name": "country"}]},
        "PartitionKeys": [{"Name": "snapshot_date"}],
    }
    stubber.add_response("get_tables", {"TableList": [table]}, {"DatabaseName": "raw"})
    with stubber:
        outputs = {"RawCrawlers": ",".join(["crawler", *more]), "RawDatabase": "raw"}
        return crawl(Sandbox("mine", target(client), outputs), pause=lambda seconds: None)


DONE = {"State": "READY", "LastCrawl": {"Status": "SUCCEEDED"}}


def test_a_crawl_is_waited_for_and_its_tables_are_told() -> None:
    assert crawled({"State": "RUNNING"}, {"State": "STOPPING"}, DONE) == {"customers": 3}


def test_a_crawl_that_runs_already_is_waited_for() -> None:
    assert crawled({"State": "RUNNING"}, DONE, running_already=True) == {"customers": 3}


def test_several_crawlers_are_started_before_the_first_is_waited_for() -> None:
    assert crawled({"State": "RUNNING"}, DONE, more=("another",)) == {"customers": 3}


def test_a_failed_crawl_tells_its_message_and_its_log() -> None:
    failed = {"Status": "FAILED", "ErrorMessage": "access denied", "LogGroup": "/aws-glue/x", "LogStream": "y"}
    with pytest.raises(PracticeError, match=r"FAILED: access denied\. Its log: group /aws-glue/x, stream y"):
        crawled({"State": "READY", "LastCrawl": failed})
