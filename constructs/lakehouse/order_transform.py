"""The Lambda function that decides what is a valid order."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.encrypted_logs import EncryptedLogs
from guardrails.guide import illustrates
from guardrails.python_function import python_function


class OrderTransform(Construct):
    """Validates and normalises orders on their way through Firehose; its code is ``lambda/firehose_transform``.

    It needs no permission beyond writing its own log group, which is encrypted, expires and goes with the
    stack. The timeout is short because a batch is at most 1 MB and takes far less than a second of work.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        metric_namespace: str,
    ) -> None:
        super().__init__(scope, construct_id)
        illustrates(self, "3.6")
        log_group = EncryptedLogs(self, "Logs", key=key, retention=log_retention)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(role)
        self.function = python_function(
            self,
            "Function",
            description="Validates, normalises and partitions orders for Firehose",
            handler="firehose_transform.handler.lambda_handler",
            memory_size=512,
            timeout=Duration.minutes(1),
            role=role,
            log_group=log_group,
            environment={"METRIC_NAMESPACE": metric_namespace},
        )
        acknowledge(
            self.function,
            {
                "Serverless-LambdaDLQ": "Firehose waits for the answer and writes what fails to the errors prefix",
                "Serverless-LambdaTracing": "A trace per batch tells nothing that the batch's metrics do not",
            },
        )
