"""From the feature store to the model registry (guide 6.1)."""

from aws_cdk import Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from machine_learning.spot_training import SpotTraining
from machine_learning.training_processing_role import TrainingProcessingRole
from machine_learning.training_steps import MOST_PROCESSING_SECONDS, TrainingSteps
from machine_learning.training_storage import EVALUATIONS_PREFIX, TrainingStorage
from machine_learning.tuning import Tuning

_OF_PIPELINES = "pipelines-*"
"""How SageMaker names the jobs of a pipeline's steps."""

_OF_TUNING = "*-Tune-*"
"""How it names a tuning job, after run and step, since there is no room for more; and so what that job starts."""


class TrainingPipeline(Construct):
    """A SageMaker pipeline of `TrainingSteps`, and the role that starts their jobs within the bounds of spot training.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-access.html,
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        steps: TrainingSteps,
        spot_training: SpotTraining,
        processing_role: TrainingProcessingRole,
        storage: TrainingStorage,
    ) -> None:
        super().__init__(scope, construct_id)
        self._steps = steps
        self._role = iam.Role(
            self,
            "Role",
            description="Starts the jobs of the training pipeline",
            assumed_by=iam.ServicePrincipal(
                "sagemaker.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        if steps.tuning == Tuning.OFF:
            spot_training.grant_start(self._role, names=[_OF_PIPELINES])
        else:
            spot_training.grant_start(
                self._role, names=[_OF_PIPELINES, _OF_TUNING], kinds=["Training", "HyperParameterTuning"]
            )
        self._allow_processing(processing_role)
        self._allow_registering(steps.model_package_group)
        storage.grant_read_objects(
            self._role, [EVALUATIONS_PREFIX], why_all="The condition reads the report of its run, named after the run"
        )
        pipeline = sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=f"{steps.sandbox_name}-churn-training",
            pipeline_description="Data set, spot training, evaluation and registration of the churn model",
            pipeline_definition={"PipelineDefinitionBody": Stack.of(self).to_json_string(steps.definition())},
            role_arn=self._role.role_arn,
            parallelism_configuration={"MaxParallelExecutionSteps": 2},
        )
        # the L1 orders nothing by itself; without the role's policies the first run fails
        pipeline.node.add_dependency(self._role)
        self.name = pipeline.ref

    def grant_run(self, grantee: iam.Role) -> None:
        """Let the role start and stop runs of this pipeline and watch them, and read and approve what they register."""
        pipeline = self._arn("pipeline", self.name)
        grantee.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "sagemaker:DescribePipeline",
                    "sagemaker:DescribePipelineDefinitionForExecution",
                    "sagemaker:DescribePipelineExecution",
                    "sagemaker:ListPipelineExecutionSteps",
                    "sagemaker:ListPipelineExecutions",
                    "sagemaker:ListPipelineParametersForExecution",
                    "sagemaker:StartPipelineExecution",
                    "sagemaker:StopPipelineExecution",
                ],
                resources=[pipeline, f"{pipeline}/execution/*"],
            )
        )
        packages = self._arn("model-package", f"{self._steps.model_package_group}/*")
        grantee.add_to_policy(
            iam.PolicyStatement(
                actions=["sagemaker:DescribeModelPackage", "sagemaker:UpdateModelPackage"], resources=[packages]
            )
        )
        grantee.add_to_policy(
            iam.PolicyStatement(
                actions=["sagemaker:DescribeModelPackageGroup", "sagemaker:ListModelPackages"],
                # AWS's list of actions names the packages, its examples the group
                resources=[packages, self._arn("model-package-group", self._steps.model_package_group)],
            )
        )
        acknowledge_wildcard_resources(
            grantee,
            {
                f"{pipeline}/execution/*": "SageMaker names the runs of a pipeline itself",
                packages: "Versions are numbered as they come; the wildcard ends at the group",
            },
        )

    def _allow_processing(self, role: TrainingProcessingRole) -> None:
        jobs = self._arn("processing-job", _OF_PIPELINES)
        bounds: dict[str, dict[str, object]] = {
            "ForAllValues:StringEquals": {"sagemaker:InstanceTypes": [self._steps.processing_instance_type]},
            "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": MOST_PROCESSING_SECONDS},
            "ArnEquals": {"sagemaker:VolumeKmsKeyArn": self._steps.key_arn},
            "Null": {"sagemaker:InstanceTypes": "false"},
        }
        self._allow(["sagemaker:CreateProcessingJob"], jobs, bounds)
        self._allow(["sagemaker:AddTags", "sagemaker:DescribeProcessingJob", "sagemaker:StopProcessingJob"], jobs)
        self._allow(
            ["iam:PassRole"],
            role.role_arn,
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )
        acknowledge_wildcard_resources(
            self._role, {jobs: "SageMaker names the jobs of a pipeline; the prefix is fixed"}
        )

    def _allow_registering(self, group: str) -> None:
        """Allow what RegisterModel does: it creates the group on every run, and passes over that there is one."""
        packages = self._arn("model-package", f"{group}/*")
        self._allow(
            ["sagemaker:AddTags", "sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"],
            packages,
        )
        self._allow(["sagemaker:AddTags", "sagemaker:CreateModelPackageGroup"], self._arn("model-package-group", group))
        acknowledge_wildcard_resources(
            self._role, {packages: "Versions are numbered as they come; the wildcard ends at the group"}
        )

    def _allow(self, actions: list[str], resource: str, conditions: dict[str, dict[str, object]] | None = None) -> None:
        self._role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource], conditions=conditions))

    def _arn(self, resource: str, name: str) -> str:
        return Stack.of(self).format_arn(service="sagemaker", resource=resource, resource_name=name)
