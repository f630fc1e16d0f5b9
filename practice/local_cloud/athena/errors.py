"""How a query fails: Athena's words where they are known, and a plain statement where the local cloud ends.

Source: https://docs.aws.amazon.com/athena/latest/ug/error-reference.html
"""

from __future__ import annotations

USER, SYSTEM = 2, 1
_ERROR_TYPES = {"TABLE_NOT_FOUND": 1301, "HIVE_BAD_DATA": 1001, "HIVE_CURSOR_ERROR": 1001, "NOT_EMULATED": 1000}
_SYNTAX_ERROR = 1006


class InvalidRequestError(Exception):
    """The request itself is refused (``InvalidRequestException``); no query starts."""

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.athena_error_code = code


class QueryFailedError(Exception):
    """A query ends as FAILED, with ``StateChangeReason`` and ``AthenaError``."""

    category = USER

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.error_type = _ERROR_TYPES.get(code, _SYNTAX_ERROR)


class BytesScannedLimitError(Exception):
    """The workgroup's cutoff stops the query: Athena engine version 3 ends it as CANCELLED, not as FAILED.

    Source: https://docs.aws.amazon.com/athena/latest/ug/workgroups-setting-control-limits-cloudwatch.html
    """

    def __init__(self, limit: int) -> None:
        super().__init__("Bytes scanned limit was exceeded")
        self.limit = limit


def not_emulated(what: str) -> QueryFailedError:
    """For what Athena may well do, but the local cloud does not."""
    return QueryFailedError("NOT_EMULATED", f"the local cloud does not emulate {what}; on AWS it may work")


def table_not_found(database: str, table: str, line: int = 1, column: int = 1) -> QueryFailedError:
    return QueryFailedError(
        "TABLE_NOT_FOUND", f"line {line}:{column}: Table 'awsdatacatalog.{database}.{table}' does not exist"
    )
