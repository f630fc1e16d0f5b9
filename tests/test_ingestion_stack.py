"""What the ingestion stack guarantees."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from firehose_transform.orders_contract import conform
from firehose_transform.reasons import Rejected
from lakehouse.date_partitioned_table import FIRST_DAY
from tests.firehose_events import ARRIVAL, order
from tests.synthesis import SynthesizedStack, synthesize


@pytest.fixture(scope="module")
def ingestion() -> SynthesizedStack:
    return synthesize("default")["Ingestion"]


@pytest.fixture(scope="module")
def with_kinesis() -> SynthesizedStack:
    return synthesize("kinesis")["Ingestion"]


def destination(stack: SynthesizedStack) -> dict[str, Any]:
    stream = stack.one("AWS::KinesisFirehose::DeliveryStream")
    found: dict[str, Any] = stream.properties["ExtendedS3DestinationConfiguration"]
    return found


def refers_to(value: object, text: str) -> bool:
    return text in json.dumps(value)


class TestDelivery:
    def test_converts_to_parquet_against_the_processed_table(self, ingestion: SynthesizedStack) -> None:
        conversion = destination(ingestion)["DataFormatConversionConfiguration"]
        schema = conversion["SchemaConfiguration"]
        assert conversion["Enabled"] is True
        assert "OpenXJsonSerDe" in conversion["InputFormatConfiguration"]["Deserializer"]
        assert "ParquetSerDe" in conversion["OutputFormatConfiguration"]["Serializer"]
        assert refers_to(schema["TableName"], "OrdersProcessed")
        assert refers_to(schema["DatabaseName"], "CatalogProcessed")
        assert schema["VersionId"] == "LATEST"
        assert {"CatalogId", "Region", "RoleARN"} <= schema.keys()

    def test_partitions_by_the_order_date_that_the_transform_returns(self, ingestion: SynthesizedStack) -> None:
        assert destination(ingestion)["DynamicPartitioningConfiguration"]["Enabled"] is True
        assert destination(ingestion)["Prefix"] == "orders/order_date=!{partitionKeyFromLambda:order_date}/"

    def test_delivers_valid_orders_to_the_processed_zone(self, ingestion: SynthesizedStack) -> None:
        assert refers_to(destination(ingestion)["BucketARN"], "StorageProcessed")

    def test_backs_up_every_record_to_the_raw_zone(self, ingestion: SynthesizedStack) -> None:
        backup = destination(ingestion)["S3BackupConfiguration"]
        assert destination(ingestion)["S3BackupMode"] == "Enabled"
        assert refers_to(backup["BucketARN"], "StorageRaw")
        assert backup["Prefix"] == "orders/ingest_date=!{timestamp:yyyy-MM-dd}/"
        assert backup["CompressionFormat"] == "GZIP"

    def test_writes_errors_by_type_and_without_partition_keys(self, ingestion: SynthesizedStack) -> None:
        # Firehose evaluates this prefix for records that never got a partition key
        prefix = destination(ingestion)["ErrorOutputPrefix"]
        assert prefix == "errors/!{firehose:error-output-type}/failed_date=!{timestamp:yyyy-MM-dd}/"
        assert "partitionKey" not in prefix

    def test_buffers_as_conversion_and_partitioning_demand(self, ingestion: SynthesizedStack) -> None:
        hints = destination(ingestion)["BufferingHints"]
        assert 64 <= hints["SizeInMBs"] <= 128
        assert 60 <= hints["IntervalInSeconds"] <= 900

    def test_leaves_compression_to_parquet(self, ingestion: SynthesizedStack) -> None:
        # Firehose refuses a compression format beside a format conversion
        assert "CompressionFormat" not in destination(ingestion)

    def test_encrypts_what_it_buffers_and_what_it_writes(self, ingestion: SynthesizedStack) -> None:
        stream = ingestion.one("AWS::KinesisFirehose::DeliveryStream")
        buffered = stream.properties["DeliveryStreamEncryptionConfigurationInput"]
        assert buffered["KeyType"] == "CUSTOMER_MANAGED_CMK"
        assert refers_to(buffered["KeyARN"], "GetAttKey")
        for written in (destination(ingestion), destination(ingestion)["S3BackupConfiguration"]):
            assert refers_to(written["EncryptionConfiguration"]["KMSEncryptionConfig"], "GetAttKey")

    def test_logs_failures_of_delivery_and_of_backup(self, ingestion: SynthesizedStack) -> None:
        for logged in (destination(ingestion), destination(ingestion)["S3BackupConfiguration"]):
            assert logged["CloudWatchLoggingOptions"]["Enabled"] is True

    def test_waits_for_its_role_and_the_roles_policy(self, ingestion: SynthesizedStack) -> None:
        stream = ingestion.one("AWS::KinesisFirehose::DeliveryStream")
        role = ingestion.one("AWS::IAM::Role", "OrderDelivery").logical_id
        policy = ingestion.one("AWS::IAM::Policy", "OrderDelivery").logical_id
        assert {role, policy} <= set(stream.depends_on)

    def test_may_not_delete_objects_nor_write_outside_its_prefixes(self, ingestion: SynthesizedStack) -> None:
        policy = ingestion.one("AWS::IAM::Policy", "OrderDelivery")
        writing = [s for s in policy.properties["PolicyDocument"]["Statement"] if "s3:PutObject" in s["Action"]]
        assert writing
        assert not refers_to(policy.properties, "s3:Delete")
        for statement in writing:
            suffixes = {resource["Fn::Join"][1][-1] for resource in statement["Resource"]}
            assert suffixes == {"/orders/*", "/errors/*"}


class TestTransformProcessor:
    def parameters(self, stack: SynthesizedStack) -> dict[str, Any]:
        (processor,) = destination(stack)["ProcessingConfiguration"]["Processors"]
        assert processor["Type"] == "Lambda"
        return {p["ParameterName"]: p["ParameterValue"] for p in processor["Parameters"]}

    def test_is_the_only_processor(self, ingestion: SynthesizedStack) -> None:
        assert refers_to(self.parameters(ingestion)["LambdaArn"], "OrderTransform")

    def test_gets_batches_whose_answer_fits_lambdas_limit(self, ingestion: SynthesizedStack) -> None:
        assert self.parameters(ingestion)["BufferSizeInMBs"] == "1"

    def test_is_retried(self, ingestion: SynthesizedStack) -> None:
        assert self.parameters(ingestion)["NumberOfRetries"] == "3"

    def test_answers_within_the_five_minutes_that_firehose_waits(self, ingestion: SynthesizedStack) -> None:
        assert ingestion.one("AWS::Lambda::Function").properties["Timeout"] <= 300

    def test_may_only_write_its_own_logs(self, ingestion: SynthesizedStack) -> None:
        policy = ingestion.one("AWS::IAM::Policy", "OrderTransform")
        log_group = ingestion.one("AWS::Logs::LogGroup", "OrderTransform").logical_id
        of_the_key, statement = policy.properties["PolicyDocument"]["Statement"]
        assert set(statement["Action"]) == {"logs:CreateLogStream", "logs:PutLogEvents"}
        assert statement["Resource"] == {"Fn::GetAtt": [log_group, "Arn"]}
        assert "logs." in json.dumps(of_the_key["Condition"]["StringEquals"]["kms:ViaService"])
        assert "ManagedPolicyArns" not in ingestion.one("AWS::IAM::Role", "OrderTransform").properties


class TestKinesisSource:
    def test_is_absent_by_default(self, ingestion: SynthesizedStack) -> None:
        assert ingestion.count("AWS::Kinesis::Stream") == 0
        stream = ingestion.one("AWS::KinesisFirehose::DeliveryStream")
        assert stream.properties["DeliveryStreamType"] == "DirectPut"

    def test_feeds_firehose_by_setting(self, with_kinesis: SynthesizedStack) -> None:
        order_stream = with_kinesis.one("AWS::Kinesis::Stream").logical_id
        delivery = with_kinesis.one("AWS::KinesisFirehose::DeliveryStream")
        assert delivery.properties["DeliveryStreamType"] == "KinesisStreamAsSource"
        source = delivery.properties["KinesisStreamSourceConfiguration"]
        assert source["KinesisStreamARN"] == {"Fn::GetAtt": [order_stream, "Arn"]}

    def test_has_no_shards_to_plan(self, with_kinesis: SynthesizedStack) -> None:
        stream = with_kinesis.one("AWS::Kinesis::Stream")
        assert stream.properties["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}

    def test_is_encrypted_with_the_key_where_firehose_cannot_encrypt(self, with_kinesis: SynthesizedStack) -> None:
        encryption = with_kinesis.one("AWS::Kinesis::Stream").properties["StreamEncryption"]
        delivery = with_kinesis.one("AWS::KinesisFirehose::DeliveryStream")
        assert encryption["EncryptionType"] == "KMS"
        assert refers_to(encryption["KeyId"], "GetAttKey")
        assert "DeliveryStreamEncryptionConfigurationInput" not in delivery.properties

    def test_can_be_read_by_firehose(self, with_kinesis: SynthesizedStack) -> None:
        policy = with_kinesis.one("AWS::IAM::Policy", "OrderDelivery").properties["PolicyDocument"]
        assert refers_to(policy, "kinesis:GetRecords")


def test_the_transform_refuses_the_days_that_no_table_knows() -> None:
    first = f"{FIRST_DAY}T00:00:00.000Z"
    assert conform(order(event_time=first), ARRIVAL)["event_time"] == first
    day_before = (date.fromisoformat(FIRST_DAY) - timedelta(days=1)).isoformat()
    with pytest.raises(Rejected, match="time_too_early"):
        conform(order(event_time=f"{day_before}T23:59:59.999Z"), ARRIVAL)
