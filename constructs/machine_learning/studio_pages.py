"""What Studio's pages read."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from machine_learning.learner_role import LearnerRole

_LISTS = (
    "GetSearchSuggestions",
    "ListActions",
    "ListArtifacts",
    "ListAssociations",
    "ListContexts",
    "ListExperiments",
    "ListFeatureGroups",
    "ListHyperParameterTuningJobs",
    "ListModelMetadata",
    "ListModelPackageGroups",
    "ListPipelines",
    "ListProcessingJobs",
    "ListTrainingJobs",
    "ListTrialComponents",
    "ListTrials",
    "QueryLineage",
    "Search",
)
_DETAILS = {
    "experiment": ["DescribeExperiment"],
    "experiment-trial": ["DescribeTrial"],
    "experiment-trial-component": ["DescribeTrialComponent"],
    "hyper-parameter-tuning-job": ["DescribeHyperParameterTuningJob", "ListTrainingJobsForHyperParameterTuningJob"],
    "processing-job": ["DescribeProcessingJob"],
    "training-job": ["DescribeTrainingJob"],
}
"""What a page shows of one thing, by the type of the thing."""


class StudioPages(iam.ManagedPolicy):
    """Reading what the pages of pipelines, jobs, experiments, models and features show, and changing nothing.

    A page that lacks a permission says no more than that an error occurred. Lists and searches go over the whole
    account, since SageMaker cannot narrow them; jobs, and what experiments record of them, have names that SageMaker
    makes. Pipeline, model package group and feature group are granted by what owns them.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/role-manager-personas.html and, for the actions,
    https://github.com/cdklabs/cdk-aws-sagemaker-role-manager/tree/main/assets/templates,
    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonSageMakerModelRegistryFullAccess.html; on the
    errors, https://github.com/aws/amazon-sagemaker-feedback/issues/230
    """

    def __init__(self, scope: Construct, construct_id: str, *, role: LearnerRole) -> None:
        super().__init__(scope, construct_id, description="What the pages of Studio read", roles=[role])
        self._allow(_LISTS, "*")
        kinds = {
            kind: Stack.of(self).format_arn(service="sagemaker", resource=kind, resource_name="*") for kind in _DETAILS
        }
        for kind, actions in _DETAILS.items():
            self._allow(actions, kinds[kind])
        acknowledge_wildcard_resources(
            self,
            {
                "*": "Lists and searches cannot be narrowed",
                **dict.fromkeys(kinds.values(), "SageMaker names the jobs of pipelines, and what it records of them"),
            },
        )

    def _allow(self, actions: Sequence[str], resource: str) -> None:
        self.add_statements(
            iam.PolicyStatement(actions=[f"sagemaker:{action}" for action in actions], resources=[resource])
        )
