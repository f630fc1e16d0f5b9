"""From the bytes of one record to an order as the contract describes it: parse, normalise, validate, partition."""

from __future__ import annotations

import json
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import Any

from firehose_transform.fields import arrival_time
from firehose_transform.orders_contract import conform
from firehose_transform.reasons import Reason, Rejected

_CONVERT = "convert the file: iconv -f ITS-ENCODING -t UTF-8"


def transform(data: Any, arrival_milliseconds: Any) -> tuple[str, str]:
    """The order, base64-encoded, and its ``order_date``: the partition it belongs to.

    Guarantees that the order fits ``contracts/orders.json``; raises Rejected for every other input.
    """
    arrival = arrival_time(arrival_milliseconds)
    order = conform(_parse(_decode(data)), arrival)
    order["arrival_time"] = arrival
    encoded = b2a_base64(_encode(order).encode("ascii"), newline=False).decode("ascii")
    return encoded, order["event_time"][:10]


def _decode(data: Any) -> str:
    if type(data) is not str:
        raise Rejected(Reason.NOT_BASE64, detail="data must be a string")
    try:
        return a2b_base64(data, strict_mode=True).decode("utf-8")
    except UnicodeDecodeError as error:
        if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise Rejected(Reason.NOT_UTF8, detail=f"is UTF-16; {_CONVERT}") from None
        raise Rejected(Reason.NOT_UTF8, detail=f"{error.reason} at byte {error.start}; {_CONVERT}") from None
    except (Base64Error, ValueError):
        raise Rejected(Reason.NOT_BASE64, detail="data must be base64") from None


def _parse(text: str) -> dict[str, Any]:
    json_text = text.strip(" \t\n\r")
    if not json_text:
        raise Rejected(Reason.EMPTY_RECORD)
    try:
        record, end = _read(json_text)
    except json.JSONDecodeError as error:
        if text.startswith("\ufeff"):
            # a reader of JSON may ignore it (RFC 8259, 8.1), but Athena, on the raw zone, would not
            raise Rejected(Reason.NOT_JSON, detail="begins with a byte-order mark; save the file without") from None
        if "\0" in text:
            raise Rejected(Reason.NOT_JSON, detail=f"has NUL characters, as UTF-16 has; {_CONVERT}") from None
        raise Rejected(Reason.NOT_JSON, detail=f"{error.msg}, character {error.pos}") from None
    except RecursionError:
        raise Rejected(Reason.NESTED_TOO_DEEPLY) from None
    except ValueError:
        # Python reads no integer of more than sys.get_int_max_str_digits() digits
        raise Rejected(Reason.NUMBER_TOO_LONG) from None
    if end != len(json_text):
        raise Rejected(Reason.EXTRA_DATA, detail=f"JSON ends at character {end} of {len(json_text)}")
    if not isinstance(record, dict):
        raise Rejected(Reason.NOT_AN_OBJECT)
    return record


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Rejects a key that stands twice: whichever value won, the other would be lost without a trace."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Rejected(Reason.DUPLICATE_KEY)
    return fields


def _no_constant(name: str) -> None:
    raise Rejected(Reason.NOT_JSON, detail=f"{name} is not JSON")


_read = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_no_constant).raw_decode
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
