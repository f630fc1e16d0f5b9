"""What the operations of SageMaker's APIs share: their errors, their records and lists."""

from __future__ import annotations

import base64
import binascii
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from practice.local_cloud.hooks import RESPONSES

Record = dict[str, Any]
Request = Mapping[str, Any]
Operation = Callable[[Request], Mapping[str, Any] | None]

DEFAULT_PAGE = 10


class ApiError(Exception):
    """An error that the API answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def require_unended(kind: str, status: str) -> None:
    """Only a job that has not ended can be stopped."""
    if status not in ("InProgress", "Stopping"):
        raise invalid(f"The request was rejected because the {kind} is in status {status}.")


def in_use(message: str) -> ApiError:
    return ApiError("ResourceInUse", message)


def not_found(message: str) -> ApiError:
    return ApiError("ResourceNotFound", message)


Key = TypeVar("Key")
Value = TypeVar("Value")


class Records(Generic[Key, Value]):
    """Records of one kind, by key, apart for each account and region."""

    def __init__(self) -> None:
        self._by_place: defaultdict[tuple[str, str], dict[Key, Value]] = defaultdict(dict)

    @property
    def here(self) -> dict[Key, Value]:
        """Those of the request's account and region."""
        return self._by_place[account(), region()]

    def everywhere(self) -> list[Value]:
        return [value for records in list(self._by_place.values()) for value in list(records.values())]


def account() -> str:
    return str(RESPONSES.get_account_id())


def region() -> str:
    return str(RESPONSES.get_region())


def arn(resource: str) -> str:
    return f"arn:aws:sagemaker:{region()}:{account()}:{resource}"


def page(request: Request, member: str, records: Iterable[Record], *, name: str = "") -> Record:
    """One page of a list, as the request filters and sorts it.

    ``name`` is the member that ``NameContains`` and the sort key ``Name`` mean. Every record has a member ``Arn``.
    The token says where the page ended, so that nothing is skipped when records are deleted between two pages.
    """
    by = request.get("SortBy", "CreationTime")
    descending = request.get("SortOrder") == "Descending"

    def position(record: Record) -> list[Any]:
        return [_plain(record.get(name if by == "Name" else by)), record["Arn"]]

    chosen = sorted((r for r in records if _selected(request, r, name)), key=position, reverse=descending)
    if token := request.get("NextToken"):
        end = _decoded(token)
        chosen = [r for r in chosen if (position(r) < end if descending else position(r) > end)]
    size = request.get("MaxResults", DEFAULT_PAGE)
    answer: Record = {member: chosen[:size]}
    if chosen[size:]:
        answer["NextToken"] = base64.b64encode(json.dumps(position(chosen[size - 1])).encode()).decode()
    return answer


def _decoded(token: str) -> list[Any]:
    try:
        end: list[Any] = json.loads(base64.b64decode(token, validate=True))
    except (binascii.Error, ValueError) as error:
        raise invalid(f"NextToken is {token!r}, which no list has answered with.") from error
    return end


def _selected(request: Request, record: Record, name: str) -> bool:
    for key, wanted in request.items():
        if key.endswith("TimeAfter") and record[key.removesuffix("After")] < wanted:
            return False
        if key.endswith("TimeBefore") and record[key.removesuffix("Before")] > wanted:
            return False
        if key.endswith("Equals") and _plain(record.get(key.removesuffix("Equals"))) != wanted:
            return False
        member = name if key == "NameContains" else key.removesuffix("Contains")
        if key.endswith("Contains") and wanted not in record[member]:
            return False
    return True


def _plain(value: Any) -> Any:
    """A value to compare by; of a status with a reason, the status."""
    return value["Status"] if isinstance(value, dict) else "" if value is None else value
