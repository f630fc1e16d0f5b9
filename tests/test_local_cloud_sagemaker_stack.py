"""SageMaker's resources in a stack on the local cloud: created, referred to, updated, refused, and deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import Deploy, DeploymentError, delete_stack, settled_status
from tests.feature_groups import FEATURES, definitions, flush, group_properties
from tests.feature_groups import features as values
from tests.local_lake import Lake

Resources = dict[str, Any]


@pytest.fixture
def name() -> str:
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture
def lake(local_cloud: LocalCloud) -> Lake:
    return Lake(local_cloud)


@pytest.fixture
def sagemaker(local_cloud: LocalCloud) -> Any:
    return local_cloud.client("sagemaker")


@pytest.fixture
def resources(lake: Lake, name: str) -> Resources:
    """One of each type, tagged."""
    tags = [{"Key": "sandbox", "Value": "test"}]
    return {
        "Domain": {
            "Type": "AWS::SageMaker::Domain",
            "Properties": {
                "DomainName": name,
                "AuthMode": "IAM",
                "DefaultUserSettings": {"ExecutionRole": "arn:aws:iam::000000000000:role/learner"},
                "HomeEfsFileSystemCreation": "Disabled",
                "Tags": tags,
            },
        },
        "User": {
            "Type": "AWS::SageMaker::UserProfile",
            "Properties": {"DomainId": {"Ref": "Domain"}, "UserProfileName": "ana", "Tags": tags},
        },
        "Features": {
            "Type": "AWS::SageMaker::FeatureGroup",
            "Properties": group_properties(lake, FeatureGroupName=name, Tags=tags),
        },
        "Registry": {
            "Type": "AWS::SageMaker::ModelPackageGroup",
            "Properties": {"ModelPackageGroupName": name, "Tags": tags},
        },
    }


def changed(resources: Resources, logical_id: str, **properties: Any) -> Resources:
    resource = resources[logical_id]
    return resources | {logical_id: {**resource, "Properties": resource["Properties"] | properties}}


def test_each_resource_of_the_stack_exists(deploy: Deploy, resources: Resources, sagemaker: Any, name: str) -> None:
    ids = deploy(resources, name)
    domain = sagemaker.describe_domain(DomainId=ids["Domain"])
    assert domain["DomainName"] == name
    assert sagemaker.describe_user_profile(DomainId=ids["Domain"], UserProfileName="ana")["Status"] == "InService"
    assert sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupStatus"] == "Created"
    assert sagemaker.describe_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]


def test_refs_are_the_identifiers_of_the_schemas(deploy: Deploy, resources: Resources, name: str) -> None:
    ids = deploy(resources, name)
    assert ids["Domain"].startswith("d-")
    assert ids["User"] == f"ana|{ids['Domain']}"
    assert ids["Features"] == name
    assert ids["Registry"] == f"arn:aws:sagemaker:us-east-1:000000000000:model-package-group/{name}"


@pytest.fixture
def outputs(local_cloud: LocalCloud, resources: Resources, name: str) -> Iterator[dict[str, str]]:
    """The attributes of a deployed stack's resources."""
    attributes = {
        "Domain": ("DomainArn", "DomainId", "Url"),
        "User": ("UserProfileArn",),
        "Features": ("FeatureGroupStatus", "CreationTime"),
        "Registry": ("ModelPackageGroupArn", "ModelPackageGroupStatus", "CreationTime"),
    }
    wanted = {
        f"{logical_id}{attribute}": {"Value": {"Fn::GetAtt": [logical_id, attribute]}}
        for logical_id, of_resource in attributes.items()
        for attribute in of_resource
    }
    cloudformation = local_cloud.client("cloudformation")
    body = json.dumps({"Resources": resources, "Outputs": wanted})
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    assert settled_status(cloudformation, name) == "CREATE_COMPLETE"
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    yield {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    delete_stack(cloudformation, name)


def test_attributes_are_those_of_the_resources(outputs: dict[str, str], sagemaker: Any, name: str) -> None:
    domain = sagemaker.describe_domain(DomainId=outputs["DomainDomainId"])
    assert (outputs["DomainDomainArn"], outputs["DomainUrl"]) == (domain["DomainArn"], domain["Url"])
    profile = sagemaker.describe_user_profile(DomainId=domain["DomainId"], UserProfileName="ana")
    assert outputs["UserUserProfileArn"] == profile["UserProfileArn"]
    group = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert outputs["FeaturesFeatureGroupStatus"] == "Created"
    assert outputs["FeaturesCreationTime"] == group["CreationTime"].isoformat()
    assert outputs["RegistryModelPackageGroupArn"].endswith(f"model-package-group/{name}")
    assert outputs["RegistryModelPackageGroupStatus"] == "Completed"


def test_resources_carry_their_tags_and_the_stacks(
    deploy: Deploy, resources: Resources, sagemaker: Any, name: str
) -> None:
    ids = deploy(resources, name)
    arns = [
        sagemaker.describe_domain(DomainId=ids["Domain"])["DomainArn"],
        sagemaker.describe_user_profile(DomainId=ids["Domain"], UserProfileName="ana")["UserProfileArn"],
        sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureGroupArn"],
        ids["Registry"],
    ]
    for arn in arns:
        tags = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=arn)["Tags"]}
        assert (tags["sandbox"], tags["aws:cloudformation:stack-name"]) == ("test", name)


