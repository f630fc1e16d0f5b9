"""Settings by a short name: the one value that differs from cdk.json."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from enum import StrEnum

from stacks.settings import Settings, SettingsError

DEFAULT = "default"


def chosen(name: str) -> Mapping[str, str]:
    """What a name changes in cdk.json: nothing for ``default``; ``vpc-only`` is ``studio_network=vpc-only``.

    Any setting can be written ``key=value``, and ``+`` joins several.

    Raises:
        SettingsError: no setting, or more than one, has the value.
    """
    return {} if name == DEFAULT else dict(_setting(part) for part in name.split("+"))


def _setting(name: str) -> tuple[str, str]:
    if "=" in name:
        key, _, value = name.partition("=")
        return key, value
    keys = _VALUES.get(name, [])
    if len(keys) == 1:
        return keys[0], name
    if keys:
        ways = " or ".join(f"{key}={name}" for key in keys)
        raise SettingsError(f"{name!r} is a value of {len(keys)} settings: say {ways}.")
    closest = difflib.get_close_matches(name, [DEFAULT, *_VALUES], n=1)
    hint = f" Did you mean {closest[0]}?" if closest else ""
    known = ", ".join([DEFAULT, *(value for value, keys in _VALUES.items() if len(keys) == 1)])
    raise SettingsError(f"{name!r} is no value of a setting.{hint}\n  known: {known}; or key=value, as in cdk.json")


def _values() -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for key, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, StrEnum):
            for member in field.annotation:
                values.setdefault(member.value, []).append(key)
    return values


_VALUES = _values()
