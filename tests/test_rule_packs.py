"""cdk-nag: what must hold, and that each pack would notice if it did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from cdk_nag import (
    HIPAASecurityChecks,
    NagPack,
    NIST80053R5Checks,
    PCIDSS321Checks,
)
from constructs import IConstruct

from docs.compliance import PAGE, REASONS, current_page, described, open_findings, page
from stacks.rule_packs import ENFORCED
from stacks.sandbox import sandbox_app
from tests.synthesis import COMBINATIONS, EVERY_COMBINATION

REPORTED = [NIST80053R5Checks, HIPAASecurityChecks, PCIDSS321Checks]


def findings(pack: type[NagPack], app: App) -> list[str]:
    return [violation.rule_name for violation in pack(verbose=True).validate_scope(app).violations]


@pytest.fixture(scope="module", params=EVERY_COMBINATION)
def app(request: pytest.FixtureRequest) -> App:
    """A synthesized app: only then do the packs see references between stacks as templates write them."""
    found = sandbox_app(**COMBINATIONS[request.param])
    found.synth()
    return found


@pytest.fixture(scope="module")
def bad_app() -> App:
    app = App()
    stack = Stack(app, "Bad")
    s3.Bucket(stack, "Bucket")
    ec2.CfnNatGateway(stack, "NatGateway", subnet_id="subnet-1")
    lambda_.Function(
        stack, "Function", code=lambda_.Code.from_inline("x"), handler="x", runtime=lambda_.Runtime.PYTHON_3_9
    )
    return app


@pytest.mark.parametrize("pack", ENFORCED)
def test_nothing_is_left_unacknowledged(app: App, pack: type[NagPack]) -> None:
    assert findings(pack, app) == []


@pytest.mark.parametrize("pack", [*ENFORCED, *REPORTED])
def test_a_bad_resource_is_caught(bad_app: App, pack: type[NagPack]) -> None:
    assert findings(pack, bad_app)


def acknowledgements(construct: IConstruct) -> Iterator[tuple[str, Any]]:
    for entry in construct.node.metadata:
        if entry.type == Validations.ACKNOWLEDGED_RULES_METADATA_KEY:
            yield construct.node.path, entry.data
    for child in construct.node.children:
        yield from acknowledgements(child)


def test_no_acknowledgement_covers_more_than_its_own_construct(app: App) -> None:
    stacks = {child.node.path for child in app.node.children}
    found = list(acknowledgements(app))
    assert found
    # the CDK itself accepts that a VPC's template names zones
    ours = [path for path, rules in found if not all(rule.startswith("CloudFormation-Validate::") for rule in rules)]
    assert not [path for path in ours if path in stacks or path == ""]


def test_what_stays_open_elsewhere_has_a_reason(app: App) -> None:
    page(open_findings(app))


def test_no_reason_is_given_for_what_is_not_open() -> None:
    assert set(open_findings(described())) == set(REASONS)


def test_the_compliance_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == current_page(), "run `make docs`"


def test_a_new_finding_has_no_page_without_a_reason(bad_app: App) -> None:
    with pytest.raises(KeyError):
        page(open_findings(bad_app))
