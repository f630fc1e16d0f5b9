"""Firehose in the local cloud, from a put to the objects in S3."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud, LocalCloudError
from tests.conftest import CreateFunction, Deploy, DeploymentError, create_lambda_function, temporary_stacks
from tests.patience import PATIENCE

ROLE = "arn:aws:iam::000000000000:role/firehose"
HANDLER = """
import base64, json

def handler(event, context):
    return {"records": [outcome(record, event) for record in event["records"]]}

def outcome(record, event):
    try:
        fields = json.loads(base64.b64decode(record["data"]))
        fields["shard"] = record.get("kinesisRecordMetadata", {}).get("shardId", event.get("sourceKinesisStreamArn"))
        keys = {"partitionKeys": {"day": fields["day"]}}
    except (KeyError, ValueError):
        return {"recordId": record["recordId"], "result": "ProcessingFailed", "data": record["data"]}
    data = base64.b64encode(json.dumps(fields).encode() + b"\\n").decode()
    return {"recordId": record["recordId"], "result": "Ok", "data": data, "metadata": keys}
"""
COLUMNS = {"id": "string", "amount": "decimal(10,2)", "shard": "string"}
TABLE = {
    "Type": "AWS::Glue::Table",
    "Properties": {
        "CatalogId": "000000000000",
        "DatabaseName": {"Ref": "Database"},
        "TableInput": {
            "Name": "orders",
            "StorageDescriptor": {"Columns": [{"Name": name, "Type": kind} for name, kind in COLUMNS.items()]},
        },
    },
}
DATABASE = {
    "Type": "AWS::Glue::Database",
    "Properties": {"CatalogId": "000000000000", "DatabaseInput": {"Name": {"Ref": "AWS::StackName"}}},
}


def bucket(name: str) -> dict[str, Any]:
    auto_delete = {"Type": "Custom::S3AutoDeleteObjects", "Properties": {"BucketName": {"Ref": name}}}
    tags = [{"Key": "aws-cdk:auto-delete-objects", "Value": "true"}]
    return {name: {"Type": "AWS::S3::Bucket", "Properties": {"Tags": tags}}, f"{name}AutoDelete": auto_delete}


def destination(function: str, **changes: Any) -> dict[str, Any]:
    parameters = [{"ParameterName": "LambdaArn", "ParameterValue": function}]
    schema = {
        "DatabaseName": {"Ref": "Database"},
        "TableName": {"Ref": "Table"},
        "Region": "us-east-1",
        "RoleARN": ROLE,
    }
    return {
        "BucketARN": {"Fn::GetAtt": ["Lake", "Arn"]},
        "RoleARN": ROLE,
        "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
        "Prefix": "orders/day=!{partitionKeyFromLambda:day}/",
        "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
        "DynamicPartitioningConfiguration": {"Enabled": True},
        "ProcessingConfiguration": {
            "Enabled": True,
            "Processors": [{"Type": "Lambda", "Parameters": parameters}],
        },
        "DataFormatConversionConfiguration": {
            "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
            "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
            "SchemaConfiguration": schema,
        },
        "EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "arn:aws:kms:us-east-1:0:key/a"}},
        "S3BackupMode": "Enabled",
        "S3BackupConfiguration": {
            "BucketARN": {"Fn::GetAtt": ["Raw", "Arn"]},
            "RoleARN": ROLE,
            "Prefix": "orders/!{timestamp:yyyy}/",
            "CompressionFormat": "GZIP",
        },
        **changes,
    }


def resources(destination: dict[str, Any], **stream: Any) -> dict[str, Any]:
    properties = {"ExtendedS3DestinationConfiguration": destination, **stream}
    return {
        **bucket("Lake"),
        **bucket("Raw"),
        "Database": DATABASE,
        "Table": TABLE,
        "Delivery": {"Type": "AWS::KinesisFirehose::DeliveryStream", "Properties": properties},
    }


class Pipeline:
    """A deployed delivery stream and what is in its buckets."""

    def __init__(self, cloud: LocalCloud, ids: dict[str, str], directory: Path) -> None:
        self.cloud = cloud
        self.ids = ids
        self.directory = directory
        self.firehose = cloud.client("firehose")

    def put(self, *data: bytes) -> dict[str, Any]:
        answer: dict[str, Any] = self.firehose.put_record_batch(
            DeliveryStreamName=self.ids["Delivery"], Records=[{"Data": value} for value in data]
        )
        return answer

    def flush(self) -> dict[str, int]:
        answer: dict[str, int] = self.cloud.post("/_sandbox/firehose/flush")
        return answer

    def objects(self, bucket: str, prefix: str) -> dict[str, bytes]:
        s3 = self.cloud.client("s3")
        found = s3.list_objects_v2(Bucket=self.ids[bucket], Prefix=prefix).get("Contents", [])
        return {item["Key"]: s3.get_object(Bucket=self.ids[bucket], Key=item["Key"])["Body"].read() for item in found}

    def empty(self) -> None:
        for bucket in ("Lake", "Raw"):
            for key in self.objects(bucket, ""):
                self.cloud.client("s3").delete_object(Bucket=self.ids[bucket], Key=key)

    def rows(self, prefix: str) -> list[tuple[Any, ...]]:
        rows = []
        for body in self.objects("Lake", prefix).values():
            path = self.directory / "object.parquet"
            path.write_bytes(body)
            with duckdb.connect() as connection:
                rows += connection.execute(f"SELECT * FROM '{path}'").fetchall()  # noqa: S608
        return rows

    def errors(self, error_type: str) -> list[dict[str, Any]]:
        bodies = self.objects("Lake", f"errors/{error_type}/").values()
        return [json.loads(line) for body in bodies for line in body.splitlines()]


@pytest.fixture
def start(local_cloud: LocalCloud, deploy: Deploy, tmp_path: Path) -> Callable[[dict[str, Any]], Pipeline]:
    return lambda template: Pipeline(local_cloud, deploy(template), tmp_path)


Start = Callable[[dict[str, Any]], Pipeline]


@pytest.fixture(scope="module")
def deployed(local_cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    function = create_lambda_function(local_cloud, HANDLER)
    template = resources(destination(function), DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"})
    with temporary_stacks(local_cloud) as deploy_stack:
        yield Pipeline(local_cloud, deploy_stack(template), tmp_path_factory.mktemp("objects"))


@pytest.fixture
def pipeline(deployed: Pipeline) -> Pipeline:
    """The project's kind of delivery stream, with empty buffers and buckets."""
    deployed.flush()
    deployed.empty()
    return deployed


