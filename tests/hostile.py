"""AWS as somebody who means harm would have it answer: every free text of every answer is the same hostile text."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.response import StreamingBody

NAME = "ml-sandbox"

MARKUP = ("[/]", "[bold]x[/bold]", "[link=http://x]y[/link]", ":smile:", "\\[bold]", "long" * 100, "x\\")
"""What rich reads; it is to be seen as it is."""

CONTROLS = {
    "\x1b]52;c;aGk=\x07": r"\x1b]52;c;aGk=\x07",
    "\x1b]8;;http://x\x1b\\y": r"\x1b]8;;http://x\x1b" + "\\y",
    "\x1b[2J": r"\x1b[2J",
    "\x9b2J": r"\x9b2J",
    "a\rb": r"a\rb",
    "a\x08b": r"a\x08b",
    "a\x00b": r"a\x00b",
    "a\nb": r"a\nb",
    "a\u2028b": r"a\u2028b",
    "\u202eabc": r"\u202eabc",
    "\u2066abc": r"\u2066abc",
    "a\u200bb": r"a\u200bb",
    "a\U000e0041b": r"a\U000e0041b",
    "\ud800": r"\ud800",
}
"""What a terminal obeys, reorders text by, shows nothing of, or cannot encode; each with what is to be seen of it."""

_GOES_ON = {"ContinuationToken", "NextToken", "nextToken", "NextMarker", "NextContinuationToken", "PaginationToken"}
"""What says that there is another page."""

Patch = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""The members of an answer that a command must be able to read, or what makes them of the request."""


class HostileAws:
    """Takes the place of every call to AWS, and answers in the shapes of the service models.

    ``answers`` has, by operation, what is not hostile. An operation in ``refused`` is refused with a hostile reason.
    """

    def __init__(self, text: str, answers: Mapping[str, Patch], refused: Callable[[str], bool]) -> None:
        self.text, self._answers, self._refused = text, answers, refused

    def call(self, client: Any, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._refused(operation):
            raise ClientError({"Error": {"Code": self.text, "Message": self.text}}, operation)
        shape = client.meta.service_model.operation_model(operation).output_shape
        answer = self._fill(shape, ()) if shape else {}
        patch = self._answers.get(operation, {})
        return answer | dict(patch(request) if callable(patch) else patch)

    def _fill(self, shape: Shape, around: tuple[str, ...], member: str = "") -> Any:
        around = (*around, shape.name)
        match shape:
            case StructureShape():
                return {
                    name: self._fill(inner, around, name)
                    for name, inner in shape.members.items()
                    if name not in _GOES_ON and inner.name not in around
                }
            case ListShape():
                return [] if shape.member.name in around else [self._fill(shape.member, around, member)]
            case MapShape():
                return {self._fill(shape.key, around): self._fill(shape.value, around)}
            case StringShape():
                return shape.enum[0] if shape.enum else self.arn if member.endswith(("Arn", "ARN")) else self.named
        values: Mapping[str, Any] = {
            "boolean": False,
            "timestamp": datetime(2026, 11, 22, tzinfo=UTC),
            "blob": body(self.text.encode(errors="replace")),
        }
        return values.get(shape.type_name, 1)

    @property
    def named(self) -> str:
        """The text in a name that could be one of the sandbox."""
        return f"{NAME}-{self.text}"

    @property
    def arn(self) -> str:
        """The text in the one part of an ARN that is free."""
        return f"arn:aws:sagemaker:us-east-1:111122223333:endpoint/{self.named}"


def body(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


class Session:
    """A session whose clients are made once for all tests: reading the models takes most of the time."""

    region_name = "us-east-1"

    @staticmethod
    def client(service: str, **_: object) -> Any:
        return _client(service)


_SESSION: Any = boto3.Session("test", "test", region_name=Session.region_name)
_client = cache(_SESSION.client)
