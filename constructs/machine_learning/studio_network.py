"""How Studio reaches AWS and the internet."""

from collections.abc import Sequence
from enum import StrEnum

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

from guardrails.acknowledge import acknowledge
from guardrails.encrypted_logs import EncryptedLogs
from machine_learning.studio_endpoints import StudioEndpoints


class NetworkAccess(StrEnum):
    """The network access types of a domain.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-notebooks-and-internet-access.html
    """

    PUBLIC_INTERNET_ONLY = "public-internet-only"
    """Traffic leaves through a network that SageMaker owns; costs nothing while idle."""

    VPC_ONLY = "vpc-only"
    """Traffic stays in the sandbox's VPC, whose interface endpoints are billed by the hour."""


class StudioNetwork(Construct):
    """A VPC of two zones without a way to the internet: no internet gateway, no NAT gateway, no public subnet.

    A domain must name a VPC and subnets even when its apps never use them. With `PUBLIC_INTERNET_ONLY` only the
    home file system's traffic would pass here, and the domain has none, so the network is empty, needs no security
    group and costs nothing. With `VPC_ONLY` the apps live here: endpoints lead to the AWS services they call,
    nothing leads to the internet, and refused connections are logged.

    Amazon S3 is reached through a gateway endpoint, which is free. It lets this account's principals reach this
    account's buckets: nobody carries data away with foreign credentials or to a foreign bucket. The VPC's default
    security group is closed.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        access: NetworkAccess,
        users: Sequence[str],
        key: kms.IKey,
        log_retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, construct_id)
        self.access = access
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.0.0.0/23"),
            max_azs=2,
            nat_gateways=0,
            restrict_default_security_group=True,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Studio", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24)
            ],
        )
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3).add_to_policy(
            iam.PolicyStatement(
                sid="OwnBucketsByOwnPrincipals",
                principals=[iam.AnyPrincipal()],
                actions=["s3:*"],
                resources=["*"],
                conditions={
                    "StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID, "aws:ResourceAccount": Aws.ACCOUNT_ID}
                },
            )
        )
        self.endpoints = None
        if access == NetworkAccess.VPC_ONLY:
            self.endpoints = StudioEndpoints(self, "Endpoints", vpc=self.vpc, users=users)
            self._log_refused_connections(key, log_retention)
        else:
            acknowledge(
                self.vpc, {"AwsSolutions-VPC7": "Nothing runs in the network, so a flow log would have no entry"}
            )

    def _log_refused_connections(self, key: kms.IKey, retention: logs.RetentionDays) -> None:
        role = iam.Role(self, "FlowLogsRole", assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"))
        log_group = EncryptedLogs(self, "FlowLogs", key=key, retention=retention)
        log_group.grant_write(role)
        self.vpc.add_flow_log(
            "Refused",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group, role),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
