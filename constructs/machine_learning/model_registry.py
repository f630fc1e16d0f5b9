"""Where trained models are registered."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct


class ModelRegistry(sagemaker.CfnModelPackageGroup):
    """The versions of the churn model, each with its metrics and its approval.

    Models that are kept keep their registry, under a name that a new sandbox then cannot have.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, sandbox_name: str, removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            model_package_group_name=f"{sandbox_name}-customer-churn",
            model_package_group_description="Which customers will not buy again within 90 days",
        )
        self.apply_removal_policy(removal_policy)
