"""A sandbox of any settings is destroyed with all that is in it: a sweep finds nothing, or what it was told to keep.

The default is deployed whole, of another combination only the stacks that differ, with those they need.
"""

from __future__ import annotations

import pytest

from practice.local_cloud.lifecycle import LocalCloud
from practice.sweep.ownership import Standing
from practice.sweep.survey import Leftover, Survey, delete, survey
from tests.deployed_sandbox import DeployedSandbox, bootstrap
from tests.inventory import inventory
from tests.synthesis import COMBINATIONS

KINDS = {
    "Lake": {"bucket", "database", "key", "log group", "stack", "table"},
    "Ingestion": {"log group"},
    "FeatureStore": {"feature group"},
    "Training": {"model package", "model package group", "pipeline"},
    "Processing": {"log group"},
    "Studio": {"app", "domain", "space", "user profile"},
    "Guardrails": {"log group"},
    "Monitoring": set(),
    "Expiry": set(),
}
"""By stack, what a sweep must see of it while it stands: what it cannot see, it does not miss."""


@pytest.fixture(scope="module")
def default(local_cloud: LocalCloud) -> DeployedSandbox:
    bootstrap(local_cloud)
    return DeployedSandbox(local_cloud, "m-default")


@pytest.fixture
def destroyed(request: pytest.FixtureRequest, local_cloud: LocalCloud, default: DeployedSandbox) -> list[Leftover]:
    """What a sweep finds of a sandbox that was deployed, used and destroyed; nothing that it does not find is left."""
    combination: str = request.param
    before = inventory(local_cloud)
    sandbox = default
    if combination != "default":
        sandbox = DeployedSandbox(local_cloud, f"m-{combination}", **COMBINATIONS[combination])
        sandbox.leave_out_what_is_as_in(default)
    sandbox.deploy()
    sandbox.use()
    standing = {leftover.kind.name for leftover in survey(sandbox.name, local_cloud.client).leftovers}
    assert standing >= set().union(*(KINDS[layer] for layer in sandbox.layers))
    assert sandbox.destroy() == ""
    seen = survey(sandbox.name, local_cloud.client)
    assert seen.unseen == {}
    found = of_the_sandbox(seen)
    after = inventory(local_cloud)
    left = set().union(*(names - before[what] for what, names in after.items()))
    assert left <= {leftover.found.id for leftover in found}
    return found


def of_the_sandbox(seen: Survey) -> list[Leftover]:
    return [leftover for leftover in seen.leftovers if leftover.standing is not Standing.SHARED]


@pytest.mark.parametrize("destroyed", [name for name in COMBINATIONS if name != "retained"], indirect=True)
def test_nothing_is_left_but_a_key_that_waits_for_its_deletion(destroyed: list[Leftover]) -> None:
    assert [(leftover.kind.name, leftover.standing) for leftover in destroyed] == [("key", Standing.GOING)]


@pytest.mark.parametrize("destroyed", ["retained"], indirect=True)
def test_what_shall_be_kept_is_left_and_told_with_what_it_costs_until_a_sweep_deletes_it(
    local_cloud: LocalCloud, destroyed: list[Leftover]
) -> None:
    assert {(leftover.kind.name, leftover.kind.cost) for leftover in destroyed} == {
        ("bucket", "what is stored, per GB"),
        ("key", "by the month; nothing while it waits for its deletion"),
        ("model package", "nothing; its data costs in its bucket"),
        ("model package group", "nothing"),
    }
    buckets = " ".join(leftover.found.id for leftover in destroyed if leftover.kind.name == "bucket")
    assert [kept for kept in ("raw", "processed", "curated", "artifacts") if kept not in buckets] == []
    after, refused = delete("m-retained", local_cloud.client, pause=lambda seconds: None)
    assert refused == {}
    assert [(leftover.kind.name, leftover.standing) for leftover in of_the_sandbox(after)] == [("key", Standing.GOING)]
