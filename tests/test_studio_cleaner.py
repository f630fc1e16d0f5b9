"""What the Studio cleaner does, against stubbed pages of the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from cleaning.passes import StillThereError
from sagemaker_api.listing import sagemaker_client
from studio_cleaner import handler

DOMAIN = "d-cleaned"
OTHER_DOMAIN = "d-neighbour"
DELETE = {"RequestType": "Delete", "PhysicalResourceId": DOMAIN, "ResourceProperties": {"DomainId": DOMAIN}}
FAR, PAST = 4e9, 0.0
"""When to give up."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """SageMaker as the handler's client sees it: these calls, in this order, and no others."""
    client = boto3.client("sagemaker", region_name="us-east-1", config=Config(signature_version=UNSIGNED))
    monkeypatch.setattr(handler, "sagemaker_client", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def app(name: str, status: str = "InService", **owner: str) -> dict[str, Any]:
    owner = owner or {"SpaceName": "notebooks"}
    return {"DomainId": DOMAIN, "AppType": "JupyterLab", "AppName": name, "Status": status} | owner


def space(name: str, status: str = "InService", domain: str = DOMAIN) -> dict[str, Any]:
    return {"DomainId": domain, "SpaceName": name, "Status": status}


def lists(service: Stubber, operation: str, *pages: list[dict[str, Any]]) -> None:
    """The service is asked for this domain, page by page."""
    key = {"list_apps": "Apps", "list_spaces": "Spaces"}[operation]
    for number, page in enumerate(pages):
        token = {"NextToken": f"page-{number}"} if number else {}
        following = {"NextToken": f"page-{number + 1}"} if number + 1 < len(pages) else {}
        service.add_response(operation, {key: page} | following, {"DomainIdEquals": DOMAIN} | token)


def deletes_app(service: Stubber, name: str, **owner: str) -> None:
    expected = {"DomainId": DOMAIN, "AppType": "JupyterLab", "AppName": name} | (owner or {"SpaceName": "notebooks"})
    service.add_response("delete_app", {}, expected)


def deletes_space(service: Stubber, name: str) -> None:
    service.add_response("delete_space", {}, {"DomainId": DOMAIN, "SpaceName": name})


def complete(give_up_at: float = FAR) -> bool:
    return handler.is_complete(DELETE | {"GiveUpAt": give_up_at}, None)["IsComplete"]


class TestApps:
    def test_are_deleted_before_spaces(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("default")])
        deletes_app(service, "default")
        assert not complete()

    def test_of_every_page_are_deleted(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("a"), app("b")], [app("c")], [app("d")])
        for name in "abcd":
            deletes_app(service, name)
        assert not complete()

    def test_of_a_space_are_named_by_the_space_though_a_user_started_them(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("default", SpaceName="shared", UserProfileName="ana")])
        deletes_app(service, "default", SpaceName="shared")
        assert not complete()

    def test_without_a_space_are_named_by_the_user_profile(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("default", UserProfileName="ana")])
        deletes_app(service, "default", UserProfileName="ana")
        assert not complete()

    def test_that_are_being_deleted_are_waited_for(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("default", "Deleting")])
        assert not complete()

    @pytest.mark.parametrize("status", ["Deleted", "Failed"])
    def test_that_are_gone_are_not_waited_for(self, service: Stubber, status: str) -> None:
        lists(service, "list_apps", [app("default", status)])
        lists(service, "list_spaces", [])
        assert complete()

    def test_that_are_still_starting_are_deleted(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("default", "Pending")])
        deletes_app(service, "default")
        assert not complete()

    def test_stuck_for_many_passes_are_waited_for_without_asking_again(self, service: Stubber) -> None:
        for _ in range(200):
            lists(service, "list_apps", [app("default", "Deleting")])
        assert [complete() for _ in range(200)] == [False] * 200
        lists(service, "list_apps", [app("default", "Deleted")])
        lists(service, "list_spaces", [])
        assert complete()

    def test_still_there_when_it_is_time_to_give_up_are_named_in_the_reason(self, service: Stubber) -> None:
        lists(
            service, "list_apps", [app("default", "Deleting"), *(app(str(n), UserProfileName="bo") for n in range(5))]
        )
        for number in range(5):
            deletes_app(service, str(number), UserProfileName="bo")
        told = (
            r"apps of d-cleaned are still there: notebooks/JupyterLab/default \(Deleting\), bo/.* and 1 more\. Delete"
        )
        with pytest.raises(StillThereError, match=told):
            complete(PAST)

    def test_of_another_domain_are_left_alone_even_if_they_are_listed(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("default", DomainId=OTHER_DOMAIN, SpaceName="notebooks")])
        lists(service, "list_spaces", [])
        assert complete()


