"""A Spark job that cannot run long, large or twice."""

from collections.abc import Mapping
from enum import StrEnum

from aws_cdk import Duration, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from lakehouse.glue_encryption import GlueEncryption
from refinery.code import RefineryCode
from refinery.job_logs import JobLogs
from refinery.s3_region import S3_REGION

_TIMEOUT_MINUTES = 30


class ExecutionClass(StrEnum):
    """What capacity a job runs on."""

    STANDARD = "standard"

    FLEX = "flex"
    """Spare capacity at a lower price: a job may start late and lose workers on the way."""


class GlueJob(Construct):
    """A Glue 5.1 job (Spark 3.5, Python 3.11) with a role of its own; its script is ``jobs/glue/<name>.py``.

    Glue's own defaults are ten workers and eight hours; here a job has two workers unless the settings say more, and
    half an hour. It is not retried by Glue: the pipeline retries what is worth it. There are no bookmarks: what a job
    reads is said by its dates, so that a day can be computed again and gives the same result.

    Sources: https://docs.aws.amazon.com/glue/latest/dg/release-notes.html,
    https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        script: str,
        arguments: Mapping[str, str],
        code: RefineryCode,
        log_group_prefix: str,
        log_retention: logs.RetentionDays,
        encryption: GlueEncryption,
        workers: int,
        execution_class: ExecutionClass,
        runs_at_once: int = 1,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("glue.amazonaws.com"))
        self._job = glue.CfnJob(
            self,
            "Job",
            description=f"Runs jobs/glue/{script}.py",
            role=self.role.role_arn,
            glue_version="5.1",
            worker_type="G.1X",
            number_of_workers=workers,
            execution_class=execution_class.upper(),
            timeout=_TIMEOUT_MINUTES,
            max_retries=0,
            execution_property=glue.CfnJob.ExecutionPropertyProperty(max_concurrent_runs=runs_at_once),
            security_configuration=encryption.ref,
            command=glue.CfnJob.JobCommandProperty(
                name="glueetl", python_version="3", script_location=code.script_url(script)
            ),
            default_arguments={
                "--job-language": "python",
                "--job-bookmark-option": "job-bookmark-disable",
                "--extra-py-files": code.library_url,
                "--custom-logGroup-prefix": log_group_prefix,
                "--conf": f"{S3_REGION}={Stack.of(self).region}",
                # two workers cannot become fewer
                "--enable-auto-scaling": str(workers > 2).lower(),
                **{f"--{name}": value for name, value in arguments.items()},
            },
        )
        JobLogs(
            self,
            "Logs",
            prefix=log_group_prefix,
            encryption=encryption,
            role=self.role,
            retention=log_retention,
        )
        code.grant_read(self.role, script)
        encryption.grant_write_objects(self.role)
        encryption.grant_log(
            self.role,
            f"{log_group_prefix}/*",
            why_all="Glue names the log streams after the run; the wildcard ends at the groups of these jobs",
        )
        # the L1 orders nothing by itself; without the role's policy the first run fails
        self._job.node.add_dependency(self.role, encryption)

    def run(self, scope: Construct, construct_id: str, arguments: Mapping[str, str]) -> sfn.IChainable:
        """A state that runs the script with these arguments, and waits until it has ended.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-glue.html
        """
        task = tasks.GlueStartJobRun(
            scope,
            construct_id,
            glue_job_name=self._job.ref,
            integration_pattern=sfn.IntegrationPattern.RUN_JOB,
            arguments=sfn.TaskInput.from_object(dict(arguments)),
            result_path=sfn.JsonPath.DISCARD,
        )
        task.add_retry(
            errors=["Glue.ConcurrentRunsExceededException", "Glue.ResourceNumberLimitExceededException"],
            interval=Duration.seconds(30),
            backoff_rate=2,
            max_attempts=4,
        )
        return task
