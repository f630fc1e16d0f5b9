"""The templates, for review: a change to what is deployed shows as a change to these files.

`make snapshots` rewrites them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.synthesis import synthesize


def without_asset_hashes(value: Any) -> Any:
    """Code has its own tests; its hash would change this file with every line of it.

    The CDK sorts the resources of a statement by their text, hashes and all, so they are sorted again without.
    """
    match value:
        case {"Resource": list(resources), **rest}:
            ordered = sorted(map(without_asset_hashes, resources), key=json.dumps)
            return without_asset_hashes(rest) | {"Resource": ordered}
        case dict():
            return {key: without_asset_hashes(item) for key, item in value.items()}
        case list():
            return [without_asset_hashes(item) for item in value]
        case str():
            return re.sub(r"\b[0-9a-f]{64}\b", "<asset>", value)
        case _:
            return value


@pytest.mark.parametrize(
    ("combination", "stack"),
    [
        ("default", "Lake"),
        ("default", "Ingestion"),
        ("default", "FeatureStore"),
        ("default", "Training"),
        ("default", "Processing"),
        ("default", "Studio"),
        ("default", "Guardrails"),
        ("smallest", "Guardrails"),
        ("default", "Monitoring"),
        ("smallest", "Expiry"),
        ("kinesis", "Ingestion"),
        ("iceberg", "FeatureStore"),
        ("refinery", "Processing"),
        ("emr-serverless", "Processing"),
        ("retained", "Lake"),
        ("retained", "Training"),
        ("two-users", "Studio"),
        ("vpc-only", "Studio"),
    ],
)
def test_template_is_as_reviewed(snapshot: SnapshotAssertion, combination: str, stack: str) -> None:
    template = without_asset_hashes(synthesize(combination)[stack].template)
    assert template == snapshot(extension_class=JSONSnapshotExtension)
