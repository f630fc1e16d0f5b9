"""Ends what runs in the training pipeline and empties the model registry, so that both can be deleted."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from machine_learning.cleaner import Cleaner
from machine_learning.model_registry import ModelRegistry
from machine_learning.training_pipeline import TrainingPipeline
from machine_learning.training_storage import TrainingStorage


class RegistryCleaner(Cleaner):
    """Stops the pipeline's executions and then deletes the group's model packages when the stack is deleted; its
    code is ``lambda/registry_cleaner``.

    SageMaker refuses to delete a pipeline that runs and a group that holds packages, and CloudFormation knows of
    neither. The storage waits as well: a job that runs on would fill the bucket again after it was emptied.
    A registry that is kept keeps its packages; executions are stopped all the same.

    It may stop executions of this pipeline and delete packages of this group, and nothing else.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeletePipeline.html,
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteModelPackageGroup.html and, for what listing
    packages needs, https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-ram-discover.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        pipeline: TrainingPipeline,
        registry: ModelRegistry,
        storage: TrainingStorage,
        removal_policy: RemovalPolicy,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        def arn(resource: str, name: str) -> str:
            return Stack.of(scope).format_arn(service="sagemaker", resource=resource, resource_name=name)

        executions = arn("pipeline", f"{pipeline.name}/execution/*")
        properties = {"PipelineName": pipeline.name}
        statements = [
            iam.PolicyStatement(
                actions=["sagemaker:ListPipelineExecutions"], resources=[arn("pipeline", pipeline.name)]
            ),
            iam.PolicyStatement(actions=["sagemaker:StopPipelineExecution"], resources=[executions]),
        ]
        wildcards = {executions: "SageMaker names the runs of a pipeline itself"}
        if removal_policy == RemovalPolicy.DESTROY:
            group = registry.model_package_group_name
            packages = arn("model-package", f"{group}/*")
            properties["ModelPackageGroupName"] = group
            statements += [
                iam.PolicyStatement(
                    actions=["sagemaker:ListModelPackages"], resources=[arn("model-package-group", group), packages]
                ),
                iam.PolicyStatement(actions=["sagemaker:DeleteModelPackage"], resources=[packages]),
            ]
            wildcards[packages] = "Versions are numbered as they come; the wildcard ends at the group"
        super().__init__(
            scope,
            construct_id,
            package="registry_cleaner",
            description="Ends a training pipeline's runs and empties its model registry when they are deleted",
            properties=properties,
            cleaned=[pipeline, registry, storage],
            statements=statements,
            wildcards=wildcards,
            key=key,
            log_retention=log_retention,
        )
