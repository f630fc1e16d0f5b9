"""Stops training that IAM could not refuse."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from guardrails.acknowledge import acknowledge, acknowledge_wildcard_resources
from guardrails.python_function import python_function

_REASON_TAG = "stopped-because"


class SpotGuard(Construct):
    """Stops a training job of the sandbox's role that is not on managed spot, may run too long, or on other instances.

    No IAM condition key asks for managed spot, and the bounds on what else a job may be bind only those who are
    granted to start one here. So every job of the role is looked at when its state changes; one outside the bounds is
    stopped, tagged with the reason and told to a topic. The code is ``lambda/spot_guard``; what it fails to do after
    three attempts is told to the topic too.

    It may stop jobs that carry this sandbox's tag or none, since a job started past the grants may lack it; not
    those of another sandbox. Which role a job has, IAM cannot ask either: rule and code do.

    Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        training_role: iam.IRole,
        instance_types: Sequence[str],
        max_runtime: Duration,
        topic: sns.ITopic,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = logs.LogGroup(
            self, "Logs", encryption_key=key, retention=log_retention, removal_policy=RemovalPolicy.DESTROY
        )
        function = python_function(
            self,
            "Function",
            description="Stops training jobs outside the sandbox's bounds",
            handler="spot_guard.handler.lambda_handler",
            memory_size=256,
            timeout=Duration.minutes(1),
            role=self._role(sandbox_name, log_group, topic),
            log_group=log_group,
            dead_letter_topic=topic,
            environment={
                "TRAINING_ROLE_ARN": training_role.role_arn,
                "INSTANCE_TYPES": ",".join(instance_types),
                "MAX_RUNTIME_SECONDS": str(max_runtime.to_seconds()),
                "REASON_TAG": _REASON_TAG,
                "TOPIC_ARN": topic.topic_arn,
            },
        )
        acknowledge(function, {"Serverless-LambdaTracing": "It makes five calls in a row; its log says what it did"})
        self.rule = events.Rule(
            self,
            "Rule",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Training Job State Change"],
                detail={"TrainingJobStatus": ["InProgress"], "RoleArn": [training_role.role_arn]},
            ),
            targets=[targets.LambdaFunction(function)],
        )
        repeated = "EventBridge tries for a day to hand an event over, and every further state of a job is another"
        acknowledge(self.rule, {"Serverless-EventBusDLQ": repeated})

    def _role(self, sandbox_name: str, log_group: logs.ILogGroup, topic: sns.ITopic) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        topic.grant_publish(role)
        jobs = Stack.of(self).format_arn(service="sagemaker", resource="training-job", resource_name="*")
        not_of_another = {"StringEqualsIfExists": {"aws:ResourceTag/sandbox": sandbox_name}}
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sagemaker:DescribeTrainingJob", "sagemaker:ListTags", "sagemaker:StopTrainingJob"],
                resources=[jobs],
                conditions=not_of_another,
            )
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["sagemaker:AddTags"],
                resources=[jobs],
                conditions={**not_of_another, "ForAllValues:StringEquals": {"aws:TagKeys": [_REASON_TAG]}},
            )
        )
        both_ways = "The CDK grants data keys with and without their plaintext, to publish to an encrypted topic"
        acknowledge(role, {"AwsSolutions-IAM5[Action::kms:GenerateDataKey*]": both_ways})
        acknowledge_wildcard_resources(
            role, {jobs: "Whoever starts a job names it; the tag keeps those of another sandbox out"}
        )
        return role
