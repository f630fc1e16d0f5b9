"""What the processing stack guarantees."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from jobs.refinery.schemas import cleaned_customers_schema
from tests.refinery_pipeline import STEPS
from tests.synthesis import ROOT, Resource, SynthesizedStack, synthesize

JOBS = (
    "CleanOrders",
    "QualityGate",
    "BuildCustomerFeatures",
    "PublishFeatures",
    "IngestFeatures",
    "FitTransformations",
)


@pytest.fixture(scope="module")
def processing() -> SynthesizedStack:
    return synthesize("default")["Processing"]


@pytest.fixture(scope="module")
def definition(processing: SynthesizedStack) -> dict[str, Any]:
    return machine(processing)


def job(stack: SynthesizedStack, name: str) -> Resource:
    return stack.one("AWS::Glue::Job", name)


def machine(stack: SynthesizedStack) -> dict[str, Any]:
    parts = stack.one("AWS::StepFunctions::StateMachine").properties["DefinitionString"]["Fn::Join"][1]
    found: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else reference(part) for part in parts))
    return found


def reference(part: dict[str, Any]) -> str:
    return str(part.get("Ref") or part.get("Fn::ImportValue") or part.get("Fn::Sub") or part["Fn::GetAtt"][0])


def states(branch: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, state in branch["States"].items():
        yield name, state
        for inner in state.get("Branches", []):
            yield from states(inner)


def order(branch: dict[str, Any]) -> list[str]:
    """The states of the way on which all goes well."""
    name: str | None = branch["StartAt"]
    found: list[str] = []
    while name:
        found.append(name)
        state = branch["States"][name]
        name = state["Choices"][-1]["Next"] if state["Type"] == "Choice" else state.get("Next")
    return found


def allowed(stack: SynthesizedStack, name: str) -> dict[str, str]:
    """Where the role of a job may do each action, as JSON."""
    found: dict[str, str] = {}
    for statement in stack.one("AWS::IAM::Policy", f"{name}Role").properties["PolicyDocument"]["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        for action in actions:
            found[action] = found.get(action, "") + json.dumps(statement["Resource"])
    return found


@pytest.mark.parametrize("name", JOBS)
class TestJob:
    def test_runs_on_two_small_workers_for_half_an_hour_at_most_and_once(
        self, processing: SynthesizedStack, name: str
    ) -> None:
        properties = job(processing, name).properties
        assert (properties["WorkerType"], properties["NumberOfWorkers"]) == ("G.1X", 2)
        assert properties["Timeout"] <= 30
        assert properties["MaxRetries"] == 0

    def test_runs_on_spark_3_5_and_python_3_11(self, processing: SynthesizedStack, name: str) -> None:
        # https://docs.aws.amazon.com/glue/latest/dg/release-notes.html
        properties = job(processing, name).properties
        assert properties["GlueVersion"] == "5.1"
        assert (properties["Command"]["Name"], properties["Command"]["PythonVersion"]) == ("glueetl", "3")

    def test_has_its_dates_said_instead_of_bookmarks(self, processing: SynthesizedStack, name: str) -> None:
        arguments = job(processing, name).properties["DefaultArguments"]
        assert arguments["--job-bookmark-option"] == "job-bookmark-disable"

    def test_reads_s3_in_the_region_of_the_stack(self, processing: SynthesizedStack, name: str) -> None:
        """S3A would assume us-east-2: https://docs.aws.amazon.com/glue/latest/dg/migrating-version-51.html."""
        conf = job(processing, name).properties["DefaultArguments"]["--conf"]
        assert conf == {"Fn::Join": ["", ["spark.hadoop.fs.s3a.endpoint.region=", {"Ref": "AWS::Region"}]]}

    def test_logs_encrypted_into_groups_that_go_with_the_stack(self, processing: SynthesizedStack, name: str) -> None:
        properties = job(processing, name).properties
        prefix = properties["DefaultArguments"]["--custom-logGroup-prefix"]
        role = {"Ref": processing.one("AWS::IAM::Role", f"{name}Role").logical_id}
        for kind in ("Error", "Output"):
            group = processing.one("AWS::Logs::LogGroup", f"{name}Logs{kind}").properties["LogGroupName"]["Fn::Join"][1]
            assert group == [f"{prefix}/", {"Ref": "GlueEncryption"}, "-role/", role, f"/{kind.lower()}"]
        security = processing.one("AWS::Glue::SecurityConfiguration")
        assert properties["SecurityConfiguration"] == {"Ref": security.logical_id}
        assert "logs:AssociateKmsKey" in allowed(processing, name)

    def test_waits_for_its_role_its_policy_and_the_security_configuration(
        self, processing: SynthesizedStack, name: str
    ) -> None:
        assert set(job(processing, name).depends_on) == {
            processing.one("AWS::IAM::Role", f"{name}Role").logical_id,
            processing.one("AWS::IAM::Policy", f"{name}Role").logical_id,
            processing.one("AWS::Glue::SecurityConfiguration").logical_id,
        }

    def test_fetches_its_script_and_the_library_and_nothing_else_of_the_bucket(
        self, processing: SynthesizedStack, name: str
    ) -> None:
        assert "/*" not in allowed(processing, name)["s3:GetObject"].partition("cdk-hnb659fds")[2].partition('"')[0]


