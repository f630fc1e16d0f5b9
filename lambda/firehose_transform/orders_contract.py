"""The orders contract as code. Written by ``python -m contracts.compile``; not to be edited."""

from __future__ import annotations

import re
from typing import Any

from firehose_transform.fields import decimal_number, integer, lower_text, text, undeclared, upper_text, utc_time
from firehose_transform.reasons import Reason, Rejected

READ_ONLY = frozenset(["arrival_time"])
DECLARED = frozenset(
    [
        "event_id",
        "event_type",
        "event_time",
        "sent_time",
        "order_id",
        "customer_id",
        "product_id",
        "category",
        "channel",
        "quantity",
        "amount",
        "currency",
        "country",
        "coupon",
    ]
)
_EVENT_ID = re.compile("^[A-Za-z0-9][A-Za-z0-9-]{7,63}$", re.ASCII).fullmatch
_EVENT_TYPE = frozenset(["purchase", "return"]).__contains__
_ORDER_ID = re.compile("^O-[0-9]{1,18}$", re.ASCII).fullmatch
_CUSTOMER_ID = re.compile("^C-[0-9]{1,18}$", re.ASCII).fullmatch
_PRODUCT_ID = re.compile("^P-[0-9]{1,18}$", re.ASCII).fullmatch
_CATEGORY = frozenset(["books", "electronics", "fashion", "garden", "groceries", "home", "sports", "toys"]).__contains__
_CHANNEL = frozenset(["app", "store", "web"]).__contains__
_CURRENCY = re.compile("^[A-Z]{3}$", re.ASCII).fullmatch
_COUNTRY = re.compile("^[A-Z]{2}$", re.ASCII).fullmatch
_COUPON = re.compile("^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$", re.ASCII).fullmatch


def conform(record: dict[str, Any], arrival: str) -> dict[str, Any]:
    """The record as the orders contract describes it; raises Rejected when it cannot be."""
    if not DECLARED.issuperset(record):
        raise undeclared(record, DECLARED, READ_ONLY)
    try:
        normalised = {
            "event_id": text("event_id", record["event_id"], _EVENT_ID, "must match ^[A-Za-z0-9][A-Za-z0-9-]{7,63}$"),
            "event_type": lower_text(
                "event_type", record["event_type"], _EVENT_TYPE, "must be one of purchase, return"
            ),
            "event_time": utc_time(
                "event_time", record["event_time"], "2020-01-01T00:00:00.000Z", "2100-12-31T23:59:59.999Z", arrival
            ),
            "sent_time": utc_time(
                "sent_time", record["sent_time"], "2020-01-01T00:00:00.000Z", "2100-12-31T23:59:59.999Z", arrival
            ),
            "order_id": text("order_id", record["order_id"], _ORDER_ID, "must match ^O-[0-9]{1,18}$"),
            "customer_id": text("customer_id", record["customer_id"], _CUSTOMER_ID, "must match ^C-[0-9]{1,18}$"),
            "product_id": text("product_id", record["product_id"], _PRODUCT_ID, "must match ^P-[0-9]{1,18}$"),
            "category": lower_text(
                "category",
                record["category"],
                _CATEGORY,
                "must be one of books, electronics, fashion, garden, groceries, home, sports, toys",
            ),
            "channel": lower_text("channel", record["channel"], _CHANNEL, "must be one of app, store, web"),
            "quantity": integer("quantity", record["quantity"], 1, 1000),
            "amount": decimal_number("amount", record["amount"], 0.0, 99999999.99, 2),
            "currency": upper_text("currency", record["currency"], _CURRENCY, "must match ^[A-Z]{3}$"),
            "country": upper_text("country", record["country"], _COUNTRY, "must match ^[A-Z]{2}$"),
        }
    except KeyError as missing:
        raise Rejected(Reason.MISSING_FIELD, missing.args[0], "is required") from None
    if "coupon" in record:
        normalised["coupon"] = text("coupon", record["coupon"], _COUPON, "must match ^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")
    return normalised
