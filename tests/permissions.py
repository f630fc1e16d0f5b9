"""What a role may do, decided as IAM does, from the synthesized policy documents.

MiniStack's evaluator decides; this module gives it the documents and the request, and refuses what the evaluator
would quietly take for a condition that is not met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.iam_evaluator import EvalContext, ParsedStatement

from tests.managed_policies import managed_policy
from tests.policy_documents import (
    ACCOUNT,
    REGION,
    Kind,
    PolicyDocument,
    arns_of_type,
    policy_documents,
    with_variables,
)

Context = Mapping[str, str | list[str]]
"""The condition keys of a request."""

OTHER_ACCOUNT = "444455556666"
POLICY_OF_OTHER_KEYS: Mapping[str, Any] = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
}
"""Source: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html"""

EVERYTHING: Mapping[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

_OPERATORS = frozenset(iam_evaluator._CONDITION_OPS) | {"null"}
_SET_OPERATORS = ("forallvalues:", "foranyvalue:")


class UnknownConditionError(Exception):
    """A condition that the evaluator cannot decide; a test that passes over it would mean nothing."""


@dataclass(frozen=True)
class Role:
    """A role of the synthesized stacks."""

    arn: str
    identity: tuple[Mapping[str, Any], ...]
    trust: Mapping[str, Any]

    def may(self, action: str, resource: str, context: Context) -> bool:
        """Whether the role's policies, and the policy of the resource if it has one, allow the request."""
        request = request_of(self.arn, action, resource, context)
        decision = iam_evaluator.evaluate(request, [parsed(document) for document in self.identity])
        decision = iam_evaluator.combine_resource_policy(
            decision, request, resource_policy(resource), ACCOUNT, required=action.startswith("kms:")
        )
        return bool(decision.decision == "Allow")

    def with_everything_allowed(self) -> Role:
        """The role after somebody has attached an administrator's policy to it."""
        return replace(self, identity=(*self.identity, EVERYTHING))

    def may_be_assumed_by(self, service: str, account: str) -> bool:
        """Whether the service may assume the role on behalf of something in the account."""
        source = f"arn:aws:{service.partition('.')[0]}:{REGION}:{account}:stateMachine:any"
        context = {"aws:SourceAccount": account, "aws:SourceArn": source}
        request = request_of("", "sts:AssumeRole", self.arn, context)
        parsed(self.trust)
        return bool(iam_evaluator.evaluate_resource_policy(self.trust, request, service=service).decision == "Allow")


def service_may(service: str, action: str, resource: str, context: Context) -> bool:
    """Whether the policy of the resource lets a service act on it as itself, not for a caller."""
    decision = iam_evaluator.evaluate_resource_policy(
        resource_policy(resource), request_of("", action, resource, context), service=service
    )
    return bool(decision.decision == "Allow")


def request_of(principal: str, action: str, resource: str, context: Context) -> EvalContext:
    keys = {key.lower(): value for key, value in context.items()}
    tags = [key.partition("/")[2] for key in context if key.startswith("aws:RequestTag/")]
    return EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        secure_transport=keys.get("aws:securetransport", "true") == "true",
        service_context={"aws:tagkeys": tags or None, **keys},
    )


def parsed(document: Mapping[str, Any]) -> list[ParsedStatement]:
    """The statements as the evaluator reads them, none of them beyond what it can decide."""
    statements: list[ParsedStatement] = iam_evaluator.parse_policy_document(with_variables(document))
    for statement in statements:
        for operator, keys in statement.conditions.items():
            for key, values in keys.items():
                _check_condition(operator, key, values if isinstance(values, list) else [values])
    return statements


def _check_condition(operator: str, key: str, values: list[Any]) -> None:
    name = operator.lower().removesuffix("ifexists")
    for prefix in _SET_OPERATORS:
        name = name.removeprefix(prefix)
    if name not in _OPERATORS:
        raise UnknownConditionError(f"{operator} ({key}): the evaluator knows {', '.join(sorted(_OPERATORS))}")
    for value in map(str, values):
        if name.startswith("arn") and value.count(":") < 5:
            raise UnknownConditionError(f"{operator} ({key}): {value} is no complete ARN; IAM compares part by part")


@cache
def roles(combination: str = "default") -> Mapping[str, Role]:
    """Every role of a sandbox, by ARN."""
    documents = policy_documents(combination)
    found = {}
    for arn, (_, resource) in arns_of_type(combination, "AWS::IAM::Role").items():
        mine = [document for document in documents if arn in document.attached_to]
        (trust,) = (document.body for document in mine if document.kind == Kind.TRUST)
        managed = [managed_policy(policy) for policy in resource.properties.get("ManagedPolicyArns", [])]
        identity = [document.body for document in mine if document.kind == Kind.IDENTITY]
        found[arn] = Role(arn, (*identity, *managed), trust)
    return found


def role(stack: str, name: str, combination: str = "default") -> Role:
    """The only role of the stack whose logical id contains the name."""
    (arn,) = (
        arn
        for arn, (stack_id, resource) in arns_of_type(combination, "AWS::IAM::Role").items()
        if stack_id == stack and name in resource.logical_id
    )
    return roles(combination)[arn]


@cache
def resource_policy(arn: str) -> Mapping[str, Any] | None:
    """The policy of the key, the queue, or the bucket that an ARN belongs to; any other key leaves it to IAM."""
    owner = arn.partition("/")[0] if arn.startswith("arn:aws:s3:::") else arn
    matching = [d for d in policy_documents("default") if d.kind == Kind.RESOURCE and owner in d.attached_to]
    if not matching and ":kms:" in arn:
        return POLICY_OF_OTHER_KEYS
    return _only(matching).body if matching else None


def _only(documents: list[PolicyDocument]) -> PolicyDocument:
    (document,) = documents
    parsed(document.body)
    return document
