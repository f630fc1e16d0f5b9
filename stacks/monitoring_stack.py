"""What the sandbox does, for whoever looks and whoever does not."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from guardrails.alarms import SandboxAlarms
from guardrails.dashboard import SandboxDashboard
from guardrails.metrics import DeliveryMetrics
from stacks.feature_store_stack import FeatureStoreStack
from stacks.guardrails_stack import GuardrailsStack
from stacks.ingestion_stack import IngestionStack
from stacks.lake_stack import LakeStack
from stacks.processing_stack import ProcessingStack
from stacks.settings import Settings
from stacks.training_stack import TrainingStack


class MonitoringStack(Stack):
    """A dashboard and alarms (guide 6.6) of the ingestion, and of what else the region has."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        lake: LakeStack,
        ingestion: IngestionStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)

        self._dashboard = SandboxDashboard(self, "Dashboard", sandbox_name=settings.name)
        self._alarms = SandboxAlarms(self, "Alarms", topic=lake.notices)
        delivery = DeliveryMetrics(ingestion.delivery.delivery_stream, ingestion.transform.metric_namespace)
        self._dashboard.show_delivery(delivery, ingestion.transform.function)
        self._alarms.watch_delivery(delivery, buffer_seconds=settings.buffer_seconds)

        CfnOutput(self, "DashboardUrl", value=self._dashboard.url)

    def watch_processing(self, processing: ProcessingStack) -> None:
        pipeline = processing.pipeline
        self._dashboard.show_refinery(pipeline.state_machine, pipeline.log_group)
        self._alarms.watch_refinery(pipeline.state_machine)
        if rule := processing.trigger.rule:
            self._alarms.watch_rule("RefineryNotStarted", rule, "the refinery's state machine")

    def watch_feature_store(self, feature_store: FeatureStoreStack) -> None:
        self._dashboard.show_features(feature_store.customer_features.name)

    def watch_training(self, training: TrainingStack) -> None:
        self._dashboard.show_training(training.pipeline.name)
        self._alarms.watch_training(training.pipeline.name)

    def watch_guard(self, guardrails: GuardrailsStack) -> None:
        self._alarms.watch_rule("GuardNotCalled", guardrails.spot_guard.rule, "the guard over training jobs")
