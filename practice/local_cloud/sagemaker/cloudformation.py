"""SageMaker's resources in a stack: Domain, UserProfile, FeatureGroup, ModelPackageGroup and Pipeline.

Every operation goes through the API, so botocore and the API check the properties. A change that needs a replacement
is refused for a resource whose name would stay, as CloudFormation refuses it; a domain, which has an id beside its
name, is replaced, and fails on the name that is taken.

Source: the resource schemas of CloudFormation (createOnlyProperties, readOnlyProperties, primaryIdentifier).
``Ref`` of a user profile is its name and domain, joined by ``|`` in the schema's order; the page
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-userprofile.html names
both without saying how they are joined. Do not rely on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from practice.local_cloud.hooks import PROVISIONERS
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties

DOMAIN, USER_PROFILE = "AWS::SageMaker::Domain", "AWS::SageMaker::UserProfile"
FEATURE_GROUP, MODEL_PACKAGE_GROUP = "AWS::SageMaker::FeatureGroup", "AWS::SageMaker::ModelPackageGroup"
PIPELINE = "AWS::SageMaker::Pipeline"

Created = tuple[str, Attributes]

_MOST_ADDITIONS = 100
_REPLACING = {
    DOMAIN: ("AuthMode", "DomainName", "KmsKeyId"),
    USER_PROFILE: ("DomainId", "UserProfileName", "SingleSignOnUserIdentifier", "SingleSignOnUserValue"),
    FEATURE_GROUP: (
        "FeatureGroupName",
        "RecordIdentifierFeatureName",
        "EventTimeFeatureName",
        "OfflineStoreConfig",
        "RoleArn",
        "Description",
        "Tags",
    ),
    MODEL_PACKAGE_GROUP: ("ModelPackageGroupName", "ModelPackageGroupDescription"),
    PIPELINE: ("PipelineName",),
}
_FIXED_ONLINE = ("SecurityConfig", "EnableOnlineStore", "StorageType")


def _replaces_online_store(old: Properties, new: Properties) -> bool:
    before, after = old.get("OnlineStoreConfig", {}), new.get("OnlineStoreConfig", {})
    return any(before.get(name) != after.get(name) for name in _FIXED_ONLINE)


_CUSTOM_NAMES: Mapping[str, Mapping[str, Any]] = {
    USER_PROFILE: {"name": ("UserProfileName", "DomainId")},
    FEATURE_GROUP: {"name": "FeatureGroupName", "requires_replacement": _replaces_online_store},
    MODEL_PACKAGE_GROUP: {"name": "ModelPackageGroupName"},
    PIPELINE: {"name": "PipelineName"},
}


def install() -> None:
    """Tell MiniStack which changes replace a resource, and that stacks pass their tags on."""
    PROVISIONERS._REPLACING_PROPERTIES.update(_REPLACING)
    PROVISIONERS._CUSTOM_NAME_REPLACEMENT.update(_CUSTOM_NAMES)
    PROVISIONERS._STACK_TAG_PROPERTY.update(dict.fromkeys(_REPLACING, ("Tags", "list")))


def _sagemaker() -> Any:
    return client("sagemaker")


def _changed(old: Properties, new: Properties, names: Iterable[str]) -> dict[str, Any]:
    return {name: new[name] for name in names if name in new and new[name] != old.get(name)}


def _retag(arn: str, old: Properties, new: Properties) -> None:
    before, after = ({tag["Key"]: tag["Value"] for tag in side.get("Tags", ())} for side in (old, new))
    if gone := sorted(before.keys() - after.keys()):
        _sagemaker().delete_tags(ResourceArn=arn, TagKeys=gone)
    if after != before:
        _sagemaker().add_tags(ResourceArn=arn, Tags=[{"Key": key, "Value": value} for key, value in after.items()])


def _gone(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == "ResourceNotFound" or "does not exist" in str(error)


def _delete(operation: str, **request: Any) -> None:
    """Delete; what is gone already is deleted."""
    try:
        getattr(_sagemaker(), operation)(**request)
    except ClientError as error:
        if not _gone(error):
            raise


def _attributes(described: Mapping[str, Any], *names: str) -> Attributes:
    return {name: str(described[name]) for name in names if name in described}


# -- domains


def _domain(domain_id: str) -> Created:
    described = _sagemaker().describe_domain(DomainId=domain_id)
    names = ("DomainArn", "DomainId", "Url", "HomeEfsFileSystemId", "SecurityGroupIdForDomainBoundary")
    return domain_id, _attributes(described, *names)


def _create_domain(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    return _domain(_sagemaker().create_domain(**properties)["DomainId"])


def _update_domain(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Created:
    changes = _changed(old, new, new.keys() - {"Tags", "DomainSettings"})
    if settings := _changed(old, new, ["DomainSettings"]):
        changes["DomainSettingsForUpdate"] = settings["DomainSettings"]
    if changes:
        _sagemaker().update_domain(DomainId=physical_id, **changes)
    created = _domain(physical_id)
    _retag(created[1]["DomainArn"], old, new)
    return created


def _delete_domain(physical_id: str, _properties: Properties) -> None:
    _delete("delete_domain", DomainId=physical_id, RetentionPolicy={"HomeEfsFileSystem": "Retain"})


# -- user profiles


def _profile(key: Mapping[str, str]) -> Created:
    described = _sagemaker().describe_user_profile(**key)
    return f"{key['UserProfileName']}|{key['DomainId']}", _attributes(described, "UserProfileArn")


def _profile_key(properties: Properties) -> dict[str, str]:
    return {name: properties[name] for name in ("DomainId", "UserProfileName")}


def _create_profile(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    _sagemaker().create_user_profile(**properties)
    return _profile(_profile_key(properties))


def _update_profile(_physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Created:
    if settings := _changed(old, new, ["UserSettings"]):
        _sagemaker().update_user_profile(**_profile_key(new), **settings)
    created = _profile(_profile_key(new))
    _retag(created[1]["UserProfileArn"], old, new)
    return created


def _delete_profile(physical_id: str, _properties: Properties) -> None:
    name, domain_id = physical_id.split("|")
    _delete("delete_user_profile", DomainId=domain_id, UserProfileName=name)


# -- feature groups


def _group(name: str) -> Created:
    described = _sagemaker().describe_feature_group(FeatureGroupName=name)
    return name, {"CreationTime": described["CreationTime"].isoformat()} | _attributes(described, "FeatureGroupStatus")


def _create_group(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    name = properties["FeatureGroupName"]
    _sagemaker().create_feature_group(**properties)
    described = _sagemaker().describe_feature_group(FeatureGroupName=name)
    if described["FeatureGroupStatus"] != "Created":
        _delete("delete_feature_group", FeatureGroupName=name)
        raise ValueError(described["FailureReason"])
    return _group(name)


def _update_group(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Created:
    """Add features, and change what else can be; a feature that is gone or has another type is refused."""
    before, after = ({d["FeatureName"]: d["FeatureType"] for d in side["FeatureDefinitions"]} for side in (old, new))
    if lost := sorted(name for name, kind in before.items() if after.get(name) != kind):
        raise ValueError(
            f"{', '.join(lost)}: a feature of {physical_id} is gone or has another type. A feature group's features "
            "can only be added to. Keep the feature, and add one under a new name."
        )
    added = [definition for definition in new["FeatureDefinitions"] if definition["FeatureName"] not in before]
    for start in range(0, len(added), _MOST_ADDITIONS):
        additions = added[start : start + _MOST_ADDITIONS]
        _sagemaker().update_feature_group(FeatureGroupName=physical_id, FeatureAdditions=additions)
    if online := _changed(old, new, ["OnlineStoreConfig"]):
        lasting = online["OnlineStoreConfig"].get("TtlDuration", {})
        _sagemaker().update_feature_group(FeatureGroupName=physical_id, OnlineStoreConfig={"TtlDuration": lasting})
    if throughput := _changed(old, new, ["ThroughputConfig"]):
        _sagemaker().update_feature_group(FeatureGroupName=physical_id, **throughput)
    return _group(physical_id)


def _delete_group(physical_id: str, _properties: Properties) -> None:
    _delete("delete_feature_group", FeatureGroupName=physical_id)


# -- model package groups


def _registry(arn: str) -> Created:
    described = _sagemaker().describe_model_package_group(ModelPackageGroupName=arn)
    attributes = _attributes(described, "ModelPackageGroupArn", "ModelPackageGroupStatus")
    return arn, attributes | {"CreationTime": described["CreationTime"].isoformat()}


def _create_registry(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    _refuse_policy(properties)
    return _registry(_sagemaker().create_model_package_group(**properties)["ModelPackageGroupArn"])


def _update_registry(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Created:
    _refuse_policy(new)
    _retag(physical_id, old, new)
    return _registry(physical_id)


def _refuse_policy(properties: Properties) -> None:
    if "ModelPackageGroupPolicy" in properties:
        raise ValueError("ModelPackageGroupPolicy: the local cloud does not emulate policies of model package groups.")


def _delete_registry(physical_id: str, _properties: Properties) -> None:
    _delete("delete_model_package_group", ModelPackageGroupName=physical_id)


# -- pipelines


def _pipeline_request(properties: Properties) -> dict[str, Any]:
    definition = properties["PipelineDefinition"]
    if "PipelineDefinitionBody" not in definition:
        raise ValueError(
            f"PipelineDefinition has {', '.join(definition)}; the local cloud takes PipelineDefinitionBody."
        )
    return {**properties, "PipelineDefinition": definition["PipelineDefinitionBody"]}


def _create_pipeline(_logical_id: str, properties: Properties, _stack_name: str) -> Created:
    _sagemaker().create_pipeline(**_pipeline_request(properties))
    return properties["PipelineName"], {}


def _update_pipeline(physical_id: str, old: Properties, new: Properties, _stack_name: str) -> Created:
    request = _pipeline_request(new)
    request.pop("Tags", None)
    _retag(_sagemaker().update_pipeline(**request)["PipelineArn"], old, new)
    return physical_id, {}


def _delete_pipeline(physical_id: str, _properties: Properties) -> None:
    _delete("delete_pipeline", PipelineName=physical_id)


RESOURCE_HANDLERS: Mapping[str, Operations] = {
    DOMAIN: {"create": _create_domain, "update": _update_domain, "delete": _delete_domain},
    USER_PROFILE: {"create": _create_profile, "update": _update_profile, "delete": _delete_profile},
    FEATURE_GROUP: {"create": _create_group, "update": _update_group, "delete": _delete_group},
    MODEL_PACKAGE_GROUP: {"create": _create_registry, "update": _update_registry, "delete": _delete_registry},
    PIPELINE: {"create": _create_pipeline, "update": _update_pipeline, "delete": _delete_pipeline},
}