def test_every_record_can_be_found_again(pipeline: Pipeline) -> None:
    sent = [
        b'{"id": "a", "day": "2026-01-01", "amount": 12.34}\n',
        b'{"id": "b", "day": "2026-01-02", "amount": 1}\n',
        b'{"id": "c", "day": "2026-01-01", "amount": "many"}\n',
        b"not json\n",
        b"\xff\x00\n",
    ]
    pipeline.put(*sent)
    pipeline.flush()
    processed = [row[0] for row in pipeline.rows("orders/")]
    failed = pipeline.errors("processing-failed") + pipeline.errors("format-conversion-failed")
    (raw,) = pipeline.objects("Raw", "orders/").values()
    assert sorted(processed) == ["a", "b"]
    assert sorted(base64.b64decode(error["rawData"]) for error in failed) == sorted(sent[2:])
    assert gzip.decompress(raw) == b"".join(sent)


def test_processed_records_lie_in_their_partition_as_parquet(pipeline: Pipeline) -> None:
    pipeline.put(b'{"id": "a", "day": "2026-01-01", "amount": 12.34}', b'{"id": "b", "day": "2026-01-02"}')
    pipeline.flush()
    (key,) = pipeline.objects("Lake", "orders/day=2026-01-01/")
    assert key.startswith(f"orders/day=2026-01-01/{pipeline.ids['Delivery']}-1-")
    assert key.endswith(".parquet")
    assert [row[0] for row in pipeline.rows("orders/day=2026-01-01/")] == ["a"]
    assert [row[0] for row in pipeline.rows("orders/day=2026-01-02/")] == ["b"]


def test_a_record_that_does_not_fit_the_table_has_the_documented_error_record(pipeline: Pipeline) -> None:
    data = b'{"id": "c", "day": "2026-01-01", "amount": "many"}'
    pipeline.put(data)
    pipeline.flush()
    (error,) = pipeline.errors("format-conversion-failed")
    assert error["ErrorCode"] == "DataFormatConversion.MalformedData"
    assert "amount: 'many' is no decimal(10,2)" in error["ErrorMessage"]
    assert base64.b64decode(error["rawData"]) == data
    assert (error["dataCatalogTable"]["databaseName"], error["dataCatalogTable"]["tableName"]) == (
        pipeline.ids["Database"],
        "orders",
    )


