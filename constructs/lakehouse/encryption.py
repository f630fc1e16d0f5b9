"""The one key that encrypts everything in the sandbox."""

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.notifications import of_alarms

_SERVICES = ("firehose", "glue", "kinesis", "s3", "sagemaker", "sns", "states")


class SandboxKey(kms.Key):
    """A customer managed key that the account administers and only the named services may use.

    The usual key policy hands every action to IAM. This one splits it: IAM decides who administers the key,
    but data is encrypted and decrypted only on the way through a service of the lake-house, so that no
    principal, however privileged, decrypts an object by calling KMS itself.

    Some users do not come through a service on behalf of a caller, so each has a statement of its own: CloudWatch
    Logs calls KMS as itself, bound here to the log groups of this account, and so do the delivery of a state
    machine's encrypted logs and the sandbox's alarms, when they tell the encrypted topic; services take grants for
    volumes and stores that live on after the call; and SageMaker tries the key as the role of a feature group's
    offline store, without which creating the group fails. That role is known by its path, and the alarms by their
    names, since they belong to stacks that build on this key.

    Sources: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service,
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html,
    https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html,
    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services,
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-grant-is-for-aws-resource,
    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, sandbox_name: str, removal_policy: RemovalPolicy
    ) -> None:
        self.feature_store_role_path = f"/{sandbox_name}/feature-store/"
        super().__init__(
            scope,
            construct_id,
            description="Encrypts the data of the machine-learning sandbox",
            enable_key_rotation=True,
            pending_window=Duration.days(7),
            removal_policy=removal_policy,
            policy=iam.PolicyDocument(
                statements=[
                    _administration(),
                    _log_encryption(),
                    _log_delivery(),
                    _alarms(sandbox_name),
                    _grants_to_services(),
                    _use_by_role(self.feature_store_role_path),
                    *(_use_through(service) for service in _SERVICES),
                ]
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


def _log_delivery() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="UseByLogDelivery",
        principals=[iam.ServicePrincipal("delivery.logs.amazonaws.com")],
        actions=["kms:Decrypt"],
        resources=["*"],
        conditions={
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            "ArnLike": {"aws:SourceArn": f"arn:{Aws.PARTITION}:logs:{Aws.REGION}:{Aws.ACCOUNT_ID}:*"},
        },
    )


def _alarms(sandbox_name: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="UseByAlarms",
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions=["kms:Decrypt", "kms:GenerateDataKey*"],
        resources=["*"],
        conditions=of_alarms(sandbox_name),
    )


def _grants_to_services() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="GrantToServices",
        principals=[iam.AccountRootPrincipal()],
        actions=["kms:CreateGrant"],
        resources=["*"],
        conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
    )


def _use_by_role(path: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="UseByFeatureStoreRole",
        principals=[iam.AccountRootPrincipal()],
        actions=["kms:Decrypt", "kms:GenerateDataKey"],
        resources=["*"],
        conditions={
            "ArnLike": {"aws:PrincipalArn": f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role{path}*"},
        },
    )
