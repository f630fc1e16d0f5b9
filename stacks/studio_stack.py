"""Where learners work."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from guardrails.custom_resource_logs import CustomResourceLogs
from lakehouse.catalog import grant_read_tables
from machine_learning.learner_role import LearnerRole
from machine_learning.studio_cleaner import StudioCleaner
from machine_learning.studio_domain import StudioDomain
from machine_learning.studio_limits import LearnerLimits
from machine_learning.studio_network import StudioNetwork
from machine_learning.studio_pages import StudioPages
from stacks.feature_store_stack import FeatureStoreStack
from stacks.lake_stack import LakeStack
from stacks.settings import Settings
from stacks.training_stack import TrainingStack


class StudioStack(Stack):
    """The SageMaker Studio domain, its users, and what they may do (guide 1.2)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        lake: LakeStack,
        feature_store: FeatureStoreStack,
        training: TrainingStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)

        network = StudioNetwork(
            self,
            "Network",
            access=settings.studio_network,
            users=settings.studio_users,
            key=lake.key,
            log_retention=settings.log_retention,
        )
        learner = LearnerRole(self, "LearnerRole")
        self.domain = domain = StudioDomain(
            self,
            "Studio",
            sandbox_name=settings.name,
            users=settings.studio_users,
            network=network,
            execution_role=learner.without_policy_updates(),
            instance_types=settings.studio_instance_types,
            key=lake.key,
        )
        learner.allow_studio(domain_id=domain.id, key=lake.key)
        for zone, bucket in lake.zones.items():
            bucket.grant_read_objects(learner, [""], why_all="A learner may read all data of the sandbox")
            grant_read_tables(learner, lake.databases[zone])
        lake.workgroup.grant_run_queries(learner)
        feature_store.customer_features.grant_use(learner)
        training.spot_training.grant_start(learner)
        training.pipeline.grant_run(learner)
        StudioPages(self, "StudioPages", role=learner)
        LearnerLimits(
            self,
            "LearnerLimits",
            role=learner,
            domain_id=domain.id,
            training_role=training.spot_training.role,
            zones=list(lake.zones.values()),
            instance_types=settings.studio_instance_types,
        )
        StudioCleaner(self, "Cleaner", domain=domain, key=lake.key, log_retention=settings.log_retention)
        CustomResourceLogs(self, "CustomResourceLogs", key=lake.key, retention=settings.log_retention)

        CfnOutput(self, "DomainId", value=domain.id)
        CfnOutput(self, "DomainUrl", value=domain.url)
        CfnOutput(self, "LearnerRoleArn", key="LearnerRole", value=learner.role_arn)
        CfnOutput(self, "StudioUsers", value=",".join(settings.studio_users))
