"""The server process of the local cloud: MiniStack and the extension, on 127.0.0.1 only.

Nothing of the user's environment reaches it beyond what a program needs to run, so that neither real AWS
credentials nor proxies reach a function or a job: they run as its child processes. What it writes, the user alone can
read.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from pathlib import Path
from urllib.parse import parse_qsl

import psutil

from practice.local_cloud.address import ACCOUNT, HOST, NO_USER_SETTINGS, REGION, Access
from practice.local_cloud.gate import Gate, Message, Receive, Send
from practice.local_cloud.state import ServerState
from practice.local_cloud.version import check_version

_INHERITED = ("JAVA_HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH")


def inherited() -> dict[str, str]:
    """What the server has of the user's environment."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def server_environment(port: int, temporary: Path, access: Access) -> dict[str, str]:
    """The whole environment of the server process.

    MiniStack would listen on every interface and on port 8883 unless told otherwise, would look for Docker, and would
    keep a key in a folder that all users share. Time is UTC, as it is in Lambda. The home is the server's own.
    """
    return {
        **inherited(),
        **access.variables,
        **NO_USER_SETTINGS,
        "HOME": str(temporary),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{os.devnull}/none",
        "STATE_DIR": str(temporary / "state"),
        "TMPDIR": str(temporary),
        "TZ": "UTC",
    }


async def routes(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application behind the gate: the extension's own routes, then MiniStack's."""
    from practice.local_cloud import extension, hooks

    handler = extension.route(scope["method"], scope["path"]) if scope["type"] == "http" else None
    if handler is None:
        await hooks.APP.app(scope, receive, send)
        return
    try:
        status, answer = 200, await handler(dict(parse_qsl(scope["query_string"].decode())))
    except ValueError as error:
        status, answer = 400, {"message": str(error)}
    except Exception as error:
        status, answer = 500, {"message": f"{type(error).__name__}: {error}"}
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def serve(port: int, directory: Path) -> None:
    """Serve until SIGTERM, with empty state. The directory holds the state file and temporary files."""
    version = check_version()
    os.umask(0o077)
    temporary = directory.resolve() / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    access = Access.at(f"http://{HOST}:{port}")
    environment = server_environment(port, temporary, access)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()

    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    from practice.local_cloud import extension

    extension.install()
    process = psutil.Process()
    ServerState(process.pid, process.create_time(), port, version, access).write(directory)
    config = Config()
    config.bind = [f"{HOST}:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    try:
        asyncio.run(hypercorn_serve(Gate(routes, port), config))
    finally:
        ServerState.path(directory).unlink(missing_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
