"""An account in moto with leftovers in it, and what moto cannot list answered in the shapes of the service models."""

from __future__ import annotations

import json
from functools import cache, partial
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config
from botocore.validate import validate_parameters
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sagemaker.models import sagemaker_backends

from tests.throttling import Throttle

REGION = "eu-central-1"
PREFIX = f"arn:aws:sagemaker:{REGION}:123456789012"
_STUBBED = {
    "cloudformation.DescribeStacks": "Stacks",
    "cloudtrail.LookupEvents": "Events",
    "sagemaker.ListActions": "ActionSummaries",
    "sagemaker.ListApps": "Apps",
    "sagemaker.ListArtifacts": "ArtifactSummaries",
    "sagemaker.ListAssociations": "AssociationSummaries",
    "sagemaker.ListContexts": "ContextSummaries",
    "sagemaker.ListInferenceComponents": "InferenceComponents",
    "sagemaker.ListFeatureGroups": "FeatureGroupSummaries",
    "sagemaker.ListModelPackageGroups": "ModelPackageGroupSummaryList",
    "sagemaker.ListSpaces": "Spaces",
    "sagemaker.ListUserProfiles": "UserProfiles",
}
"""By operation that moto lacks, or cannot do without extras that nothing else needs: what it lists."""

_DELETED = {
    "sagemaker.DeleteAction": "ActionSummaries",
    "sagemaker.DeleteApp": "Apps",
    "sagemaker.DeleteArtifact": "ArtifactSummaries",
    "sagemaker.DeleteAssociation": "AssociationSummaries",
    "sagemaker.DeleteContext": "ContextSummaries",
    "sagemaker.DeleteFeatureGroup": "FeatureGroupSummaries",
    "sagemaker.DeleteModelPackageGroup": "ModelPackageGroupSummaryList",
}
_SESSION: Any = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION)  # noqa: S106
"""One for all tests: it reads the model of a service once."""

ROLE = "arn:aws:iam::123456789012:role/any-role"


