"""Every role that a service acts as may do what the service's page says that it needs, with what the service sends.

No request here carries ``kms:ViaService`` but those of CloudWatch Logs: a service that acts as a role calls KMS as that
role, not on behalf of a caller.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests import iam_reference
from tests.permissions import service_may
from tests.policy_documents import ACCOUNT, REGION, Kind, policy_documents
from tests.service_needs import INTEGRATIONS, JOBS, STEPS, USES
from tests.service_uses import uses
from tests.synthesis import COMBINATIONS, EVERY_COMBINATION

TABLES = {"USES": USES, "INTEGRATIONS": INTEGRATIONS, "STEPS": STEPS, "JOBS": JOBS}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/key"


@pytest.mark.parametrize("combination", EVERY_COMBINATION)
def test_every_role_may_do_what_its_service_needs(combination: str) -> None:
    refused = {f"{use.what}: {what}" for use in uses(combination) for what in use.refused()}
    assert sorted(refused) == []


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_of_something_that_the_stacks_have(table: str) -> None:
    used = {id(use.row) for combination in COMBINATIONS for use in uses(combination)}
    assert [what for what, row in TABLES[table].items() if id(row) not in used] == []


@pytest.mark.parametrize("table", TABLES)
def test_every_row_names_a_page_of_aws_and_actions_that_exist(table: str) -> None:
    for row in TABLES[table].values():
        assert row.page.startswith("https://docs.aws.amazon.com/")
        for need in row.needs:
            assert [action for action in need.actions.split() if not iam_reference.is_action(action)] == []
            for action in need.actions.split():
                assert [key for key in need.sends if not iam_reference.takes_key(action, key)] == []


def statements_about_keys(combination: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for document in policy_documents(combination):
        if document.kind == Kind.IDENTITY:
            for statement in document.statements:
                named = statement.get("Action", [])
                if statement["Effect"] == "Allow" and "kms:" in json.dumps(named):
                    yield f"{document.stack}/{document.owner}", statement


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


CONDITIONS = {
    "kms:ViaService": f"logs.{REGION}.amazonaws.com",
    "kms:EncryptionContext:SourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:*",
    "kms:EncryptionContext:aws:states:stateMachineArn": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:",
}
"""The conditions that a role's own use of the key may have, as on the pages of CloudWatch Logs and Step Functions."""


@pytest.mark.parametrize("combination", EVERY_COMBINATION)
class TestARolesUseOfTheKey:
    def test_is_of_this_key(self, combination: str) -> None:
        found = list(statements_about_keys(combination))
        assert found
        assert [where for where, s in found if listed(s["Resource"]) != [KEY]] == []

    def test_is_of_exact_actions(self, combination: str) -> None:
        """Data keys with and without their plaintext are how the CDK grants to publish to an encrypted topic."""
        wild = {
            action for _, s in statements_about_keys(combination) for action in listed(s["Action"]) if "*" in action
        }
        assert wild <= {"kms:GenerateDataKey*"}

    def test_has_a_condition_only_where_the_services_page_has_it_on_such_a_role(self, combination: str) -> None:
        for where, statement in statements_about_keys(combination):
            for keys in statement.get("Condition", {}).values():
                for key, value in keys.items():
                    assert key in CONDITIONS, where
                    assert str(value).startswith(CONDITIONS[key]), where

    def test_grants_for_volumes_without_a_condition(self, combination: str) -> None:
        """With ``kms:GrantIsForAWSResource`` or ``kms:ViaService`` on it, a space or a job gets no volume."""
        granting = [s for _, s in statements_about_keys(combination) if "kms:CreateGrant" in listed(s["Action"])]
        assert granting
        assert [s for s in granting if "Condition" in s] == []


def test_whoever_else_may_publish_to_the_topic_may_use_its_key() -> None:
    """Services that the topic's policy names: alarms."""
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:notices"
    (policy,) = (d for d in policy_documents("default") if topic in d.attached_to)
    services = {
        service
        for statement in policy.statements
        if statement["Effect"] == "Allow" and "sns:Publish" in listed(statement["Action"])
        for service in listed(statement["Principal"].get("Service", []))
    }
    alarm = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:ml-sandbox-lake-a"
    sends = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": alarm}
    assert services == {"cloudwatch.amazonaws.com"}
    for action in ("kms:Decrypt", "kms:GenerateDataKey"):
        assert all(service_may(service, action, KEY, sends) for service in services)
