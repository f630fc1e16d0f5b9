"""Refuses a delivery stream that AWS would refuse, or that the local cloud could not deliver as configured.

Source: https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html,
https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-enable.html and
https://docs.aws.amazon.com/firehose/latest/dev/s3-prefixes.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from practice.local_cloud.firehose import prefix as firehose_prefix

_SMALLEST_CONVERSION_BUFFER = 64
_PARAMETERS = {"LambdaArn", "RoleArn", "NumberOfRetries", "BufferSizeInMBs", "BufferIntervalInSeconds"}


def complaints(request: Mapping[str, Any]) -> list[str]:
    """What is wrong with a CreateDeliveryStream request or the properties of a resource; empty if it is fine."""
    destination = request.get("ExtendedS3DestinationConfiguration")
    if destination is None:
        given = [name for name in request if name.endswith("DestinationConfiguration")]
        return [f"the local cloud emulates ExtendedS3DestinationConfiguration only, not {', '.join(given) or 'none'}."]
    return [
        *_prefixes(destination),
        *_processing(destination),
        *_conversion(destination),
        *_partitioning(destination),
        *_compression(destination),
        *_compression(destination.get("S3BackupConfiguration", {})),
    ]


def _prefixes(destination: Mapping[str, Any]) -> Iterator[str]:
    prefix, error_prefix = destination.get("Prefix", ""), destination.get("ErrorOutputPrefix")
    backup_prefix = destination.get("S3BackupConfiguration", {}).get("Prefix", "")
    for check, value in (
        (firehose_prefix.check, prefix),
        (firehose_prefix.check, backup_prefix),
        (firehose_prefix.check_error, error_prefix or ""),
    ):
        try:
            check(value)
        except firehose_prefix.PrefixError as error:
            yield str(error)
    if "!{" in prefix and not error_prefix:
        yield "ErrorOutputPrefix can't be null when Prefix contains expressions."
    if error_prefix and "!{" in error_prefix and "!{firehose:error-output-type}" not in error_prefix:
        yield "ErrorOutputPrefix must contain !{firehose:error-output-type} when it contains expressions."
    if destination.get("CustomTimeZone", "UTC") != "UTC":
        yield f"the local cloud emulates CustomTimeZone UTC only, not {destination['CustomTimeZone']}."


def _processing(destination: Mapping[str, Any]) -> Iterator[str]:
    processing = destination.get("ProcessingConfiguration", {})
    processors = processing.get("Processors", []) if processing.get("Enabled") else []
    if [processor["Type"] for processor in processors] not in ([], ["Lambda"]):
        types = ", ".join(processor["Type"] for processor in processors)
        yield f"the local cloud emulates one processor of type Lambda, not {types}."
    for processor in processors:
        names = {parameter["ParameterName"] for parameter in processor.get("Parameters", [])}
        if processor["Type"] == "Lambda" and (unknown := names - _PARAMETERS):
            yield f"the local cloud does not know the processor parameters {', '.join(sorted(unknown))}."


def _conversion(destination: Mapping[str, Any]) -> Iterator[str]:
    conversion = destination.get("DataFormatConversionConfiguration", {})
    if not conversion or not conversion.get("Enabled", True):
        return
    if set(conversion["InputFormatConfiguration"]["Deserializer"]) != {"OpenXJsonSerDe"}:
        yield "the local cloud emulates the deserializer OpenXJsonSerDe only."
    elif options := conversion["InputFormatConfiguration"]["Deserializer"]["OpenXJsonSerDe"]:
        yield f"the local cloud does not emulate the OpenXJsonSerDe options {', '.join(options)}."
    if set(conversion["OutputFormatConfiguration"]["Serializer"]) != {"ParquetSerDe"}:
        yield "the local cloud emulates the serializer ParquetSerDe only."
    if destination.get("CompressionFormat", "UNCOMPRESSED") != "UNCOMPRESSED":
        yield "CompressionFormat must be UNCOMPRESSED when data format conversion is enabled."
    yield from _buffer(destination, "data format conversion")


def _partitioning(destination: Mapping[str, Any]) -> Iterator[str]:
    enabled = destination.get("DynamicPartitioningConfiguration", {}).get("Enabled", False)
    keys = firehose_prefix.partition_keys(destination.get("Prefix", ""))
    if enabled and not keys:
        yield "Prefix must contain !{partitionKeyFromLambda:...} when dynamic partitioning is enabled."
    if keys and not enabled:
        yield "Prefix can contain partition keys only when dynamic partitioning is enabled."
    if enabled:
        yield from _buffer(destination, "dynamic partitioning")


def _buffer(destination: Mapping[str, Any], feature: str) -> Iterator[str]:
    size = destination.get("BufferingHints", {}).get("SizeInMBs", _SMALLEST_CONVERSION_BUFFER)
    if int(size) < _SMALLEST_CONVERSION_BUFFER:
        yield f"SizeInMBs is {size}; with {feature} it must be at least {_SMALLEST_CONVERSION_BUFFER}."


def _compression(destination: Mapping[str, Any]) -> Iterator[str]:
    compression = destination.get("CompressionFormat", "UNCOMPRESSED")
    if compression not in {"UNCOMPRESSED", "GZIP"}:
        yield f"the local cloud emulates CompressionFormat UNCOMPRESSED and GZIP, not {compression}."