class TestJobs:
    def test_have_a_script_each(self, processing: SynthesizedStack) -> None:
        assert processing.count("AWS::Glue::Job") == len(JOBS)
        names = {"".join(word.capitalize() for word in p.stem.split("_")) for p in (ROOT / "jobs/glue").glob("*.py")}
        assert names == set(JOBS)

    def test_take_as_many_workers_as_the_settings_say_and_give_back_those_that_idle(self) -> None:
        properties = job(synthesize("refinery")["Processing"], "CleanOrders").properties
        assert properties["NumberOfWorkers"] == 4
        assert properties["DefaultArguments"]["--enable-auto-scaling"] == "true"

    def test_run_on_spare_capacity_by_setting(self, processing: SynthesizedStack) -> None:
        assert job(processing, "CleanOrders").properties["ExecutionClass"] == "STANDARD"
        assert job(synthesize("refinery")["Processing"], "CleanOrders").properties["ExecutionClass"] == "FLEX"

    @pytest.mark.parametrize(
        ("name", "zone", "prefixes"),
        [
            ("CleanOrders", "Processed", ["cleaned_orders/", "cleaned_customers/"]),
            ("QualityGate", "Processed", ["quality/", "rejected/"]),
            ("BuildCustomerFeatures", "Curated", ["staging/"]),
            ("PublishFeatures", "Curated", ["staging/", "customer_features/", "customer_labels/"]),
            ("FitTransformations", "Curated", ["transformations/"]),
        ],
    )
    def test_write_under_their_prefixes_alone(
        self, processing: SynthesizedStack, name: str, zone: str, prefixes: list[str]
    ) -> None:
        for action in ("s3:PutObject", "s3:DeleteObject"):
            written = allowed(processing, name)[action]
            assert written.count("/*") == len(prefixes) == written.count(f"Storage{zone}")
            assert all(f"/{prefix}*" in written for prefix in prefixes)

    def test_that_write_may_list_and_abort_the_uploads_of_tasks_that_failed(self, processing: SynthesizedStack) -> None:
        """S3A's committers do: https://hadoop.apache.org/docs/r3.4.1/hadoop-aws/tools/hadoop-aws/assumed_roles.html,
        "Permissions required for read/write access"."""
        for name in JOBS:
            may = allowed(processing, name)
            zones = [
                set(re.findall(r"ExportsOutput\w+?Storage(Raw|Processed|Curated)", may.get(action, "")))
                for action in ("s3:PutObject", "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads")
            ]
            assert zones[0] == zones[1] == zones[2], name
            assert zones[0] or name == "IngestFeatures"

    def test_that_publish_to_the_feature_store_write_no_object(self, processing: SynthesizedStack) -> None:
        assert "s3:PutObject" not in allowed(processing, "IngestFeatures")
        of_sagemaker = [a for a in allowed(processing, "IngestFeatures") if a.startswith("sagemaker:")]
        assert of_sagemaker == ["sagemaker:PutRecord"]

    def test_that_read_features_cannot_reach_the_feature_store(self, processing: SynthesizedStack) -> None:
        for name in set(JOBS) - {"IngestFeatures"}:
            assert not [action for action in allowed(processing, name) if action.startswith("sagemaker:")]


