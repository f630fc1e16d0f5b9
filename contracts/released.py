"""What of a feature group must not change any more: ``python -m contracts.released`` records it.

SageMaker can add a feature to a group, and nothing else: CloudFormation answers any other change of its definition
by replacing the group, and the new one is empty. ``contracts/releases/<name>.json`` holds the definition as it was
released; it only ever grows.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateFeatureGroup.html
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from contracts import Contract, ContractError

RELEASES = Path(__file__).parent / "releases"


class ReplacementError(ContractError):
    """A contract whose feature group would replace the released one and lose its data."""


def definition(contract: Contract) -> dict[str, Any]:
    """What a feature group keeps for life."""
    return {
        "record_identifier": contract.record_identifier,
        "event_time": contract.event_time,
        "features": {field.name: field.feature_type for field in contract.fields},
    }


def check_released(contract: Contract, released: dict[str, Any] | None = None) -> None:
    """Refuse a contract that an existing feature group cannot follow.

    Raises:
        ReplacementError: naming each feature that is gone, has another type, or is new and required, and each key
            that is another, with what to do instead.
    """
    released = released or _released(contract)
    wanted = definition(contract)
    required = {field.name for field in contract.fields if field.required}
    problems = [
        f"{key} was released as {released[key]!r} and is {wanted[key]!r} now. Keep it."
        for key in ("record_identifier", "event_time")
        if wanted[key] != released[key]
    ]
    for name, type_ in released["features"].items():
        if name not in wanted["features"]:
            problems.append(f"feature {name!r} was released and is gone. Keep it, and stop writing it.")
        elif wanted["features"][name] != type_:
            problems.append(
                f"feature {name!r} was released as {type_} and is {wanted['features'][name]} now. Keep it, and add "
                f"an optional {name}_v2."
            )
    problems += [
        f"feature {name!r} is new and required, but the records that exist lack it. Take it out of `required`."
        for name in wanted["features"]
        if name in required and name not in released["features"]
    ]
    if problems:
        raise ReplacementError(
            "\n".join(
                [
                    f"contracts/{contract.name}.json would replace the feature group, and the new one starts empty:",
                    *(f"  {problem}" for problem in problems),
                    "To add a feature: declare it as optional, then `make generate`.",
                    "To begin anew on purpose and lose the data: delete "
                    f"contracts/releases/{contract.name}.json, `make generate`, and destroy the FeatureStore stack "
                    "before you deploy.",
                ]
            )
        )


def _released(contract: Contract) -> dict[str, Any]:
    path = RELEASES / f"{contract.name}.json"
    if not path.is_file():
        raise ContractError(
            f"contracts/releases/{path.name} is missing, so nothing tells whether the feature group would be replaced. "
            "Bring it back from version control, or begin with what the contract says now: make generate."
        )
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def release(contract: Contract) -> None:
    """Record what the contract defines, after checking that it only adds."""
    path = RELEASES / f"{contract.name}.json"
    if path.exists():
        check_released(contract)
    path.write_text(json.dumps(definition(contract), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    release(Contract.load("customer_features"))
