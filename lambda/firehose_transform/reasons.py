"""Why a record comes back as ProcessingFailed."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The closed set of reasons.

    Closed, because each value is the value of a metric dimension, and CloudWatch bills every distinct
    one as a metric of its own.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#Dimension
    """

    # the envelope
    NO_RECORD_ID = "no_record_id"
    NO_ARRIVAL_TIME = "no_arrival_time"
    RESPONSE_TOO_LARGE = "response_too_large"
    # the bytes
    NOT_BASE64 = "not_base64"
    NOT_UTF8 = "not_utf8"
    EMPTY_RECORD = "empty_record"
    NOT_JSON = "not_json"
    EXTRA_DATA = "extra_data"
    NESTED_TOO_DEEPLY = "nested_too_deeply"
    NUMBER_TOO_LONG = "number_too_long"
    DUPLICATE_KEY = "duplicate_key"
    NOT_AN_OBJECT = "not_an_object"
    # the contract
    UNKNOWN_FIELD = "unknown_field"
    READ_ONLY_FIELD = "read_only_field"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_VALUE = "invalid_value"
    OUT_OF_RANGE = "out_of_range"
    TOO_MANY_DECIMALS = "too_many_decimals"
    INVALID_TIME = "invalid_time"
    TIME_TOO_EARLY = "time_too_early"
    TIME_IN_FUTURE = "time_in_future"
    # a fault of the transform itself, never of the record
    INTERNAL_ERROR = "internal_error"


class Rejected(Exception):  # noqa: N818 - an outcome of valid code, not an error in it
    """One record does not fit.

    ``detail`` names the rule and never the value: it is logged, and a value may be personal data.
    """

    def __init__(self, reason: Reason, field: str = "", detail: str = "") -> None:
        super().__init__(reason, field, detail)
        self.reason = reason
        self.field = field
        self.detail = detail
