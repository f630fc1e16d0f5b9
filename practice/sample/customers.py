"""The shop's daily batch of customers, as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from contracts import Contract
from contracts.csv_file import line
from practice.sample.plan import Plan
from practice.sample.values import filled, identifier, seeded, within


def customers(plan: Plan, contract: Contract | None = None) -> Iterator[str]:
    """The batch line by line: a header of the contract's field names, then everyone who is behind the plan's orders.

    A plan of more orders with the same seed names the same customers and more.
    """
    contract = contract or Contract.load("customers")
    fields = {field.name: field for field in contract.fields if not field.read_only}
    yield line([*fields])
    for customer in plan.shop.customers_behind(plan.events):
        told = {
            "customer_id": identifier(fields["customer_id"], customer.number),
            "signup_date": customer.signup.date().isoformat(),
            "country": customer.country,
            "birth_year": customer.birth_year and int(within(fields["birth_year"], customer.birth_year)),
        }
        values = filled(contract, told, customer.signup, seeded(plan.seed, "export", customer.number))
        yield line([_text(values.get(name)) for name in fields])


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