def test_objects_are_encrypted_with_the_key_of_the_destination(pipeline: Pipeline) -> None:
    pipeline.put(b'{"id": "a", "day": "2026-01-01"}')
    pipeline.flush()
    (key,) = pipeline.objects("Lake", "orders/")
    head = pipeline.cloud.client("s3").head_object(Bucket=pipeline.ids["Lake"], Key=key)
    assert head["SSEKMSKeyId"] == "arn:aws:kms:us-east-1:0:key/a"


def test_nothing_is_delivered_before_its_buffer_is_due(pipeline: Pipeline) -> None:
    pipeline.put(b'{"id": "a", "day": "2026-01-01"}')
    assert pipeline.objects("Lake", "") == pipeline.objects("Raw", "") == {}


def test_a_flush_answers_with_the_objects_it_wrote(pipeline: Pipeline) -> None:
    pipeline.put(b'{"id": "a", "day": "2026-01-01"}', b"not json")
    assert pipeline.flush()[pipeline.ids["Delivery"]] == 3
    assert pipeline.flush()[pipeline.ids["Delivery"]] == 0


def test_a_flush_that_fails_says_which_stream_and_why(start: Start) -> None:
    pipeline = start(resources({"BucketARN": "arn:aws:s3:::no-such-bucket", "RoleARN": ROLE}))
    pipeline.put(b"a")
    with pytest.raises(LocalCloudError, match=rf"delivery stream {pipeline.ids['Delivery']}: .*NoSuchBucket"):
        pipeline.flush()


def test_a_full_buffer_is_delivered_without_a_flush(start: Start) -> None:
    plain = {
        "BucketARN": {"Fn::GetAtt": ["Lake", "Arn"]},
        "RoleARN": ROLE,
        "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 900},
    }
    pipeline = start(resources(plain))
    data = b"x" * 1_000_000
    pipeline.put(data, data)
    deadline = time.monotonic() + PATIENCE
    while not pipeline.objects("Lake", "") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(pipeline.objects("Lake", "").values()) == [data * 2]


def test_a_function_that_raises_fails_its_batch_and_is_logged(start: Start, create_function: CreateFunction) -> None:
    function = create_function("def handler(event, context): raise RuntimeError('broken')")
    options = {"Enabled": True, "LogGroupName": {"Ref": "Logs"}, "LogStreamName": {"Ref": "LogStream"}}
    template = resources(destination(function, CloudWatchLoggingOptions=options))
    template["Logs"] = {"Type": "AWS::Logs::LogGroup"}
    template["LogStream"] = {"Type": "AWS::Logs::LogStream", "Properties": {"LogGroupName": {"Ref": "Logs"}}}
    pipeline = start(template)
    pipeline.put(b"a", b"b")
    pipeline.flush()
    events = pipeline.cloud.client("logs").get_log_events(
        logGroupName=pipeline.ids["Logs"], logStreamName=pipeline.ids["LogStream"]
    )["events"]
    errors = pipeline.errors("processing-failed")
    assert {(error["errorCode"], error["attemptsMade"]) for error in errors} == {("Lambda.FunctionError", 4)}
    assert "broken" in errors[0]["errorMessage"]
    assert [json.loads(event["message"])["errorCode"] for event in events] == ["Lambda.FunctionError"]


def test_records_of_a_kinesis_stream_are_delivered(start: Start, create_function: CreateFunction) -> None:
    source = {"KinesisStreamARN": {"Fn::GetAtt": ["Stream", "Arn"]}, "RoleARN": ROLE}
    template = resources(
        destination(create_function(HANDLER)),
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration=source,
    )
    mode = {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    template["Stream"] = {"Type": "AWS::Kinesis::Stream", "Properties": mode}
    pipeline = start(template)
    kinesis = pipeline.cloud.client("kinesis")
    for number in range(8):
        data = json.dumps({"id": str(number), "day": "2026-01-01"}).encode()
        kinesis.put_record(StreamName=pipeline.ids["Stream"], Data=data, PartitionKey=str(number))
        if number == 3:
            pipeline.flush()
    pipeline.flush()
    rows = pipeline.rows("orders/")
    assert sorted(row[0] for row in rows) == [str(number) for number in range(8)]
    assert all(row[2].startswith("shardId-") for row in rows)
    with pytest.raises(ClientError, match="not permitted on KinesisStreamAsSource"):
        pipeline.put(b"{}")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([b""] * 501, "501 records; allowed are 1 to 500"),
        ([b"x" * 1_024_001], "1024001 bytes; allowed are 1024000"),
        ([b"x" * 1_000_000] * 5, "5000000 bytes; allowed are 4194304"),
    ],
    ids=["too many records", "a record too large", "too many bytes"],
)
def test_a_batch_beyond_the_limits_is_refused(pipeline: Pipeline, data: list[bytes], message: str) -> None:
    with pytest.raises(ClientError, match=message) as caught:
        pipeline.put(*data)
    assert caught.value.response["Error"]["Code"] == "InvalidArgumentException"


