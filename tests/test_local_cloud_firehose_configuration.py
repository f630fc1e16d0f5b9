"""A delivery stream that AWS would refuse, or the local cloud could not deliver, is refused with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from practice.local_cloud.firehose.configuration import complaints

LAMBDA = {"Type": "Lambda", "Parameters": [{"ParameterName": "LambdaArn", "ParameterValue": "arn"}]}
CONVERSION: dict[str, Any] = {
    "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
    "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    "SchemaConfiguration": {},
}
DESTINATION: dict[str, Any] = {
    "BufferingHints": {"SizeInMBs": 64, "IntervalInSeconds": 60},
    "Prefix": "orders/day=!{partitionKeyFromLambda:day}/",
    "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
    "DynamicPartitioningConfiguration": {"Enabled": True},
    "ProcessingConfiguration": {"Enabled": True, "Processors": [LAMBDA]},
    "DataFormatConversionConfiguration": CONVERSION,
    "S3BackupConfiguration": {"Prefix": "raw/", "CompressionFormat": "GZIP"},
}


def processors(*given: dict[str, Any]) -> dict[str, Any]:
    return {"ProcessingConfiguration": {"Enabled": True, "Processors": list(given)}}


def conversion(**changes: Any) -> dict[str, Any]:
    return {"DataFormatConversionConfiguration": CONVERSION | changes}


def test_the_streams_of_this_project_are_fine() -> None:
    assert complaints({"ExtendedS3DestinationConfiguration": DESTINATION}) == []


def test_a_stream_with_nothing_but_a_bucket_is_fine() -> None:
    assert complaints({"ExtendedS3DestinationConfiguration": {}}) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"BufferingHints": {"SizeInMBs": 5}}, "SizeInMBs is 5; with data format conversion it must be at least 64."),
        ({"CompressionFormat": "GZIP"}, "CompressionFormat must be UNCOMPRESSED when data format conversion"),
        ({"CompressionFormat": "Snappy"}, "emulates CompressionFormat UNCOMPRESSED and GZIP, not Snappy."),
        ({"S3BackupConfiguration": {"CompressionFormat": "ZIP"}}, "UNCOMPRESSED and GZIP, not ZIP."),
        ({"S3BackupConfiguration": {"Prefix": "!{timestamp:EE}"}}, "does not know 'EE'"),
        ({"ErrorOutputPrefix": None}, "ErrorOutputPrefix can't be null when Prefix contains expressions."),
        ({"ErrorOutputPrefix": "!{timestamp:yyyy}/"}, "must contain !{firehose:error-output-type}"),
        ({"ErrorOutputPrefix": "!{partitionKeyFromLambda:day}/"}, "cannot be used in '!{partitionKeyFromLambda:day}/'"),
        ({"Prefix": "orders/"}, "Prefix must contain !{partitionKeyFromLambda:...}"),
        ({"Prefix": "!{partitionKeyFromQuery:day}/"}, "!{partitionKeyFromQuery:day} cannot be used"),
        ({"DynamicPartitioningConfiguration": {}}, "partition keys only when dynamic partitioning is enabled"),
        ({"CustomTimeZone": "Asia/Tokyo"}, "CustomTimeZone UTC only, not Asia/Tokyo."),
        (processors({"Type": "RecordDeAggregation"}), "one processor of type Lambda, not RecordDeAggregation."),
        (processors(LAMBDA, LAMBDA), "one processor of type Lambda, not Lambda, Lambda."),
        (
            processors(LAMBDA | {"Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "x"}]}),
            "does not know the processor parameters Delimiter.",
        ),
        (conversion(InputFormatConfiguration={"Deserializer": {"HiveJsonSerDe": {}}}), "OpenXJsonSerDe only"),
        (
            conversion(InputFormatConfiguration={"Deserializer": {"OpenXJsonSerDe": {"CaseInsensitive": False}}}),
            "OpenXJsonSerDe options CaseInsensitive.",
        ),
        (conversion(OutputFormatConfiguration={"Serializer": {"OrcSerDe": {}}}), "ParquetSerDe only"),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], message: str) -> None:
    found = complaints({"ExtendedS3DestinationConfiguration": DESTINATION | changes})
    assert any(message in complaint for complaint in found), found


def test_another_destination_is_refused() -> None:
    assert complaints({"HttpEndpointDestinationConfiguration": {}}) == [
        "the local cloud emulates ExtendedS3DestinationConfiguration only, not HttpEndpointDestinationConfiguration."
    ]
