"""What is in the local cloud, service by service, asked in another way than the sweep asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jmespath

from practice.local_cloud.lifecycle import LocalCloud

_LISTS: Mapping[str, tuple[str, str, str]] = {
    "alarms": ("cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"),
    "applications": ("emr-serverless", "list_applications", "applications[?state!='TERMINATED'].id"),
    "buckets": ("s3", "list_buckets", "Buckets[].Name"),
    "crawlers": ("glue", "get_crawlers", "Crawlers[].Name"),
    "dashboards": ("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
    "data streams": ("kinesis", "list_streams", "StreamNames[]"),
    "databases": ("glue", "get_databases", "DatabaseList[].Name"),
    "delivery streams": ("firehose", "list_delivery_streams", "DeliveryStreamNames[]"),
    "domains": ("sagemaker", "list_domains", "Domains[].DomainId"),
    "endpoints": ("ec2", "describe_vpc_endpoints", "VpcEndpoints[].VpcEndpointId"),
    "feature groups": ("sagemaker", "list_feature_groups", "FeatureGroupSummaries[].FeatureGroupName"),
    "functions": ("lambda", "list_functions", "Functions[].FunctionName"),
    "jobs": ("glue", "get_jobs", "Jobs[].Name"),
    "log groups": ("logs", "describe_log_groups", "logGroups[].logGroupName"),
    "model package groups": (
        "sagemaker",
        "list_model_package_groups",
        "ModelPackageGroupSummaryList[].ModelPackageGroupName",
    ),
    "networks": ("ec2", "describe_vpcs", "Vpcs[].VpcId"),
    "pipelines": ("sagemaker", "list_pipelines", "PipelineSummaries[].PipelineName"),
    "queues": ("sqs", "list_queues", "QueueUrls[]"),
    "roles": ("iam", "list_roles", "Roles[].RoleName"),
    "rules": ("events", "list_rules", "Rules[].Name"),
    "security configurations": ("glue", "get_security_configurations", "SecurityConfigurations[].Name"),
    "security groups": ("ec2", "describe_security_groups", "SecurityGroups[].GroupId"),
    "state machines": ("stepfunctions", "list_state_machines", "stateMachines[].name"),
    "topics": ("sns", "list_topics", "Topics[].TopicArn"),
    "workgroups": ("athena", "list_work_groups", "WorkGroups[].Name"),
}
"""By what is listed: service, operation, and where the answer has the names."""


def inventory(cloud: LocalCloud) -> dict[str, set[str]]:
    """The names of all there is, but for keys that wait for their deletion."""
    found = {what: _names(cloud.client(service), *asked) for what, (service, *asked) in _LISTS.items()}
    return found | {"keys": _keys(cloud)}


def _names(client: Any, operation: str, names: str) -> set[str]:
    if client.can_paginate(operation):
        return set(client.get_paginator(operation).paginate().search(names))
    return set(jmespath.search(names, getattr(client, operation)()) or ())


def _keys(cloud: LocalCloud) -> set[str]:
    kms = cloud.client("kms")
    ids = kms.get_paginator("list_keys").paginate().search("Keys[].KeyId")
    described = [kms.describe_key(KeyId=key)["KeyMetadata"] for key in ids]
    return {k["KeyId"] for k in described if k["KeyManager"] == "CUSTOMER" and k["KeyState"] != "PendingDeletion"}
