"""A Kinesis data stream in front of Firehose."""

from enum import StrEnum

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.acknowledge import acknowledge


class IngestionSource(StrEnum):
    """Where producers send their records."""

    DIRECT_PUT = "direct-put"
    """To Firehose itself: nothing to pay while nothing is sent."""

    KINESIS = "kinesis"
    """To a Kinesis data stream, which keeps records for other readers and is billed by the hour."""


class OrderStream(kinesis.Stream):
    """An encrypted stream without shards to plan: its capacity follows the traffic.

    Records stay for a day, the shortest that Kinesis offers; the raw zone keeps them for good. Producers end each with
    a newline, since Firehose adds none to it there.

    Source: https://docs.aws.amazon.com/streams/latest/dev/how-do-i-size-a-stream.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, key: kms.IKey) -> None:
        super().__init__(
            scope,
            construct_id,
            stream_mode=kinesis.StreamMode.ON_DEMAND,
            encryption=kinesis.StreamEncryption.KMS,
            encryption_key=key,
            retention_period=Duration.hours(24),
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            self,
            {
                "AwsSolutions-KDS3": "One key for everything says in one place who may read the data; at a sandbox's "
                "volume its requests cost less than a cent"
            },
        )
