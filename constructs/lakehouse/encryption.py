"""The one key that encrypts everything in the sandbox."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.notifications import of_alarms


class SandboxKey(kms.Key):
    """A customer managed key of which IAM decides who uses it: the key policy that AWS documents as the default.

    Least privilege is in the policies of the roles, each of which names this key and exact actions. The key's policy
    adds a statement for each service that calls KMS as itself, and so has no role: CloudWatch Logs for the log groups
    of this account, the delivery of a state machine's encrypted logs, and the sandbox's alarms when they tell the
    encrypted topic. The alarms are known by their names, since they belong to stacks that build on this key; log
    delivery has no condition, as in AWS's example. What follows from this: docs/key.md.

    Sources: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html,
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html,
    https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html,
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, sandbox_name: str, removal_policy: RemovalPolicy
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Encrypts the data of the machine-learning sandbox",
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            removal_policy=removal_policy,
            policy=iam.PolicyDocument(
                statements=[_account_decides(), _log_encryption(), _log_delivery(), _alarms(sandbox_name)]
            ),
        )


def _account_decides() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="AccountDecides",
        principals=[iam.AccountRootPrincipal()],
        actions=["kms:*"],
        resources=["*"],
    )


def _log_encryption() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="UseByCloudWatchLogs",
        principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
        actions=["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        resources=["*"],
        conditions={
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": (
                    f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
                )
            }
        },
    )


def _log_delivery() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="UseByLogDelivery",
        principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
        actions=["kms:Decrypt"],
        resources=["*"],
    )


def _alarms(sandbox_name: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="UseByAlarms",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=["*"],
        conditions=of_alarms(sandbox_name),
    )
