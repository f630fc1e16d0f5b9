"""Where a job writes."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from guardrails.encrypted_logs import EncryptedLogs
from lakehouse.glue_encryption import GlueEncryption


class JobLogs(Construct):
    """The two log groups of a Glue job, named as Glue derives them, so that they go with the stack.

    Left to itself, Glue logs the jobs of a whole account into groups that never expire. A prefix changes their names,
    and a security configuration that encrypts logs adds itself and the role.

    Sources: https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html,
    https://docs.aws.amazon.com/glue/latest/dg/console-security-configurations.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        prefix: str,
        encryption: GlueEncryption,
        role: iam.IRole,
        retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        for kind in ("error", "output"):
            EncryptedLogs(
                self,
                kind.capitalize(),
                log_group_name=f"{prefix}/{encryption.ref}-role/{role.role_name}/{kind}",
                key=encryption.key,
                retention=retention,
            )
