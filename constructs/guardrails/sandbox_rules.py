"""What the sandbox demands of its resources where cdk-nag has no rule.

A rule looks at the properties as the template will hold them, and names each property that is not as it must be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from inspect import getdoc
from typing import Any

Properties = Mapping[str, Any]
Findings = Callable[[Properties], list[str]]

_CREATE_TRAINING_JOB = "sagemaker:createtrainingjob"
_DEFAULT_FEATURE_DATABASE = "sagemaker_featurestore"


@dataclass(frozen=True)
class Rule:
    """A rule: its name, the types it looks at, what to do about a finding, and what finds."""

    name: str
    types: frozenset[str]
    fix: str
    findings: Findings

    @property
    def why(self) -> str:
        return " ".join((getdoc(self.findings) or "").split())


RULES: list[Rule] = []


def _rule(name: str, *types: str, fix: str) -> Callable[[Findings], Findings]:
    def add(findings: Findings) -> Findings:
        RULES.append(Rule(name, frozenset(types), fix, findings))
        return findings

    return add


@_rule(
    "StudioIdleShutdown",
    "AWS::SageMaker::Domain",
    fix="Studio bills an app until somebody shuts it down: set its AppLifecycleManagement.IdleSettings with "
    "LifecycleManagement ENABLED.",
)
def _studio_idle_shutdown(properties: Properties) -> list[str]:
    """An app that nobody uses goes on costing money by the hour; users' spaces and shared ones have a setting each.

    Shared spaces run JupyterLab only.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-idle-shutdown.html
    """
    apps = (
        "DefaultUserSettings.JupyterLabAppSettings",
        "DefaultUserSettings.CodeEditorAppSettings",
        "DefaultSpaceSettings.JupyterLabAppSettings",
    )
    setting = "AppLifecycleManagement.IdleSettings.LifecycleManagement"
    return [app for app in apps if _at(properties, f"{app}.{setting}") != "ENABLED"]


@_rule(
    "StudioWithoutHomeEfs",
    "AWS::SageMaker::Domain",
    fix="A domain leaves its home file system behind: set HomeEfsFileSystemCreation and "
    "DefaultUserSettings.AutoMountHomeEFS to Disabled.",
)
def _studio_without_home_efs(properties: Properties) -> list[str]:
    """The file system and its security groups outlive the domain, cost money and keep its VPC from being deleted.

    Source: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1085
    """
    switches = ("HomeEfsFileSystemCreation", "DefaultUserSettings.AutoMountHomeEFS")
    return [switch for switch in switches if _at(properties, switch) != "Disabled"]


@_rule(
    "FeatureGroupEncryption",
    "AWS::SageMaker::FeatureGroup",
    fix="Features of customers are personal data: give each store the sandbox's key as KmsKeyId.",
)
def _feature_group_encryption(properties: Properties) -> list[str]:
    """A store without a key of its own is encrypted with one that AWS owns, which nobody here can revoke.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-security.html
    """
    keys = {"OnlineStoreConfig": "SecurityConfig.KmsKeyId", "OfflineStoreConfig": "S3StorageConfig.KmsKeyId"}
    return [store for store, key in keys.items() if store in properties and not _at(properties[store], key)]


@_rule(
    "FeatureGroupCatalog",
    "AWS::SageMaker::FeatureGroup",
    fix="Feature Store never deletes the table it creates: name a database of this stack in "
    "OfflineStoreConfig.DataCatalogConfig.",
)
def _feature_group_catalog(properties: Properties) -> list[str]:
    """Left to itself, Feature Store puts the table into a database of the whole account, and leaves it there.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/feature-store-create-feature-group.html
    """
    database = "OfflineStoreConfig.DataCatalogConfig.Database"
    owned = _at(properties, database) not in (None, "", _DEFAULT_FEATURE_DATABASE)
    return [] if owned or "OfflineStoreConfig" not in properties else [database]


@_rule(
    "AthenaWorkgroupEnforced",
    "AWS::Athena::WorkGroup",
    fix="Athena bills what a query scans: set EnforceWorkGroupConfiguration and a BytesScannedCutoffPerQuery.",
)
def _athena_workgroup_enforced(properties: Properties) -> list[str]:
    """Without enforcement a client chooses where results go and how they are encrypted; without a limit, the bill.

    Sources: https://docs.aws.amazon.com/athena/latest/ug/workgroups-settings-override.html,
    https://docs.aws.amazon.com/athena/latest/ug/workgroups-manage-queries-control-costs.html
    """
    settings = ("EnforceWorkGroupConfiguration", "BytesScannedCutoffPerQuery")
    return [setting for setting in settings if not _at(properties, f"WorkGroupConfiguration.{setting}")]


@_rule(
    "NoNatGateway",
    "AWS::EC2::NatGateway",
    fix="A NAT gateway costs money by the hour, used or not: reach AWS through VPC endpoints, or leave it out.",
)
def _no_nat_gateway(_: Properties) -> list[str]:
    """An idle sandbox costs about one KMS key; one NAT gateway costs more than thirty of them.

    Source: https://aws.amazon.com/vpc/pricing/
    """
    return ["AWS::EC2::NatGateway"]


@_rule(
    "TrainingJobBounds",
    "AWS::IAM::Group",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::IAM::User",
    fix="A policy that allows sagemaker:CreateTrainingJob must itself deny, on every resource and each in a statement "
    "of its own: other sagemaker:InstanceTypes, a longer sagemaker:MaxRuntimeInSeconds, a missing one, and a missing "
    "sagemaker:VolumeKmsKeyArn.",
)
def _training_job_bounds(properties: Properties) -> list[str]:
    """A job without bounds runs on any instance for five days; an allowance can be widened elsewhere, a denial not.

    Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemakerai.html
    """
    return sorted({bound for document in _documents(properties) for bound in _missing_bounds(document)})


def _documents(properties: Properties) -> Iterator[Properties]:
    if "PolicyDocument" in properties:
        yield properties["PolicyDocument"]
    yield from (policy["PolicyDocument"] for policy in properties.get("Policies", []))


def _missing_bounds(document: Properties) -> list[str]:
    statements = [s for s in _list(document["Statement"]) if _covers(s, _CREATE_TRAINING_JOB)]
    if all(statement["Effect"] == "Deny" for statement in statements):
        return []
    denied = set(_denied_conditions(statements))
    conditions = {
        "OtherInstanceTypes": [
            ("foranyvalue:stringnotequals", "sagemaker:instancetypes"),
            ("foranyvalue:stringnotlike", "sagemaker:instancetypes"),
        ],
        "LongerRuntime": [
            ("numericgreaterthan", "sagemaker:maxruntimeinseconds"),
            ("numericgreaterthanequals", "sagemaker:maxruntimeinseconds"),
        ],
        "MissingRuntime": [("null", "sagemaker:maxruntimeinseconds")],
        "MissingVolumeKey": [
            ("null", "sagemaker:volumekmskeyarn"),
            # a negated operator is met by a key that is missing, too
            ("arnnotequals", "sagemaker:volumekmskeyarn"),
            ("stringnotequals", "sagemaker:volumekmskeyarn"),
        ],
    }
    return [bound for bound, ways in conditions.items() if denied.isdisjoint(ways)]


def _denied_conditions(statements: list[Properties]) -> Iterator[tuple[str, str]]:
    """The conditions that suffice, each alone, for a denial on every resource."""
    for statement in statements:
        conditions = [
            (operator.lower(), key.lower(), value)
            for operator, keys in statement.get("Condition", {}).items()
            for key, value in keys.items()
        ]
        if statement["Effect"] != "Deny" or statement.get("Resource") != "*" or len(conditions) != 1:
            continue
        ((operator, key, value),) = conditions
        if operator != "null" or _list(value) in (["true"], [True]):
            yield operator, key


def _covers(statement: Properties, action: str) -> bool:
    named = statement.get("Action", statement.get("NotAction", []))
    matches = any(fnmatchcase(action, str(pattern).lower()) for pattern in _list(named))
    return matches == ("Action" in statement)


def _at(properties: Properties, path: str) -> Any:
    found: Any = properties
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
