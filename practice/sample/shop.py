"""The shop behind the sample: who its customers are, and when each of them buys, returns and stays away.

Each customer follows the BG/NBD model: a Poisson purchase rate of their own, drawn from a gamma
distribution, and after every purchase the chance, drawn from a beta distribution, that it was the last.
So who will not buy again can be learned from recency and frequency, as in a real shop.

Source: Fader, Hardie and Lee, "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD
Model, Marketing Science 24(2), 2005.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, count, islice
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from contracts import Contract, Field
from practice.sample.values import filled, identifier, seeded, within

PURCHASES_PER_WEEK = (0.9, 0.5)  # gamma: shape, scale
LAST_PURCHASE = (0.8, 2.6)  # beta: a, b
RETURN_SHARE = 0.055
NEWEST_CUSTOMER_DAYS = 7
CUSTOMERS_PER_SEED = 10**9
PRODUCTS = 400
WAVE = 5_000

_CURRENCIES = {
    "AT": "EUR", "BR": "BRL", "CH": "CHF", "DE": "EUR", "ES": "EUR", "FR": "EUR", "GB": "GBP",
    "IN": "INR", "JP": "JPY", "PL": "PLN", "SE": "SEK", "US": "USD",
}  # fmt: skip
_UNITS_PER_EURO = {
    "BRL": 6.2, "CHF": 0.95, "EUR": 1.0, "GBP": 0.85, "INR": 95.0, "JPY": 165.0, "PLN": 4.3, "SEK": 11.2, "USD": 1.1,
}  # fmt: skip
_TYPICAL_EUROS = {"books": 15, "electronics": 140, "fashion": 45, "garden": 35, "groceries": 8, "home": 50, "toys": 20}
_COUPONS = ("WELCOME10", "SPRING5", "FREESHIP", "LOYAL15")


@dataclass(frozen=True)
class Customer:
    """A customer, and the two numbers that decide when they buy."""

    number: int
    country: str
    birth_year: int | None
    signup: datetime
    purchases_per_week: float
    last_purchase_chance: float


class Event(NamedTuple):
    """Something a customer did: its time, and the contract's values."""

    time: datetime
    values: dict[str, Any]


@dataclass(frozen=True)
class Shop:
    """A shop that opened ``days`` days before ``end``.

    The seed alone decides who the customers are and how they behave, so two runs of one seed tell of the
    same people, and two seeds of different ones; the end decides when, and makes every event one of its own.
    """

    seed: int
    end: datetime
    days: int
    contract: Contract

    def customers(self) -> Iterator[Customer]:
        """All the customers the shop could have, without end."""
        return (self._customer(number) for number in count(self.seed * CUSTOMERS_PER_SEED + 1))

    def customers_behind(self, events: int) -> Iterator[Customer]:
        """The customers whom :meth:`waves` needs for as many events."""
        for customer in self.customers():
            if events <= 0:
                return
            yield customer
            events -= sum(1 for _ in islice(self.history(customer), events))

    def waves(self, events: int) -> Iterator[list[Event]]:
        """As many events as asked for, in lists of bounded length; a later list goes on with other customers."""
        stream = islice(chain.from_iterable(map(self.history, self.customers())), events)
        while wave := list(islice(stream, WAVE)):
            yield wave

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return {field.name: field for field in self.contract.fields}

    def _customer(self, number: int) -> Customer:
        rng = seeded(self.seed, "customer", number)
        signup = self.end - timedelta(days=NEWEST_CUSTOMER_DAYS + (self.days - NEWEST_CUSTOMER_DAYS) * rng.random())
        return Customer(
            number=number,
            country=rng.choice(tuple(_CURRENCIES)),
            birth_year=self.end.year - rng.randint(18, 80) if rng.random() < 0.8 else None,
            signup=signup,
            purchases_per_week=rng.gammavariate(*PURCHASES_PER_WEEK),
            last_purchase_chance=rng.betavariate(*LAST_PURCHASE),
        )

    def history(self, customer: Customer) -> Iterator[Event]:
        """What a customer does from the first purchase, at signup, until they leave or the end comes."""
        behaviour = seeded(self.seed, "history", customer.number)
        names = seeded(self.seed, self.end.isoformat(), customer.number)
        time = customer.signup
        while time < self.end:
            purchase = self._purchase(customer, time, behaviour, names)
            yield purchase
            given_back = time + timedelta(days=behaviour.uniform(1, 21))
            if behaviour.random() < RETURN_SHARE and given_back < self.end:
                yield Event(given_back, purchase.values | {"event_id": _event_id(names), "event_type": "return"})
            if behaviour.random() < customer.last_purchase_chance:
                return
            time += timedelta(weeks=min(behaviour.expovariate(customer.purchases_per_week), self.days))

    def _purchase(self, customer: Customer, time: datetime, behaviour: Random, names: Random) -> Event:
        fields = self._fields
        product = 1 + int(PRODUCTS * behaviour.random() ** 2)
        category = fields["category"].schema["enum"][product % len(fields["category"].schema["enum"])]
        currency = _CURRENCIES[customer.country]
        price = _TYPICAL_EUROS.get(category, 25) * (0.5 + product * 37 % 101 / 67) * _UNITS_PER_EURO[currency]
        quantity = int(within(fields["quantity"], 1 + int(behaviour.expovariate(1.5))))
        told = {
            "event_id": _event_id(names),
            "event_type": "purchase",
            "order_id": identifier(fields["order_id"], names.randrange(10**14, 10**15)),
            "customer_id": identifier(fields["customer_id"], customer.number),
            "product_id": identifier(fields["product_id"], product),
            "category": category,
            "quantity": quantity,
            "amount": within(fields["amount"], round(quantity * price, 2)),
            "currency": currency,
            "country": customer.country,
            "coupon": behaviour.choice(_COUPONS) if behaviour.random() < 0.12 else None,
        }
        return Event(time, filled(self.contract, told, time, behaviour))


def _event_id(names: Random) -> str:
    return str(UUID(int=names.getrandbits(128), version=4))
