"""Acknowledging findings of the rule packs, beside the resource they are about."""

from collections.abc import Mapping
from typing import Any

from aws_cdk import Acknowledgment, Reference, Stack, Tokenization, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept the findings with these ids on the construct, each for the trade-off that its reason states."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=id_, reason=reason) for id_, reason in reasons.items()))


def acknowledge_wildcard_resources(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept policy resources that contain a wildcard, given as the ARNs that the policy was built from.

    cdk-nag names each such finding after the resource as the template writes it, logical ids included. The
    id is derived from the ARN here, so that renaming a construct does not silently detach its reason.
    """
    acknowledge(
        construct,
        {f"AwsSolutions-IAM5[Resource::{_as_finding(construct, arn)}]": reason for arn, reason in reasons.items()},
    )


def _as_finding(construct: IConstruct, arn: str) -> str:
    stack = Stack.of(construct)
    for token in Tokenization.reverse_string(arn).tokens:
        if isinstance(token, Reference) and Stack.of(token.target) is not stack:
            arn = arn.replace(token.to_string(), Stack.of(token.target).export_value(token))
    return _render(stack.resolve(arn))


def _render(value: Any) -> str:
    match value:
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": name}:
            return str(name)
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(_render(part) for part in parts)
        case _:
            return str(value)
