"""What the processing stack guarantees when EMR Serverless runs what one Glue job is outgrown by."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import pytest

from tests.synthesis import COMBINATIONS, SynthesizedStack, synthesize
from tests.test_processing_stack import allowed, machine, states

MOVED = ("CleanOrders", "BuildCustomerFeatures", "PublishFeatures")
STEPS = ("Clean", "Build features", "Publish")
WORKERS = COMBINATIONS["emr-serverless"]["processing_workers"]


COSTLY_DEFAULTS = {
    "spark.driver.cores": "4",
    "spark.driver.memory": "14G",
    "spark.dynamicAllocation.enabled": "TRUE",
    "spark.dynamicAllocation.executorIdleTimeout": "60s",
    "spark.dynamicAllocation.initialExecutors": "3",
    "spark.dynamicAllocation.maxExecutors": "infinity",
    "spark.dynamicAllocation.minExecutors": "0",
    "spark.emr-serverless.driver.disk": "20G",
    "spark.emr-serverless.executor.disk": "20G",
    "spark.emr-serverless.memoryOverheadFactor": "0.1",
    "spark.executor.cores": "4",
    "spark.executor.instances": "3",
    "spark.executor.memory": "14G",
}
"""What an EMR Serverless job takes unless it is told otherwise, of that what is billed: how many workers, how large,
and how long they idle. Not listed are the disk types, whose default (Standard) is the cheapest.