def test_put_record_is_delivered_too(pipeline: Pipeline) -> None:
    pipeline.firehose.put_record(
        DeliveryStreamName=pipeline.ids["Delivery"], Record={"Data": b'{"id": "a", "day": "2026-01-01"}'}
    )
    pipeline.flush()
    assert len(pipeline.rows("orders/")) == 1


def test_an_unknown_stream_is_refused(local_cloud: LocalCloud) -> None:
    firehose = local_cloud.client("firehose")
    with pytest.raises(firehose.exceptions.ResourceNotFoundException):
        firehose.put_record(DeliveryStreamName="unknown", Record={"Data": b""})


def test_the_description_has_the_backup(pipeline: Pipeline) -> None:
    description = pipeline.firehose.describe_delivery_stream(DeliveryStreamName=pipeline.ids["Delivery"])
    (found,) = description["DeliveryStreamDescription"]["Destinations"]
    backup = found["ExtendedS3DestinationDescription"]["S3BackupDescription"]
    assert backup["BucketARN"] == f"arn:aws:s3:::{pipeline.ids['Raw']}"
    assert backup["CompressionFormat"] == "GZIP"


def test_encryption_of_the_stream_is_answered(pipeline: Pipeline) -> None:
    assert pipeline.put(b"{}")["Encrypted"] is True


def test_a_stream_that_could_not_be_delivered_as_configured_is_refused(deploy: Deploy) -> None:
    with pytest.raises(DeploymentError, match="CompressionFormat must be UNCOMPRESSED"):
        deploy(resources(destination("arn:function", CompressionFormat="GZIP")))


def test_an_update_that_could_not_be_delivered_as_configured_is_refused(deploy: Deploy) -> None:
    deploy(resources(destination("arn:function")), "test-update")
    with pytest.raises(DeploymentError, match="CompressionFormat must be UNCOMPRESSED"):
        deploy(resources(destination("arn:function", CompressionFormat="GZIP")), "test-update")


def test_an_update_applies_to_what_comes_next(
    local_cloud: LocalCloud, deploy: Deploy, create_function: CreateFunction, tmp_path: Path
) -> None:
    function = create_function(HANDLER)
    deploy(resources(destination(function)), "test-next")
    ids = deploy(resources(destination(function, Prefix="new/!{partitionKeyFromLambda:day}/")), "test-next")
    pipeline = Pipeline(local_cloud, ids, tmp_path)
    pipeline.put(b'{"id": "a", "day": "2026-01-01"}')
    pipeline.flush()
    (key,) = pipeline.objects("Lake", "")
    assert key.startswith(f"new/2026-01-01/{ids['Delivery']}-2-")


def test_another_destination_is_refused(local_cloud: LocalCloud) -> None:
    firehose = local_cloud.client("firehose")
    endpoint = {"EndpointConfiguration": {"Url": "https://example.com"}, "S3Configuration": {"RoleARN": ROLE}}
    endpoint["S3Configuration"]["BucketARN"] = "arn:aws:s3:::a"
    with pytest.raises(ClientError, match="not HttpEndpointDestinationConfiguration"):
        firehose.create_delivery_stream(DeliveryStreamName="http", HttpEndpointDestinationConfiguration=endpoint)


def test_update_destination_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(ClientError, match="does not emulate UpdateDestination"):
        pipeline.firehose.update_destination(
            DeliveryStreamName=pipeline.ids["Delivery"],
            CurrentDeliveryStreamVersionId="1",
            DestinationId="destinationId-000000000001",
        )
