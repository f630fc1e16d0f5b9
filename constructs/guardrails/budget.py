"""What the sandbox may cost a month before somebody is told."""

from collections.abc import Sequence

from aws_cdk import aws_budgets as budgets
from constructs import Construct

from guardrails.note import note

_ALERTS: Sequence[tuple[str, int]] = (("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""Kind of spend, and the percentage of the budget that it exceeds."""


class SandboxBudget(Construct):
    """A monthly budget for what carries the sandbox's tag, whose alerts go to an e-mail address.

    A budget only tells; nothing is stopped by it. It sees costs some hours late, and only once somebody has activated
    the tag for cost allocation, which no CloudFormation resource does: synth says how.

    It has no name of its own: another address or another alert replaces the budget, and a name would be taken.

    Sources: of the filter, https://docs.aws.amazon.com/code-library/latest/ug/budgets_example_budgets_CreateBudget_section.html;
    of the tag, https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/activating-tags.html;
    of what replaces a budget, https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-budgets-budget.html
    """

    def __init__(self, scope: Construct, construct_id: str, *, sandbox_name: str, usd: int, email: str) -> None:
        super().__init__(scope, construct_id)
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=usd, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:sandbox${sandbox_name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type=kind,
                        comparison_operator="GREATER_THAN",
                        threshold=percentage,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[budgets.CfnBudget.SubscriberProperty(subscription_type="EMAIL", address=email)],
                )
                for kind, percentage in _ALERTS
            ],
        )
        note(
            self,
            "The budget counts what carries the tag sandbox, once that is active for cost allocation. Do it once per "
            "account, a day after the first deployment: aws ce update-cost-allocation-tags-status "
            "--cost-allocation-tags-status TagKey=sandbox,Status=Active",
        )
