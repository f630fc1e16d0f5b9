"""The feature store."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from lakehouse.named_queries import NamedQueries
from lakehouse.zone import Zone
from machine_learning.customer_features import QUERIES, CustomerFeatures
from stacks.lake_stack import FEATURE_STORE_PREFIX, LakeStack
from stacks.settings import Settings


class FeatureStoreStack(Stack):
    """Features of customers, online and offline (guide 4.8)."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, lake: LakeStack, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)

        self.customer_features = CustomerFeatures(
            self,
            "CustomerFeatures",
            sandbox_name=settings.name,
            bucket=lake.zones[Zone.CURATED],
            prefix=FEATURE_STORE_PREFIX,
            table_format=settings.feature_table_format,
            key=lake.key,
        )

        database = self.customer_features.database
        NamedQueries(
            self,
            "Queries",
            workgroup=lake.workgroup.name,
            directory=QUERIES,
            database=database.ref,
            database_names={"features": database.ref},
        )

        CfnOutput(self, "CustomerFeatureGroup", value=self.customer_features.name)
        CfnOutput(self, "FeaturesDatabase", value=database.ref)
