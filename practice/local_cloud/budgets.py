"""``AWS::Budgets::Budget`` as a record of MiniStack's Budgets API: nothing costs anything here, so nobody is alerted.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-budgets-budget.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError

from practice.local_cloud.address import ACCOUNT
from practice.local_cloud.hooks import PROVISIONERS
from practice.local_cloud.loopback import client
from practice.local_cloud.service import Attributes, Operations, Properties, Route

BUDGET = "AWS::Budgets::Budget"


def _create(logical_id: str, properties: Properties, stack_name: str) -> tuple[str, Attributes]:
    name = properties["Budget"].get("BudgetName", f"{stack_name}-{logical_id}-{uuid4().hex[:8]}")
    optional = ("NotificationsWithSubscribers", "ResourceTags")
    client("budgets").create_budget(
        AccountId=ACCOUNT,
        Budget=_as_api(properties, name),
        **{key: properties[key] for key in optional if key in properties},
    )
    return name, {}


def _update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> tuple[str, Attributes]:
    client("budgets").update_budget(AccountId=ACCOUNT, NewBudget=_as_api(new, physical_id))
    return physical_id, {}


def _as_api(properties: Properties, name: str) -> dict[str, Any]:
    """The budget as the API takes it: with a name, and amounts as text."""
    budget = {**properties["Budget"], "BudgetName": name}
    if limit := budget.get("BudgetLimit"):
        budget["BudgetLimit"] = {**limit, "Amount": str(limit["Amount"])}
    return budget


def _delete(physical_id: str, _properties: Properties) -> None:
    try:
        client("budgets").delete_budget(AccountId=ACCOUNT, BudgetName=physical_id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            raise


RESOURCE_HANDLERS: Mapping[str, Operations] = {BUDGET: {"create": _create, "update": _update, "delete": _delete}}
ROUTES: Mapping[tuple[str, str], Route] = {}


def install() -> None:
    """Tell MiniStack which change replaces a budget."""
    PROVISIONERS._REPLACING_PROPERTIES[BUDGET] = ("NotificationsWithSubscribers",)
