"""MiniStack still has every private name that the extension relies on."""

from __future__ import annotations

import pytest

from practice.local_cloud.hooks import MiniStackModule

HOOKS = [(module, name) for module in MiniStackModule.declared.values() for name in sorted(module.names)]


@pytest.mark.parametrize(("module", "name"), HOOKS, ids=lambda value: getattr(value, "module_name", value))
def test_ministack_has_the_hook(module: MiniStackModule, name: str) -> None:
    assert getattr(module, name) is not None


def test_a_name_that_is_not_declared_cannot_be_reached() -> None:
    module = MiniStackModule.declared["app"]
    with pytest.raises(AttributeError, match=r"ministack\.app\.main is not a declared hook"):
        module.main  # noqa: B018
