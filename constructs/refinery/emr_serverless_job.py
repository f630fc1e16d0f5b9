"""A Spark job of the shared application."""

from collections.abc import Mapping

from aws_cdk import Aws, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from refinery.code import RefineryCode
from refinery.emr_serverless import SERVICE, EmrServerlessApplication

_TIMEOUT_MINUTES = 30


class EmrServerlessJob(Construct):
    """A script with a role of its own, run by an EMR Serverless application; it is ``jobs/glue/<name>.py``.

    There is no resource to a job here: each run says script, role and arguments. As in Glue it has half an hour and is
    not repeated by the service; what the pipeline repeats are requests that the service could not take.

    Sources: https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/canvas-large-data-emr.html (the trust policy)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        script: str,
        arguments: Mapping[str, str],
        code: RefineryCode,
        application: EmrServerlessApplication,
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                SERVICE, conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        self._application = application
        self._script = script
        self._script_url = code.script_url(script)
        self._library_url = code.library_url
        self._arguments = {f"--{name}": value for name, value in arguments.items()}
        code.grant_read(self.role, script)
        application.grant_log(self.role)

    def run(self, scope: Construct, construct_id: str, arguments: Mapping[str, str]) -> sfn.IChainable:
        """A state that runs the script with these arguments, and waits until it has ended.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr-serverless.html
        """
        words = [word for pair in (self._arguments | dict(arguments)).items() for word in pair]
        task = sfn.CustomState(
            scope,
            construct_id,
            state_json={
                "Type": "Task",
                "Resource": f"arn:{Aws.PARTITION}:states:::emr-serverless:startJobRun.sync",
                "Parameters": sfn.FieldUtils.render_object(
                    {
                        "ApplicationId": self._application.id,
                        "ExecutionRoleArn": self.role.role_arn,
                        "ExecutionTimeoutMinutes": _TIMEOUT_MINUTES,
                        "JobDriver": {
                            "SparkSubmit": {
                                "EntryPoint": self._script_url,
                                "EntryPointArguments": sfn.JsonPath.array(*words),
                                "SparkSubmitParameters": f"--py-files {self._library_url}",
                            }
                        },
                        "Name": self._script,
                    }
                ),
                "ResultPath": sfn.JsonPath.DISCARD,
            },
        )
        task.add_retry(
            errors=[f"EMRServerless.{name}Exception" for name in ("Conflict", "InternalServer", "Throttling")],
            interval=Duration.seconds(30),
            backoff_rate=2,
            max_attempts=4,
        )
        return task
