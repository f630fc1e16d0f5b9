"""What a user may set, and what is said about what may not be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from lakehouse.order_stream import IngestionSource
from stacks.settings import Settings, SettingsError
from tests.synthesis import CDK_JSON


def explained(**settings: Any) -> str:
    with pytest.raises(SettingsError) as error:
        Settings.from_context({f"sandbox:{key}": value for key, value in settings.items()})
    return str(error.value)


def test_come_from_the_context_keys_of_the_sandbox_alone() -> None:
    settings = Settings.from_context({"sandbox:ingestion_source": "kinesis", "@aws-cdk/core:anything": True})
    assert settings == Settings(ingestion_source=IngestionSource.KINESIS)


def test_of_cdk_json_are_the_defaults() -> None:
    assert Settings.from_context(CDK_JSON["context"]) == Settings()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"retain_data": "true"}, {"retain_data": True}),
        ({"buffer_seconds": "120"}, {"buffer_seconds": 120}),
        ({"log_retention_days": "14"}, {"log_retention_days": 14}),
        ({"studio_users": "ana, bo"}, {"studio_users": ("ana", "bo")}),
    ],
)
def test_are_read_from_the_strings_of_the_command_line(given: dict[str, str], read: dict[str, Any]) -> None:
    settings = Settings.from_context({f"sandbox:{key}": value for key, value in given.items()})
    assert settings.model_dump().items() >= read.items()


def test_a_list_holds_each_item_once() -> None:
    assert Settings.from_context({"sandbox:studio_users": ["ana", "bo", "ana"]}).studio_users == ("ana", "bo")


def test_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValidationError):
        Settings().name = "other"  # type: ignore[misc]


def test_an_unknown_key_gets_the_closest_known_one() -> None:
    message = explained(ingestion_sorce="kinesis")
    assert "sandbox:ingestion_sorce='kinesis'" in message
    assert "Did you mean sandbox:ingestion_source?" in message


def test_an_unknown_key_like_no_other_gets_the_list() -> None:
    message = explained(xyz=1)
    assert "Remove it." in message
    assert "retain_data" in message


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("name", "Sandbox", "text that matches ^[a-z][a-z0-9-]{1,18}[a-z0-9]$, such as ml-sandbox"),
        ("name", "ends-", "text that matches"),
        ("ingestion_source", "kafka", "direct-put, kinesis"),
        ("crawler_trigger", "hourly", "on-demand, daily, s3-events"),
        ("buffer_seconds", 59, "a whole number from 60 to 900"),
        ("buffer_seconds", 901, "a whole number from 60 to 900"),
        ("buffer_seconds", "soon", "a whole number from 60 to 900"),
        ("athena_scan_limit_mb", 9, "a whole number from 10 to 1000000"),
        ("raw_infrequent_access_days", 29, "a whole number from 30 to 3650"),
        ("log_retention_days", 8, "1, 3, 5, 7, 14, 30, 60, 90"),
        ("feature_table_format", "hudi", "glue, iceberg"),
        ("training_instance_types", "ml.g5.xlarge", "one or more, separated by commas, of: ml.m5.large, "),
        ("training_max_runtime_minutes", 4, "a whole number from 5 to 1440"),
        ("studio_network", "public", "public-internet-only, vpc-only"),
        ("studio_users", "Ana", "1 to 10, separated by commas, of: text that matches"),
        ("studio_users", "a,b,c,d,e,f,g,h,i,j,k", "1 to 10, separated by commas"),
        ("studio_users", [], "1 to 10, separated by commas"),
        ("studio_instance_types", "ml.p5.48xlarge", "one or more, separated by commas, of: ml.t3.medium, "),
        ("endpoint_idle_hours", 0, "a whole number from 1 to 168"),
        ("notebook_max_hours", 169, "a whole number from 1 to 168"),
        ("notice_email", "me", "text that matches ^([^@\\s]+@[^@\\s]+\\.[^@\\s]+)?$, such as you@example.com"),
        ("budget_usd", 0, "a whole number from 1 to 10000"),
        ("retain_data", "perhaps", "true, false"),
        ("retain_data", [], "true, false"),
    ],
)
def test_a_bad_value_gets_what_is_allowed_and_the_fix(key: str, value: Any, allowed: str) -> None:
    message = explained(**{key: value})
    assert f"sandbox:{key}={value!r} is not allowed" in message
    assert f"Allowed: {allowed}" in message
    assert f"-c sandbox:{key}=" in message


def test_an_impossible_combination_gets_both_values_and_the_fix() -> None:
    message = explained(raw_infrequent_access_days=50, raw_glacier_days=79)
    assert "sandbox:raw_glacier_days=79 with sandbox:raw_infrequent_access_days=50" in message
    assert "Set sandbox:raw_glacier_days to 80 or more" in message
    Settings(raw_infrequent_access_days=50, raw_glacier_days=80)


def test_all_problems_are_told_at_once() -> None:
    message = explained(retain_data="perhaps", buffer_seconds=1)
    assert "retain_data" in message
    assert "buffer_seconds" in message
