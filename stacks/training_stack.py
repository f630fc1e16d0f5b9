"""Where models are trained and registered."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from guardrails.alarms import SandboxAlarms
from guardrails.custom_resource_logs import CustomResourceLogs
from guardrails.guide import illustrates
from lakehouse.catalog import grant_read_tables
from lakehouse.zone import Zone
from machine_learning.customer_features import TABLE_NAME as FEATURES_TABLE
from machine_learning.instance_types import PROCESSING_INSTANCE_TYPE
from machine_learning.model_registry import ModelRegistry
from machine_learning.registry_cleaner import RegistryCleaner
from machine_learning.spot_training import SpotTraining
from machine_learning.training_code import TrainingCode
from machine_learning.training_pipeline import TrainingPipeline
from machine_learning.training_processing_role import TrainingProcessingRole
from machine_learning.training_steps import TrainingSteps
from machine_learning.training_storage import TrainingStorage
from machine_learning.xgboost_image import XGBoostImage
from stacks.feature_store_stack import FeatureStoreStack
from stacks.lake_stack import FEATURE_STORE_PREFIX, LABELS_PREFIX, LakeStack
from stacks.settings import Settings


class TrainingStack(Stack):
    """Spot training, what it leaves, and the registry of its models (guide 6.2, 6.6)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        lake: LakeStack,
        feature_store: FeatureStoreStack,
        **kwargs: Any,
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
        registry = ModelRegistry(
            self, "ModelRegistry", sandbox_name=settings.name, removal_policy=settings.removal_policy
        )
        illustrates(registry, "1.3")

        code = TrainingCode(self, "Code")
        code.grant_read(self.spot_training.role)
        processing_role = TrainingProcessingRole(self, "ProcessingRole", storage=storage, key=lake.key)
        code.grant_read(processing_role)
        curated = lake.zones[Zone.CURATED]
        why_all = "Spark and Feature Store name their files themselves; the wildcard ends at the prefix"
        curated.grant_read_objects(processing_role, [LABELS_PREFIX, FEATURE_STORE_PREFIX], why_all=why_all)
        for database in (lake.databases[Zone.CURATED], feature_store.customer_features.database):
            grant_read_tables(processing_role, database)
        lake.workgroup.grant_run_queries(processing_role)
        self.pipeline = TrainingPipeline(
            self,
            "Pipeline",
            steps=TrainingSteps(
                sandbox_name=settings.name,
                image=XGBoostImage(self, "Image").uri,
                code_url=code.url,
                bucket_url=f"s3://{storage.bucket_name}",
                key_arn=lake.key.key_arn,
                processing_role_arn=processing_role.role_arn,
                training_role_arn=self.spot_training.role.role_arn,
                workgroup=lake.workgroup.name,
                features_table=f"{feature_store.customer_features.database.ref}.{FEATURES_TABLE}",
                labels_table=f"{lake.databases[Zone.CURATED].ref}.customer_labels",
                model_package_group=registry.model_package_group_name,
                processing_instance_type=PROCESSING_INSTANCE_TYPE,
                training_instance_type=settings.training_instance_types[0],
                training_instances=settings.training_instances,
                max_runtime_seconds=60 * settings.training_max_runtime_minutes,
                input_mode=settings.training_input_mode,
                tuning=settings.training_tuning,
            ),
            spot_training=self.spot_training,
            processing_role=processing_role,
            storage=storage,
        )
        illustrates(self.pipeline, "6.1")
        SandboxAlarms(self, "Alarms", topic=lake.notices).watch_training(self.pipeline.name)
        RegistryCleaner(
            self,
            "RegistryCleaner",
            pipeline=self.pipeline,
            registry=registry,
            storage=storage,
            removal_policy=settings.removal_policy,
            key=lake.key,
            log_retention=settings.log_retention,
        )
        CustomResourceLogs(self, "CustomResourceLogs", key=lake.key, retention=settings.log_retention)

        CfnOutput(self, "TrainingBucket", value=storage.bucket_name)
        CfnOutput(self, "SpotTrainingRole", value=self.spot_training.role.role_arn)
        CfnOutput(self, "TrainingPipeline", value=self.pipeline.name)
        CfnOutput(self, "ModelPackageGroup", value=registry.attr_model_package_group_arn)