def test_a_feature_that_is_added_keeps_the_group_and_its_records(
    deploy: Deploy, resources: Resources, local_cloud: LocalCloud, lake: Lake, name: str
) -> None:
    deploy(resources, name)
    runtime = local_cloud.client("sagemaker-featurestore-runtime")
    record = values({"customer_id": "C-1", "event_time": "2026-01-01T00:00:00Z"})
    runtime.put_record(FeatureGroupName=name, Record=record)
    flush(local_cloud)
    added = definitions({**FEATURES, "favourite": "String"})
    deploy(changed(resources, "Features", FeatureDefinitions=added), name)
    described = local_cloud.client("sagemaker").describe_feature_group(FeatureGroupName=name)
    assert described["FeatureDefinitions"] == added
    assert runtime.get_record(FeatureGroupName=name, RecordIdentifierValueAsString="C-1")["Record"] == record
    assert lake.rows("SELECT customer_id, favourite FROM customers") == [["C-1", None]]


@pytest.mark.parametrize(
    "features",
    [
        {name: kind for name, kind in FEATURES.items() if name != "spend"},
        FEATURES | {"spend": "String"},
    ],
    ids=["gone", "of another type"],
)
def test_a_feature_that_is_gone_or_of_another_type_is_refused(
    deploy: Deploy, resources: Resources, sagemaker: Any, name: str, features: dict[str, str]
) -> None:
    deploy(resources, name)
    with pytest.raises(DeploymentError, match=r"spend: a feature of .* is gone or has another type"):
        deploy(changed(resources, "Features", FeatureDefinitions=definitions(features)), name)
    assert sagemaker.describe_feature_group(FeatureGroupName=name)["FeatureDefinitions"] == definitions(FEATURES)


@pytest.mark.parametrize(
    ("logical_id", "properties"),
    [
        ("Features", {"Description": "changed"}),
        ("Features", {"Tags": [{"Key": "sandbox", "Value": "changed"}]}),
        ("Features", {"RoleArn": "arn:aws:iam::000000000000:role/other"}),
        ("Features", {"EventTimeFeatureName": "customer_id"}),
        ("Features", {"OnlineStoreConfig": {"EnableOnlineStore": False}}),
        ("Registry", {"ModelPackageGroupDescription": "changed"}),
    ],
)
def test_a_change_that_would_replace_a_named_resource_is_refused(
    deploy: Deploy, resources: Resources, sagemaker: Any, name: str, logical_id: str, properties: dict[str, Any]
) -> None:
    deploy(resources, name)
    created = sagemaker.describe_feature_group(FeatureGroupName=name)["CreationTime"]
    with pytest.raises(DeploymentError, match="cannot update a stack when a custom-named resource requires replacing"):
        deploy(changed(resources, logical_id, **properties), name)
    assert sagemaker.describe_feature_group(FeatureGroupName=name)["CreationTime"] == created


def test_a_change_that_would_replace_a_domain_fails_on_its_name(
    deploy: Deploy, resources: Resources, sagemaker: Any, name: str
) -> None:
    ids = deploy(resources, name)
    with pytest.raises(DeploymentError, match=rf"Domain with the name \[{name}\] already exists"):
        deploy(changed(resources, "Domain", KmsKeyId="other"), name)
    assert sagemaker.describe_domain(DomainId=ids["Domain"])["Status"] == "InService"


def test_a_domain_under_another_name_is_another_domain(
    deploy: Deploy, resources: Resources, sagemaker: Any, name: str
) -> None:
    before = deploy(resources, name)
    after = deploy(changed(resources, "Domain", DomainName=f"{name}-b"), name)
    assert after["Domain"] != before["Domain"]
    assert after["User"] == f"ana|{after['Domain']}"
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_domain(DomainId=before["Domain"])


