"""Runs the crawlers of the raw zone, and waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from practice.errors import PracticeError
from practice.sandbox import Sandbox

if TYPE_CHECKING:
    from types_boto3_glue import GlueClient

_PAUSE_SECONDS = 0.5


def crawl(sandbox: Sandbox, *, pause: Callable[[float], None] = time.sleep) -> dict[str, int]:
    """Crawl the raw zone, or wait for crawls that run already; returns the raw tables and their column count."""
    glue: GlueClient = sandbox.client("glue")
    names = sandbox["RawCrawlers"].split(",")
    for name in names:
        with suppress(glue.exceptions.CrawlerRunningException):
            glue.start_crawler(Name=name)
    for name in names:
        _wait(glue, name, pause)
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=sandbox["RawDatabase"])
    return {
        table["Name"]: len(table["StorageDescriptor"]["Columns"]) + len(table.get("PartitionKeys", []))
        for page in pages
        for table in page["TableList"]
    }


def _wait(glue: GlueClient, name: str, pause: Callable[[float], None]) -> None:
    while (crawler := glue.get_crawler(Name=name)["Crawler"])["State"] != "READY":
        pause(_PAUSE_SECONDS)
    last = crawler.get("LastCrawl", {})
    if last.get("Status") != "SUCCEEDED":
        raise PracticeError(
            f"The crawler {name} ended as {last.get('Status', 'unknown')}: {last.get('ErrorMessage', 'no message')}. "
            f"Its log: group {last.get('LogGroup', '/aws-glue/crawlers')}, stream {last.get('LogStream', name)}."
        )
