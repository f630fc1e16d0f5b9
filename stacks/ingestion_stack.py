"""The ingestion layer of the lake-house."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from guardrails.alarms import SandboxAlarms
from guardrails.metrics import DeliveryMetrics
from lakehouse.order_delivery import OrderDelivery
from lakehouse.order_stream import IngestionSource, OrderStream
from lakehouse.order_transform import OrderTransform
from stacks.lake_stack import LakeStack
from stacks.settings import Settings


class IngestionStack(Stack):
    """Streaming ingestion (guide 3.4): Firehose fills the raw and the processed zone."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, lake: LakeStack, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)

        namespace = f"MlSandbox/{settings.name}"
        self.transform = OrderTransform(
            self,
            "OrderTransform",
            key=lake.key,
            log_retention=settings.log_retention,
            metric_namespace=namespace,
        )
        order_stream = (
            OrderStream(self, "OrderStream", key=lake.key)
            if settings.ingestion_source == IngestionSource.KINESIS
            else None
        )
        delivery = OrderDelivery(
            self,
            "OrderDelivery",
            sandbox_name=settings.name,
            order_stream=order_stream,
            transform=self.transform.function,
            zones=lake.zones,
            table=lake.orders_tables.processed,
            key=lake.key,
            buffer_seconds=settings.buffer_seconds,
            log_retention=settings.log_retention,
        )

        self.delivery_metrics = DeliveryMetrics(delivery.name, namespace)
        SandboxAlarms(self, "Alarms", topic=lake.notices).watch_delivery(
            self.delivery_metrics, buffer_seconds=settings.buffer_seconds
        )

        CfnOutput(self, "DeliveryStreamName", key="DeliveryStream", value=delivery.delivery_stream.delivery_stream_name)
        if order_stream:
            CfnOutput(self, "OrderStreamName", key="OrderStream", value=order_stream.stream_name)