class TestPipeline:
    def test_runs_from_raw_to_the_feature_store_with_a_gate_before_each_next_zone(
        self, definition: dict[str, Any]
    ) -> None:
        (branch,) = definition["States"]["Refine"]["Branches"]
        steps = [step for step in order(branch) if ":" not in step or step.endswith("Start")]
        assert steps == [
            "Customers: Start",
            "Gate inputs",
            "Clean",
            "Build features",
            "Gate customer features",
            "Publish",
            "Curated: Start",
            "Ingest",
            "Fit transformations",
        ]
        inputs = branch["States"]["Gate inputs"]["Branches"]
        assert {inner["StartAt"] for inner in inputs} == {"Gate customers", "Gate orders"}

    def test_crawls_a_zone_of_several_crawlers_with_all_at_once(self) -> None:
        (branch,) = machine(synthesize("s3-events")["Processing"])["States"]["Refine"]["Branches"]
        crawls = {name: state["Branches"] for name, state in branch["States"].items() if name.startswith("Crawl ")}
        assert {
            name: [
                inner["States"][inner["StartAt"]]["Parameters"]["Name"].removeprefix("ml-sandbox-") for inner in inners
            ]
            for name, inners in crawls.items()
        } == {
            "Crawl customers": ["raw-customers-events", "raw-landing-events"],
            "Crawl curated": ["curated-customer_features-events", "curated-customer_labels-events"],
        }

    def test_waits_for_every_job(self, definition: dict[str, Any]) -> None:
        jobs = [s for _, s in states(definition) if "startJobRun" in s.get("Resource", "")]
        assert len(jobs) == 8
        assert all(state["Resource"].endswith(":glue:startJobRun.sync") for state in jobs)

    def test_has_the_jobs_that_the_fault_tests_run_in_their_order(self, definition: dict[str, Any]) -> None:
        (branch,) = definition["States"]["Refine"]["Branches"]
        jobs = {name: s["Parameters"] for name, s in states(branch) if "startJobRun" in s.get("Resource", "")}
        assert [*jobs] == [*STEPS, "Ingest", "Fit transformations"]
        for name, (script, data_set) in STEPS.items():
            words = script.__name__.rpartition(".")[2].split("_")
            assert jobs[name]["JobName"].startswith("".join(map(str.title, words)) + "Job")
            assert jobs[name]["Arguments"].get("--dataset", "") == data_set

    def test_retries_with_backoff_what_passes_by_itself_and_no_job_that_failed(
        self, definition: dict[str, Any]
    ) -> None:
        for name, state in states(definition):
            if state["Type"] == "Task" and name != "Tell":
                (retry,) = state["Retry"]
                assert retry["BackoffRate"] > 1
                assert not {"States.ALL", "States.TaskFailed"} & set(retry["ErrorEquals"])

    def test_tells_whatever_fails_with_the_reason_and_fails(self, definition: dict[str, Any]) -> None:
        (catch,) = definition["States"]["Refine"]["Catch"]
        assert catch == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Tell"}
        tell = definition["States"]["Tell"]
        assert "Notices" in tell["Parameters"]["TopicArn"]
        assert tell["Parameters"]["Message"]["cause.$"] == "$.failure.Cause"
        assert definition["States"][tell["Next"]]["Type"] == "Fail"

    def test_takes_its_dates_from_the_input_or_from_its_start(self, definition: dict[str, Any]) -> None:
        given = definition["States"]["With the cutoffs of the input"]["Parameters"]
        assert (given["as_of.$"], given["cutoffs.$"]) == ("$.as_of", "$.cutoffs")
        assert definition["States"]["As of now"]["Parameters"]["as_of.$"] == "$$.Execution.StartTime"

    def test_ends_after_three_hours(self, definition: dict[str, Any]) -> None:
        assert definition["TimeoutSeconds"] == 3 * 60 * 60

    def test_is_logged_traced_and_encrypted(self, processing: SynthesizedStack) -> None:
        properties = processing.one("AWS::StepFunctions::StateMachine").properties
        assert properties["LoggingConfiguration"]["Level"] == "ALL"
        assert properties["TracingConfiguration"] == {"Enabled": True}
        assert properties["EncryptionConfiguration"]["Type"] == "CUSTOMER_MANAGED_KMS_KEY"

    def test_may_use_the_key_for_the_state_machine_of_its_own_name(self, processing: SynthesizedStack) -> None:
        policy = json.dumps(processing.one("AWS::IAM::Policy", "StateMachineRole").properties)
        assert ":stateMachine:ml-sandbox-refinery" in policy
        assert ':stateMachine:"' not in policy

    def test_is_started_by_nobody_unless_the_settings_say_so(self, processing: SynthesizedStack) -> None:
        assert processing.count("AWS::Events::Rule") == 0

    def test_is_started_by_a_schedule(self) -> None:
        rule = synthesize("refinery")["Processing"].one("AWS::Events::Rule").properties
        assert rule["ScheduleExpression"] == "cron(0 4 * * ? *)"

    def test_is_started_by_a_new_file_of_customers(self) -> None:
        rule = synthesize("new-customers")["Processing"].one("AWS::Events::Rule").properties
        assert rule["EventPattern"]["detail-type"] == ["Object Created"]
        assert rule["EventPattern"]["detail"]["object"]["key"] == [{"prefix": "customers/"}]
        assert "StorageRaw" in json.dumps(rule["EventPattern"]["detail"]["bucket"]["name"])


