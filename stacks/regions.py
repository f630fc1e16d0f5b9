"""Which stacks a region cannot have, because it lacks a resource type or an image."""

from collections.abc import Mapping, Sequence

from machine_learning.xgboost_image import ACCOUNTS

MISSING: Mapping[str, frozenset[str]] = {
    "AWS::Budgets::Budget": frozenset(
        {
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-3",
            "ap-south-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "il-central-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::Domain": frozenset({"ca-west-1", "mx-central-1"}),
    "AWS::SageMaker::FeatureGroup": frozenset(
        {
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-west-1",
            "me-central-1",
            "mx-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
        }
    ),
    "AWS::SageMaker::ModelPackageGroup": frozenset(
        {
            "ap-east-2",
            "ap-south-2",
            "ap-southeast-4",
            "ap-southeast-6",
            "cn-north-1",
            "cn-northwest-1",
            "us-gov-east-1",
        }
    ),
    "AWS::SageMaker::UserProfile": frozenset({"ap-south-2", "ap-southeast-4", "ca-west-1", "mx-central-1"}),
}
"""By resource type, the regions without it. A test compares this with the resource schemas that AWS publishes by
region, as the pinned cfn-lint has them; AWS adds types to regions without notice, so it may lag."""

_TYPES: Mapping[str, Sequence[str]] = {
    "FeatureStore": ["AWS::SageMaker::FeatureGroup"],
    "Training": ["AWS::SageMaker::ModelPackageGroup"],
    "Processing": [],
    "Studio": ["AWS::SageMaker::Domain", "AWS::SageMaker::UserProfile"],
    # the budget is left out alone
    "Guardrails": [],
    "Monitoring": [],
}
_NEEDS: Mapping[str, Sequence[str]] = {
    "Training": ["FeatureStore"],
    "Processing": ["FeatureStore"],
    "Studio": ["FeatureStore", "Training"],
    "Guardrails": ["Training", "Studio"],
}


def missing_stacks(region: str | None) -> dict[str, str]:
    """By stack that the region cannot have, what it lacks for it; nothing for an unknown region."""
    missing: dict[str, str] = {}
    for stack, types in _TYPES.items():
        lacking = [type_ for type_ in types if region in MISSING[type_]]
        if stack == "Training" and region and region not in ACCOUNTS:
            lacking.append("SageMaker's XGBoost image")
        lacking += [f"the {needed} stack" for needed in _NEEDS.get(stack, []) if needed in missing]
        if lacking:
            missing[stack] = " and ".join(lacking)
    return missing


def describe_missing_stacks(region: str | None) -> str:
    """One message for whoever deploys into the region; empty when it has everything."""
    missing = missing_stacks(region)
    if not missing:
        return ""
    reasons = "".join(f"\n  {stack}: needs {lacking}" for stack, lacking in missing.items())
    return (
        f"AWS in {region} lacks what these stacks are made of, so they are left out:{reasons}\n"
        "The other stacks work. For all of them choose another region, such as eu-central-1: AWS_REGION=eu-central-1."
    )
