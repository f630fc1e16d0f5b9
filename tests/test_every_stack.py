"""What holds for every stack, whatever the settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import pytest
from aws_cdk.assertions import Template

from cost.estimate import estimate
from stacks.sandbox import sandbox_app
from tests.synthesis import CDK_JSON, COMBINATIONS, ROOT, Resource, SynthesizedStack, every_stack, synthesize

ACCOUNT_CHARGES = '[["AWS/Billing","EstimatedCharges","Currency","USD",{"label":"charges","region":"us-east-1"'


def of_type(stacks: Iterable[SynthesizedStack], type_: str) -> list[Resource]:
    return [resource for stack in stacks for resource in stack.all() if resource.type == type_]


@pytest.fixture(scope="module")
def stacks() -> list[SynthesizedStack]:
    return every_stack()


class TestNothingIsLeftBehind:
    def test_no_resource_outlives_its_stack_by_default(self) -> None:
        for stack in synthesize("default").values():
            retained = [r.logical_id for r in stack.all() if r.body.get("DeletionPolicy", "Delete") != "Delete"]
            assert retained == []

    @pytest.mark.parametrize("type_", ["AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Logs::LogGroup"])
    def test_what_is_kept_unless_told_otherwise_is_told(self, type_: str) -> None:
        for resource in synthesize("default")["Lake"].of_type(type_):
            assert resource.body["DeletionPolicy"] == "Delete"
            assert resource.body["UpdateReplacePolicy"] == "Delete"

    def test_data_is_kept_on_request_with_the_key_that_reads_it_and_nothing_else(self) -> None:
        retained = {
            resource.logical_id
            for stack in synthesize("retained").values()
            for resource in stack.all()
            if resource.body.get("DeletionPolicy") == "Retain"
        }
        lake = synthesize("retained")["Lake"]
        zones = {lake.one("AWS::S3::Bucket", f"Storage{zone}").logical_id for zone in ("Raw", "Processed", "Curated")}
        training = synthesize("retained")["Training"]
        models = {training.one(f"AWS::{kind}").logical_id for kind in ("S3::Bucket", "SageMaker::ModelPackageGroup")}
        assert retained == zones | models | {lake.one("AWS::KMS::Key").logical_id}

    def test_kept_buckets_are_never_emptied(self) -> None:
        emptied = {
            json.dumps(r.properties["BucketName"])
            for r in synthesize("retained")["Lake"].all()
            if r.type == "Custom::S3AutoDeleteObjects"
        }
        assert len(emptied) == 2
        assert not [
            name for name in emptied if "StorageRaw" in name or "StorageProcessed" in name or "StorageCurated" in name
        ]

    def test_every_bucket_that_goes_is_emptied_first(self) -> None:
        lake = synthesize("default")["Lake"]
        emptied = {r.properties["BucketName"]["Ref"] for r in lake.of_type("Custom::S3AutoDeleteObjects")}
        assert emptied == {bucket.logical_id for bucket in lake.of_type("AWS::S3::Bucket")}

    def test_every_log_group_expires_after_the_setting(self) -> None:
        for combination, days in (("default", 7), ("smallest", 1)):
            groups = of_type(synthesize(combination).values(), "AWS::Logs::LogGroup")
            assert {group.properties["RetentionInDays"] for group in groups} == {days}

    def test_every_function_logs_to_a_group_of_its_stack(self, stacks: list[SynthesizedStack]) -> None:
        for stack in stacks:
            groups = {group.logical_id for group in of_type([stack], "AWS::Logs::LogGroup")}
            for function in of_type([stack], "AWS::Lambda::Function"):
                assert function.properties["LoggingConfig"]["LogGroup"]["Ref"] in groups

    @pytest.mark.parametrize("combination", COMBINATIONS)
    def test_every_log_group_is_encrypted_with_the_key_unless_it_outlives_it(self, combination: str) -> None:
        stacks = synthesize(combination)
        groups = of_type([stack for name, stack in stacks.items() if name != "Expiry"], "AWS::Logs::LogGroup")
        assert groups
        for group in groups:
            assert "Key" in json.dumps(group.properties["KmsKeyId"])


class TestNothingIdlesAtACost:
    @pytest.mark.parametrize("combination", ["default", "emr-serverless", "smallest"])
    def test_only_the_one_key_costs_something(self, combination: str) -> None:
        found = estimate({name: stack.template for name, stack in synthesize(combination).items()})
        assert [resource.type for resource in found.resources if resource.idle] == ["AWS::KMS::Key"]

    def test_every_resource_of_every_combination_has_a_price_or_is_free_for_a_reason(
        self, stacks: list[SynthesizedStack]
    ) -> None:
        estimate({str(number): stack.template for number, stack in enumerate(stacks)})

    def test_the_default_sandbox_has_no_endpoint_that_is_billed_by_the_hour(self) -> None:
        endpoints = of_type(synthesize("default").values(), "AWS::EC2::VPCEndpoint")
        assert {endpoint.properties["VpcEndpointType"] for endpoint in endpoints} == {"Gateway"}


class TestStacks:
    def test_tag_every_resource_that_can_be_tagged_with_sandbox_and_guide_section(
        self, stacks: list[SynthesizedStack]
    ) -> None:
        for stack in stacks:
            for resource in stack.all():
                if (tags := resource.properties.get("Tags")) is None:
                    continue
                by_key = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
                assert by_key["sandbox"] == "ml-sandbox"
                assert re.fullmatch(r"\d\.\d", by_key["guide"])

    def test_tag_with_the_innermost_section_of_the_guide(self) -> None:
        lake = synthesize("default")["Lake"]
        sections = {
            type_: {
                tag["Value"]
                for resource in lake.of_type(type_)
                for tag in resource.properties["Tags"]
                if tag["Key"] == "guide"
            }
            for type_ in ("AWS::KMS::Key", "AWS::Athena::WorkGroup")
        }
        assert sections == {"AWS::KMS::Key": {"3.5"}, "AWS::Athena::WorkGroup": {"3.2"}}

    def test_tag_the_types_that_cost_money(self) -> None:
        untagged = [
            resource.logical_id
            for stack in synthesize("kinesis").values()
            for resource in stack.all()
            if resource.type
            in (
                "AWS::KMS::Key",
                "AWS::S3::Bucket",
                "AWS::Kinesis::Stream",
                "AWS::KinesisFirehose::DeliveryStream",
                "AWS::Lambda::Function",
                "AWS::Glue::Crawler",
                "AWS::Athena::WorkGroup",
                "AWS::Logs::LogGroup",
                "AWS::SageMaker::Domain",
                "AWS::SageMaker::FeatureGroup",
                "AWS::SageMaker::UserProfile",
            )
            and not resource.properties.get("Tags")
            and "CustomResourceProvider" not in resource.logical_id
        ]
        assert untagged == []

    def test_refer_to_each_other_by_export_so_that_the_lake_cannot_go_first(self) -> None:
        assert CDK_JSON["context"]["@aws-cdk/core:defaultCrossStackReferences"] == "strong"
        ingestion = json.dumps(synthesize("default")["Ingestion"].template)
        assert "Fn::ImportValue" in ingestion
        assert "Fn::GetStackOutput" not in ingestion

    def test_hold_no_account_and_no_region(self, stacks: list[SynthesizedStack]) -> None:
        for stack in stacks:
            # but for the mappings: by region, the accounts from which AWS publishes images
            text = json.dumps({k: v for k, v in stack.template.items() if k not in ("Mappings", "Parameters")})
            # and but for the charges of the account, which AWS publishes in one region
            text = text.replace(json.dumps(ACCOUNT_CHARGES)[1:-1], "")
            assert not re.search(r"\b\d{12}\b", text)
            assert not re.search(r"\b(us|eu|ap)-(east|west|central|southeast)-\d\b", text)

    def test_are_the_same_whatever_byte_code_lies_around(self) -> None:
        stray = ROOT / "lambda/firehose_transform/__pycache__/stray.cpython-311.pyc"
        before = asset_hash()
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"stray")
        try:
            assert asset_hash() == before
        finally:
            stray.unlink()

    def test_are_validated_as_errors(self) -> None:
        assert CDK_JSON["context"]["@aws-cdk/core:validateAgainstDefaultRules"] is True

    def test_are_combined_in_every_way_the_tests_name(self) -> None:
        assert {"default", "kinesis", "retained", "smallest"} <= COMBINATIONS.keys()


def asset_hash() -> str:
    ingestion = sandbox_app().node.find_child("Ingestion")
    template = Template.from_stack(ingestion).to_json()  # type: ignore[arg-type]
    (function,) = [r for r in template["Resources"].values() if r["Type"] == "AWS::Lambda::Function"]
    return str(function["Properties"]["Code"]["S3Key"])