class TestSpaces:
    def test_of_every_page_are_deleted_when_the_apps_are_gone(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("default", "Deleted")])
        lists(service, "list_spaces", [space("a")], [space("b")])
        deletes_space(service, "a")
        deletes_space(service, "b")
        assert not complete()

    def test_that_are_being_deleted_are_waited_for(self, service: Stubber) -> None:
        lists(service, "list_apps", [])
        lists(service, "list_spaces", [space("notebooks", "Deleting")])
        assert not complete()

    @pytest.mark.parametrize("status", ["Failed", "Delete_Failed", "Update_Failed"])
    def test_that_failed_are_deleted(self, service: Stubber, status: str) -> None:
        lists(service, "list_apps", [])
        lists(service, "list_spaces", [space("notebooks", status)])
        deletes_space(service, "notebooks")
        assert not complete()

    def test_of_another_domain_are_left_alone_even_if_they_are_listed(self, service: Stubber) -> None:
        lists(service, "list_apps", [])
        lists(service, "list_spaces", [space("notebooks", domain=OTHER_DOMAIN)])
        assert complete()


class TestDeletion:
    def test_takes_as_many_passes_as_it_needs(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("default")])
        deletes_app(service, "default")
        lists(service, "list_apps", [app("default", "Deleting")])
        lists(service, "list_apps", [app("default", "Deleted")])
        lists(service, "list_spaces", [space("notebooks")])
        deletes_space(service, "notebooks")
        lists(service, "list_apps", [app("default", "Deleted")])
        lists(service, "list_spaces", [space("notebooks", "Deleting")])
        lists(service, "list_apps", [app("default", "Deleted")])
        lists(service, "list_spaces", [])
        assert [complete() for _ in range(5)] == [False, False, False, False, True]

    def test_of_a_domain_with_nothing_in_it_is_complete_at_once_however_late(self, service: Stubber) -> None:
        lists(service, "list_apps", [])
        lists(service, "list_spaces", [])
        assert complete(PAST)

    def test_of_a_domain_that_is_gone_is_complete(self, service: Stubber) -> None:
        for operation in ("list_apps", "list_spaces"):
            service.add_client_error(operation, "ResourceNotFound", "Domain [d-cleaned] does not exist")
        assert complete()

    @pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException"])
    @pytest.mark.parametrize("operation", ["list_apps", "delete_app", "list_spaces", "delete_space"])
    def test_is_not_complete_when_a_pass_is_throttled(self, service: Stubber, operation: str, code: str) -> None:
        if operation != "list_apps":
            lists(service, "list_apps", [app("a"), app("b")] if operation == "delete_app" else [])
        if operation == "delete_space":
            lists(service, "list_spaces", [space("notebooks")])
        service.add_client_error(operation, code, "Rate exceeded")
        assert not complete()

    def test_goes_on_when_something_was_deleted_meanwhile_or_is_in_use(self, service: Stubber) -> None:
        lists(service, "list_apps", [app("a"), app("b"), app("c"), app("d"), app("e")])
        service.add_client_error("delete_app", "ResourceNotFound", "App does not exist")
        service.add_client_error("delete_app", "ResourceInUse", "App is in use")
        service.add_client_error("delete_app", "ValidationException", "App a has already been deleted")
        service.add_client_error("delete_app", "ValidationException", "previously failed and was automatically deleted")
        deletes_app(service, "e")
        assert not complete()

    @pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
    def test_fails_with_what_waiting_does_not_cure(self, service: Stubber, code: str) -> None:
        lists(service, "list_apps", [app("default")])
        service.add_client_error("delete_app", code, "not like this")
        with pytest.raises(ClientError, match="not like this"):
            complete()

    def test_logs_what_it_waits_for(self, service: Stubber, capsys: pytest.CaptureFixture[str]) -> None:
        lists(service, "list_apps", [app("default", "Deleting")])
        complete()
        assert capsys.readouterr().out == '{"message": "waiting for apps", "cleaned": "d-cleaned", "left": 1}\n'


class TestOtherEvents:
    @pytest.mark.usefixtures("service")
    @pytest.mark.parametrize("request_type", ["Create", "Update"])
    def test_are_complete_without_a_call(self, request_type: str) -> None:
        assert handler.is_complete(DELETE | {"RequestType": request_type}, None) == {"IsComplete": True}

    @pytest.mark.parametrize("request_type", ["Create", "Update"])
    def test_name_the_resource_after_its_domain_so_that_a_replaced_domain_is_cleaned(self, request_type: str) -> None:
        event = DELETE | {"RequestType": request_type, "ResourceProperties": {"DomainId": "d-new"}}
        assert handler.on_event(event, None) == {"PhysicalResourceId": "d-new"}

    def test_to_delete_leave_the_name_as_it_is_and_say_when_to_give_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATIENCE_SECONDS", "3300")
        event = DELETE | {"ResourceProperties": {"DomainId": "d-new"}}
        answer = handler.on_event(event, None)
        assert answer["PhysicalResourceId"] == DOMAIN
        assert answer["GiveUpAt"] == pytest.approx(time.time() + 3300, abs=5)


class TestClient:
    def test_tries_again_when_it_is_throttled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        retries = sagemaker_client().meta.config.retries
        assert retries["mode"] == "standard"
        assert retries["total_max_attempts"] > 1
