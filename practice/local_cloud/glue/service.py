"""Glue of the local cloud: crawlers that really crawl, and partitions selected by an expression.

MiniStack keeps the catalog and the crawlers' properties. Replaced is what runs a crawler, and what checks
it. A crawler in event mode (CRAWL_EVENT_MODE) keeps its queue, but crawls everything.

Source: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-crawling.html
"""

from __future__ import annotations

import functools
import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import duckdb

from practice.local_cloud import background
from practice.local_cloud.athena.catalog import Table
from practice.local_cloud.athena.tables import literal, quoted
from practice.local_cloud.glue.crawler import NEW_FOLDERS_ONLY, Crawl, CrawlError, CrawlStoppedError
from practice.local_cloud.hooks import GLUE, RESPONSES

_EVENT_MODE = "CRAWL_EVENT_MODE"
Response = tuple[int, dict[str, str], bytes]
_seen: dict[tuple[str, str, str, float], set[str]] = {}


def _answer(status: int, body: Mapping[str, Any]) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def _error(kind: str, message: str) -> Response:
    return _answer(400, {"__type": kind, "message": message})


def _checking(
    original: Callable[[dict[str, Any]], Response], current: Callable[[str], Mapping[str, Any]]
) -> Callable[[dict[str, Any]], Response]:
    """The operation, after refusing what Glue refuses of a crawler."""

    @functools.wraps(original)
    def operation(request: dict[str, Any]) -> Response:
        before = current(request.get("Name", ""))
        if why := _why_not({**before, **request}, before):
            return _error("InvalidInputException", why)
        return original(request)

    return operation


def _why_not(crawler: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Why Glue takes no crawler like this; ``before`` is what it was, empty if it is new.

    Sources: https://docs.aws.amazon.com/glue/latest/dg/incremental-crawls.html,
    https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-event-notifications.html,
    https://github.com/aws/aws-cdk/issues/17763 (a target without a queue)
    """
    behavior = _behavior(crawler)
    policy = crawler.get("SchemaChangePolicy") or {}
    given = {name: policy.get(name) for name in ("UpdateBehavior", "DeleteBehavior")}
    if behavior == NEW_FOLDERS_ONLY and set(given.values()) != {"LOG"}:
        return (
            f"SchemaChangePolicy is {given}; with RecrawlBehavior {NEW_FOLDERS_ONLY} both must be LOG. "
            "Set both to LOG, or crawl everything."
        )
    if before and _behavior(before) == NEW_FOLDERS_ONLY == behavior and before["Targets"] != crawler["Targets"]:
        return (
            f"Targets of the crawler {before['Name']} cannot change while its RecrawlBehavior is {NEW_FOLDERS_ONLY}. "
            "Create another crawler for other targets."
        )
    targets = [target for kind in (crawler.get("Targets") or {}).values() for target in kind or []]
    if behavior == _EVENT_MODE and len(targets) != 1:
        return f"A crawler with RecrawlBehavior {_EVENT_MODE} has one target, not {len(targets)}. Use one for each."
    if behavior == _EVENT_MODE and not targets[0].get("EventQueueArn"):
        return "Event queue ARN is required when event crawler is selected."
    return None


def _behavior(crawler: Mapping[str, Any]) -> str | None:
    return (crawler.get("RecrawlPolicy") or {}).get("RecrawlBehavior")


def start_crawler(request: dict[str, Any]) -> Response:
    """RUNNING, then STOPPING while the catalog settles, then READY with LastCrawl."""
    name = request.get("Name", "")
    crawler = GLUE._crawlers.get(name)
    if crawler is None:
        return _error("EntityNotFoundException", f"Crawler {name} not found.")
    if crawler["State"] != "READY":
        return _error("CrawlerRunningException", f"Crawler with name {name} has already started")
    crawler.update(State="RUNNING", CrawlElapsedTime=0)
    background.start(f"crawler-{name}", _crawl, crawler)
    return _answer(200, {})


def stop_crawler(request: dict[str, Any]) -> Response:
    name = request.get("Name", "")
    crawler = GLUE._crawlers.get(name)
    if crawler is None:
        return _error("EntityNotFoundException", f"Crawler {name} not found.")
    if crawler["State"] == "READY":
        return _error("CrawlerNotRunningException", f"Crawler with name {name} isn't running")
    if crawler["State"] == "STOPPING":
        return _error("CrawlerStoppingException", f"Crawler with name {name} is stopping")
    crawler["State"] = "STOPPING"
    return _answer(200, {})


def _crawl(crawler: dict[str, Any]) -> None:
    started = time.time()
    key = (RESPONSES.get_account_id(), RESPONSES.get_region(), crawler["Name"], crawler["CreationTime"])
    last: dict[str, Any] = {
        "LogGroup": "/aws-glue/crawlers",
        "LogStream": crawler["Name"],
        "MessagePrefix": str(uuid.uuid4()),
        "StartTime": started,
    }
    try:
        Crawl(crawler, _seen.setdefault(key, set()), lambda: crawler["State"] == "STOPPING").run()
        last["Status"] = "SUCCEEDED"
    except CrawlStoppedError:
        last["Status"] = "CANCELLED"
    except CrawlError as error:
        last |= {"Status": "FAILED", "ErrorMessage": str(error)}
    except Exception as error:
        message = f"internal error of the local cloud: {type(error).__name__}: {error}"
        last |= {"Status": "FAILED", "ErrorMessage": message}
    crawler["State"] = "STOPPING"
    crawler.update(LastCrawl=last, CrawlElapsedTime=int((time.time() - started) * 1000))
    crawler["State"] = "READY"


def get_partitions(request: dict[str, Any]) -> Response:
    """The catalogued partitions, those alone that the expression selects."""
    database, name = request.get("DatabaseName", ""), request.get("TableName", "")
    definition = GLUE._tables.get(f"{database}/{name}")
    if definition is None:
        return _error("EntityNotFoundException", f"Table {name} not found.")
    entries = GLUE._partitions.get(f"{database}/{name}") or []
    if (expression := request.get("Expression")) and entries:
        try:
            entries = _matching(Table(definition), entries, expression)
        except duckdb.Error as error:
            return _error("InvalidInputException", f"Unsupported expression {expression!r}: {error}")
    return _answer(200, {"Partitions": entries})


def _matching(table: Table, entries: list[dict[str, Any]], expression: str) -> list[dict[str, Any]]:
    rows = ", ".join(f"({i}, {', '.join(literal(v) for v in entry['Values'])})" for i, entry in enumerate(entries))
    names = ", ".join(quoted(f"p{i}") for i in range(len(table.partition_keys)))
    typed = ", ".join(
        f'CAST("p{i}" AS {k.duckdb_type}) AS {quoted(k.name)}' for i, k in enumerate(table.partition_keys)
    )
    with duckdb.connect(config={"enable_external_access": False}) as connection:
        selected = connection.execute(
            f"SELECT i FROM (SELECT i, {typed} FROM (VALUES {rows}) AS v(i, {names})) WHERE {expression}"  # noqa: S608
        ).fetchall()
    return [entries[row[0]] for row in sorted(selected)]


RESOURCE_HANDLERS: dict[str, Any] = {}
ROUTES: dict[tuple[str, str], Any] = {}


def install() -> None:
    GLUE._create_crawler = _checking(GLUE._create_crawler, lambda _: {})
    GLUE._update_crawler = _checking(GLUE._update_crawler, lambda name: GLUE._crawlers.get(name) or {})
    GLUE._start_crawler = start_crawler
    GLUE._stop_crawler = stop_crawler
    GLUE._get_partitions = get_partitions
