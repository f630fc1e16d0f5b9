"""Databases and tables of the Glue catalog; a feature group's table stays when the group is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from practice.sweep.kinds import Account, Kind, pages
from practice.sweep.ownership import Found


def _databases(client: Any, account: Account) -> Iterator[Found]:
    for database in pages(client, "get_databases", "DatabaseList"):
        yield Found(database["Name"], account.arn("glue", f"database/{database['Name']}"))


def _tables(client: Any, account: Account) -> Iterator[Found]:
    """Glue tags no table, so none is ever deleted but with a database that carries the tag.

    Source: https://docs.aws.amazon.com/glue/latest/dg/monitor-tags.html
    """
    for database in _databases(client, account):
        for table in pages(client, "get_tables", "TableList", DatabaseName=database.id):
            name = f"{database.id}/{table['Name']}"
            yield Found(name, account.arn("glue", f"table/{name}"), within=database.arn)


KINDS = (
    Kind(
        "table",
        "glue",
        "glue:table",
        "almost nothing; its data costs in its bucket",
        _tables,
        by_hand="aws glue delete-table --database-name DATABASE --name NAME",
    ),
    Kind(
        "database",
        "glue",
        "glue:database",
        "nothing",
        _databases,
        lambda client, found: client.delete_database(Name=found.id),
        by_hand="aws glue delete-database --name NAME",
    ),
)
