"""A sandbox of any settings on the local cloud, through CloudFormation itself: the CDK CLI takes many times as long."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aws_cdk.cx_api import CloudAssembly, CloudFormationStackArtifact
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from stacks.sandbox import sandbox_app
from tests.conftest import delete_stack, failure_reasons, settled_status

_ASSETS = "cdk-hnb659fds-assets-000000000000-us-east-1"


class DeployedSandbox:
    """The stacks of a sandbox, and what learners put into them."""

    def __init__(self, cloud: LocalCloud, name: str, **settings: Any) -> None:
        self.cloud, self.name = cloud, name
        self._assembly = sandbox_app(name=name, **settings).synth()
        self.stacks: list[CloudFormationStackArtifact] = [
            stack for stack in self._assembly.stacks if stack.template.get("Resources")
        ]
        """In deployment order; like the CDK CLI without those that hold nothing."""

    @property
    def layers(self) -> set[str]:
        return {stack.id for stack in self.stacks}

    def leave_out_what_is_as_in(self, other: DeployedSandbox) -> None:
        """Keep the stacks whose templates differ but for the name, and those that they need."""
        theirs = {stack.id: other.template(stack) for stack in other.stacks}
        needed: set[str] = set()
        for stack in reversed(self.stacks):
            if stack.id in needed or self.template(stack) != theirs.get(stack.id):
                needed |= {stack.id, *(artifact.id for artifact in stack.dependencies)}
        self.stacks = [stack for stack in self.stacks if stack.id in needed]

    def template(self, stack: CloudFormationStackArtifact) -> str:
        """The template without the sandbox's name."""
        text = Path(stack.template_full_path).read_text(encoding="utf-8")
        return text.replace(self.name, "NAME").replace(self.name.replace("-", "_"), "NAME")

    def deploy(self) -> None:
        _upload(self.cloud, self._assembly)
        cloudformation = self.cloud.client("cloudformation")
        for stack in self.stacks:
            template = str(stack.stack_template_asset_object_url).rpartition("/")[2]
            cloudformation.create_stack(
                StackName=stack.stack_name,
                TemplateURL=f"{self.cloud.endpoint}/{_ASSETS}/{template}",
                Tags=[{"Key": key, "Value": value} for key, value in stack.tags.items()],
            )
            status = settled_status(cloudformation, stack.stack_name)
            assert status == "CREATE_COMPLETE", failure_reasons(cloudformation, stack.stack_name)

    def destroy(self) -> str:
        """Delete the stacks in reverse order, up to one that fails, as ``cdk destroy`` does; why that one failed."""
        cloudformation = self.cloud.client("cloudformation")
        for stack in reversed(self.stacks):
            try:
                status, reasons = delete_stack(cloudformation, stack.stack_name)
            except ClientError:
                continue  # gone since an earlier attempt
            if status != "DELETE_COMPLETE":
                return f"{stack.stack_name}: {reasons}"
        return ""

    def ids(self, type_: str) -> list[str]:
        """The physical ids of all resources of a type."""
        cloudformation = self.cloud.client("cloudformation")
        return [
            resource["PhysicalResourceId"]
            for stack in self.stacks
            for resource in cloudformation.describe_stack_resources(StackName=stack.stack_name)["StackResources"]
            if resource["ResourceType"] == type_
        ]

    def use(self) -> None:
        """Leave in it what work leaves: versions and delete markers, features, a model, a notebook that runs."""
        for bucket in self.ids("AWS::S3::Bucket"):
            self._fill(bucket)
        for group in self.ids("AWS::SageMaker::FeatureGroup"):
            self._put_features(group)
        for registry in self.ids("AWS::SageMaker::ModelPackageGroup"):
            self.cloud.client("sagemaker").create_model_package(ModelPackageGroupName=registry)
        for user in self.ids("AWS::SageMaker::UserProfile"):
            self._work_in_studio(*user.split("|"))

    def _work_in_studio(self, user: str, domain: str) -> None:
        sagemaker = self.cloud.client("sagemaker")
        sagemaker.create_space(
            DomainId=domain,
            SpaceName=f"{user}s",
            OwnershipSettings={"OwnerUserProfileName": user},
            SpaceSharingSettings={"SharingType": "Private"},
            SpaceSettings={"AppType": "JupyterLab"},
        )
        sagemaker.create_app(DomainId=domain, SpaceName=f"{user}s", AppType="JupyterLab", AppName="default")

    def _fill(self, bucket: str) -> None:
        s3 = self.cloud.client("s3")
        for content in (b"first", b"second"):
            s3.put_object(Bucket=bucket, Key="changed", Body=content)
        s3.put_object(Bucket=bucket, Key="deleted", Body=b"")
        s3.delete_object(Bucket=bucket, Key="deleted")

    def _put_features(self, group: str) -> None:
        definitions = self.cloud.client("sagemaker").describe_feature_group(FeatureGroupName=group)
        values = {definitions["RecordIdentifierFeatureName"]: "C-000001"}
        values[definitions["EventTimeFeatureName"]] = "2026-01-01T00:00:00Z"
        self.cloud.client("sagemaker-featurestore-runtime").put_record(
            FeatureGroupName=group,
            Record=[{"FeatureName": name, "ValueAsString": value} for name, value in values.items()],
        )
        self.cloud.post("/_sandbox/feature-store/flush")


def bootstrap(cloud: LocalCloud) -> None:
    """What the templates need of `cdk bootstrap`: where assets lie, and its version."""
    cloud.client("s3").create_bucket(Bucket=_ASSETS)
    version = {"Name": "/cdk-bootstrap/hnb659fds/version", "Value": "30", "Type": "String"}
    cloud.client("ssm").put_parameter(**version, Overwrite=True)


def _upload(cloud: LocalCloud, assembly: CloudAssembly) -> None:
    s3 = cloud.client("s3")
    there = {item["Key"] for item in s3.list_objects_v2(Bucket=_ASSETS).get("Contents", ())}
    for key, path in _assets(Path(assembly.directory)):
        if key not in there:
            s3.put_object(Bucket=_ASSETS, Key=key, Body=_zipped(path) if path.is_dir() else path.read_bytes())


def _assets(directory: Path) -> Iterator[tuple[str, Path]]:
    """By the key under which the CLI stores it, each file or folder of an assembly."""
    for manifest in directory.glob("*.assets.json"):
        for asset in json.loads(manifest.read_text(encoding="utf-8"))["files"].values():
            (destination,) = asset["destinations"].values()
            yield destination["objectKey"], directory / asset["source"]["path"]


def _zipped(folder: Path) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        for path in folder.rglob("*"):
            made.write(path, path.relative_to(folder))
    return archive.getvalue()
