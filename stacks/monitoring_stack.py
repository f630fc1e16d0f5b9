"""What the sandbox does, for whoever looks."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from guardrails.dashboard import SandboxDashboard
from stacks.feature_store_stack import FeatureStoreStack
from stacks.ingestion_stack import IngestionStack
from stacks.processing_stack import ProcessingStack
from stacks.settings import Settings
from stacks.training_stack import TrainingStack


class MonitoringStack(Stack):
    """A dashboard of the ingestion, and of what else the region has; the alarms are in the stacks that they watch."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, ingestion: IngestionStack, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)

        self._dashboard = SandboxDashboard(self, "Dashboard", sandbox_name=settings.name)
        self._dashboard.show_delivery(ingestion.delivery_metrics, ingestion.transform.function)

        CfnOutput(self, "DashboardUrl", value=self._dashboard.url)

    def show_refinery(self, processing: ProcessingStack) -> None:
        self._dashboard.show_refinery(processing.pipeline.state_machine, processing.pipeline.log_group)

    def show_features(self, feature_store: FeatureStoreStack) -> None:
        self._dashboard.show_features(feature_store.customer_features.name)

    def show_training(self, training: TrainingStack) -> None:
        self._dashboard.show_training(training.pipeline.name)
