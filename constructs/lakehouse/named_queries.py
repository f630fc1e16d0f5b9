"""The questions that are prepared in Athena."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from string import Template

from aws_cdk import aws_athena as athena
from constructs import Construct


class NamedQueries(Construct):
    """A named query in the workgroup for every ``.sql`` file of a directory, on a database of its own choice.

    A name is the file's, so names are unique in a workgroup as long as file names are.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        workgroup: str,
        directory: Path,
        database: str,
        database_names: Mapping[str, str],
    ) -> None:
        super().__init__(scope, construct_id)
        for query in named_queries(directory, database_names):
            athena.CfnNamedQuery(
                self,
                "".join(word.capitalize() for word in query.name.split("_")),
                name=query.name,
                description=query.description,
                database=database,
                query_string=query.sql,
                work_group=workgroup,
            )


@dataclass(frozen=True)
class NamedQuery:
    """A query of a directory, with the names of the databases filled in."""

    name: str
    description: str
    sql: str


def named_queries(directory: Path, database_names: Mapping[str, str]) -> list[NamedQuery]:
    """The directory's queries, by name. The comment that opens a file holds its title, and then its description.

    ``$raw`` in a file stands for the name of the database that ``database_names`` gives for ``raw``.
    """
    queries = []
    for path in sorted(directory.glob("*.sql")):
        sql = Template(path.read_text(encoding="utf-8")).substitute(database_names)
        comment = takewhile(lambda line: line.startswith("--"), sql.splitlines())
        _, *description = (line.removeprefix("--").strip() for line in comment)
        queries.append(NamedQuery(name=path.stem, description=" ".join(description), sql=sql))
    return queries
