"""What a domain whose apps stay in the VPC needs to reach AWS."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from cost.prices import price_list
from guardrails.note import note

_SERVICES: Mapping[str, ec2.InterfaceVpcEndpointAwsService] = {
    # Studio does not start without the first two
    "SageMakerApi": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_API,
    "SageMakerRuntime": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_RUNTIME,
    # records of the online store
    "FeatureStoreRuntime": ec2.InterfaceVpcEndpointAwsService.SAGEMAKER_FEATURESTORE_RUNTIME,
    # the SageMaker Python SDK asks who it is, and follows the logs of the jobs that it starts
    "Sts": ec2.InterfaceVpcEndpointAwsService.STS,
    "CloudWatchLogs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    # queries, and the tables they are about
    "Athena": ec2.InterfaceVpcEndpointAwsService.ATHENA,
    "Glue": ec2.InterfaceVpcEndpointAwsService.GLUE,
}

_FIRST_APP_PORT = 8192
_LAST_PORT = 65535


class StudioEndpoints(Construct):
    """Interface endpoints for what a learner calls, and security groups that let the apps reach them.

    Of those that AWS lists for Studio, two are left out: Service Catalog, which Projects alone need, and
    ``aws.sagemaker.<region>.studio``, through which browsers inside the VPC open Studio; a learner's is elsewhere. So
    are two that such networks often add, because nothing here calls them from an app: KMS, and the image registry,
    since SageMaker pulls images outside this network. Packages cannot be installed from the internet.

    The endpoints accept HTTPS from apps of the domain. An app may open HTTPS connections to any address, since the
    addresses of Amazon S3 cannot be named, but the subnets have no route except to the endpoints and to S3. Each
    user has a security group of their own for the traffic among their apps: with a common one, the apps of one
    user would be open to all others. Nothing is open to the world.

    What the endpoints cost is said at synth.

    Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-and-internet-access.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/studio-interface-endpoint.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc: ec2.Vpc, users: Sequence[str]) -> None:
        super().__init__(scope, construct_id)
        self.apps = ec2.SecurityGroup(
            self, "Apps", vpc=vpc, description="Apps of the Studio domain", allow_all_outbound=False
        )
        self.apps.add_egress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.HTTPS, "To the endpoints and to Amazon S3: the subnets have no other route"
        )
        endpoints = ec2.SecurityGroup(
            self, "Endpoints", vpc=vpc, description="Interface endpoints", allow_all_outbound=False
        )
        endpoints.add_ingress_rule(self.apps, ec2.Port.HTTPS, "From apps of the Studio domain")
        for name, service in _SERVICES.items():
            ec2.InterfaceVpcEndpoint(self, name, vpc=vpc, service=service, security_groups=[endpoints], open=False)
        self.of_user = {user: self._among_apps_of(user, vpc) for user in users}

        note(self, monthly_cost(endpoints=len(_SERVICES), zones=len(vpc.availability_zones)))

    def _among_apps_of(self, user: str, vpc: ec2.Vpc) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self, f"AppsOf-{user}", vpc=vpc, description=f"Traffic among the apps of {user}", allow_all_outbound=False
        )
        ports = ec2.Port.tcp_range(_FIRST_APP_PORT, _LAST_PORT)
        group.add_ingress_rule(group, ports, "Among the apps of one user")
        # by address: a group whose only egress rules name groups has none inline, and EC2 then allows everything
        group.add_egress_rule(ec2.Peer.ipv4(vpc.vpc_cidr_block), ports, "To apps; each lets in its own user's alone")
        return group


def monthly_cost(*, endpoints: int, zones: int) -> str:
    """What the endpoints cost while they exist, used or not."""
    prices = price_list()
    price = prices.prices["endpoint-hour"]
    dollars = endpoints * zones * price.usd * prices.hours_per_month
    return (
        f"sandbox:studio_network=vpc-only costs about ${dollars:.0f} a month, used or not: {endpoints} interface "
        f"endpoints in {zones} zones, ${price.usd} an hour each ({prices.region}, {price.published}, {price.source}), "
        "and data on top. sandbox:studio_network=public-internet-only costs nothing while idle."
    )