class TestQuality:
    def test_has_a_ruleset_for_each_data_set_that_passes_a_gate(self, processing: SynthesizedStack) -> None:
        rulesets = {
            r.properties["Name"]: r.properties["Ruleset"] for r in processing.of_type("AWS::Glue::DataQualityRuleset")
        }
        assert set(rulesets) == {f"ml-sandbox-{name}" for name in ("customers", "orders", "customer-features")}
        for name, ruleset in rulesets.items():
            file = f"{name.removeprefix('ml-sandbox-').replace('-', '_')}.dqdl"
            assert ruleset == (ROOT / "jobs/quality" / file).read_text(encoding="utf-8")

    def test_is_judged_by_the_ruleset_of_the_data_set(self, definition: dict[str, Any]) -> None:
        gates = [
            s["Parameters"]["Arguments"]
            for name, s in states(definition)
            if name.startswith("Gate ") and "Parameters" in s
        ]
        assert len(gates) == 3
        for arguments in gates:
            assert arguments["--dataset"].title().replace("_", "") in arguments["--ruleset"]

    def test_has_the_cleaned_customers_in_a_table_with_the_columns_that_the_job_writes(
        self, processing: SynthesizedStack
    ) -> None:
        table = processing.one("AWS::Glue::Table", "CleanedCustomers").properties["TableInput"]
        declared = [(column["Name"], column["Type"]) for column in table["StorageDescriptor"]["Columns"]]
        partitions = [(key["Name"], key["Type"]) for key in table["PartitionKeys"]]
        written = [(field.name, field.dataType.simpleString()) for field in cleaned_customers_schema()]
        assert declared + partitions == written
        assert dict(written) == {
            "customer_id": "string",
            "signup_date": "date",
            "country": "string",
            "acquisition_channel": "string",
            "marketing_opt_in": "boolean",
            "birth_year": "int",
            "snapshot_date": "date",
        }
        location = table["StorageDescriptor"]["Location"]["Fn::Join"][1]
        assert location[-1] == "/cleaned_customers/"
        assert "Processed" in json.dumps(location)
        assert table["Parameters"]["projection.enabled"] == "true"

    def test_has_its_verdicts_and_rejected_rows_in_tables_by_the_day_of_the_run(
        self, processing: SynthesizedStack
    ) -> None:
        tables = {t["Name"]: t for t in (r.properties["TableInput"] for r in processing.of_type("AWS::Glue::Table"))}
        prefixes = {name: t["StorageDescriptor"]["Location"]["Fn::Join"][1][-1] for name, t in tables.items()}
        assert prefixes == {
            "cleaned_customers": "/cleaned_customers/",
            "quality_verdicts": "/quality/",
            "rejected_customers": "/rejected/customers/",
            "rejected_orders": "/rejected/orders/",
            "rejected_customer_features": "/rejected/customer_features/",
        }
        del tables["cleaned_customers"]
        for table in tables.values():
            assert table["Parameters"]["projection.as_of.type"] == "date"
            assert table["PartitionKeys"] == [{"Name": "as_of", "Type": "date"}]
            assert "as_of" not in {column["Name"] for column in table["StorageDescriptor"]["Columns"]}
