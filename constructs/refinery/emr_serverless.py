"""One Glue job outgrown: an application that runs the same scripts."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from guardrails.encrypted_logs import EncryptedLogs, use_of_key_for_logs
from refinery.s3_region import S3_REGION

SERVICE = "emr-serverless.amazonaws.com"

_RELEASE = "emr-7.11.0"
"""The first release with the Spark of Glue 5.1, 3.5.6. AWS does not say which Python an application has; the images
of these releases have 3.9, so the jobs run on that as well.

Sources: https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/release-version-7110.html,
https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-python.html
"""

_WORKER = {
    f"spark.{setting}": value
    for kind in ("driver", "executor")
    for setting, value in {
        f"{kind}.cores": "4",
        f"{kind}.memory": "14G",
        f"emr-serverless.{kind}.disk": "20G",
    }.items()
} | {"spark.emr-serverless.memoryOverheadFactor": "0.1"}
"""A worker of 4 vCPU and, with the overhead, 16 GB.

Source: https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html ("Spark job properties")
"""


class EmrServerlessApplication(Construct):
    """An EMR Serverless application for Spark that costs nothing while it idles, and has bounds while it does not.

    A worker is what a worker of Glue's G.1X is, 4 vCPU and 16 GB, and there are as many, the driver among them. No
    capacity waits, and one job runs at a time: another one queues. The application stops a minute after its last job,
    because CloudFormation can neither update nor delete one that is started. What the driver says goes to a log group
    of the stack; EMR's own store of logs, which outlives it, is turned off, and the Spark UI of the console with it.

    The workers' disks are encrypted with a key of the service: CloudFormation has no property for another.

    Sources: https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/app-behavior.html,
    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/default-configs.html,
    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html,
    https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/disk-encryption-cmk.html,
    https://docs.aws.amazon.com/emr-serverless/latest/APIReference/API_DeleteApplication.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        workers: int,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self._logs = EncryptedLogs(
            self, "Logs", log_group_name=f"/aws/emr-serverless/{name}", key=key, retention=log_retention
        )
        self._key = key
        application = emr.CfnApplication(
            self,
            "Application",
            name=name,
            type="Spark",
            release_label=_RELEASE,
            maximum_capacity=emr.CfnApplication.MaximumAllowedResourcesProperty(
                cpu=f"{4 * workers} vCPU", memory=f"{16 * workers} GB", disk=f"{20 * workers} GB"
            ),
            auto_start_configuration=emr.CfnApplication.AutoStartConfigurationProperty(enabled=True),
            auto_stop_configuration=emr.CfnApplication.AutoStopConfigurationProperty(
                enabled=True, idle_timeout_minutes=1
            ),
            scheduler_configuration=emr.CfnApplication.SchedulerConfigurationProperty(
                max_concurrent_runs=1, queue_timeout_minutes=30
            ),
            runtime_configuration=[
                emr.CfnApplication.ConfigurationObjectProperty(
                    classification="spark-defaults",
                    properties={
                        **_WORKER,
                        # by default three executors to begin with, and as many as the account may have; Spark begins
                        # with the larger of the first two
                        "spark.executor.instances": "1",
                        "spark.dynamicAllocation.initialExecutors": "1",
                        "spark.dynamicAllocation.minExecutors": "0",
                        "spark.dynamicAllocation.maxExecutors": str(workers - 1),
                        "spark.dynamicAllocation.enabled": "true",
                        "spark.dynamicAllocation.executorIdleTimeout": "60s",
                        S3_REGION: Stack.of(self).region,
                    },
                )
            ],
            monitoring_configuration=emr.CfnApplication.MonitoringConfigurationProperty(
                cloud_watch_logging_configuration=emr.CfnApplication.CloudWatchLoggingConfigurationProperty(
                    enabled=True, log_group_name=self._logs.log_group_name
                ),
                managed_persistence_monitoring_configuration=emr.CfnApplication.ManagedPersistenceMonitoringConfigurationProperty(
                    enabled=False
                ),
            ),
        )
        self.id = application.attr_application_id
        self._arn = application.attr_arn

    def grant_log(self, role: iam.Role) -> None:
        """Let the role of a job write what the job says."""
        writing = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        for actions, resource in ((["logs:DescribeLogGroups"], "*"), (writing, self._logs.log_group_arn)):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        role.add_to_policy(use_of_key_for_logs(self._key))
        acknowledge_wildcard_resources(
            role,
            {
                "*": "EMR looks for its log group among all, and IAM cannot narrow that; it learns their names alone",
                self._logs.log_group_arn: "EMR names the log streams after the run; the wildcard ends at one group",
            },
        )

    def grant_run(self, state_machine: sfn.StateMachine, roles: Sequence[iam.IRole]) -> None:
        """Let the state machine run jobs as these roles, and wait for them.

        Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr-serverless.html
        """
        runs = f"{self._arn}/jobruns/*"
        rule = Stack.of(self).format_arn(
            service="events", resource="rule", resource_name="StepFunctionsGetEventsForEMRServerlessJobRule"
        )
        for actions, resource in (
            (["emr-serverless:StartJobRun"], self._arn),
            (["emr-serverless:CancelJobRun", "emr-serverless:GetJobRun"], runs),
            (["events:DescribeRule", "events:PutRule", "events:PutTargets"], rule),
        ):
            state_machine.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        state_machine.add_to_role_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[role.role_arn for role in roles],
                conditions={"StringEquals": {"iam:PassedToService": SERVICE}},
            )
        )
        acknowledge_wildcard_resources(
            state_machine, {runs: "EMR names the runs; the wildcard ends at the application"}
        )
