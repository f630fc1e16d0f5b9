"""What a sandbox left behind is found, whatever kind it is; what carries its tag is deleted, and nothing else."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from practice import cli
from practice.sandbox import Target
from practice.sweep.ownership import Standing
from practice.sweep.survey import Survey, delete, survey
from tests.sweep_account import SweepAccount

MINE, BESIDE = "ml-sandbox", "ml-sandbox-two"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[SweepAccount]:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # and with them the snapshots of a thousand images
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    with mock_aws():
        yield SweepAccount()


def by_kind(seen: Survey) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for leftover in seen.leftovers:
        found.setdefault(leftover.kind.name, set()).add(leftover.found.id)
    return found


def ids(seen: Survey, *standings: Standing) -> set[str]:
    return {leftover.found.id for standing in standings for leftover in seen.of(standing)}


def run(monkeypatch: pytest.MonkeyPatch, account: SweepAccount, *arguments: str) -> int:
    target = Target("test account", account.client, None)
    monkeypatch.setattr(Target, "choose", lambda *, aws, directory: target)
    monkeypatch.setattr(sys, "argv", ["practice", "--name", MINE, "sweep", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_leftovers_of_twenty_kinds_are_found_and_nothing_of_a_sandbox_whose_name_begins_the_same(
    account: SweepAccount,
) -> None:
    planted, beside = account.plant(MINE), account.plant(BESIDE)
    seen = survey(MINE, account.client)
    assert seen.unseen == {}
    found = by_kind(seen)
    assert len(planted) >= 20
    assert {kind for kind, name in planted.items() if name not in found.get(kind, ())} == set()
    assert not {*beside.values()} & {name for names in found.values() for name in names}
    assert sum(map(len, found.values())) == len(planted) + len({"the second NFS group", "the mount target's interface"})


def test_what_a_pipeline_leaves_without_a_tag_is_told_by_its_experiments_name(account: SweepAccount) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-experiments.html: it stays when the pipeline goes."""
    client = account.client("sagemaker")
    account.tag("arn:aws:sagemaker:eu-central-1:123456789012:model/x", BESIDE)
    for sandbox in (MINE, BESIDE):
        client.create_experiment(ExperimentName=f"{sandbox}-churn")
        client.create_trial(ExperimentName=f"{sandbox}-churn", TrialName=f"kytlemm1-{sandbox}")
        component = f"pipelines-kytlemm1-train-{sandbox}"
        client.create_trial_component(TrialComponentName=component)
        client.associate_trial_component(TrialName=f"kytlemm1-{sandbox}", TrialComponentName=component)
    seen = survey(MINE, account.client)
    assert by_kind(seen) == {
        "trial component": {f"pipelines-kytlemm1-train-{MINE}"},
        "trial": {f"kytlemm1-{MINE}"},
        "experiment": {f"{MINE}-churn"},
    }
    assert {leftover.standing for leftover in seen.leftovers} == {Standing.NAMED}


def test_a_clean_account_has_nothing(account: SweepAccount) -> None:
    account.plant(BESIDE)
    assert survey(MINE, account.client) == Survey((), {})


def test_a_key_that_waits_for_its_deletion_needs_nobody(account: SweepAccount) -> None:
    planted = account.plant(MINE)
    assert ids(survey(MINE, account.client), Standing.GOING) == {planted["key"]}


def test_log_groups_of_the_whole_account_are_told_as_that_and_stay(account: SweepAccount) -> None:
    for name in ("/aws/sagemaker/TrainingJobs", "/aws/lambda/somebody"):
        account.client("logs").create_log_group(logGroupName=name)
    seen, _ = delete(MINE, account.client)
    assert ids(seen, Standing.SHARED) == {"/aws/sagemaker/TrainingJobs"} == ids(seen, *Standing)


def test_deleting_takes_what_carries_the_tag_and_nothing_else(account: SweepAccount) -> None:
    planted, beside = account.plant(MINE), account.plant(BESIDE)
    before = survey(MINE, account.client)
    doomed = {leftover.found.id for leftover in before.leftovers if leftover.can_be_deleted}
    assert {planted[kind] for kind in ("bucket", "app", "domain", "endpoint", "model", "snapshot", "volume")} <= doomed
    assert not {planted[kind] for kind in ("table", "log group", "file system", "security group", "space")} & doomed
    after, _ = delete(MINE, account.client, pause=lambda seconds: None)
    untagged = ids(before, Standing.NAMED, Standing.UNKNOWN, Standing.GOING) - {
        planted["space"]
    }  # went with its domain
    assert ids(after, Standing.NAMED, Standing.UNKNOWN, Standing.GOING) == untagged
    assert ids(after, Standing.TAGGED) == set()
    left_beside = by_kind(survey(BESIDE, account.client))
    assert {kind for kind, name in beside.items() if name not in left_beside.get(kind, ())} == set()


