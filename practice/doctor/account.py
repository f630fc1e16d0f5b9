"""What the account and the region need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError, NoCredentialsError

from practice.doctor.findings import Check, Finding, Verdict
from practice.sandbox import LAYERS
from stacks.regions import missing_stacks

OLDEST_BOOTSTRAP = 6
"""What the templates ask for (their rule CheckBootstrapVersion)."""

_ABSENT = frozenset(
    {
        "EntityNotFoundException",
        "InvalidRequestException",
        "ResourceNotFound",
        "StateMachineDoesNotExist",
        "ValidationError",
        "ValidationException",
    }
)
"""How CloudFormation, Glue, Athena, SageMaker and Step Functions say that there is no such thing."""

Clients = Callable[[str], Any]


def account_checks(name: str, region: str, client: Clients) -> dict[str, Check]:
    """What a deployment of the sandbox of this name depends on, once there are credentials."""
    checks: dict[str, Check] = {
        "CDK bootstrap": partial(_bootstrap, client("ssm")),
        "Lake Formation": partial(_lake_formation, client("lakeformation")),
        "Region": partial(_region, region),
    }
    cloudformation = client("cloudformation")
    for stack in (*LAYERS, "expiry"):
        checks[f"Stack {name}-{stack}"] = partial(_stack, cloudformation, name, f"{name}-{stack}")
    database = f"{name.replace('-', '_')}_raw"
    glue, athena, sagemaker = client("glue"), client("athena"), client("sagemaker")
    sts, stepfunctions = client("sts"), client("stepfunctions")
    group, registry, pipeline = f"{name}-customer-features", f"{name}-customer-churn", f"{name}-churn-training"
    looks: Mapping[str, tuple[str, Callable[[], object]]] = {
        f"Database {database}": ("lake", lambda: glue.get_database(Name=database)),
        f"Workgroup {name}": ("lake", lambda: athena.get_work_group(WorkGroup=name)),
        f"Feature group {group}": (
            "feature-store",
            lambda: sagemaker.describe_feature_group(FeatureGroupName=group),
        ),
        f"Model package group {registry}": (
            "training",
            lambda: sagemaker.describe_model_package_group(ModelPackageGroupName=registry),
        ),
        f"SageMaker pipeline {pipeline}": ("training", lambda: sagemaker.describe_pipeline(PipelineName=pipeline)),
        f"State machine {name}-refinery": (
            "processing",
            lambda: _state_machine(sts, stepfunctions, f"{name}-refinery"),
        ),
    }
    return checks | {
        what: partial(_clash, cloudformation, f"{name}-{layer}", look) for what, (layer, look) in looks.items()
    }


def credentials(sts: Any) -> Finding:
    fix = "Set AWS_PROFILE, or sign in: aws sso login."
    try:
        identity = sts.get_caller_identity()
    except NoCredentialsError:
        return Finding(Verdict.BLOCKS, "none in the environment", fix)
    except ClientError as error:
        return Finding(Verdict.BLOCKS, str(error), fix)
    return Finding(Verdict.FINE, identity["Arn"])


def _bootstrap(ssm: Any) -> Finding:
    """Source: https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html"""
    try:
        parameter = ssm.get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise
        return Finding(Verdict.BLOCKS, "not done in this account and region", "make bootstrap")
    version = int(parameter["Value"])
    if version >= OLDEST_BOOTSTRAP:
        return Finding(Verdict.FINE, f"version {version}")
    return Finding(Verdict.BLOCKS, f"version {version}, needs {OLDEST_BOOTSTRAP} or later", "make bootstrap")


def _lake_formation(lakeformation: Any) -> Finding:
    """Without the default for IAM's principals, creating a database fails: "Required Create Database on Catalog".

    Source: https://docs.aws.amazon.com/lake-formation/latest/dg/change-settings.html
    """
    settings = lakeformation.get_data_lake_settings()["DataLakeSettings"]
    for key in ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions"):
        principals = {entry["Principal"]["DataLakePrincipalIdentifier"] for entry in settings.get(key, [])}
        if "IAM_ALLOWED_PRINCIPALS" not in principals:
            return Finding(
                Verdict.BLOCKS,
                f"permissions are Lake Formation's alone ({key})",
                "Turn on 'Use only IAM access control' for new databases and tables in Lake Formation's data catalog "
                "settings, or make the CDK's CloudFormation execution role a data lake administrator.",
            )
    return Finding(Verdict.FINE, "IAM decides")


def _region(region: str) -> Finding:
    missing = missing_stacks(region)
    if not missing:
        return Finding(Verdict.FINE, f"{region} has everything")
    reasons = "; ".join(f"{stack} needs {lacking}" for stack, lacking in missing.items())
    fix = "They are left out. For all of them choose another region: AWS_REGION=eu-central-1"
    return Finding(Verdict.WARNS, f"{region} lacks: {reasons}", fix)


def _stack(cloudformation: Any, name: str, stack_name: str) -> Finding:
    stack = _find_stack(cloudformation, stack_name)
    if stack is None:
        return Finding(Verdict.FINE, "free")
    tags = {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}
    description = stack.get("Description", "")
    if tags.get("sandbox") == name or description.startswith("Machine-learning sandbox:"):
        return Finding(Verdict.FINE, f"is the sandbox's own, {stack['StackStatus']}")
    return Finding(Verdict.BLOCKS, "is somebody else's", _another_name())


def _clash(cloudformation: Any, stack_name: str, look: Callable[[], object]) -> Finding:
    """What exists without the stack that would make it keeps the stack from making it."""
    try:
        look()
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return Finding(Verdict.FINE, "free")
        raise
    if _find_stack(cloudformation, stack_name):
        return Finding(Verdict.FINE, "is the sandbox's own")
    fix = f"If a sandbox left it: python -m practice sweep --aws. {_another_name()}"
    return Finding(Verdict.BLOCKS, f"exists without the stack {stack_name}", fix)


def _find_stack(cloudformation: Any, stack_name: str) -> Any:
    try:
        return cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _ABSENT:
            raise
        return None


def _state_machine(sts: Any, stepfunctions: Any, name: str) -> object:
    identity = sts.get_caller_identity()
    partition, region = identity["Arn"].split(":")[1], stepfunctions.meta.region_name
    arn = f"arn:{partition}:states:{region}:{identity['Account']}:stateMachine:{name}"
    return stepfunctions.describe_state_machine(stateMachineArn=arn)


def _another_name() -> str:
    return "Choose another name for yours: sandbox:name in cdk.json."
