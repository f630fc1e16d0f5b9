"""The Glue Data Catalog: a database per zone."""

from collections.abc import Mapping

from aws_cdk import Aws, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from constructs import Construct

from guardrails.acknowledge import acknowledge_wildcard_resources
from guardrails.guide import illustrates
from lakehouse.zone import Zone


class LakeCatalog(Construct):
    """A Glue database for each zone, named ``<sandbox>_<zone>``.

    The names are given, not generated, because people type them in queries. Hyphens become underscores:
    Athena needs quotes around a name with a hyphen.
    """

    def __init__(self, scope: Construct, construct_id: str, *, sandbox_name: str) -> None:
        super().__init__(scope, construct_id)
        illustrates(self, "3.2")
        prefix = sandbox_name.replace("-", "_")
        self.database_names: Mapping[Zone, str] = {zone: f"{prefix}_{zone}" for zone in Zone}
        self.databases: Mapping[Zone, glue.CfnDatabase] = {
            zone: glue.CfnDatabase(
                self,
                zone.capitalize(),
                catalog_id=Aws.ACCOUNT_ID,
                database_input=glue.CfnDatabase.DatabaseInputProperty(
                    name=name, description=f"The {zone} zone of the lake-house {sandbox_name}"
                ),
            )
            for zone, name in self.database_names.items()
        }


def grant_read_tables(grantee: iam.Role, database: glue.CfnDatabase) -> None:
    """Let the role look up the tables and partitions of a database, as Athena does on its behalf.

    Source: https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
    """
    stack = Stack.of(grantee)
    tables = stack.format_arn(service="glue", resource="table", resource_name=f"{database.ref}/*")
    grantee.add_to_policy(
        iam.PolicyStatement(
            actions=[
                "glue:BatchGetPartition",
                "glue:GetDatabase",
                "glue:GetPartition",
                "glue:GetPartitions",
                "glue:GetTable",
                "glue:GetTables",
            ],
            resources=[
                stack.format_arn(service="glue", resource="catalog"),
                stack.format_arn(service="glue", resource="database", resource_name=database.ref),
                tables,
            ],
        )
    )
    acknowledge_wildcard_resources(grantee, {tables: "Whoever may query a database may query each of its tables"})
