"""Log groups that are encrypted with the sandbox's key."""

from typing import Any

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


class EncryptedLogs(logs.LogGroup):
    """A log group that is encrypted with a key, expires, and goes with its stack.

    Whoever may write to it may use the key for that, on the way through CloudWatch Logs.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.IKey, retention: logs.RetentionDays, **properties: Any
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption_key=key,
            retention=retention,
            removal_policy=RemovalPolicy.DESTROY,
            **properties,
        )
        self._key = key

    def grant_write(self, grantee: iam.IGrantable) -> iam.Grant:
        grantee.grant_principal.add_to_principal_policy(use_of_key_for_logs(self._key))
        return super().grant_write(grantee)


def use_of_key_for_logs(key: kms.IKey) -> iam.PolicyStatement:
    """What CloudWatch Logs asks of the role that writes, reads or encrypts a log group, beside what its own statement
    in the key's policy allows.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html#cmk-permissions
    """
    return iam.PolicyStatement(
        actions=[
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:GenerateDataKeyWithoutPlaintext",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ],
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"logs.{Aws.REGION}.{Aws.URL_SUFFIX}"}},
    )
