"""What stays in a VPC, and keeps CloudFormation from deleting it; volumes and their snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from practice.sweep.kinds import Account, Kind, pages
from practice.sweep.ownership import Found


def _interfaces(client: Any, account: Account) -> Iterator[Found]:
    for interface in pages(client, "describe_network_interfaces", "NetworkInterfaces"):
        name = interface["NetworkInterfaceId"]
        yield Found(
            name,
            account.arn("ec2", f"network-interface/{name}"),
            within=account.arn("ec2", f"vpc/{interface['VpcId']}"),
        )


def _security_groups(client: Any, account: Account) -> Iterator[Found]:
    """The two NFS groups of a domain among them; a VPC's default group goes with the VPC.

    Source: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1085
    """
    for group in pages(client, "describe_security_groups", "SecurityGroups"):
        if group["GroupName"] != "default":
            yield Found(
                group["GroupId"],
                account.arn("ec2", f"security-group/{group['GroupId']}"),
                names=(group["GroupName"],),
                within=account.arn("ec2", f"vpc/{group.get('VpcId', '')}"),
            )


def _snapshots(client: Any, account: Account) -> Iterator[Found]:
    for snapshot in pages(client, "describe_snapshots", "Snapshots", OwnerIds=["self"]):
        yield Found(snapshot["SnapshotId"], account.arn("ec2", f"snapshot/{snapshot['SnapshotId']}"))


def _volumes(client: Any, account: Account) -> Iterator[Found]:
    for volume in pages(client, "describe_volumes", "Volumes"):
        name = volume["VolumeId"]
        yield Found(name, account.arn("ec2", f"volume/{name}"), going=volume["State"] == "deleting")


KINDS = (
    Kind(
        "network interface",
        "ec2",
        "ec2:network-interface",
        "nothing; blocks its VPC",
        _interfaces,
        lambda client, found: client.delete_network_interface(NetworkInterfaceId=found.id),
        by_hand="aws ec2 delete-network-interface --network-interface-id NAME",
    ),
    Kind(
        "security group",
        "ec2",
        "ec2:security-group",
        "nothing; blocks its VPC",
        _security_groups,
        lambda client, found: client.delete_security_group(GroupId=found.id),
        by_hand="its rules that name another group, then: aws ec2 delete-security-group --group-id NAME",
    ),
    Kind(
        "snapshot",
        "ec2",
        "ec2:snapshot",
        "what is stored, per GB",
        _snapshots,
        lambda client, found: client.delete_snapshot(SnapshotId=found.id),
    ),
    Kind(
        "volume",
        "ec2",
        "ec2:volume",
        "its size, per GB",
        _volumes,
        lambda client, found: client.delete_volume(VolumeId=found.id),
    ),
)
