"""The whole sandbox on the local cloud: deployed with the real CDK CLI, filled, queried, expired.

The tests build on each other, from the deployment to its end.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from practice import spot_drill, training
from practice.counts import Counts, count, expected
from practice.crawl import crawl
from practice.deploy import bootstrap, deploy, run_cdk
from practice.errors import PracticeError
from practice.features import count_offline, get_features, put_features
from practice.flush import FEATURE_STORE, FIREHOSE, flush
from practice.ingest import land_customers
from practice.local_cloud.lifecycle import LocalCloud
from practice.pipeline import Execution, last_execution, start, verdicts, wait
from practice.queries import Answer, Query, named_queries, run
from practice.refinery_story import CUTOFF_DAYS
from practice.sample.customers import customers
from practice.sample.feature_writes import FeatureWrites, feature_writes
from practice.sample.orders import Manifest, orders
from practice.sample.plan import Plan
from practice.sandbox import LAYERS, Sandbox, Target
from practice.sending import send_all
from practice.sweep.ownership import Standing
from practice.sweep.survey import survey
from tests.conftest import free_port
from tests.inventory import inventory

NAME = "end-to-end"
PLAN = Plan(count=3_000, seed=7, days=310, end=datetime.now(UTC).replace(microsecond=0))
CUSTOMERS = 100
CUTOFFS = [PLAN.end - timedelta(days=days) for days in (0, 30, 60)]
REFINED = [PLAN.end.date() - timedelta(days=days) for days in CUTOFF_DAYS if days < PLAN.days - 30]


def quietly(_: str) -> None:
    pass


def cdk(cloud: LocalCloud, *arguments: str) -> str:
    """What the CLI prints when it works on the templates of the last deployment."""
    lines: list[str] = []
    run_cdk(cloud, lines.append, *arguments, f"--app={cloud.directory / 'cdk.out'}")
    return "".join(lines)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud of its own: what is left at the end is left by the sandbox."""
    running = LocalCloud.start(tmp_path_factory.mktemp("end-to-end"), free_port())
    yield running
    running.stop()


@pytest.fixture(scope="module")
def before(cloud: LocalCloud) -> Mapping[str, set[str]]:
    """What was in the cloud before the sandbox."""
    bootstrap(cloud, quietly)
    return inventory(cloud)


@pytest.fixture(scope="module")
def sandbox(cloud: LocalCloud, before: Mapping[str, set[str]]) -> Sandbox:
    deploy(cloud, NAME, quietly)
    return Sandbox.find(NAME, Target.of(cloud))


