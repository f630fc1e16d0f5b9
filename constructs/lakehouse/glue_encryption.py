"""How Glue encrypts what it writes."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from guardrails.encrypted_logs import use_of_key_for_logs


class GlueEncryption(glue.CfnSecurityConfiguration):
    """A Glue security configuration that encrypts objects, logs and job bookmarks with one key.

    Source: https://docs.aws.amazon.com/glue/latest/dg/encryption-security-configuration.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str, key: kms.IKey) -> None:
        super().__init__(
            scope,
            construct_id,
            name=name,
            encryption_configuration=glue.CfnSecurityConfiguration.EncryptionConfigurationProperty(
                s3_encryptions=[
                    glue.CfnSecurityConfiguration.S3EncryptionProperty(
                        s3_encryption_mode="SSE-KMS", kms_key_arn=key.key_arn
                    )
                ],
                cloud_watch_encryption=glue.CfnSecurityConfiguration.CloudWatchEncryptionProperty(
                    cloud_watch_encryption_mode="SSE-KMS", kms_key_arn=key.key_arn
                ),
                job_bookmarks_encryption=glue.CfnSecurityConfiguration.JobBookmarksEncryptionProperty(
                    job_bookmarks_encryption_mode="CSE-KMS", kms_key_arn=key.key_arn
                ),
            ),
        )
        self.key = key

    def grant_write_objects(self, role: iam.Role) -> None:
        """Let the role of a job encrypt what it writes to S3; where it may write is another grant.

        Source: https://docs.aws.amazon.com/glue/latest/dg/set-up-encryption.html
        """
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"], resources=[self.key.key_arn]
            )
        )

    def grant_log(self, role: iam.Role, log_groups: str, *, why_all: str) -> None:
        """Let the role of a job or a crawler write to log groups of these names, which Glue has it encrypt itself.

        To associate a key with a log group is to describe the key first.

        Source: https://docs.aws.amazon.com/glue/latest/dg/set-up-encryption.html
        """
        groups = Stack.of(role).format_arn(
            service="logs", resource="log-group", resource_name=log_groups, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        writing = ["logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        for actions, resource in (
            (["glue:GetSecurityConfiguration"], "*"),
            (writing, groups),
            (["kms:DescribeKey"], self.key.key_arn),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        role.add_to_policy(use_of_key_for_logs(self.key))
        acknowledge_wildcard_resources(
            role, {"*": "Reading a security configuration cannot be narrowed to one", groups: why_all}
        )
