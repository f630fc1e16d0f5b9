"""What a user may decide about a sandbox."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from enum import IntEnum
from typing import Annotated, Any, Self

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from lakehouse.crawler import CrawlerTrigger
from lakehouse.order_stream import IngestionSource
from machine_learning.input_mode import InputMode
from machine_learning.instance_types import StudioInstanceType, TrainingInstanceType
from machine_learning.studio_network import NetworkAccess
from machine_learning.table_format import TableFormat
from machine_learning.tuning import Tuning
from refinery.engine import ProcessingEngine
from refinery.glue_job import ExecutionClass
from refinery.trigger import ProcessingTrigger
from stacks.reserved_names import problems

PREFIX = "sandbox:"
_SHORTEST_STAY_IN_INFREQUENT_ACCESS = 30


class SettingsError(ValueError):
    """Settings that no sandbox can be built from; says the value, what is allowed, and the fix."""


class LogRetentionDays(IntEnum):
    """The spans CloudWatch Logs offers, up to a quarter; named as in `aws_cdk.aws_logs.RetentionDays`."""

    ONE_DAY = 1
    THREE_DAYS = 3
    FIVE_DAYS = 5
    ONE_WEEK = 7
    TWO_WEEKS = 14
    ONE_MONTH = 30
    TWO_MONTHS = 60
    THREE_MONTHS = 90


def _split(value: Any) -> Any:
    """The items of a list, which `cdk -c` passes as text with commas, each once."""
    items = [item.strip() for item in value.split(",")] if isinstance(value, str) else value
    return list(dict.fromkeys(items)) if isinstance(items, list) and all(isinstance(i, str) for i in items) else items


UserName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,29}[a-z0-9])?$", examples=["learner"])]
AsList = BeforeValidator(_split)


class Settings(BaseModel):
    """The settings of one sandbox, from the context keys ``sandbox:*`` of cdk.json and ``cdk -c``.

    Validated once, before any construct exists, and never changed: whoever holds a `Settings` holds a
    combination that can be deployed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,18}[a-z0-9]$", examples=["ml-sandbox"])] = "ml-sandbox"
    """Names the stacks, the databases and the workgroup, and tags every resource."""

    ingestion_source: IngestionSource = IngestionSource.DIRECT_PUT
    """Where producers send orders."""

    buffer_seconds: Annotated[int, Field(ge=60, le=900)] = 60
    """How long Firehose collects records before it writes objects; longer makes fewer, larger files."""

    crawler_trigger: CrawlerTrigger = CrawlerTrigger.ON_DEMAND
    """What starts the crawlers."""

    athena_scan_limit_mb: Annotated[int, Field(ge=10, le=1_000_000)] = 1_000
    """Athena cancels a query that has scanned this many megabytes."""

    raw_infrequent_access_days: Annotated[int, Field(ge=30, le=3650)] = 30
    """Age at which raw objects move to S3 Standard-Infrequent Access; S3 allows no earlier than 30 days."""

    raw_glacier_days: Annotated[int, Field(ge=60, le=3650)] = 90
    """Age at which raw objects move to S3 Glacier Instant Retrieval."""

    noncurrent_version_days: Annotated[int, Field(ge=1, le=365)] = 7
    """How long overwritten and deleted objects can be brought back."""

    processing_trigger: ProcessingTrigger = ProcessingTrigger.ON_DEMAND
    """What starts the pipeline from raw to curated."""

    processing_engine: ProcessingEngine = ProcessingEngine.GLUE
    """What runs the Spark scripts that need not be Glue jobs."""

    processing_workers: Annotated[int, Field(ge=2, le=10)] = 2
    """How many workers a Spark job has; with more than two, those that idle are given back."""

    processing_execution_class: ExecutionClass = ExecutionClass.STANDARD
    """What capacity Glue jobs run on."""

    feature_table_format: TableFormat = TableFormat.GLUE
    """How the offline feature store lays out its table; changing it needs a new feature group."""

    training_instance_types: Annotated[tuple[TrainingInstanceType, ...], AsList, Field(min_length=1)] = (
        TrainingInstanceType.ML_M5_LARGE,
        TrainingInstanceType.ML_M5_XLARGE,
        TrainingInstanceType.ML_C5_XLARGE,
    )
    """What training jobs may run on."""

    training_max_runtime_minutes: Annotated[int, Field(ge=5, le=1440)] = 60
    """How long a training job may run."""

    training_instances: Annotated[int, Field(ge=1, le=4)] = 1
    """How many instances share a training job of the pipeline, each with its part of the rows."""

    training_input_mode: InputMode = InputMode.FAST_FILE
    """How training jobs of the pipeline get their data."""

    training_tuning: Tuning = Tuning.OFF
    """How the pipeline finds hyperparameters; anything but `off` runs up to 12 training jobs instead of one."""

    studio_network: NetworkAccess = NetworkAccess.PUBLIC_INTERNET_ONLY
    """How Studio reaches AWS and the internet."""

    studio_users: Annotated[tuple[UserName, ...], AsList, Field(min_length=1, max_length=10)] = ("learner",)
    """Who has a user profile in the domain."""

    studio_instance_types: Annotated[tuple[StudioInstanceType, ...], AsList, Field(min_length=1)] = (
        StudioInstanceType.ML_T3_MEDIUM,
        StudioInstanceType.ML_T3_LARGE,
        StudioInstanceType.ML_M5_LARGE,
    )
    """What notebooks may run on."""

    endpoint_idle_hours: Annotated[int, Field(ge=1, le=168)] = 2
    """How long an endpoint may be without an invocation before it is deleted."""

    notebook_max_hours: Annotated[int, Field(ge=1, le=168)] = 12
    """How long a notebook may run, busy or not, before it is stopped."""

    notice_email: Annotated[str, Field(pattern=r"^([^@\s]+@[^@\s]+\.[^@\s]+)?$", examples=["you@example.com"])] = ""
    """Who is told what failed, what was stopped and what the sandbox costs; without an address there is no budget."""

    budget_usd: Annotated[int, Field(ge=1, le=10_000)] = 10
    """What the sandbox may cost a month; the budget's alerts are parts of it."""

    lifetime_hours: Annotated[int, Field(ge=0, le=720)] = 0
    """How long after a deployment the sandbox deletes itself; 0 is never."""

    log_retention_days: LogRetentionDays = LogRetentionDays.ONE_WEEK
    """How long logs are kept."""

    retain_data: bool = False
    """Keep the zones, the models and the key when the stacks are destroyed. They go on costing money."""

    @model_validator(mode="after")
    def _name_is_free(self) -> Self:
        if refused := list(problems(self.name)):
            default = type(self).model_fields["name"].default
            raise ValueError(
                f"{PREFIX}name={self.name!r} is taken or reserved. {' '.join(refused)} Allowed: any other name of "
                f"3 to 20 lower-case letters, digits and hyphens. Set, for example, {PREFIX}name={default}"
            )
        return self

    @model_validator(mode="after")
    def _storage_classes_follow_each_other(self) -> Self:
        earliest = self.raw_infrequent_access_days + _SHORTEST_STAY_IN_INFREQUENT_ACCESS
        if self.raw_glacier_days < earliest:
            raise ValueError(
                f"{PREFIX}raw_glacier_days={self.raw_glacier_days} with "
                f"{PREFIX}raw_infrequent_access_days={self.raw_infrequent_access_days}: objects stay in Infrequent "
                f"Access for at least {_SHORTEST_STAY_IN_INFREQUENT_ACCESS} days. "
                f"Set {PREFIX}raw_glacier_days to {earliest} or more."
            )
        return self

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> Settings:
        """The settings in a CDK context, where `cdk -c` has written strings and cdk.json any JSON value.

        Raises:
            SettingsError: naming every key that is unknown, of the wrong type or out of range, or the
                combination that is impossible, each with what is allowed and the fix.
        """
        given = {key.removeprefix(PREFIX): value for key, value in context.items() if key.startswith(PREFIX)}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = [_explain(details) for details in error.errors()]
        raise SettingsError("\n".join(["The sandbox settings are not usable:", *problems]))

    @property
    def log_retention(self) -> logs.RetentionDays:
        return logs.RetentionDays[self.log_retention_days.name]

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What happens to data, and to the key that reads it, when the stacks are destroyed."""
        return RemovalPolicy.RETAIN if self.retain_data else RemovalPolicy.DESTROY


def _explain(details: ErrorDetails) -> str:
    if not details["loc"]:
        return f"  {details['ctx']['error']}"
    key = str(details["loc"][0])
    if details["type"] == "extra_forbidden":
        closest = difflib.get_close_matches(key, Settings.model_fields, n=1, cutoff=0.5)
        fix = f"Did you mean {PREFIX}{closest[0]}?" if closest else "Remove it."
        known = ", ".join(Settings.model_fields)
        return f"  {PREFIX}{key}={details['input']!r}: there is no such setting. {fix}\n    known: {known}"
    default = Settings.model_fields[key].default
    shown = ",".join(default) if isinstance(default, tuple) else str(default).lower()
    schema = Settings.model_json_schema()
    allowed = _allowed(schema["properties"][key], schema)
    return (
        f"  {PREFIX}{key}={details['input']!r} is not allowed. Allowed: {allowed}.\n"
        f"    Correct it in cdk.json or on the command line: -c {PREFIX}{key}={shown} (the default)"
    )


def _allowed(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if field.get("type") == "array":
        number = f"1 to {field['maxLength']}" if "maxLength" in field else "one or more"
        return f"{number}, separated by commas, of: {_allowed(field['items'], schema)}"
    if "$ref" in field:
        field = schema["$defs"][field["$ref"].rpartition("/")[2]]
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if field["type"] == "integer":
        return f"a whole number from {field['minimum']} to {field['maximum']}"
    if field["type"] == "boolean":
        return "true, false"
    return f"text that matches {field['pattern']}, such as {field['examples'][0]}"