@pytest.fixture(scope="module")
def manifest(cloud: LocalCloud, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    land_customers(sandbox, customers(PLAN), PLAN.end.date())
    sent = Manifest()
    send_all(sandbox, sent.counted(orders(PLAN)), total=PLAN.count, directory=tmp_path_factory.mktemp("sent"))
    flush(cloud, FIREHOSE)
    return sent


@pytest.fixture(scope="module")
def features(cloud: LocalCloud, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> FeatureWrites:
    """What was put: some records after newer ones, some twice."""
    writes = feature_writes(PLAN.shop, CUSTOMERS, CUTOFFS)
    for records in (writes.in_time, [*writes.late, *writes.repeated]):
        put_features(sandbox, records, total=len(records), directory=tmp_path_factory.mktemp("put"))
    flush(cloud, FEATURE_STORE)
    return writes


def ask(sandbox: Sandbox, sql: str, database: str = "ProcessedDatabase") -> Answer:
    return run(sandbox, Query(sql, sandbox[database]), rows=1000)


def test_every_record_sent_is_processed_or_failed_for_the_known_reason_and_raw_holds_them_all(
    sandbox: Sandbox, manifest: Manifest
) -> None:
    found = count(sandbox)
    assert manifest.sent == PLAN.count
    assert manifest.failed.total() > 0
    assert found == expected(manifest)
    assert found.raw == found.processed + found.failed.total()


def test_athena_counts_the_same(sandbox: Sandbox, manifest: Manifest) -> None:
    processed = ask(sandbox, "SELECT count(*) FROM orders").rows
    failed = ask(sandbox, "SELECT count(*) FROM orders_failed").rows
    assert (processed, failed) == ([[str(manifest.processed)]], [[str(manifest.failed.total())]])


def test_the_dashboard_counts_the_same(sandbox: Sandbox, manifest: Manifest) -> None:
    cloudwatch = sandbox.client("cloudwatch")
    dashboard = cloudwatch.get_dashboard(DashboardName=sandbox["DashboardUrl"].rpartition("/")[2])
    graphs = [widget["properties"].get("metrics", []) for widget in json.loads(dashboard["DashboardBody"])["widgets"]]
    own = [metric for graph in graphs for metric in graph if metric[0] == f"MlSandbox/{NAME}"]
    counted: Counter[str] = Counter()
    for namespace, name, *dimensions, _ in own:
        sums = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": dimensions[0], "Value": dimensions[1]}] if dimensions else [],
            StartTime=datetime.now(UTC) - timedelta(hours=1),
            EndTime=datetime.now(UTC) + timedelta(hours=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        counted["/".join([name, *dimensions[1:]])] += round(sum(datapoint["Sum"] for datapoint in sums))
    assert counted["RecordsOk"] == manifest.processed
    # the total of those that failed has no dimension, and MiniStack takes that for every dimension
    by_reason = {key.partition("/")[2]: number for key, number in counted.items() if "/" in key and number}
    assert by_reason == expected(manifest).failed


def test_every_order_lies_in_the_partition_of_its_own_day(sandbox: Sandbox, manifest: Manifest) -> None:
    astray = ask(sandbox, "SELECT count(*) FROM orders WHERE order_date <> CAST(event_time AS date)").rows
    assert astray == [["0"]]


def test_the_crawler_finds_the_customers_of_the_day(sandbox: Sandbox, manifest: Manifest) -> None:
    crawl(sandbox)
    found = ask(sandbox, "SELECT count(*), max(snapshot_date) FROM customers", "RawDatabase").rows
    header_and_customers = sum(1 for _ in customers(PLAN))
    assert found == [[str(header_and_customers - 1), PLAN.end.date().isoformat()]]


def test_every_record_of_features_is_offline_however_late_or_often_it_was_put(
    sandbox: Sandbox, features: FeatureWrites
) -> None:
    assert features.late
    assert features.repeated
    assert count_offline(sandbox) == features.count


def test_the_newest_features_of_every_customer_are_online(sandbox: Sandbox, features: FeatureWrites) -> None:
    online = get_features(sandbox, list(features.newest))
    assert online == {
        customer_id: {name: str(value) for name, value in record.items()}
        for customer_id, record in features.newest.items()
    }
    assert len(online) == CUSTOMERS


def test_athena_knows_the_features_of_30_days_ago(sandbox: Sandbox, features: FeatureWrites) -> None:
    (query,) = [query for query in named_queries(sandbox) if query.name == "point_in_time_features"]
    answer = run(sandbox, query, rows=1000)
    names = [{"t": "T"}.get(column.name, column.name) for column in answer.columns]
    asked_of = {CUTOFFS[1].strftime("%Y-%m-%dT%H:%M:%SZ"), CUTOFFS[2].strftime("%Y-%m-%dT%H:%M:%SZ")}
    then = [record for record in (*features.in_time, *features.late) if record["event_time"] in asked_of]
    newest = {record["customer_id"]: record for record in sorted(then, key=lambda record: str(record["event_time"]))}
    assert sorted(answer.rows) == sorted([str(record[name]) for name in names] for record in newest.values())


@pytest.fixture(scope="module")
def execution(cloud: LocalCloud, sandbox: Sandbox, manifest: Manifest) -> Execution:
    """A run of the pipeline on what was delivered, after which the features of its cutoffs are offline."""
    ended = wait(sandbox, start(sandbox, PLAN.end, REFINED), quietly)
    flush(cloud, FEATURE_STORE)
    return ended


@pytest.mark.timeout(600)
def test_the_pipeline_runs_every_step_and_passes_every_gate(sandbox: Sandbox, execution: Execution) -> None:
    assert [step.name for step in execution.steps if not step.finished] == []
    found = verdicts(sandbox, execution.arn)
    assert {verdict.data_set for verdict in found} == {"customers", "orders", "customer_features"}
    assert [verdict for verdict in found if verdict.rules_failed or verdict.rejected_rows] == []


def test_the_curated_features_are_those_of_the_processed_orders_and_each_is_in_the_feature_store(
    sandbox: Sandbox, features: FeatureWrites, execution: Execution
) -> None:
    curated = ask(sandbox, "SELECT count(*) FROM customer_features", "CuratedDatabase").rows
    assert count_offline(sandbox) == features.count + int(curated[0][0] or 0)
    wrong = ask(
        sandbox,
        f"""
        WITH days AS (
            SELECT customer_id, CAST(event_time AS date) AS day
            FROM {sandbox["ProcessedDatabase"]}.orders
            WHERE event_type = 'purchase' AND event_time < TIMESTAMP '{PLAN.end.date()} 00:00:00'
        ),
        known AS (
            SELECT customer_id, count(DISTINCT day) - 1 AS frequency, date_diff('day', min(day), max(day)) AS recency
            FROM days
            GROUP BY customer_id
        )
        SELECT count(*)
        FROM known
        FULL JOIN (
            SELECT * FROM customer_features WHERE CAST(cutoff_date AS date) = DATE '{PLAN.end.date()}'
        ) AS found ON known.customer_id = found.customer_id
        WHERE coalesce(known.frequency, -1) <> coalesce(found.frequency, -1)
            OR coalesce(known.recency, -1) <> coalesce(found.recency, -1)
        """,  # noqa: S608
        "CuratedDatabase",
    ).rows
    assert wrong == [["0"]]


@pytest.mark.timeout(600)
def test_a_gate_that_fails_stops_the_pipeline_and_keeps_what_was_curated(
    sandbox: Sandbox, execution: Execution
) -> None:
    curated = "SELECT count(*), max(event_time) FROM customer_features"
    before = ask(sandbox, curated, "CuratedDatabase").rows
    yesterday = PLAN.end - timedelta(days=1)
    land_customers(
        sandbox,
        ["customer_id,signup_date,country,acquisition_channel,marketing_opt_in,birth_year\n", "me,?,?,?,?,\n"],
        yesterday.date(),
    )
    with pytest.raises(PracticeError, match=r"customers failed the quality gate.*customer_id.*\(1 row\)"):
        wait(sandbox, start(sandbox, yesterday, [yesterday.date()]), quietly)
    assert ask(sandbox, curated, "CuratedDatabase").rows == before
    (verdict,) = (found for found in verdicts(sandbox, last_execution(sandbox).arn) if found.rules_failed)
    rejected = ask(sandbox, verdict.rejected_sql)
    row = dict(zip((column.name for column in rejected.columns), *rejected.rows, strict=True))
    assert (row["customer_id"], row["country"], row["as_of"]) == ("me", "?", str(yesterday.date()))
    assert 'ColumnValues "customer_id" matches' in str(row["failed_rules"])


@pytest.fixture(scope="module")
def drill(sandbox: Sandbox, execution: Execution) -> spot_drill.Drill:
    """A run of the training pipeline whose machine died half-way through training."""
    return spot_drill.drill(sandbox, kill=True)


@pytest.mark.timeout(600)
def test_training_goes_on_from_a_checkpoint_when_its_machine_has_died(drill: spot_drill.Drill) -> None:
    assert 0 < drill.rounds_kept <= drill.rounds_done < int(spot_drill.PARAMETERS["NumRound"])
    assert drill.billable_seconds < drill.training_seconds


def test_a_model_is_registered_exactly_if_it_is_good_enough(sandbox: Sandbox, drill: spot_drill.Drill) -> None:
    key = f"evaluations/{drill.run.id}/evaluation.json"
    judged = json.load(sandbox.client("s3").get_object(Bucket=sandbox["TrainingBucket"], Key=key)["Body"])
    good_enough = judged["comparison"]["auc_lower_bound"] > float(
        training.parameters_of(sandbox, drill.run)["MinimumAuc"]
    )
    assert drill.run.status == ("Succeeded" if good_enough else "Failed")
    assert bool(drill.run.model_package) == good_enough


def test_every_named_query_returns_rows(sandbox: Sandbox, manifest: Manifest, features: FeatureWrites) -> None:
    queries = named_queries(sandbox)
    assert len(queries) >= 9
    of_failures = {"failed_rules", "rejected_orders"}
    assert {query.name for query in queries if not run(sandbox, query, rows=1).rows} <= of_failures


def test_the_query_of_failures_accounts_for_every_failed_record(sandbox: Sandbox, manifest: Manifest) -> None:
    (query,) = [query for query in named_queries(sandbox) if query.name == "failures_by_reason"]
    answer = run(sandbox, query, rows=100)
    records = [column.name for column in answer.columns].index("records")
    assert sum(int(row[records] or 0) for row in answer.rows) == manifest.failed.total()


def test_a_query_on_one_day_scans_less_than_one_on_all(sandbox: Sandbox, manifest: Manifest) -> None:
    day = ask(sandbox, "SELECT max(order_date) FROM orders").rows[0][0]
    one = ask(sandbox, f"SELECT sum(amount) FROM orders WHERE order_date = DATE '{day}'")  # noqa: S608
    every = ask(sandbox, "SELECT sum(amount) FROM orders")
    assert 0 < one.bytes_scanned < every.bytes_scanned / 10


def test_a_second_deployment_changes_nothing(cloud: LocalCloud, sandbox: Sandbox) -> None:
    lines: list[str] = []
    deploy(cloud, NAME, lines.append)
    assert "".join(lines).count("(no changes)") == len(LAYERS) - len(sandbox.missing)


def test_diff_finds_no_difference(cloud: LocalCloud, sandbox: Sandbox) -> None:
    output = cdk(cloud, "diff", "--fail")
    assert "Number of stacks with differences: 0" in output


def test_another_source_can_be_put_in_front_and_delivers_as_well(
    cloud: LocalCloud, sandbox: Sandbox, manifest: Manifest, tmp_path: Path
) -> None:
    deploy(cloud, NAME, quietly, "--context=sandbox:ingestion_source=kinesis", "--context=sandbox:lifetime_hours=8")
    shutil.copytree(cloud.directory / "cdk.out", cloud.directory / "expiring.out")
    found = Sandbox.find(NAME, Target.of(cloud))
    assert "OrderStream" in found.outputs
    before = count(found)
    more = Manifest()
    plan = Plan(count=200, seed=8, end=PLAN.end)
    send_all(found, more.counted(orders(plan)), total=plan.count, directory=tmp_path)
    flush(cloud, FIREHOSE)
    assert count(found) - before == expected(more) != Counts()


def test_a_deployment_with_a_lifetime_starts_a_clock_that_ends_every_stack(cloud: LocalCloud, sandbox: Sandbox) -> None:
    (clock,) = clocks(cloud)
    ended = json.loads(clock["definition"])["States"]["Wait until the warning"]["Assign"]["stacks"]
    assert set(ended) == stacks(cloud) - {f"{NAME}-expiry"}


def test_studio_can_move_into_the_network_of_the_sandbox(cloud: LocalCloud, sandbox: Sandbox) -> None:
    assert {e["VpcEndpointType"] for e in endpoints(cloud)} == {"Gateway"}
    deploy(cloud, NAME, quietly, "--context=sandbox:studio_network=vpc-only", "--context=sandbox:studio_users=ana,bo")
    (domain,) = cloud.client("sagemaker").list_domains()["Domains"]
    described = cloud.client("sagemaker").describe_domain(DomainId=domain["DomainId"])
    assert described["AppNetworkAccessType"] == "VpcOnly"
    assert "sagemaker.api" in {e["ServiceName"].partition("us-east-1.")[2] for e in endpoints(cloud)}
    profiles = cloud.client("sagemaker").list_user_profiles(DomainIdEquals=domain["DomainId"])["UserProfiles"]
    assert {profile["UserProfileName"] for profile in profiles} == {"ana", "bo"}


def test_a_deployment_without_a_lifetime_takes_the_clock_away(cloud: LocalCloud, sandbox: Sandbox) -> None:
    assert stacks(cloud) == {f"{NAME}-{layer}" for layer in LAYERS}
    assert clocks(cloud) == []


def test_a_sandbox_that_expires_leaves_nothing_even_of_what_a_learner_left_running(
    cloud: LocalCloud,
    before: Mapping[str, set[str]],
    sandbox: Sandbox,
    manifest: Manifest,
    features: FeatureWrites,
) -> None:
    work_in_studio(cloud, "ana")
    run_cdk(cloud, quietly, "deploy", "Expiry", "--require-approval=never", f"--app={cloud.directory / 'expiring.out'}")
    (clock,) = clocks(cloud)
    soon = {"warn_after_seconds": 0, "delete_after_seconds": 0, "poll_seconds": 1, "pause_seconds": 1}
    cloud.client("stepfunctions").start_execution(stateMachineArn=clock["stateMachineArn"], input=json.dumps(soon))
    deadline = time.monotonic() + 240
    while stacks(cloud) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert stacks(cloud) == set()
    left = {what: names - before[what] for what, names in inventory(cloud).items() if names - before[what]}
    of_the_account = {training.LOG_GROUP, "/aws/sagemaker/ProcessingJobs"}
    assert left.pop("log groups", set()) <= of_the_account
    assert left == {}
    assert [key for key in customer_keys(cloud) if key["KeyState"] == "PendingDeletion"]
    swept = survey(NAME, cloud.client)
    assert swept.unseen == {}
    assert {leftover.standing for leftover in swept.leftovers} <= {Standing.GOING, Standing.SHARED}


def test_what_is_deployed_after_that_is_new_and_goes_with_cdk_destroy(
    cloud: LocalCloud, before: Mapping[str, set[str]], sandbox: Sandbox
) -> None:
    cdk(cloud, "deploy", "--all", "--require-approval=never")
    assert stacks(cloud) == {f"{NAME}-{layer}" for layer in LAYERS}
    cdk(cloud, "destroy", "--all", "--force")
    left = {what: names - before[what] for what, names in inventory(cloud).items() if names - before[what]}
    assert left == {"log groups": {training.LOG_GROUP, "/aws/sagemaker/ProcessingJobs"}}


def stacks(cloud: LocalCloud) -> set[str]:
    """Of the sandbox, those that exist."""
    found = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {
        stack["StackName"]
        for stack in found
        if stack["StackName"].startswith(f"{NAME}-") and stack["StackStatus"] != "DELETE_COMPLETE"
    }


def clocks(cloud: LocalCloud) -> list[Any]:
    """The state machines that end the sandbox and of which one execution runs."""
    stepfunctions = cloud.client("stepfunctions")
    arns = [machine["stateMachineArn"] for machine in stepfunctions.list_state_machines()["stateMachines"]]
    return [
        stepfunctions.describe_state_machine(stateMachineArn=arn)
        for arn in arns
        if len(stepfunctions.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]) == 1
    ]


def endpoints(cloud: LocalCloud) -> list[Any]:
    found: list[Any] = cloud.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    return found


def work_in_studio(cloud: LocalCloud, user: str) -> None:
    sagemaker = cloud.client("sagemaker")
    domain_id = sagemaker.list_domains()["Domains"][0]["DomainId"]
    sagemaker.create_space(
        DomainId=domain_id,
        SpaceName="notebooks",
        OwnershipSettings={"OwnerUserProfileName": user},
        SpaceSharingSettings={"SharingType": "Private"},
        SpaceSettings={"AppType": "JupyterLab"},
    )
    sagemaker.create_app(DomainId=domain_id, SpaceName="notebooks", AppType="JupyterLab", AppName="default")


def customer_keys(cloud: LocalCloud) -> list[dict[str, str]]:
    kms = cloud.client("kms")
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    return [key for key in keys if key["KeyManager"] == "CUSTOMER"]