def test_what_can_change_of_a_resource_changes(deploy: Deploy, resources: Resources, sagemaker: Any, name: str) -> None:
    before = deploy(resources, name)
    settings = {"ExecutionRole": "arn:aws:iam::000000000000:role/other"}
    resources = changed(
        resources,
        "Domain",
        DefaultUserSettings=settings,
        DomainSettings={"SecurityGroupIds": ["sg-1"]},
        Tags=[{"Key": "added", "Value": "1"}],
    )
    resources = changed(resources, "User", UserSettings=settings)
    online = {"EnableOnlineStore": True, "TtlDuration": {"Unit": "Days", "Value": 1}}
    throughput = {
        "ThroughputMode": "Provisioned",
        "ProvisionedReadCapacityUnits": 1,
        "ProvisionedWriteCapacityUnits": 2,
    }
    resources = changed(resources, "Features", OnlineStoreConfig=online, ThroughputConfig=throughput)
    resources = changed(resources, "Registry", Tags=[{"Key": "sandbox", "Value": "changed"}])
    after = deploy(resources, name)
    assert after == before
    domain = sagemaker.describe_domain(DomainId=after["Domain"])
    assert (domain["DefaultUserSettings"], domain["DomainSettings"]) == (settings, {"SecurityGroupIds": ["sg-1"]})
    tags = {tag["Key"] for tag in sagemaker.list_tags(ResourceArn=domain["DomainArn"])["Tags"]}
    assert "added" in tags
    assert "sandbox" not in tags
    user = sagemaker.describe_user_profile(DomainId=after["Domain"], UserProfileName="ana")
    assert user["UserSettings"] == settings
    group = sagemaker.describe_feature_group(FeatureGroupName=name)
    assert (group["OnlineStoreConfig"], group["ThroughputConfig"]) == (online, throughput)
    registry = {tag["Key"]: tag["Value"] for tag in sagemaker.list_tags(ResourceArn=after["Registry"])["Tags"]}
    assert registry["sandbox"] == "changed"


def test_a_stack_that_is_unchanged_needs_no_update(deploy: Deploy, resources: Resources, name: str) -> None:
    deploy(resources, name)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        deploy(resources, name)


def test_a_deleted_stack_leaves_no_resource_but_the_offline_store(
    deploy: Deploy, resources: Resources, local_cloud: LocalCloud, lake: Lake, sagemaker: Any, name: str
) -> None:
    ids = deploy(resources, name)
    local_cloud.client("sagemaker-featurestore-runtime").put_record(
        FeatureGroupName=name, Record=values({"customer_id": "C-1", "event_time": "2026-01-01T00:00:00Z"})
    )
    assert delete_stack(local_cloud.client("cloudformation"), name) == ("DELETE_COMPLETE", "")
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_domain(DomainId=ids["Domain"])
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_user_profile(DomainId=ids["Domain"], UserProfileName="ana")
    with pytest.raises(ClientError, match="can't find a FeatureGroup"):
        sagemaker.describe_feature_group(FeatureGroupName=name)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=name)
    assert lake.rows("SELECT customer_id FROM customers") == [["C-1"]]


def test_a_stack_with_a_space_that_a_learner_made_is_not_deleted(
    deploy: Deploy, resources: Resources, local_cloud: LocalCloud, sagemaker: Any, name: str
) -> None:
    domain = deploy(resources, name)["Domain"]
    space = {"DomainId": domain, "SpaceName": "lab"}
    sagemaker.create_space(
        **space,
        OwnershipSettings={"OwnerUserProfileName": "ana"},
        SpaceSharingSettings={"SharingType": "Private"},
    )
    status, reasons = delete_stack(local_cloud.client("cloudformation"), name)
    assert status == "DELETE_FAILED"
    assert "Unable to delete UserProfile [ana]" in reasons
    sagemaker.delete_space(**space)


def test_a_resource_that_is_gone_already_does_not_keep_its_stack(
    deploy: Deploy, resources: Resources, local_cloud: LocalCloud, sagemaker: Any, name: str
) -> None:
    deploy(resources, name)
    sagemaker.delete_feature_group(FeatureGroupName=name)
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    assert delete_stack(local_cloud.client("cloudformation"), name)[0] == "DELETE_COMPLETE"


def test_a_feature_group_whose_offline_store_cannot_be_created_fails_its_stack(
    deploy: Deploy, resources: Resources, lake: Lake, sagemaker: Any, name: str
) -> None:
    lake.glue.delete_database(Name=lake.database)
    with pytest.raises(DeploymentError, match=r"The offline store .* cannot be created"):
        deploy({"Features": resources["Features"]}, name)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_feature_group(FeatureGroupName=name)


def test_properties_that_the_api_does_not_know_fail_the_stack(deploy: Deploy, resources: Resources) -> None:
    camel_case = {"enableOnlineStore": True}
    with pytest.raises(DeploymentError, match="enableOnlineStore"):
        deploy(changed({"Features": resources["Features"]}, "Features", OnlineStoreConfig=camel_case))


def test_a_policy_of_a_model_package_group_is_refused(deploy: Deploy, resources: Resources) -> None:
    registry = {"Registry": resources["Registry"]}
    with pytest.raises(DeploymentError, match="does not emulate policies of model package groups"):
        deploy(changed(registry, "Registry", ModelPackageGroupPolicy={}))
