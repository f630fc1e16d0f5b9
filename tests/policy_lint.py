"""parliament over policy documents, with AWS's current list of actions.

The list that parliament carries is half a year old, and no longer says which resource an action needs: with it, an
action on a resource of the wrong kind, or on every resource, goes unnoticed. `tests.iam_reference` has both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import Any

import parliament

from tests import iam_reference
from tests.policy_documents import Kind, PolicyDocument, with_variables


@dataclass(frozen=True)
class Finding:
    severity: str
    issue: str
    detail: str

    def __str__(self) -> str:
        return f"{self.severity} {self.issue}: {self.detail}"


def lint(document: Mapping[str, Any]) -> list[Finding]:
    """What parliament finds wrong with a document that has no intrinsics left."""
    return _lint(json.dumps(document))


@cache
def _lint(text: str) -> list[Finding]:
    """A document that several combinations have is looked at once."""
    document = json.loads(text)
    actions = _named_actions(document)
    for action in actions:
        _define(action.partition(":")[0].lower())
    policy = parliament.analyze_policy_string(json.dumps(_with_text_for_numbers(with_variables(document))))
    return [
        Finding(found.severity, found.issue, str(found.detail))
        for found in map(parliament.enhance_finding, policy.findings)
        if _is_about(actions, found)
    ]


def _is_about(actions: Set[str], finding: Any) -> bool:
    """Whether the finding is about what the document names: a wildcard covers actions on other things as well."""
    match finding.issue:
        case "RESOURCE_MISMATCH":
            return any(mismatch["action"] in actions for mismatch in finding.detail)
        case "UNKNOWN_CONDITION_FOR_ACTION":
            return finding.detail.rpartition(" ")[2] in actions
        case _:
            return True


def _named_actions(document: Mapping[str, Any]) -> Set[str]:
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    named = [statement.get("Action", statement.get("NotAction", [])) for statement in statements]
    return {action for item in named for action in ([item] if isinstance(item, str) else item)}


def as_evaluated(document: PolicyDocument) -> Mapping[str, Any]:
    """The document with what it leaves to its place: a trust policy is about its role, a key policy about its key."""
    owner = next(iter(document.attached_to), "")
    if document.kind == Kind.TRUST:
        return {**document.body, "Statement": [{**statement, "Resource": owner} for statement in document.statements]}
    if document.kind == Kind.RESOURCE and ":kms:" in owner:
        return {
            **document.body,
            "Statement": [
                {**statement, "Resource": owner} if statement["Resource"] == "*" else statement
                for statement in document.statements
            ],
        }
    return document.body


def _with_text_for_numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_text_for_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_text_for_numbers(item) for item in value]
    return value if isinstance(value, bool) else str(value)


@cache
def _define(service: str) -> None:
    """Tell parliament of a service; at first it is made to forget what it knows."""
    if not _define.cache_info().currsize:
        parliament.iam_definition.clear()
    if service in iam_reference.services():
        parliament.iam_definition.append(_definition(service))
    parliament.expand_action.cache_clear()


def _definition(service: str) -> dict[str, Any]:
    """A service in the form that parliament reads: ``*`` marks the kinds of resource that an action needs."""
    return {
        "prefix": service,
        "service_name": service,
        "privileges": [_privilege(f"{service}:{action}") for action in iam_reference.actions_of(service)],
        "resources": [
            {"resource": kind["key"], "arn": kind["arn"], "condition_keys": kind.get("conditionKeys", [])}
            for kind in iam_reference.resource_types(service)
        ],
        "conditions": [
            {"condition": key["key"], "type": key["type"].removeprefix("ArrayOf"), "description": ""}
            for key in iam_reference.condition_keys(service)
        ],
    }


def _privilege(action: str) -> dict[str, Any]:
    details = iam_reference.details(action)
    needed = _needed_kinds(details["resourceTypes"])
    kinds = [
        {
            "resource_type": kind["name"] + ("*" if kind["name"] in needed else ""),
            "condition_keys": [*details["conditionKeys"], *kind["conditionKeys"]],
            "dependent_actions": [],
        }
        for kind in details["resourceTypes"]
    ]
    no_kind = {"resource_type": "", "condition_keys": details["conditionKeys"], "dependent_actions": []}
    return {
        "privilege": details["name"],
        "access_level": details["accessLevel"],
        "description": "",
        "resource_types": kinds or [no_kind],
    }


def _needed_kinds(kinds: list[dict[str, Any]]) -> set[str]:
    """AWS marks none where one of two will do, as an object will without an access point."""
    marked = {kind["name"] for kind in kinds if kind["required"]}
    direct = {kind["name"] for kind in kinds if not kind["name"].startswith("accesspoint")}
    return marked or (direct if len(direct) == 1 < len(kinds) else set())
