"""The refinery's part of the story: from orders to curated features, behind gates, and into the feature store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from practice.account import account
from practice.console import show, step, table
from practice.features import count_offline, get_features
from practice.flush import FEATURE_STORE, flush
from practice.local_cloud.lifecycle import LocalCloud
from practice.pipeline import Execution, Verdict, start, tree, verdicts, verdicts_table, wait
from practice.queries import Query, run
from practice.sample.plan import Plan
from practice.sandbox import Sandbox

CUTOFF_DAYS = (0, 90, 180, 270, 300, 330)
"""The newest is for today; of the others, whose 90 days are over, one tests a model, one validates, the rest train."""
SHOWN = ("customer_id", "frequency", "recency", "T", "monetary_value", "favourite_category")
_SHOWN_CUSTOMERS = 3


@dataclass(frozen=True)
class RefineryStory:
    """How the run went, and what there is afterwards."""

    execution: Execution
    verdicts: list[Verdict]
    curated: int
    offline: int
    customers: list[dict[str, str]]

    def show(self) -> bool:
        """Show the run, the gates, a few customers and the account; the answer says whether it adds up."""
        show("The pipeline", tree(self.execution))
        show("What the gates say", verdicts_table(self.verdicts))
        rows = table(*SHOWN, numbers=SHOWN[1:5])
        for customer in self.customers:
            shown = customer | {"monetary_value": f"{float(customer['monetary_value']):,.2f}"}
            rows.add_row(*(shown[name] for name in SHOWN))
        show("Features of the most frequent customers, read online", rows)
        made, adds_up = account(
            ("features curated", self.curated), [("in the offline feature store", self.curated, self.offline)]
        )
        show("What was curated, and what the feature store holds", made)
        return adds_up


def tell_refinery_story(sandbox: Sandbox, cloud: LocalCloud, plan: Plan) -> RefineryStory:
    """Run the pipeline on what has been delivered, and look at what it leaves."""
    cutoffs = [plan.end.date() - timedelta(days=days) for days in CUTOFF_DAYS]
    with step("Run the pipeline") as tell:
        flush(cloud, FEATURE_STORE)
        before = count_offline(sandbox)
        execution = wait(sandbox, start(sandbox, plan.end, cutoffs), tell)
        tell(f"{len(execution.steps)} steps")
    with step("Read the features") as tell:
        flush(cloud, FEATURE_STORE)
        days = ", ".join(f"DATE '{cutoff}'" for cutoff in cutoffs)
        counted = _ask(sandbox, f"SELECT count(*) FROM customer_features WHERE CAST(cutoff_date AS date) IN ({days})")  # noqa: S608
        frequent = _ask(
            sandbox,
            "SELECT customer_id FROM customer_features "  # noqa: S608
            f"WHERE CAST(cutoff_date AS date) = DATE '{cutoffs[0]}' "
            f"ORDER BY frequency DESC, customer_id LIMIT {_SHOWN_CUSTOMERS}",
        )
        ids = [str(row[0]) for row in frequent]
        online = get_features(sandbox, ids)
        story = RefineryStory(
            execution,
            verdicts(sandbox, execution.arn),
            int(counted[0][0] or 0),
            count_offline(sandbox) - before,
            [online[customer_id] for customer_id in ids],
        )
        tell(f"{story.curated:,} curated, {story.offline:,} offline")
    return story


def _ask(sandbox: Sandbox, sql: str) -> list[list[str | None]]:
    return run(sandbox, Query(sql, sandbox["CuratedDatabase"]), rows=100).rows
