"""A service that throttles: an answer in its place, as its protocol has it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse


class Throttle:
    """For the event ``before-send`` of a client: refuses every so many calls, or none."""

    def __init__(self, every: int = 0) -> None:
        self.every = every
        self.calls: Counter[str] = Counter()

    def __call__(self, request: Any, **_: Any) -> AWSResponse | None:
        self.calls["sent"] += 1
        if not self.every or self.calls["sent"] % self.every:
            return None
        self.calls["throttled"] += 1
        if "X-Amz-Target" in request.headers:
            return _response(request.url, 400, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}')
        body = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
        return _response(request.url, 503, body)


def _response(url: str, status: int, body: bytes) -> AWSResponse:
    return AWSResponse(url, status, HTTPHeaders(), MockRawResponse(body))
