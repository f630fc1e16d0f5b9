"""How Studio reaches AWS and the internet."""

from enum import StrEnum


class NetworkAccess(StrEnum):
    """The network access types of a domain.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-notebooks-and-internet-access.html
    """

    PUBLIC_INTERNET_ONLY = "public-internet-only"
    """Traffic leaves through a network that SageMaker owns; costs nothing while idle."""

    VPC_ONLY = "vpc-only"
    """Traffic stays in the sandbox's VPC, whose interface endpoints are billed by the hour."""
