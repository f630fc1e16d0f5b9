"""Names of members, as different callers of one API spell them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def lower_camel(value: Any) -> Any:
    """The value with every key beginning in lower case, as REST APIs have it."""
    if isinstance(value, Mapping):
        return {key[0].lower() + key[1:]: lower_camel(item) for key, item in value.items()}
    return [lower_camel(item) for item in value] if isinstance(value, list) else value


def upper_camel(value: Any) -> Any:
    """The value with every key beginning in upper case, as Step Functions has it."""
    if isinstance(value, Mapping):
        return {key[0].upper() + key[1:]: upper_camel(item) for key, item in value.items()}
    return [upper_camel(item) for item in value] if isinstance(value, list) else value
