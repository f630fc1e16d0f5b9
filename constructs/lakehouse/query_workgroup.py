"""Athena: where the lake-house is queried, and what a query may cost."""

from collections.abc import Mapping
from pathlib import Path

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from guardrails.guide import illustrates
from lakehouse.access_logs import AccessLogs
from lakehouse.bucket import DataBucket
from lakehouse.named_queries import NamedQueries
from lakehouse.zone import Zone

QUERIES = Path(__file__).parent / "queries"
_RESULTS_KEPT_DAYS = 7


class QueryWorkgroup(Construct):
    """An Athena workgroup whose settings no query can override.

    Results are encrypted with the sandbox's key in a bucket of their own and expire; a query that scans more
    than the limit is cancelled, and AWS bills what it had scanned until then. The bucket must belong to this
    account. Deleting the workgroup deletes its queries and history with it: Athena refuses otherwise.

    Sources: https://docs.aws.amazon.com/athena/latest/ug/workgroups-manage-queries-control-costs.html,
    https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.IKey,
        access_logs: AccessLogs,
        databases: Mapping[Zone, glue.CfnDatabase],
        scan_limit_mb: int,
    ) -> None:
        super().__init__(scope, construct_id)
        illustrates(self, "3.2")
        self._results = DataBucket(
            self,
            "Results",
            key=key,
            access_logs=access_logs,
            noncurrent_version_days=1,
            removal_policy=RemovalPolicy.DESTROY,
            lifecycle_rules=[s3.LifecycleRule(id="ExpireResults", expiration=Duration.days(_RESULTS_KEPT_DAYS))],
        )
        workgroup = athena.CfnWorkGroup(
            self,
            "Workgroup",
            name=name,
            description=f"Queries the lake-house {name}",
            recursive_delete_option=True,
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                bytes_scanned_cutoff_per_query=scan_limit_mb * 1_000_000,
                publish_cloud_watch_metrics_enabled=True,
                engine_version=athena.CfnWorkGroup.EngineVersionProperty(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=self._results.s3_url_for_object(),
                    expected_bucket_owner=Aws.ACCOUNT_ID,
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )
        self.name = workgroup.ref
        # an id that CDK leaves out of the logical ids of what lies under it
        NamedQueries(
            self,
            "Default",
            workgroup=workgroup.ref,
            directory=QUERIES,
            database=databases[Zone.PROCESSED].ref,
            database_names={zone.value: database.ref for zone, database in databases.items()},
        )

    def grant_run_queries(self, grantee: iam.Role) -> None:
        """Let the role run queries in this workgroup and read their results; reading the data is another grant.

        Athena reads and writes the result files as the role.

        Source: https://docs.aws.amazon.com/athena/latest/ug/workgroups-example-policies.html
        """
        grantee.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "athena:BatchGetNamedQuery",
                    "athena:BatchGetQueryExecution",
                    "athena:GetNamedQuery",
                    "athena:GetQueryExecution",
                    "athena:GetQueryResults",
                    "athena:GetWorkGroup",
                    "athena:ListNamedQueries",
                    "athena:ListQueryExecutions",
                    "athena:StartQueryExecution",
                    "athena:StopQueryExecution",
                ],
                resources=[
                    Stack.of(self).format_arn(service="athena", resource="workgroup", resource_name=self.name),
                ],
            )
        )
        why_all = "Athena names the results of a query itself; the bucket holds nothing else"
        self._results.grant_read_objects(grantee, [""], why_all=why_all)
        self._results.grant_write_objects(grantee, [""], why_all=why_all)
