"""Where the jobs write."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


class JobLogs(Construct):
    """The two log groups of Glue jobs, named as Glue derives them from a prefix, so that they go with the stack.

    Left to itself, Glue logs the jobs of a whole account into groups that never expire.

    Source: https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        key: kms.IKey,
        retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self.prefix = f"/aws-glue/jobs/{sandbox_name}"
        for stream in ("error", "output"):
            logs.LogGroup(
                self,
                stream.capitalize(),
                log_group_name=f"{self.prefix}/{stream}",
                encryption_key=key,
                retention=retention,
                removal_policy=RemovalPolicy.DESTROY,
            )