class SweepAccount:
    """Clients as `Target` has them, and leftovers of sandboxes by kind."""

    def __init__(self) -> None:
        self.throttle = Throttle()
        self.listed: dict[str, list[dict[str, Any]]] = {key: [] for key in _STUBBED.values()}
        self._extra_tags: list[dict[str, Any]] = []
        self.client = cache(self._client)

    def _client(self, service: str) -> Any:
        client = _SESSION.client(service, config=Config(retries={"mode": "standard", "total_max_attempts": 8}))
        events = client.meta.events
        events.register("before-send", self.throttle)
        for operation, key in _STUBBED.items():
            events.register(f"before-call.{operation}", partial(self._list, key))
        for operation, key in _DELETED.items():
            events.register(f"before-call.{operation}", partial(self._delete, key))
        events.register("before-call.sagemaker.DeleteModelPackage", self._delete_model_package)
        if service == "resourcegroupstaggingapi":
            events.register("after-call.resource-groups-tagging-api.GetResources", self._add_tags)
        return client

    def _list(self, key: str, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        answer = {key: self.listed[key]}
        validate_parameters(answer, model.output_shape)
        return SimpleNamespace(status_code=200, headers={}), answer

    def _delete(self, key: str, params: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        doomed = json.loads(params["body"]).items()
        self.listed[key] = [item for item in self.listed[key] if not doomed <= item.items()]
        return SimpleNamespace(status_code=200, headers={}), {}

    def _delete_model_package(self, params: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        """What moto does not do."""
        kept = sagemaker_backends[DEFAULT_ACCOUNT_ID][REGION].model_packages
        del kept[json.loads(params["body"])["ModelPackageName"]]
        return SimpleNamespace(status_code=200, headers={}), {}

    def _add_tags(self, parsed: Any, **_: Any) -> None:
        parsed["ResourceTagMappingList"].extend(self._extra_tags)

    def tag(self, arn: str, sandbox: str) -> None:
        self._extra_tags.append({"ResourceARN": arn, "Tags": [{"Key": "sandbox", "Value": sandbox}]})

    def plant(self, sandbox: str) -> dict[str, str]:
        """One leftover of every kind; by kind, how it is shown."""
        tags = [{"Key": "sandbox", "Value": sandbox}]
        return (
            self._sagemaker(sandbox, tags)
            | self._experiment(sandbox)
            | self._lineage(sandbox)
            | self._domain(sandbox, tags)
            | self._network(sandbox, tags)
            | self._storage(sandbox, tags)
            | self._catalog(sandbox)
        )

    def _sagemaker(self, sandbox: str, tags: Any) -> dict[str, str]:
        client = self.client("sagemaker")
        model, config, endpoint = f"{sandbox}-churn", f"{sandbox}-config", f"{sandbox}-endpoint"
        image = {"Image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/x:1"}
        client.create_model(ModelName=model, ExecutionRoleArn=ROLE, PrimaryContainer=image, Tags=tags)
        variant = {"VariantName": "a", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        client.create_endpoint_config(EndpointConfigName=config, ProductionVariants=[variant], Tags=tags)
        client.create_endpoint(EndpointName=endpoint, EndpointConfigName=config, Tags=tags)
        group = f"{sandbox}-customer-churn"
        created = client.create_model_package_group(
            ModelPackageGroupName=group, ModelPackageGroupDescription="models", Tags=tags
        )
        self.listed["ModelPackageGroupSummaryList"].append(
            {
                "ModelPackageGroupName": group,
                "ModelPackageGroupArn": created["ModelPackageGroupArn"],
                "ModelPackageGroupStatus": "Completed",
                "CreationTime": 0,
            }
        )
        package = client.create_model_package(ModelPackageGroupName=group, ModelPackageDescription="a model")
        feature_group = f"{sandbox}-customer-features"
        self.listed["FeatureGroupSummaries"].append(
            {
                "FeatureGroupName": feature_group,
                "FeatureGroupArn": f"{PREFIX}:feature-group/{feature_group}",
                "CreationTime": 0,
            }
        )
        self.tag(f"{PREFIX}:feature-group/{feature_group}", sandbox)
        return {
            "model": model,
            "endpoint configuration": config,
            "endpoint": endpoint,
            "model package group": group,
            "model package": package["ModelPackageArn"].partition("/")[2],
            "feature group": feature_group,
        }

    def _experiment(self, sandbox: str) -> dict[str, str]:
        """What an execution of a pipeline leaves: the names of trial and component do not tell whose they are."""
        client = self.client("sagemaker")
        names = {
            "experiment": f"{sandbox}-churn",
            "trial": f"run-of-{sandbox}",
            "trial component": f"pipelines-{sandbox}-train-aws-training-job",
        }
        experiment = client.create_experiment(ExperimentName=names["experiment"])
        trial = client.create_trial(ExperimentName=names["experiment"], TrialName=names["trial"])
        component = client.create_trial_component(TrialComponentName=names["trial component"])
        client.associate_trial_component(TrialName=names["trial"], TrialComponentName=names["trial component"])
        for arn in (experiment["ExperimentArn"], trial["TrialArn"], component["TrialComponentArn"]):
            self.tag(arn, sandbox)
        return names

    def _lineage(self, sandbox: str) -> dict[str, str]:
        source = {"SourceUri": f"s3://{sandbox}-training/artifacts/model.tar.gz"}
        arns = {thing: f"{PREFIX}:{thing}/{sandbox}-x" for thing in ("action", "artifact", "context")}
        for thing, arn in arns.items():
            of_kind = {f"{thing.title()}Name": f"{sandbox}-x", f"{thing.title()}Arn": arn, "Source": source}
            self.listed[f"{thing.title()}Summaries"].append(of_kind)
            self.tag(arn, sandbox)
        self.listed["AssociationSummaries"].append(
            {"SourceArn": arns["artifact"], "DestinationArn": arns["action"], "AssociationType": "ContributedTo"}
        )
        return {f"lineage {thing}": arn for thing, arn in arns.items()}

    def _domain(self, sandbox: str, tags: Any) -> dict[str, str]:
        created = self.client("sagemaker").create_domain(
            DomainName=sandbox,
            AuthMode="IAM",
            DefaultUserSettings={"ExecutionRole": ROLE},
            SubnetIds=["subnet-1"],
            VpcId="vpc-1",
            Tags=tags,
        )
        domain = created["DomainArn"].rpartition("/")[2]
        app = {"DomainId": domain, "SpaceName": "lab", "AppType": "JupyterLab", "AppName": "default"}
        self.listed["Apps"] += [app | {"Status": "InService"}, app | {"AppName": "old", "Status": "Deleted"}]
        self.listed["Spaces"].append({"DomainId": domain, "SpaceName": "lab", "Status": "InService"})
        self.tag(f"{PREFIX}:app/{domain}/lab/JupyterLab/default", sandbox)
        return {"domain": domain, "app": f"{domain}/lab/JupyterLab/default", "space": f"{domain}/lab"}

    def _network(self, sandbox: str, tags: Any) -> dict[str, str]:
        """A VPC, and in it what a domain leaves: none of that carries the tag."""
        ec2, efs = self.client("ec2"), self.client("efs")
        specifications = [{"ResourceType": "vpc", "Tags": tags}]
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specifications)["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
        groups = [
            ec2.create_security_group(GroupName=f"security-group-for-{way}-nfs-d-x", Description="nfs", VpcId=vpc)
            for way in ("inbound", "outbound")
        ]
        interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        volume = ec2.create_volume(
            AvailabilityZone=f"{REGION}a", Size=5, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
        )["VolumeId"]
        snapshot = ec2.create_snapshot(VolumeId=volume, TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}])[
            "SnapshotId"
        ]
        system = efs.create_file_system(CreationToken=f"{sandbox}-efs", Encrypted=False)["FileSystemId"]
        efs.create_mount_target(FileSystemId=system, SubnetId=subnet, SecurityGroups=[groups[0]["GroupId"]])
        return {
            "ec2:vpc": f"arn:aws:ec2:{REGION}:123456789012:vpc/{vpc}",
            "security group": groups[0]["GroupId"],
            "network interface": interface,
            "volume": volume,
            "snapshot": snapshot,
            "file system": system,
        }

    def _storage(self, sandbox: str, tags: Any) -> dict[str, str]:
        s3, kms, logs = self.client("s3"), self.client("kms"), self.client("logs")
        bucket, log_group = f"{sandbox}-lake-raw-1a2b3c", f"/aws-glue/jobs/{sandbox}-role/error"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
        logs.create_log_group(logGroupName=log_group)
        key = kms.create_key(Tags=[{"TagKey": "sandbox", "TagValue": sandbox}])["KeyMetadata"]["KeyId"]
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        return {"bucket": bucket, "log group": log_group, "key": key}

    def _catalog(self, sandbox: str) -> dict[str, str]:
        glue, database = self.client("glue"), f"{sandbox.replace('-', '_')}_features"
        glue.create_database(DatabaseInput={"Name": database})
        glue.create_table(DatabaseName=database, TableInput={"Name": "customer_features"})
        return {"database": database, "table": f"{database}/customer_features"}
