"""Firehose: one delivery stream that fills the raw and the processed zone."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicies, Size, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_kinesisfirehose as firehose
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.encrypted_logs import EncryptedLogs
from guardrails.guide import illustrates
from lakehouse.order_delivery_role import OrderDeliveryRole
from lakehouse.orders_tables import ERRORS_PREFIX, PROCESSED_PREFIX, RAW_PREFIX
from lakehouse.zone import Zone


class OrderDelivery(Construct):
    """Delivers every record to raw as it came, and what is valid to processed as Parquet, by order date.

    Firehose copies each record to the raw zone before anything looks at it. Then the transform answers for
    every record: what it accepts is converted to Parquet against the table in the catalog, and lands in the
    partition of its own order date, however late it is; what it refuses is written as an error record under
    ``errors/processing-failed/``. So the records sent are those processed and those failed, and raw has all.

    Firehose puts nothing between the records that it copies: a producer ends each with a newline, or several become one
    row of ``raw.orders``. Its delimiter would help the processed zone alone, where Parquet needs none.

    Dynamic partitioning and format conversion need a buffer of at least 64 MB and 60 seconds, and cannot be
    switched on for a stream that was created without them: such a change needs a new construct id.

    It has a name, which says where it reads from, because another source replaces the stream: the dashboard in another
    stack knows it by that name, where a reference would keep it from being replaced.

    Sources: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning.html,
    https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-s3bucketprefix.html#dynamic-partitioning-new-line-delimiter,
    https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        order_stream: kinesis.IStream | None,
        transform: lambda_.IFunction,
        zones: Mapping[Zone, s3.IBucket],
        table: glue.CfnTable,
        key: kms.IKey,
        buffer_seconds: int,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        illustrates(self, "3.4")
        log_group = EncryptedLogs(self, "Logs", key=key, retention=log_retention)
        role = OrderDeliveryRole(
            self,
            "Role",
            transform=transform,
            table=table,
            key=key,
            log_group=log_group,
            order_stream=order_stream,
        )
        role.allow_writing(zones[Zone.RAW], [RAW_PREFIX, ERRORS_PREFIX])
        role.allow_writing(zones[Zone.PROCESSED], [PROCESSED_PREFIX, ERRORS_PREFIX])
        buffer_interval = Duration.seconds(buffer_seconds)
        error_prefix = ERRORS_PREFIX + "!{firehose:error-output-type}/failed_date=!{timestamp:yyyy-MM-dd}/"
        self.name = f"{sandbox_name}-orders-{'from-stream' if order_stream else 'direct'}"
        self.delivery_stream = firehose.DeliveryStream(
            self,
            "DeliveryStream",
            delivery_stream_name=self.name,
            role=role.without_policy_updates(),
            source=firehose.KinesisStreamSource(order_stream) if order_stream else None,
            encryption=None if order_stream else firehose.StreamEncryption.customer_managed_key(key),
            destination=firehose.S3Bucket(
                zones[Zone.PROCESSED],
                role=role.without_policy_updates(),
                data_output_prefix=f"{PROCESSED_PREFIX}order_date=!{{partitionKeyFromLambda:order_date}}/",
                error_output_prefix=error_prefix,
                buffering_size=Size.mebibytes(64),
                buffering_interval=buffer_interval,
                dynamic_partitioning=firehose.DynamicPartitioningProps(enabled=True),
                data_format_conversion=firehose.DataFormatConversionProps(
                    schema_configuration=firehose.SchemaConfiguration.from_cfn_table(table),
                    input_format=firehose.InputFormat.OPENX_JSON,
                    output_format=firehose.OutputFormat.PARQUET,
                ),
                processors=[
                    firehose.LambdaFunctionProcessor(
                        transform,
                        # the answer may be larger than the request, and Lambda caps both at 6 MB
                        buffer_size=Size.mebibytes(1),
                        buffer_interval=Duration.seconds(60),
                        retries=3,
                    )
                ],
                encryption_key=key,
                logging_config=firehose.EnableLogging(log_group),
                s3_backup=firehose.DestinationS3BackupProps(
                    mode=firehose.BackupMode.ALL,
                    bucket=zones[Zone.RAW],
                    data_output_prefix=f"{RAW_PREFIX}ingest_date=!{{timestamp:yyyy-MM-dd}}/",
                    error_output_prefix=error_prefix,
                    buffering_size=Size.mebibytes(64),
                    buffering_interval=buffer_interval,
                    compression=firehose.Compression.GZIP,
                    encryption_key=key,
                    logging_config=firehose.EnableLogging(log_group),
                ),
            ),
        )
        RemovalPolicies.of(log_group).destroy()
        # a mapping that only Redshift destinations look up
        Stack.of(self).node.try_remove_child("@aws-cdk--aws-kinesisfirehose.CidrBlocks")
        if order_stream:
            acknowledge(
                self.delivery_stream,
                {
                    "AwsSolutions-KDF1": "Firehose refuses encryption of its own when it reads from Kinesis, "
                    "which keeps the records encrypted with the sandbox's key"
                },
            )
        # Firehose tries the role's permissions when it is created
        self.delivery_stream.node.add_dependency(role)
