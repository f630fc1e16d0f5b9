"""SageMaker's control plane on the local cloud: Studio's resources, model package groups, tags, lists and refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.sagemaker.studio import STARTING_SECONDS, STOPPING_SECONDS, app_status

Key = dict[str, str]


@pytest.fixture
def sagemaker(local_cloud: LocalCloud) -> Any:
    return local_cloud.client("sagemaker")


@pytest.fixture
def domain(sagemaker: Any) -> Iterator[str]:
    """A domain that is deleted after the test, with all that is in it."""
    domain_id = create_domain(sagemaker)
    yield domain_id
    for app in sagemaker.list_apps(DomainIdEquals=domain_id)["Apps"]:
        if app["Status"] != "Deleted":
            delete_app(sagemaker, {name: app[name] for name in KEY if name in app})
    for space in sagemaker.list_spaces(DomainIdEquals=domain_id)["Spaces"]:
        sagemaker.delete_space(DomainId=domain_id, SpaceName=space["SpaceName"])
    for name in listed_profiles(sagemaker, DomainIdEquals=domain_id):
        sagemaker.delete_user_profile(DomainId=domain_id, UserProfileName=name)
    sagemaker.delete_domain(DomainId=domain_id)


KEY = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName")


def create_domain(sagemaker: Any, **properties: Any) -> str:
    created = sagemaker.create_domain(
        **{"DomainName": f"test-{uuid4().hex[:8]}", "AuthMode": "IAM", "DefaultUserSettings": {}, **properties}
    )
    return str(created["DomainId"])


def create_profile(sagemaker: Any, domain: str, name: str = "ana") -> str:
    sagemaker.create_user_profile(DomainId=domain, UserProfileName=name)
    return name


def create_space(sagemaker: Any, domain: str, owner: str, name: str = "lab") -> str:
    sagemaker.create_space(
        DomainId=domain,
        SpaceName=name,
        OwnershipSettings={"OwnerUserProfileName": owner},
        SpaceSharingSettings={"SharingType": "Private"},
    )
    return name


def create_app(sagemaker: Any, domain: str) -> Key:
    """An app in a space of a user."""
    space = create_space(sagemaker, domain, create_profile(sagemaker, domain))
    key = {"DomainId": domain, "SpaceName": space, "AppType": "JupyterLab", "AppName": "default"}
    sagemaker.create_app(**key)
    return key


def delete_app(sagemaker: Any, key: Key) -> None:
    """Delete an app, and wait until it is."""
    sagemaker.delete_app(**key)
    while sagemaker.describe_app(**key)["Status"] == "Deleting":
        time.sleep(0.02)


def client_elsewhere(cloud: LocalCloud, *, account: str = "", region: str = "us-east-1", **options: Any) -> Any:
    """A client of another account, which MiniStack takes the key for, or of another region."""
    access = cloud.state.access
    session: Any = boto3.Session(account or access.access_key_id, access.secret_access_key, region_name=region)
    return session.client("sagemaker", endpoint_url=cloud.endpoint, config=Config(proxies={}, **options))


def error_code(refusal: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refusal.value.response["Error"]["Code"])


# -- domains


def test_a_domain_is_described_as_it_was_created(sagemaker: Any, domain: str) -> None:
    described = sagemaker.describe_domain(DomainId=domain)
    assert described["DomainArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:domain/{domain}"
    assert (described["Status"], described["AuthMode"]) == ("InService", "IAM")
    assert described["AppNetworkAccessType"] == "PublicInternetOnly"
    assert domain in described["Url"]


@pytest.mark.parametrize(("creation", "has_home"), [("Enabled", True), ("Disabled", False)])
def test_a_domain_has_a_home_file_system_unless_it_is_disabled(sagemaker: Any, creation: str, has_home: bool) -> None:
    domain = create_domain(sagemaker, HomeEfsFileSystemCreation=creation)
    described = sagemaker.describe_domain(DomainId=domain)
    sagemaker.delete_domain(DomainId=domain)
    assert ("HomeEfsFileSystemId" in described) == has_home


def test_a_home_file_system_once_enabled_cannot_be_disabled(sagemaker: Any, domain: str) -> None:
    with pytest.raises(ClientError, match="cannot become Disabled"):
        sagemaker.update_domain(DomainId=domain, HomeEfsFileSystemCreation="Disabled")


def test_an_updated_domain_has_the_new_settings_and_keeps_the_others(sagemaker: Any, domain: str) -> None:
    sagemaker.update_domain(DomainId=domain, DefaultUserSettings={"SecurityGroups": ["sg-1"]})
    sagemaker.update_domain(DomainId=domain, DomainSettingsForUpdate={"SecurityGroupIds": ["sg-2"]})
    described = sagemaker.describe_domain(DomainId=domain)
    assert described["DefaultUserSettings"] == {"SecurityGroups": ["sg-1"]}
    assert described["DomainSettings"] == {"SecurityGroupIds": ["sg-2"]}


def test_the_network_of_a_domain_is_fixed_while_an_app_runs(sagemaker: Any, domain: str) -> None:
    key = create_app(sagemaker, domain)
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="AppNetworkAccessType"):
        sagemaker.update_domain(DomainId=domain, AppNetworkAccessType="VpcOnly")
    delete_app(sagemaker, key)
    sagemaker.update_domain(DomainId=domain, AppNetworkAccessType="VpcOnly")


def test_a_second_domain_of_the_same_name_is_refused(sagemaker: Any, domain: str) -> None:
    name = sagemaker.describe_domain(DomainId=domain)["DomainName"]
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match=name):
        create_domain(sagemaker, DomainName=name)


def test_a_domain_with_a_user_profile_is_not_deleted(sagemaker: Any, domain: str) -> None:
    create_profile(sagemaker, domain)
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="user profiles: ana"):
        sagemaker.delete_domain(DomainId=domain)


def test_a_domain_with_a_space_or_an_app_is_not_deleted(sagemaker: Any, domain: str) -> None:
    create_app(sagemaker, domain)
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="apps: default; spaces: lab; user profiles: ana"):
        sagemaker.delete_domain(DomainId=domain)


def test_a_domain_that_is_empty_is_deleted_with_what_is_left_of_its_apps(sagemaker: Any) -> None:
    domain = create_domain(sagemaker)
    delete_app(sagemaker, create_app(sagemaker, domain))
    sagemaker.delete_space(DomainId=domain, SpaceName="lab")
    sagemaker.delete_user_profile(DomainId=domain, UserProfileName="ana")
    sagemaker.delete_domain(DomainId=domain)
    assert domain not in [found["DomainId"] for found in sagemaker.list_domains(MaxResults=100)["Domains"]]
    assert sagemaker.list_apps(DomainIdEquals=domain)["Apps"] == []
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        sagemaker.describe_domain(DomainId=domain)


def test_accounts_and_regions_have_domains_of_their_own(sagemaker: Any, local_cloud: LocalCloud, domain: str) -> None:
    for account, region in (("000000000000", "eu-west-1"), ("111122223333", "us-east-1")):
        client = client_elsewhere(local_cloud, account=account, region=region)
        assert client.list_domains()["Domains"] == []
        with pytest.raises(client.exceptions.ResourceNotFound):
            client.describe_domain(DomainId=domain)


# -- user profiles and spaces


def test_an_updated_user_profile_has_the_new_settings_and_keeps_the_others(sagemaker: Any, domain: str) -> None:
    key = {"DomainId": domain, "UserProfileName": create_profile(sagemaker, domain)}
    sagemaker.update_user_profile(**key, UserSettings={"SecurityGroups": ["sg-1"]})
    sagemaker.update_user_profile(**key, UserSettings={"DefaultLandingUri": "studio::"})
    settings = sagemaker.describe_user_profile(**key)["UserSettings"]
    assert settings == {"SecurityGroups": ["sg-1"], "DefaultLandingUri": "studio::"}


def test_a_user_profile_with_a_space_is_not_deleted(sagemaker: Any, domain: str) -> None:
    create_space(sagemaker, domain, create_profile(sagemaker, domain))
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="spaces: lab"):
        sagemaker.delete_user_profile(DomainId=domain, UserProfileName="ana")


def test_a_user_profile_with_an_app_is_not_deleted(sagemaker: Any, domain: str) -> None:
    owner = create_profile(sagemaker, domain)
    sagemaker.create_app(DomainId=domain, UserProfileName=owner, AppType="Canvas", AppName="default")
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="apps: default"):
        sagemaker.delete_user_profile(DomainId=domain, UserProfileName="ana")


def test_a_second_user_profile_or_space_of_the_same_name_is_refused(sagemaker: Any, domain: str) -> None:
    create_space(sagemaker, domain, create_profile(sagemaker, domain))
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        create_profile(sagemaker, domain)
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        create_space(sagemaker, domain, "ana")


def test_a_space_with_an_app_is_not_deleted(sagemaker: Any, domain: str) -> None:
    key = create_app(sagemaker, domain)
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="apps: default"):
        sagemaker.delete_space(DomainId=domain, SpaceName=key["SpaceName"])


def test_a_space_needs_an_owner_that_exists(sagemaker: Any, domain: str) -> None:
    with pytest.raises(ClientError, match=r"UserProfile \[nobody\] does not exist") as refusal:
        create_space(sagemaker, domain, "nobody")
    assert error_code(refusal) == "ResourceNotFound"


# -- apps


@pytest.mark.parametrize(
    ("created", "deleted", "status"),
    [
        (0.0, None, "Pending"),
        (-STARTING_SECONDS, None, "InService"),
        (-60.0, 0.0, "Deleting"),
        (-60.0, -STOPPING_SECONDS, "Deleted"),
    ],
)
def test_an_app_starts_and_stops_in_a_moment(created: float, deleted: float | None, status: str) -> None:
    now = 1_800_000_000.0
    app = {"CreationTime": now + created} | ({} if deleted is None else {"DeletionTime": now + deleted})
    assert app_status(app, now) == status


def test_a_deleted_app_stays_listed(sagemaker: Any, domain: str) -> None:
    delete_app(sagemaker, create_app(sagemaker, domain))
    (app,) = sagemaker.list_apps(DomainIdEquals=domain)["Apps"]
    assert (app["SpaceName"], app["Status"]) == ("lab", "Deleted")


def test_an_app_that_was_deleted_is_not_deleted_again(sagemaker: Any, domain: str) -> None:
    key = create_app(sagemaker, domain)
    delete_app(sagemaker, key)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound, match="was deleted"):
        sagemaker.delete_app(**key)


def test_an_app_that_was_deleted_can_be_created_again(sagemaker: Any, domain: str) -> None:
    key = create_app(sagemaker, domain)
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="already exists"):
        sagemaker.create_app(**key)
    delete_app(sagemaker, key)
    sagemaker.create_app(**key)
    assert sagemaker.describe_app(**key)["Status"] in {"Pending", "InService"}


@pytest.mark.parametrize("owner", [{}, {"UserProfileName": "ana", "SpaceName": "lab"}])
def test_an_app_belongs_to_either_a_user_or_a_space(sagemaker: Any, domain: str, owner: Key) -> None:
    with pytest.raises(ClientError, match="Give exactly one of them"):
        sagemaker.create_app(DomainId=domain, AppType="JupyterLab", AppName="default", **owner)


# -- model package groups


def test_a_model_package_group_is_found_by_its_name_and_arn_until_it_is_deleted(sagemaker: Any) -> None:
    name = f"test-{uuid4().hex[:8]}"
    arn = sagemaker.create_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
    assert arn == f"arn:aws:sagemaker:us-east-1:000000000000:model-package-group/{name}"
    for key in (name, arn):
        found = sagemaker.describe_model_package_group(ModelPackageGroupName=key)
        assert (found["ModelPackageGroupName"], found["ModelPackageGroupStatus"]) == (name, "Completed")
    with pytest.raises(ClientError, match="already exists"):
        sagemaker.create_model_package_group(ModelPackageGroupName=name)
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.describe_model_package_group(ModelPackageGroupName=name)


# -- tags and lists


def test_tags_are_added_overwritten_and_deleted(sagemaker: Any) -> None:
    domain = create_domain(sagemaker, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}])
    arn = sagemaker.describe_domain(DomainId=domain)["DomainArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "1"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    sagemaker.delete_domain(DomainId=domain)
    assert tags == [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": "1"}]


def test_a_deleted_resource_has_no_tags(sagemaker: Any) -> None:
    domain = create_domain(sagemaker)
    arn = sagemaker.describe_domain(DomainId=domain)["DomainArn"]
    sagemaker.delete_domain(DomainId=domain)
    with pytest.raises(ClientError, match="does not exist"):
        sagemaker.list_tags(ResourceArn=arn)


def listed_profiles(sagemaker: Any, **request: Any) -> list[str]:
    pages = sagemaker.get_paginator("list_user_profiles").paginate(**request)
    return [profile["UserProfileName"] for page in pages for profile in page["UserProfiles"]]


def test_a_list_comes_in_pages(sagemaker: Any, domain: str) -> None:
    names = [create_profile(sagemaker, domain, f"user-{number}") for number in range(3)]
    first = sagemaker.list_user_profiles(DomainIdEquals=domain, MaxResults=2)
    assert [profile["UserProfileName"] for profile in first["UserProfiles"]] == names[:2]
    assert listed_profiles(sagemaker, DomainIdEquals=domain, MaxResults=1) == names


def test_a_page_has_ten_unless_more_are_asked_for(sagemaker: Any, domain: str) -> None:
    for number in range(11):
        create_profile(sagemaker, domain, f"user-{number}")
    assert len(sagemaker.list_user_profiles(DomainIdEquals=domain)["UserProfiles"]) == 10
    assert len(listed_profiles(sagemaker, DomainIdEquals=domain)) == 11


def test_what_is_deleted_between_two_pages_hides_nothing(sagemaker: Any, domain: str) -> None:
    for number in range(3):
        create_profile(sagemaker, domain, f"user-{number}")
    first = sagemaker.list_user_profiles(DomainIdEquals=domain, MaxResults=1)
    sagemaker.delete_user_profile(DomainId=domain, UserProfileName="user-0")
    rest = sagemaker.list_user_profiles(DomainIdEquals=domain, NextToken=first["NextToken"])["UserProfiles"]
    assert [profile["UserProfileName"] for profile in rest] == ["user-1", "user-2"]


def test_a_list_is_filtered_and_sorted(sagemaker: Any, domain: str) -> None:
    for name in ("ana", "bo", "bob"):
        create_profile(sagemaker, domain, name)
    chosen = {"DomainIdEquals": domain, "UserProfileNameContains": "bo"}
    assert listed_profiles(sagemaker, **chosen, SortOrder="Descending", MaxResults=1) == ["bob", "bo"]


def test_a_token_that_no_list_gave_is_refused(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match="NextToken is 'x'"):
        sagemaker.list_domains(NextToken="x")


# -- refusals


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"AuthMode": "PASSWORD"}, "AuthMode is 'PASSWORD'; allowed: SSO, IAM"),
        ({"DomainName": "-x"}, "DomainName is '-x'; it must match"),
        (
            {"DefaultUserSettings": {"JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.huge"}}}},
            "DefaultUserSettings.JupyterLabAppSettings.DefaultResourceSpec.InstanceType is 'ml.huge'",
        ),
        ({"SubnetIds": []}, "SubnetIds has 0 items; the least is 1"),
    ],
)
def test_a_request_that_botocore_sends_but_the_model_forbids_is_refused(
    local_cloud: LocalCloud, properties: dict[str, Any], message: str
) -> None:
    unchecked = client_elsewhere(local_cloud, parameter_validation=False)
    with pytest.raises(ClientError, match=message) as refusal:
        create_domain(unchecked, **properties)
    assert error_code(refusal) == "ValidationException"


def test_an_operation_that_is_not_emulated_says_so(sagemaker: Any) -> None:
    with pytest.raises(ClientError, match="the local cloud does not emulate SageMaker's ListTransformJobs"):
        sagemaker.list_transform_jobs()


def test_an_endpoint_cannot_be_invoked_and_says_so(local_cloud: LocalCloud) -> None:
    with pytest.raises(ClientError, match="does not emulate SageMaker's POST /endpoints/e/invocations"):
        local_cloud.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b"")
