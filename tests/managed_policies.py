"""The policies that AWS manages, as moto carries them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data


@cache
def _all() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(aws_managed_policies_data)
    return found


def managed_policy(arn: Any) -> Mapping[str, Any]:
    """The document of a managed policy, given its ARN as a template writes it."""
    name = json.dumps(arn).rstrip('"}]').rpartition("/")[2]
    document: Mapping[str, Any] = _all()[name]["Document"]
    return document
