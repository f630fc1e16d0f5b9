"""The feature group of the guide's example, online and offline (4.8)."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from contracts import Contract
from contracts.released import check_released
from lakehouse.bucket import DataBucket
from lakehouse.catalog import grant_read_tables
from machine_learning.feature_store_role import FeatureStoreRole
from machine_learning.table_format import TableFormat

TABLE_NAME = "customer_features"
QUERIES = Path(__file__).parent / "queries"


class CustomerFeatures(Construct):
    """What is known of each customer: the newest state online, every state there ever was offline.

    The definitions derive from the contract `customer_features`. Adding an optional feature updates the group in
    place; any other change would replace it, and a replacement starts empty, so the contract is first compared
    with what has been released.

    The offline store lies in a bucket of the sandbox, its table in a database of this stack: Feature Store
    deletes neither, so left to itself it would leave both behind. The group's name carries the sandbox's, so that
    two sandboxes can share an account.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-delete-feature-group-offline-store-example-notebook.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        sandbox_name: str,
        bucket: DataBucket,
        prefix: str,
        table_format: TableFormat,
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, construct_id)
        contract = Contract.load("customer_features")
        check_released(contract)
        self._bucket = bucket
        self._prefix = prefix
        self._key = key
        self.database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=Aws.ACCOUNT_ID,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=f"{sandbox_name.replace('-', '_')}_features",
                description=f"The offline feature store of {sandbox_name}",
            ),
        )
        role = FeatureStoreRole(
            self,
            "Role",
            bucket=bucket,
            prefix=prefix,
            database=self.database,
            table_name=TABLE_NAME,
            table_format=table_format,
            key=key,
        )
        group = sagemaker.CfnFeatureGroup(
            self,
            "Group",
            feature_group_name=f"{sandbox_name}-customer-features",
            description="Features of customers, by customer and point in time",
            record_identifier_feature_name=contract.record_identifier,
            event_time_feature_name=contract.event_time,
            feature_definitions=[
                sagemaker.CfnFeatureGroup.FeatureDefinitionProperty(
                    feature_name=field.name, feature_type=field.feature_type
                )
                for field in contract.fields
            ],
            role_arn=role.role_arn,
            # as dictionaries, because the L1's own types write keys that CloudFormation refuses
            online_store_config={
                "EnableOnlineStore": True,
                "SecurityConfig": {"KmsKeyId": key.key_arn},
                "StorageType": "Standard",
            },
            offline_store_config={
                "S3StorageConfig": {"S3Uri": bucket.s3_url_for_object(prefix.rstrip("/")), "KmsKeyId": key.key_arn},
                "DisableGlueTableCreation": False,
                "DataCatalogConfig": {
                    "Catalog": "AwsDataCatalog",
                    "Database": self.database.ref,
                    "TableName": TABLE_NAME,
                },
                "TableFormat": table_format.capitalize(),
            },
            throughput_config=sagemaker.CfnFeatureGroup.ThroughputConfigProperty(throughput_mode="OnDemand"),
        )
        # on the role and on its policy: with the role alone, creating the group fails on permissions
        group.node.add_dependency(role)
        self.name = group.ref

    def grant_write(self, grantee: iam.Role) -> None:
        """Let the role put records, one by one; never read, delete or change anything."""
        self._grant(grantee, ["sagemaker:PutRecord"])

    def grant_use(self, grantee: iam.Role) -> None:
        """Let the role write and read records online, and query them offline; never change or delete the group.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html
        """
        self._grant(
            grantee,
            [
                "sagemaker:BatchGetRecord",
                "sagemaker:BatchWriteRecord",
                "sagemaker:DeleteRecord",
                "sagemaker:DescribeFeatureGroup",
                "sagemaker:DescribeFeatureMetadata",
                "sagemaker:GetRecord",
                "sagemaker:PutRecord",
            ],
        )
        self._bucket.grant_read_objects(
            grantee, [self._prefix], why_all="Feature Store names its objects itself; the wildcard ends at the prefix"
        )
        grant_read_tables(grantee, self.database)

    def _grant(self, grantee: iam.Role, actions: Sequence[str]) -> None:
        group = Stack.of(self).format_arn(
            service="sagemaker",
            resource="feature-group",
            resource_name=self.name,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        grantee.add_to_policy(iam.PolicyStatement(actions=actions, resources=[group]))
        grantee.add_to_policy(iam.PolicyStatement(actions=["kms:Decrypt"], resources=[self._key.key_arn]))
