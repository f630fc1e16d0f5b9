"""Buckets, file systems, log groups and keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from practice.sweep.kinds import Account, Kind, pages
from practice.sweep.ownership import Found

_SHARED_LOG_GROUPS = frozenset(
    {
        "/aws-glue/crawlers",
        "/aws-glue/jobs/error",
        "/aws-glue/jobs/logs-v2",
        "/aws-glue/jobs/output",
        "/aws/sagemaker/ProcessingJobs",
        "/aws/sagemaker/TrainingJobs",
        "/aws/sagemaker/TransformJobs",
        "/aws/sagemaker/studio",
    }
)
"""What Glue and SageMaker write to, whosever the job is.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html,
https://docs.aws.amazon.com/glue/latest/dg/monitor-continuous-logging.html
"""

_SHORTEST_WINDOW_DAYS = 7


class NotEmptiedError(RuntimeError):
    """S3 refused to delete some objects of a bucket."""


def _buckets(client: Any, account: Account) -> Iterator[Found]:
    for bucket in pages(client, "list_buckets", "Buckets", BucketRegion=account.region):
        yield Found(bucket["Name"], f"arn:{account.partition}:s3:::{bucket['Name']}")


def _delete_bucket(client: Any, found: Found) -> None:
    """Every version and every delete marker goes first; a bucket that holds any cannot be deleted."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=found.id):
        objects = [
            {"Key": item["Key"], "VersionId": item["VersionId"]}
            for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        if objects:
            answer = client.delete_objects(Bucket=found.id, Delete={"Objects": objects, "Quiet": True})
            if errors := answer.get("Errors"):
                raise NotEmptiedError(f"{len(errors)} objects stay, {errors[0]['Key']}: {errors[0]['Message']}")
    client.delete_bucket(Bucket=found.id)


def _file_systems(client: Any, account: Account) -> Iterator[Found]:
    """A file system lies in the VPC of its mount targets."""
    for system in pages(client, "describe_file_systems", "FileSystems"):
        targets = pages(client, "describe_mount_targets", "MountTargets", FileSystemId=system["FileSystemId"])
        vpc = next((target["VpcId"] for target in targets), "")
        yield Found(
            system["FileSystemId"],
            system["FileSystemArn"],
            names=(system.get("Name", ""),),
            within=account.arn("ec2", f"vpc/{vpc}"),
            going=system["LifeCycleState"] in ("deleting", "deleted"),
        )


def _delete_file_system(client: Any, found: Found) -> None:
    """Its mount targets go first, and are gone a while later."""
    targets = list(pages(client, "describe_mount_targets", "MountTargets", FileSystemId=found.id))
    for target in targets:
        client.delete_mount_target(MountTargetId=target["MountTargetId"])
    client.delete_file_system(FileSystemId=found.id)


def _log_groups(client: Any, account: Account) -> Iterator[Found]:
    for group in pages(client, "describe_log_groups", "logGroups"):
        name = group["logGroupName"]
        yield Found(name, account.arn("logs", f"log-group:{name}"), shared=name in _SHARED_LOG_GROUPS)


def _keys(client: Any, _account: Account) -> Iterator[Found]:
    for key in pages(client, "list_keys", "Keys"):
        described = client.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if described["KeyManager"] == "CUSTOMER":
            yield Found(described["KeyId"], described["Arn"], going=described["KeyState"] == "PendingDeletion")


KINDS = (
    Kind(
        "bucket",
        "s3",
        "s3",
        "what is stored, per GB",
        _buckets,
        _delete_bucket,
        by_hand="aws s3 rb --force s3://NAME",
    ),
    Kind(
        "file system",
        "efs",
        "elasticfilesystem:file-system",
        "what is stored, per GB",
        _file_systems,
        _delete_file_system,
        by_hand="its mount targets, then: aws efs delete-file-system --file-system-id NAME",
    ),
    Kind(
        "log group",
        "logs",
        "logs:log-group",
        "what is stored, per GB",
        _log_groups,
        lambda client, found: client.delete_log_group(logGroupName=found.id),
        by_hand="aws logs delete-log-group --log-group-name NAME",
    ),
    Kind(
        "key",
        "kms",
        "kms:key",
        "by the month; nothing while it waits for its deletion",
        _keys,
        lambda client, found: client.schedule_key_deletion(KeyId=found.id, PendingWindowInDays=_SHORTEST_WINDOW_DAYS),
    ),
)
