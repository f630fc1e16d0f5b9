"""Leftovers of sandboxes in the local cloud, one of every kind that it has."""

from __future__ import annotations

from typing import Any

from practice.local_cloud.lifecycle import LocalCloud
from tests.feature_groups import group_properties
from tests.local_lake import Lake


def plant(cloud: LocalCloud, sandbox: str) -> dict[str, str]:
    """By kind, how the sweep shows it. What lies in something that carries the tag carries none itself."""
    tags = [{"Key": "sandbox", "Value": sandbox}]
    return (
        _studio(cloud, sandbox, tags)
        | _models(cloud, sandbox, tags)
        | _network(cloud, tags)
        | _data(cloud, sandbox, tags)
    )


def _studio(cloud: LocalCloud, sandbox: str, tags: Any) -> dict[str, str]:
    sagemaker = cloud.client("sagemaker")
    domain = sagemaker.create_domain(DomainName=sandbox, AuthMode="IAM", DefaultUserSettings={}, Tags=tags)["DomainId"]
    sagemaker.create_user_profile(DomainId=domain, UserProfileName="ana", Tags=tags)
    sagemaker.create_space(
        DomainId=domain,
        SpaceName="lab",
        OwnershipSettings={"OwnerUserProfileName": "ana"},
        SpaceSharingSettings={"SharingType": "Private"},
        Tags=tags,
    )
    app = {"DomainId": domain, "SpaceName": "lab", "AppType": "JupyterLab", "AppName": "default"}
    sagemaker.create_app(**app, Tags=tags)
    return {
        "domain": domain,
        "user profile": f"{domain}/ana",
        "space": f"{domain}/lab",
        "app": f"{domain}/lab/JupyterLab/default",
    }


def _models(cloud: LocalCloud, sandbox: str, tags: Any) -> dict[str, str]:
    sagemaker = cloud.client("sagemaker")
    registry, features = f"{sandbox}-customer-churn", f"{sandbox}-customer-features"
    sagemaker.create_model_package_group(ModelPackageGroupName=registry, Tags=tags)
    sagemaker.create_model_package(ModelPackageGroupName=registry)
    sagemaker.create_feature_group(**group_properties(Lake(cloud), FeatureGroupName=features, Tags=tags))
    return {"model package group": registry, "model package": f"{registry}/1", "feature group": features}


def _network(cloud: LocalCloud, tags: Any) -> dict[str, str]:
    """A VPC, and in it what a domain leaves: none of that carries the tag."""
    ec2, efs = cloud.client("ec2"), cloud.client("efs")

    def tagged(kind: str) -> list[dict[str, Any]]:
        return [{"ResourceType": kind, "Tags": tags}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged("vpc"))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="security-group-for-inbound-nfs-d-x", Description="nfs", VpcId=vpc)
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=5, TagSpecifications=tagged("volume"))["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume, TagSpecifications=tagged("snapshot"))["SnapshotId"]
    system = efs.create_file_system(Tags=tags)["FileSystemId"]
    return {
        "ec2:vpc": f"arn:aws:ec2:us-east-1:000000000000:vpc/{vpc}",
        "security group": group["GroupId"],
        "network interface": interface,
        "volume": volume,
        "snapshot": snapshot,
        "file system": system,
    }


def _data(cloud: LocalCloud, sandbox: str, tags: Any) -> dict[str, str]:
    s3, glue = cloud.client("s3"), cloud.client("glue")
    bucket, group = f"{sandbox}-lake-raw", f"/aws-glue/crawlers-role/{sandbox}-lake-RawCrawlerRole-{sandbox}-lake"
    database = f"{sandbox.replace('-', '_')}_raw"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    cloud.client("logs").create_log_group(logGroupName=group)
    key = cloud.client("kms").create_key(Tags=[{"TagKey": "sandbox", "TagValue": sandbox}])["KeyMetadata"]["KeyId"]
    glue.create_database(DatabaseInput={"Name": database}, Tags={"sandbox": sandbox})
    glue.create_table(DatabaseName=database, TableInput={"Name": "customers"})
    return {"bucket": bucket, "log group": group, "key": key, "database": database, "table": f"{database}/customers"}
