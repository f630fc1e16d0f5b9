"""Where trained models are registered."""

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct


class ModelRegistry(sagemaker.CfnModelPackageGroup):
    """The versions of the churn model, each with its metrics and its approval.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, sandbox_name: str) -> None:
        super().__init__(
            scope,
            construct_id,
            model_package_group_name=f"{sandbox_name}-customer-churn",
            model_package_group_description="Which customers will not buy again within 90 days",
        )
