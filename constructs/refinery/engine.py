"""What runs the refinery's Spark scripts."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

GLUE_ALONE = frozenset({"quality_gate", "ingest_features", "fit_transformations"})
"""Scripts that are Glue jobs under every engine: Glue Data Quality exists in Glue alone, and an EMR Serverless
application reaches no endpoint on the internet, as the feature store's is, but through a network with a way out, which
costs by the hour. Spark ML needs NumPy, which Glue brings; of EMR's images AWS does not say it.

Sources: https://docs.aws.amazon.com/glue/latest/dg/data-quality-gs-studio.html,
https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-libraries.html,
https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/vpc-access.html
"""


class ProcessingEngine(StrEnum):
    """What runs the scripts that need not be Glue jobs."""

    GLUE = "glue"

    EMR_SERVERLESS = "emr-serverless"
    """An application that all of them share: for more data than one Glue job can take."""


class SparkJob(Protocol):
    """A script with a role of its own, which the pipeline runs without knowing the engine."""

    @property
    def role(self) -> iam.Role:
        """Whom the script acts as."""

    def run(self, scope: Construct, construct_id: str, arguments: Mapping[str, str]) -> sfn.IChainable:
        """A state that runs the script with these arguments, as ``--name: value``, and waits until it has ended."""
