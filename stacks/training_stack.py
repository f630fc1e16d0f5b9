"""Where models are trained and registered."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from guardrails.custom_resource_logs import CustomResourceLogs
from guardrails.guide import illustrates
from lakehouse.zone import Zone
from machine_learning.model_registry import ModelRegistry
from machine_learning.spot_training import SpotTraining
from machine_learning.training_storage import TrainingStorage
from stacks.lake_stack import LakeStack
from stacks.settings import Settings


class TrainingStack(Stack):
    """Spot training, what it leaves, and the registry of its models (guide 6.2, 6.6)."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, lake: LakeStack, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)

        storage = TrainingStorage(
            self,
            "Artifacts",
            key=lake.key,
            access_logs=lake.access_logs,
            noncurrent_version_days=settings.noncurrent_version_days,
            removal_policy=settings.removal_policy,
        )
        self.spot_training = SpotTraining(
            self,
            "SpotTraining",
            sandbox_name=settings.name,
            curated=lake.zones[Zone.CURATED],
            storage=storage,
            key=lake.key,
            instance_types=settings.training_instance_types,
            max_runtime=Duration.minutes(settings.training_max_runtime_minutes),
        )
        registry = ModelRegistry(self, "ModelRegistry", sandbox_name=settings.name)
        illustrates(registry, "1.3")
        CustomResourceLogs(self, "CustomResourceLogs", key=lake.key, retention=settings.log_retention)

        CfnOutput(self, "TrainingBucket", value=storage.bucket_name)
        CfnOutput(self, "SpotTrainingRole", value=self.spot_training.role.role_arn)
        CfnOutput(self, "ModelPackageGroup", value=registry.attr_model_package_group_arn)
