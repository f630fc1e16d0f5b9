"""The local cloud runs with the pinned MiniStack and no other."""

from __future__ import annotations

from importlib import metadata

import pytest

from practice.local_cloud.version import WrongMiniStackError, check_version, pinned_version


def test_the_pinned_version_is_accepted() -> None:
    assert check_version() == pinned_version()


def test_another_version_is_refused_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _package: "0.0.1")
    with pytest.raises(WrongMiniStackError, match=r"MiniStack 0\.0\.1 .* pip install -r requirements-dev\.txt"):
        check_version()


def test_a_missing_ministack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", missing)
    with pytest.raises(WrongMiniStackError, match="MiniStack none is installed"):
        check_version()
