"""What stops what the sandbox should not run."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from guardrails.acknowledge import acknowledge, acknowledge_wildcard_resources
from guardrails.encrypted_logs import EncryptedLogs
from guardrails.notifications import NotificationTopic
from guardrails.python_function import python_function


class Guard(Construct):
    """A function that stops what it finds out of bounds and tells a topic.

    The code is a package of ``lambda/``. What it fails to do after three attempts is told to the topic too. Its log
    goes with the stack.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        package: str,
        description: str,
        timeout: Duration,
        environment: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        wildcards: Mapping[str, str],
        topic: NotificationTopic,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        log_group = EncryptedLogs(self, "Logs", key=key, retention=log_retention)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        topic.accept_from(role)
        for statement in statements:
            role.add_to_policy(statement)
        acknowledge_wildcard_resources(role, wildcards)
        self.function = python_function(
            self,
            "Function",
            description=description,
            handler=f"{package}.handler.lambda_handler",
            memory_size=256,
            timeout=timeout,
            role=role,
            log_group=log_group,
            dead_letter_topic=topic,
            environment={**environment, "TOPIC_ARN": topic.topic_arn},
        )
        acknowledge(
            self.function, {"Serverless-LambdaTracing": "It makes a few calls in a row; its log says what it did"}
        )