Source: https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html ("Spark job properties")
"""


@pytest.fixture(scope="module")
def processing() -> SynthesizedStack:
    return synthesize("emr-serverless")["Processing"]


@pytest.fixture(scope="module")
def application(processing: SynthesizedStack) -> dict[str, Any]:
    return dict(processing.one("AWS::EMRServerless::Application").properties)


@pytest.fixture(scope="module")
def runs(processing: SynthesizedStack) -> dict[str, dict[str, Any]]:
    """The states that run a job of the application, by name."""
    return {name: s for name, s in states(machine(processing)) if "emr-serverless" in s.get("Resource", "")}


def spark_defaults(application: dict[str, Any]) -> dict[str, Any]:
    (configuration,) = application["RuntimeConfiguration"]
    assert configuration["Classification"] == "spark-defaults"
    return dict(configuration["Properties"])


def test_is_not_there_unless_the_settings_say_so() -> None:
    assert synthesize("default")["Processing"].count("AWS::EMRServerless::Application") == 0


class TestApplication:
    def test_has_the_spark_of_glue_5_1(self, application: dict[str, Any]) -> None:
        # https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/release-version-7110.html
        assert (application["Type"], application["ReleaseLabel"]) == ("Spark", "emr-7.11.0")

    def test_costs_nothing_while_it_idles(self, application: dict[str, Any]) -> None:
        assert "InitialCapacity" not in application
        assert application["AutoStopConfiguration"] == {"Enabled": True, "IdleTimeoutMinutes": 1}
        assert application["AutoStartConfiguration"] == {"Enabled": True}

    def test_is_bounded_by_the_workers_of_the_settings(self, application: dict[str, Any]) -> None:
        bounds = {"Cpu": f"{4 * WORKERS} vCPU", "Memory": f"{16 * WORKERS} GB", "Disk": f"{20 * WORKERS} GB"}
        assert application["MaximumCapacity"] == bounds

    @pytest.mark.parametrize("name", COSTLY_DEFAULTS)
    def test_leaves_no_default_that_costs_to_the_service(self, application: dict[str, Any], name: str) -> None:
        assert name in spark_defaults(application)

    def test_leaves_one_worker_to_the_driver(self, application: dict[str, Any]) -> None:
        assert spark_defaults(application)["spark.dynamicAllocation.maxExecutors"] == str(WORKERS - 1)

    def test_begins_with_one_executor_and_keeps_none(self, application: dict[str, Any]) -> None:
        """Spark begins with the largest of the three."""
        given = spark_defaults(application)
        names = ("spark.executor.instances", "spark.dynamicAllocation.initialExecutors")
        assert [given[name] for name in (*names, "spark.dynamicAllocation.minExecutors")] == ["1", "1", "0"]

    def test_fits_driver_and_executors_into_its_bounds(self, application: dict[str, Any]) -> None:
        given = spark_defaults(application)
        bounds = {kind: int(text.split()[0]) for kind, text in application["MaximumCapacity"].items()}
        factor = 1 + float(given["spark.emr-serverless.memoryOverheadFactor"])
        workers = {"driver": 1, "executor": int(given["spark.dynamicAllocation.maxExecutors"])}
        cpu = memory = disk = 0.0
        for kind, number in workers.items():
            cpu += number * int(given[f"spark.{kind}.cores"])
            memory += number * math.ceil(int(given[f"spark.{kind}.memory"].removesuffix("G")) * factor)
            disk += number * int(given[f"spark.emr-serverless.{kind}.disk"].removesuffix("G"))
        assert (cpu, memory, disk) == (bounds["Cpu"], bounds["Memory"], bounds["Disk"])

    def test_reads_s3_in_the_region_of_the_stack(self, application: dict[str, Any]) -> None:
        """From EMR 7.10 on S3 is read through S3A, which would assume us-east-2.

        Sources: https://docs.aws.amazon.com/emr/latest/ReleaseGuide/emr-s3a-migrate.html,
        https://docs.aws.amazon.com/glue/latest/dg/migrating-version-51.html
        """
        assert spark_defaults(application)["spark.hadoop.fs.s3a.endpoint.region"] == {"Ref": "AWS::Region"}

    def test_runs_one_job_at_a_time_as_large_as_it_is(self, application: dict[str, Any]) -> None:
        assert application["SchedulerConfiguration"]["MaxConcurrentRuns"] == 1

    def test_logs_into_a_group_of_the_stack_and_nowhere_else(
        self, processing: SynthesizedStack, application: dict[str, Any]
    ) -> None:
        group = processing.one("AWS::Logs::LogGroup", "EmrServerless").logical_id
        logging = application["MonitoringConfiguration"]
        assert logging["CloudWatchLoggingConfiguration"] == {"Enabled": True, "LogGroupName": {"Ref": group}}
        assert logging["ManagedPersistenceMonitoringConfiguration"] == {"Enabled": False}

    def test_is_reached_through_no_network_that_costs(self, application: dict[str, Any]) -> None:
        assert "NetworkConfiguration" not in application


class TestJobs:
    def test_stay_glue_jobs_where_only_glue_can_run_them(self, processing: SynthesizedStack) -> None:
        jobs = [job.logical_id for job in processing.of_type("AWS::Glue::Job")]
        kept = {re.sub(r"Job[0-9A-F]{8}$", "", job) for job in jobs}
        assert kept == {"QualityGate", "IngestFeatures", "FitTransformations"}

    @pytest.mark.parametrize("name", MOVED)
    def test_may_do_what_they_may_in_glue_but_for_logs(self, processing: SynthesizedStack, name: str) -> None:
        on_glue = allowed(synthesize("default")["Processing"], name)
        on_emr = allowed(processing, name)
        own = {action for action in (*on_glue, *on_emr) if action.startswith("logs:")} | {
            "glue:GetSecurityConfiguration",
            # Glue's page asks for it, EMR's does not
            "kms:Encrypt",
            # a Glue job needs it for its log group, too
            "kms:DescribeKey",
        }
        assert {a: r for a, r in on_emr.items() if a not in own} == {a: r for a, r in on_glue.items() if a not in own}


class TestRuns:
    def test_are_waited_for(self, runs: dict[str, dict[str, Any]]) -> None:
        assert tuple(runs) == STEPS
        assert all(state["Resource"].endswith(":states:::emr-serverless:startJobRun.sync") for state in runs.values())

    def test_end_after_half_an_hour(self, runs: dict[str, dict[str, Any]]) -> None:
        assert {state["Parameters"]["ExecutionTimeoutMinutes"] for state in runs.values()} == {30}

    def test_act_as_the_role_of_their_script(
        self, processing: SynthesizedStack, runs: dict[str, dict[str, Any]]
    ) -> None:
        for state, name in zip(runs.values(), MOVED, strict=True):
            role = processing.one("AWS::IAM::Role", f"{name}Role").logical_id
            assert state["Parameters"]["ExecutionRoleArn"] == role

    def test_fetch_the_script_and_the_library_that_the_role_may_read(
        self, processing: SynthesizedStack, runs: dict[str, dict[str, Any]]
    ) -> None:
        for state, name in zip(runs.values(), MOVED, strict=True):
            submit = state["Parameters"]["JobDriver"]["SparkSubmit"]
            option, library = submit["SparkSubmitParameters"].split()
            assert option == "--py-files"
            for url, suffix in ((submit["EntryPoint"], ".py"), (library, ".zip")):
                assert url.endswith(suffix)
                assert url.rpartition("/")[2] in allowed(processing, name)["s3:GetObject"]

    def test_are_told_what_glue_jobs_are_told(self, runs: dict[str, dict[str, Any]]) -> None:
        on_glue = dict(states(machine(synthesize("default")["Processing"])))
        for step, state in runs.items():
            given = state["Parameters"]["JobDriver"]["SparkSubmit"]["EntryPointArguments.$"]
            for name, path in on_glue[step]["Parameters"]["Arguments"].items():
                assert f"'{name.removesuffix('.$')}', {path}" in given

    def test_are_told_the_buckets_of_their_script(self, runs: dict[str, dict[str, Any]]) -> None:
        given = json.dumps(runs["Clean"])
        assert re.search(
            r"'--raw_bucket', '[^']*StorageRaw\w+', '--processed_bucket', '[^']*StorageProcessed\w+'", given
        )

    def test_are_repeated_only_when_the_service_could_not_take_them(self, runs: dict[str, dict[str, Any]]) -> None:
        for state in runs.values():
            (retry,) = state["Retry"]
            assert retry["BackoffRate"] > 1
            assert all(error.startswith("EMRServerless.") for error in retry["ErrorEquals"])
            assert state["ResultPath"] is None