def test_a_bucket_with_thousands_of_versions_and_delete_markers_is_emptied(account: SweepAccount) -> None:
    bucket, s3 = account.plant(MINE)["bucket"], account.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for number in range(1250):
        stored.put_object(bucket, f"orders/{number}", b"")
    keys = [{"Key": f"orders/{number}"} for number in range(1250)]
    for part in (keys[:1000], keys[1000:]):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": part, "Quiet": True})
    seen, refused = delete(MINE, account.client, pause=lambda seconds: None)
    assert bucket not in ids(seen, *Standing)
    assert bucket not in refused


def test_every_page_is_read_and_a_service_that_throttles_every_third_call_is_asked_again(
    account: SweepAccount,
) -> None:
    logs = account.client("logs")
    names = {f"/aws/lambda/{MINE}-{number}" for number in range(1200)}
    for name in sorted(names):
        logs.create_log_group(logGroupName=name)
    account.throttle.every = 3
    seen = survey(MINE, account.client)
    assert account.throttle.calls["throttled"] > 10
    assert seen.unseen == {}
    assert ids(seen, Standing.NAMED) == names


def test_what_nobody_could_list_is_told_and_hides_nothing_else(
    account: SweepAccount, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not allowed"}}, "ListEndpoints")

    bucket = account.plant(MINE)["bucket"]
    account.client("sagemaker").meta.events.register("before-call.sagemaker.ListEndpoints", refuse)
    assert run(monkeypatch, account) == 1
    told = capsys.readouterr()
    assert bucket in told.out
    assert "some may be left:\n    endpoint: An error occurred (AccessDeniedException)" in told.err


def test_nothing_is_deleted_unless_it_is_asked_for_and_confirmed(
    account: SweepAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.plant(MINE)
    before = survey(MINE, account.client)
    assert run(monkeypatch, account) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert run(monkeypatch, account, "--delete") == 1
    assert survey(MINE, account.client) == before


def test_nothing_is_deleted_while_a_stack_of_the_sandbox_exists(
    account: SweepAccount, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = account.plant(MINE)["bucket"]
    arn = f"arn:aws:cloudformation:eu-central-1:123456789012:stack/{MINE}-lake/1"
    account.listed["Stacks"] = [
        {"StackName": f"{MINE}-lake", "StackId": arn, "StackStatus": "CREATE_COMPLETE", "CreationTime": 0}
    ]
    assert run(monkeypatch, account, "--delete", "--yes") == 1
    assert "Nothing is deleted while stacks exist: ml-sandbox-lake. First: make destroy" in capsys.readouterr().err
    assert bucket in ids(survey(MINE, account.client), Standing.TAGGED)


def test_a_resource_that_cannot_be_deleted_is_told_with_the_reason(
    account: SweepAccount, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.plant(MINE)
    monkeypatch.setattr("practice.sweep.survey.PAUSE_SECONDS", 0)
    monkeypatch.setattr("practice.sweep.survey._PATIENCE", 1)

    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "ResourceInUse", "Message": "has apps"}}, "DeleteDomain")

    account.client("sagemaker").meta.events.register("before-call.sagemaker.DeleteDomain", refuse)
    assert run(monkeypatch, account, "--delete", "--yes") == 1
    told = capsys.readouterr().err
    assert "are still there; the same command tries again." in told
    assert "(ResourceInUse) when calling the DeleteDomain operation: has apps" in told


def test_what_is_kept_is_told_with_what_it_costs(
    account: SweepAccount, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    account.plant(MINE)
    assert run(monkeypatch, account) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"bucket {MINE}-lake-raw-1a2b3c what is stored, per GB" in told
    assert f"endpoint {MINE}-endpoint its instances, by the hour" in told
    assert "aws logs delete-log-group --log-group-name NAME" in told
