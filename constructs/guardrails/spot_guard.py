"""Stops training that IAM could not refuse."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.guard import Guard
from guardrails.notifications import NotificationTopic

_REASON_TAG = "stopped-because"


class SpotGuard(Guard):
    """Stops a training job of the sandbox's role that is not on managed spot, may run too long, or on other instances.

    No IAM condition key asks for managed spot, and the bounds on what else a job may be bind only those who are
    granted to start one here. So every job of the role is looked at when its state changes; one outside the bounds is
    stopped, tagged with the reason and told to a topic. The code is ``lambda/spot_guard``.

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
        topic: NotificationTopic,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        jobs = Stack.of(scope).format_arn(service="sagemaker", resource="training-job", resource_name="*")
        not_of_another = {"StringEqualsIfExists": {"aws:ResourceTag/sandbox": sandbox_name}}
        super().__init__(
            scope,
            construct_id,
            package="spot_guard",
            description="Stops training jobs outside the sandbox's bounds",
            timeout=Duration.minutes(1),
            environment={
                "TRAINING_ROLE_ARN": training_role.role_arn,
                "INSTANCE_TYPES": ",".join(instance_types),
                "MAX_RUNTIME_SECONDS": str(max_runtime.to_seconds()),
                "REASON_TAG": _REASON_TAG,
            },
            statements=[
                iam.PolicyStatement(
                    actions=["sagemaker:DescribeTrainingJob", "sagemaker:ListTags", "sagemaker:StopTrainingJob"],
                    resources=[jobs],
                    conditions=not_of_another,
                ),
                iam.PolicyStatement(
                    actions=["sagemaker:AddTags"],
                    resources=[jobs],
                    conditions={**not_of_another, "ForAllValues:StringEquals": {"aws:TagKeys": [_REASON_TAG]}},
                ),
            ],
            wildcards={jobs: "Whoever starts a job names it; the tag keeps those of another sandbox out"},
            topic=topic,
            key=key,
            log_retention=log_retention,
        )
        self.rule = events.Rule(
            self,
            "Rule",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                detail_type=["SageMaker Training Job State Change"],
                detail={"TrainingJobStatus": ["InProgress"], "RoleArn": [training_role.role_arn]},
            ),
            targets=[targets.LambdaFunction(self.function)],
        )
        repeated = "EventBridge tries for a day to hand an event over, and every further state of a job is another"
        acknowledge(self.rule, {"Serverless-EventBusDLQ": repeated})
