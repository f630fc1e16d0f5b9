"""The check of every request, before any route of the local cloud sees it.

Whoever may send requests here may run code as the user, since Lambda functions and jobs run as processes of theirs.
A web page can make the user's browser send requests to this machine, and every program of another user can connect.
So a request passes only if

- it is addressed to this machine by name: ``Host`` is ``127.0.0.1`` or ``localhost`` with this port. A page whose own
  name was pointed here after it was loaded (DNS rebinding) sends its own name;
- no page sent it: there is no ``Origin``, and no ``Sec-Fetch-Site`` but that of an address typed in by hand;
- it is signed with a secret of this start (:mod:`practice.local_cloud.signature`). A custom resource alone answers
  CloudFormation without one, as on AWS, at an address that nobody can guess and that is good for one answer.

No answer has a CORS header, so no page can read one. WebSockets are refused.

Source: https://fetch.spec.whatwg.org/#origin-header and https://w3c.github.io/webappsec-fetch-metadata/
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from practice.local_cloud import signature
from practice.local_cloud.address import HOST
from practice.local_cloud.hooks import APP, CUSTOM_RESOURCE, ROUTER, SIGV4
from practice.local_cloud.signature import Refusal, SignedRequest

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

OWN_ROUTES = "/_sandbox/"
_ANSWERS = "/_ministack/cfn-response/"
_FORBIDDEN = 403


class Gate:
    """An ASGI application that lets pass what comes from a program of the user."""

    def __init__(self, behind: Application, port: int) -> None:
        self._behind = behind
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        match scope["type"]:
            case "http":
                await self._check(scope, receive, _without_cors(send))
            case "websocket":
                await send({"type": "websocket.close"})
            case _:
                await self._behind(scope, receive, send)

    async def _check(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        if reason := self._from_elsewhere(headers):
            await _forbid(send, reason)
            return
        if scope["method"] == "PUT" and _awaited(scope["path"]):
            await self._behind(scope, receive, send)
            return
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        body = await _body(receive)
        if body is None:
            return
        raw_path = scope["raw_path"].decode("latin-1")
        refusal = signature.refusal(SignedRequest(scope["method"], raw_path, query, headers, body))
        if refusal is None:
            await self._behind(scope, _again(body, receive), send)
        elif scope["path"].startswith(OWN_ROUTES):
            await _forbid(send, refusal.message)
        else:
            await _refuse_as_aws(scope, query, headers, body, refusal, send)

    def _from_elsewhere(self, headers: dict[str, str]) -> str:
        """Why the request is not one of this machine's programs, if it is not."""
        host = headers.get("host", "")
        if host.lower() not in self._hosts:
            return f"the Host is {host!r}; the local cloud answers to {' and '.join(sorted(self._hosts))} only."
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            return "a web page sent this; the local cloud answers to programs only."
        return ""


def _headers(scope: Message) -> dict[str, str]:
    """Headers by name; one that is sent on several lines is signed as its values joined by a comma."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), SIGV4.decode_header_value(raw_value)
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _awaited(path: str) -> bool:
    """Whether CloudFormation waits for the answer of a custom resource there."""
    return path.startswith(_ANSWERS) and path.removeprefix(_ANSWERS) in CUSTOM_RESOURCE._pending


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None if the client is gone before it has sent all."""
    parts = []
    while (message := await receive())["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
    return None


def _again(body: bytes, receive: Receive) -> Receive:
    """What receives the body that was read already, then whatever comes after it."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _without_cors(send: Send) -> Send:
    async def send_without(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [header for header in message["headers"] if not header[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return send_without


async def _forbid(send: Send, reason: str) -> None:
    body = json.dumps({"message": f"Forbidden: {reason}"}).encode()
    await _send(send, _FORBIDDEN, {"Content-Type": "application/json"}, body)


async def _refuse_as_aws(
    scope: Message, query: dict[str, list[str]], headers: dict[str, str], body: bytes, refusal: Refusal, send: Send
) -> None:
    """Answer as the service does that the request is for, so that its client understands."""
    method, path = scope["method"], scope["path"]
    service = ROUTER.detect_service(method, path, headers, APP._routing_params(method, path, headers, body, query))
    status, answered, text = APP._credential_failure(service, "", str(uuid.uuid4()), refusal, headers)
    await _send(send, status, answered, b"" if method == "HEAD" else text)


async def _send(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    named = {**headers, "Content-Length": str(len(body))}
    pairs = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
