"""The shop's daily batch of customers, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from contracts import Contract
from practice.sample.plan import Plan
from practice.sample.values import filled, identifier, seeded, within


def customers(plan: Plan, contract: Contract | None = None) -> Iterator[str]:
    """The batch line by line: a header of the contract's field names, then everyone who is behind the plan's orders.

    A plan of more orders with the same seed names the same customers and more.
    """
    contract = contract or Contract.load("customers")
    fields = {field.name: field for field in contract.fields if not field.read_only}
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fields, lineterminator="\n")
    writer.writeheader()
    for customer in plan.shop.customers_behind(plan.events):
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        told = {
            "customer_id": identifier(fields["customer_id"], customer.number),
            "signup_date": customer.signup.date().isoformat(),
            "country": customer.country,
            "birth_year": customer.birth_year and int(within(fields["birth_year"], customer.birth_year)),
        }
        values = filled(contract, told, customer.signup, seeded(plan.seed, "export", customer.number))
        writer.writerow(
            {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}
        )
    yield buffer.getvalue()
