"""What a sandbox costs is read from its templates; nothing that is billed goes unnoticed."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from cost.charges import CostError, resource_cost
from cost.choice import chosen
from cost.estimate import Estimate, estimate, synthesized
from cost.prices import PRICES_JSON, Billed, Free, PriceList, price_list
from docs.cost_chart import CHART, NAMES, label
from machine_learning.instance_types import StudioInstanceType, TrainingInstanceType
from practice import cli
from stacks.settings import SettingsError
from tests.synthesis import COMBINATIONS, synthesize

MOST_IDLE = 2.0


def templates(combination: str) -> dict[str, Any]:
    return {name: copy.deepcopy(dict(stack.template)) for name, stack in synthesize(combination).items()}


def idle_below(found: Estimate, usd: float) -> None:
    costs = "; ".join(f"{resource.name} USD {resource.idle:.2f}" for resource in found.resources if resource.idle)
    assert found.idle < usd, f"the sandbox idles at USD {found.idle:.2f} a month, {usd:.2f} at most: {costs}"


def charges(type_: str, **properties: Any) -> list[str]:
    cost = resource_cost("Thing", {"Type": type_, "Properties": properties}, price_list())
    return [str(charge) for charge in cost.use]


def crawler(schedule: str) -> dict[str, Any]:
    properties = {"Name": "c", "Schedule": {"ScheduleExpression": schedule}}
    return {"Crawler": {"Type": "AWS::Glue::Crawler", "Properties": properties}}


class TestThePriceList:
    given: Mapping[str, Any] = json.loads(PRICES_JSON.read_text(encoding="utf-8"))

    @pytest.mark.parametrize("missing", ["source", "published", "per", "usd"])
    def test_gives_each_price_with_its_unit_page_and_date(self, missing: str) -> None:
        for name in self.given["prices"]:
            incomplete = copy.deepcopy(dict(self.given))
            del incomplete["prices"][name][missing]
            with pytest.raises(ValidationError, match=missing):
                PriceList.model_validate(incomplete)

    def test_says_of_everything_else_why_it_is_free_or_unpriced(self) -> None:
        reasons = [entry.why for entry in price_list().types.values() if isinstance(entry, Free)]
        assert all([*reasons, *price_list().unpriced.values()])

    def test_knows_every_name_that_a_type_pays(self) -> None:
        wrong = copy.deepcopy(dict(self.given))
        wrong["types"]["AWS::KMS::Key"]["idle"] = ["key-moth"]
        with pytest.raises(ValidationError, match="neither a price nor a reason for none: key-moth"):
            PriceList.model_validate(wrong)

    def test_has_no_price_that_nothing_pays(self) -> None:
        paid = {name for entry in price_list().types.values() if isinstance(entry, Billed) for name in entry.names}
        assert {name for name in price_list().prices if not name.startswith("ml.")} <= paid

    def test_knows_every_instance_type_that_the_settings_allow(self) -> None:
        known = price_list().prices.keys() | price_list().unpriced.keys()
        assert {f"{instance}-hour" for instance in (*TrainingInstanceType, *StudioInstanceType)} <= known


class TestAResource:
    def test_of_an_unknown_type_is_an_error_that_says_where_to_put_it(self) -> None:
        with pytest.raises(CostError, match=r"AWS::EC2::NatGateway \(Nat\) is not in cost/prices\.json\. Add it"):
            resource_cost("Nat", {"Type": "AWS::EC2::NatGateway"}, price_list())

    def test_that_pays_an_unknown_instance_type_is_an_error_too(self) -> None:
        with pytest.raises(CostError, match=r'has no "ml\.p4d\.24xlarge-hour", which AWS::SageMaker::Pipeline pays'):
            charges("AWS::SageMaker::Pipeline", PipelineDefinition={"Body": '{"InstanceType":"ml.p4d.24xlarge"}'})

    def test_without_a_published_price_is_shown_as_unpriced_and_never_as_free(self) -> None:
        shown = charges("AWS::SageMaker::Pipeline", PipelineDefinition={"Body": '{"InstanceType":"ml.c5.xlarge"}'})
        assert shown[0] == "unpriced: ml.c5.xlarge-hour"

    def test_pays_for_what_it_is_configured_to_be(self) -> None:
        job = {"WorkerType": "G.1X", "NumberOfWorkers": 4}
        assert charges("AWS::Glue::Job", **job) == ["USD 1.76 per hour (4 DPU), 1 min a run at least"]
        assert charges("AWS::Glue::Job", **job, ExecutionClass="FLEX") == [
            "USD 1.16 per hour (4 DPU), 1 min a run at least"
        ]
        arm = charges("AWS::Lambda::Function", Architectures=["arm64"], MemorySize=512)
        assert arm[1] == "USD 0.0000066667 per second (0.5 GB)"
        assert charges("AWS::Lambda::Function")[1] == "USD 0.0000020833 per second (0.125 GB)"

    def test_pays_for_metrics_if_it_emits_them(self) -> None:
        metrics = "USD 0.30 per metric and month"
        assert metrics in charges("AWS::Lambda::Function", Environment={"Variables": {"METRIC_NAMESPACE": "Orders"}})
        assert metrics not in charges("AWS::Lambda::Function", Environment={"Variables": {"TOPIC_ARN": "notices"}})

    def test_is_paid_while_idle_for_each_zone_or_shard(self) -> None:
        endpoint = {"VpcEndpointType": "Interface", "SubnetIds": ["a", "b"]}
        stream = {"StreamModeDetails": {"StreamMode": "PROVISIONED"}, "ShardCount": 2}
        for type_, properties, usd in (
            ("AWS::EC2::VPCEndpoint", endpoint, 0.01 * 2 * 730),
            ("AWS::EC2::VPCEndpoint", {"VpcEndpointType": "Gateway"}, 0),
            ("AWS::Kinesis::Stream", stream, 0.015 * 2 * 730),
        ):
            cost = resource_cost("Thing", {"Type": type_, "Properties": properties}, price_list())
            assert cost.idle == pytest.approx(usd)


class TestTheDefaultSandbox:
    def test_idles_below_two_dollars_a_month(self) -> None:
        idle_below(estimate(templates("default")), MOST_IDLE)

    def test_that_would_idle_above_is_refused_by_the_name_of_the_resource(self) -> None:
        changed = templates("default")
        stream = {"Type": "AWS::Kinesis::Stream", "Properties": {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}}
        changed["Ingestion"]["Resources"]["Clicks0A1B2C3D"] = stream
        with pytest.raises(AssertionError, match=r"idles at USD 30\.20 a month, 2\.00 at most: .*Clicks USD 29\.20"):
            idle_below(estimate(changed), MOST_IDLE)


class TestWhatAClockStarts:
    """A crawl is billed for ten minutes at least, a Glue job for one, a worker of EMR Serverless for one.

    Sources: https://aws.amazon.com/glue/pricing/, https://aws.amazon.com/emr/pricing/
    """

    CRAWL = 0.44 * 10 / 60
    JOB = 2 * 0.44 / 60
    DAYS = 365 / 12

    def test_is_of_a_sandbox_by_default_the_guard_alone(self) -> None:
        (guard,) = estimate(templates("default")).scheduled
        assert (guard.stack, guard.type) == ("Guardrails", "AWS::Lambda::Function")
        assert guard.runs == 730
        assert guard.usd == pytest.approx(730 * 0.2 / 1_000_000)

    def test_counts_every_crawler_that_has_a_schedule(self) -> None:
        for settings, crawlers in (({"crawler_trigger": "daily"}, 2), ({"crawler_trigger": "s3-events"}, 4)):
            runs = [run for run in estimate(synthesized(settings)).scheduled if run.type == "AWS::Glue::Crawler"]
            assert [run.runs for run in runs] == [pytest.approx(self.DAYS, rel=1e-3)] * crawlers
            assert [run.usd_a_run for run in runs] == [pytest.approx(self.CRAWL)] * crawlers

    def test_counts_the_refinery_with_its_crawls_and_jobs(self) -> None:
        found = estimate(synthesized({"processing_trigger": "daily", "crawler_trigger": "daily"}))
        (refinery,) = [run for run in found.scheduled if run.type == "AWS::StepFunctions::StateMachine"]
        assert refinery.runs == pytest.approx(self.DAYS, rel=1e-3)
        assert refinery.usd_a_run == pytest.approx(2 * self.CRAWL + 8 * self.JOB, abs=0.001)
        assert found.by_schedule == pytest.approx(self.DAYS * (4 * self.CRAWL + 8 * self.JOB), rel=0.01)
        assert found.idle == 1

    def test_counts_jobs_of_emr_serverless_with_the_driver_and_one_executor(self) -> None:
        settings = {"processing_trigger": "daily", "processing_engine": "emr-serverless", "processing_workers": 4}
        found = estimate(synthesized(settings))
        (refinery,) = [run for run in found.scheduled if run.type == "AWS::StepFunctions::StateMachine"]
        worker = (4 * 0.052624 + 16 * 0.0057785) / 60
        on_glue = 5 * 4 * 0.44 / 60
        assert refinery.usd_a_run == pytest.approx(2 * self.CRAWL + on_glue + 3 * 2 * worker, abs=0.001)

    @pytest.mark.parametrize(
        ("schedule", "runs"), [("rate(1 hour)", 730), ("rate(2 days)", 730 / 48), ("cron(0 3 * * ? *)", 730 / 24)]
    )
    def test_is_counted_by_its_schedule(self, schedule: str, runs: float) -> None:
        (run,) = estimate({"Lake": {"Resources": crawler(schedule)}}).scheduled
        assert run.runs == pytest.approx(runs)

    def test_by_another_schedule_is_an_error_that_says_where_to_add_it(self) -> None:
        with pytest.raises(CostError, match=r"schedules\.py cannot count 'cron\(0 3 \? \* MON \*\)'"):
            estimate({"Lake": {"Resources": crawler("cron(0 3 ? * MON *)")}})

    def test_of_another_kind_is_an_error_too(self) -> None:
        topic = {"Type": "AWS::SNS::Topic", "Properties": {}}
        targets = [{"Arn": {"Ref": "Topic"}, "Id": "0"}]
        rule = {
            "Type": "AWS::Events::Rule",
            "Properties": {"ScheduleExpression": "rate(1 day)", "Targets": targets},
        }
        with pytest.raises(CostError, match=r"cannot count a run of AWS::SNS::Topic \(Topic\)"):
            estimate({"Lake": {"Resources": {"Topic": topic, "Rule": rule}}})


class TestSettings:
    def test_are_named_by_the_value_that_differs_from_cdk_json(self) -> None:
        assert chosen("default") == {}
        assert chosen("vpc-only+processing_workers=4") == {"studio_network": "vpc-only", "processing_workers": "4"}

    def test_that_do_not_exist_get_the_closest_name_and_all_others(self) -> None:
        with pytest.raises(
            SettingsError, match=r"(?s)'vpc-onyl' is no value.*Did you mean vpc-only\?.*kinesis.*=value"
        ):
            chosen("vpc-onyl")

    def test_that_share_a_value_must_be_named(self) -> None:
        with pytest.raises(SettingsError, match="say crawler_trigger=daily or processing_trigger=daily"):
            chosen("daily")


class TestTheCommand:
    @pytest.fixture
    def run(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
        """Runs the command on templates that are synthesized already."""
        settings = {tuple(sorted(given.items())): name for name, given in COMBINATIONS.items()}
        monkeypatch.setattr(
            "cost.estimate.synthesized", lambda given: templates(settings[tuple(sorted(given.items()))])
        )

        def run(*arguments: str) -> str:
            monkeypatch.setattr(sys, "argv", ["practice", "cost", *arguments])
            with pytest.raises(SystemExit):
                cli.main()
            captured = capsys.readouterr()
            return captured.out + captured.err

        return run

    @pytest.mark.slow
    def test_shows_settings_side_by_side(self, run: Any) -> None:
        rows = {
            line.split("  ")[0].strip(): line.split()[-3:]
            for line in run("--compare", "default", "vpc-only", "kinesis").splitlines()
        }
        assert rows["KMS::Key"] == ["1.00", "1.00", "1.00"]
        assert rows["EC2::VPCEndpoint"] == ["-", "102.20", "-"]
        assert rows["idle, USD a month"] == ["1.00", "103.20", "30.20"]
        assert rows["by the clock, USD a month at least"] == ["0.00", "0.00", "0.00"]
        assert rows["Kinesis::Stream: USD 0.08 per GB written"] == ["-", "-", "1"]
        assert "Glue::Job: USD 0.88 per hour (2 DPU), 1 min a run at least" not in rows

    def test_shows_each_stack_what_is_free_what_is_unpriced_and_the_dates(self, run: Any) -> None:
        shown = run()
        for text in ("Lake (default)", "RawCrawlers", "IAM has no charge", "Unpriced:", "published 2026-"):
            assert text in shown
        assert "default: USD 1.00 a month while nothing happens" in shown
        assert "What a clock starts adds USD 0.00 a month at least." in shown

    def test_explains_an_unknown_setting_without_a_traceback(self, run: Any) -> None:
        assert "Did you mean kinesis?" in run("kinesi")

    def test_costs_no_other_command_the_time_to_load_the_cdk(self) -> None:
        loaded = "import sys, practice.cli; print({'aws_cdk', 'pydantic', 'cost'} & set(sys.modules))"
        told = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)  # noqa: S603
        assert told.stdout == "set()\n"


@pytest.mark.slow
def test_the_chart_is_current() -> None:
    chart = CHART.read_text(encoding="utf-8")
    for name in NAMES:
        assert f">{name}<" in chart
        assert f">{label(estimate(templates(name)).idle)}<" in chart, "run `make docs`"
