"""The sandbox's own rule pack."""

from __future__ import annotations

from typing import cast

import jsii
from aws_cdk import CfnResource, Stack
from cdk_nag import IApplyRule, NagMessageLevel, NagPack, NagRuleCompliance
from constructs import IConstruct

from guardrails.sandbox_rules import RULES, Rule

PACK = "Sandbox"


class SandboxChecks(NagPack):
    """What the sandbox demands where cdk-nag has no rule: that nothing runs on, is left behind, or is unbounded.

    A finding is named ``Sandbox-<rule>[<property>]`` and acknowledged by that name. Like every pack of cdk-nag this
    one sees what the constructs were given, not what a raw override does to the template afterwards.

    Each look at a resource is a call from Node.js into Python and back, so that resources of types without a rule are
    passed over after the first.
    """

    def __init__(self, scope: IConstruct | None = None, *, verbose: bool = False) -> None:
        super().__init__(scope, verbose=verbose)
        self._pack_name = PACK

    @property
    def name(self) -> str:
        return PACK

    def _check_resource(self, node: CfnResource) -> None:
        type_ = node.cfn_resource_type
        rules = [rule for rule in RULES if type_ in rule.types]
        if not rules:
            return
        properties = Stack.of(node).resolve(node._render_properties(node._cfn_properties))
        for rule in rules:
            if findings := rule.findings(properties):
                self._apply_rule(cast(IApplyRule, _Findings(node, rule, findings)))


@jsii.implements(IApplyRule)
class _Findings:
    """What a rule has found on a resource, in the form in which a pack takes it.

    Properties, because jsii looks for what to call on the class; it does not see attributes of the object.
    """

    def __init__(self, node: CfnResource, rule: Rule, findings: list[str]) -> None:
        self._node = node
        self._rule = rule
        self._findings = findings

    @property
    def node(self) -> CfnResource:
        return self._node

    @property
    def info(self) -> str:
        return self._rule.fix

    @property
    def explanation(self) -> str:
        return self._rule.why

    @property
    def level(self) -> NagMessageLevel:
        return NagMessageLevel.ERROR

    @property
    def rule_suffix_override(self) -> str:
        return self._rule.name

    def rule(self, node: CfnResource) -> NagRuleCompliance | list[str]:
        return self._findings
