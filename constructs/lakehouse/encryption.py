"""The one key that encrypts everything in the sandbox."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

_SERVICES = ("firehose", "glue", "kinesis", "s3")


class SandboxKey(kms.Key):
    """A customer managed key that the account administers and only the named services may use.

    The usual key policy hands every action to IAM. This one splits it: IAM decides who administers the key,
    but data is encrypted and decrypted only on the way through a service of the lake-house, so that no
    principal, however privileged, decrypts an object by calling KMS itself.

    CloudWatch Logs calls KMS as itself, not on behalf of a caller, so it has a statement of its own, bound
    to the log groups of this account.

    Sources: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service,
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, removal_policy: RemovalPolicy) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Encrypts the data of the machine-learning sandbox",
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            removal_policy=removal_policy,
            policy=iam.PolicyDocument(
                statements=[_administration(), _log_encryption(), *(_use_through(service) for service in _SERVICES)]
            ),
        )


def _administration() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="AccountAdministersKey",
        principals=[iam.AccountRootPrincipal()],
        actions=[
            "kms:CancelKeyDeletion",
            "kms:Describe*",
            "kms:Disable*",
            "kms:Enable*",
            "kms:Get*",
            "kms:List*",
            "kms:Put*",
            "kms:RetireGrant",
            "kms:RevokeGrant",
            "kms:RotateKeyOnDemand",
            "kms:ScheduleKeyDeletion",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateKeyDescription",
        ],
        resources=["*"],
    )


def _use_through(service: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=f"UseThrough{service.capitalize()}",
        principals=[iam.AccountRootPrincipal()],
        actions=[
            "kms:CreateGrant",
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey*",
            "kms:ReEncrypt*",
        ],
        resources=["*"],
        conditions={"StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.{Aws.URL_SUFFIX}"}},
    )


def _log_encryption() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="UseByCloudWatchLogs",
        principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
        actions=["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        resources=["*"],
        conditions={
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": (
                    f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:log-group:*"
                )
            }
        },
    )
