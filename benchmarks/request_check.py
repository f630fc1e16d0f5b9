"""What the local cloud's check costs a request: ``python -m benchmarks.request_check``.

The same signed requests go to the same application in this process, with its gate and without, in turns, so that a
busy machine slows both. Medians are compared.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from practice.local_cloud.address import HOST, REGION, Access
from practice.local_cloud.gate import Application, Gate, Message
from practice.local_cloud.server import routes, server_environment

PORT = 4566
ROUNDS = 2_000
_OBJECT = "/bucket/key"
_IDENTITY = b"Action=GetCallerIdentity&Version=2011-06-15"


def signed(access: Access, service: str, method: str, path: str, body: bytes = b"") -> tuple[Message, bytes]:
    """A request as an ASGI server hands it on."""
    form = {"Content-Type": "application/x-www-form-urlencoded"} if service == "sts" else {}
    request = AWSRequest(method, f"{access.endpoint}{path}", headers={"Host": f"{HOST}:{PORT}", **form}, data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(Credentials(access.access_key_id, access.secret_access_key), service, REGION).add_auth(request)
    prepared = request.prepare()
    headers = {**dict(prepared.headers.items()), "Content-Length": str(len(body))}
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": urlsplit(prepared.url).path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), str(value).encode()) for name, value in headers.items()],
        "client": (HOST, 1),
    }, body


async def ask(application: Application, request: tuple[Message, bytes]) -> float:
    """The seconds that an answer takes; it must be a good one."""
    scope, body = request
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    started = time.perf_counter()
    await application(scope, receive, send)
    seconds = time.perf_counter() - started
    assert status == 200, status  # noqa: S101 - a refusal would be fast
    return seconds


async def measure(access: Access) -> None:
    gate = Gate(routes, PORT)
    await ask(gate, signed(access, "s3", "PUT", "/bucket"))
    for title, request in (
        ("GetCallerIdentity", ("sts", "POST", "/", _IDENTITY)),
        ("PutObject, 1 kB", ("s3", "PUT", _OBJECT, b"x" * 1_000)),
        ("GetObject, 1 kB", ("s3", "GET", _OBJECT)),
        ("PutObject, 1 MB", ("s3", "PUT", _OBJECT, b"x" * 1_000_000)),
    ):
        without, checked = [], []
        for _ in range(ROUNDS):
            without.append(await ask(routes, signed(access, *request)))
            checked.append(await ask(gate, signed(access, *request)))
        less, more = (statistics.median(seconds) * 1e6 for seconds in (without, checked))
        sys.stderr.write(f"{title:18} without {less:6,.0f} µs   checked {more:6,.0f} µs   ratio {more / less:.2f}\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        access = Access.at(f"http://{HOST}:{PORT}")
        os.environ.update(server_environment(PORT, Path(directory), access), LOG_LEVEL="WARNING")

        from practice.local_cloud import extension

        extension.install()
        asyncio.run(measure(access))


if __name__ == "__main__":
    main()
