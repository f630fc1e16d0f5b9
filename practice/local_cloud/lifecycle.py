"""Starts, finds and stops the local cloud's server process."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
import psutil
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.session import Session as BotocoreSession

from practice.local_cloud import health
from practice.local_cloud.address import HOST, NO_USER_SETTINGS, REGION, Access
from practice.local_cloud.server import inherited
from practice.local_cloud.state import ServerState
from practice.local_cloud.version import check_version

PROJECT = Path(__file__).parents[2]
START_TIMEOUT = 60.0
STOP_TIMEOUT = 5.0

_NO_USER_SETTINGS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_LONGEST_GREETING, _LONGEST_POST = 2, 600
_REFUSED = 400
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


class LocalCloudError(RuntimeError):
    """The local cloud cannot be started; the message says what to do."""


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud.

    Its state is in memory: a cloud that was stopped or killed starts again empty, and what was deployed into it
    has to be deployed again. ``fresh`` says that this is such a start.
    """

    directory: Path
    state: ServerState
    fresh: bool = False

    @classmethod
    def start(cls, directory: Path, port: int) -> LocalCloud:
        """Return the local cloud of this directory, started if it does not run, or no longer answers."""
        check_version()
        directory = directory.resolve()
        _make_private(directory)
        if running := cls.attach(directory):
            if running.state.port != port:
                raise LocalCloudError(
                    f"the local cloud of {directory} runs on port {running.state.port}, not on port {port}. "
                    f"Use port {running.state.port}, or stop it first: make local-down"
                )
            return running
        _end_left_over(directory)
        require_free(port)
        log = log_path(directory)
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", __package__, "--port", str(port), "--directory", str(directory)],
                cwd=PROJECT,
                env=inherited(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline and process.poll() is None:
            state = ServerState.read(directory)
            if state and state.pid == process.pid and _answers(state):
                return cls(directory, state, fresh=True)
            time.sleep(0.05)
        reason = f"ended with status {process.returncode}"
        if process.poll() is None:
            reason = f"did not answer within {START_TIMEOUT:.0f} s"
            _end(psutil.Process(process.pid))
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
        raise LocalCloudError(f"the local cloud {reason}. The end of its log, {log}:\n{tail}")

    @classmethod
    def attach(cls, directory: Path) -> LocalCloud | None:
        """Return the local cloud of this directory if it runs and answers."""
        directory = directory.resolve()
        state = ServerState.read(directory)
        if state is None or state.process() is None or not _answers(state):
            return None
        return cls(directory, state)

    def stop(self) -> None:
        """End the server and every Lambda function it runs. What is stopped already stays so."""
        _end_left_over(self.directory)

    @property
    def endpoint(self) -> str:
        return self.state.access.endpoint

    def post(self, path: str) -> Any:
        """Ask for what only the local cloud can do, such as ``/_sandbox/firehose/flush``, and wait until it is done.

        Returns:
            What the server answers.

        Raises:
            LocalCloudError: with what the server answered, or why it did not.
        """
        return _ask(self.state.access, "POST", path, timeout=_LONGEST_POST)

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a child process, such as the CDK CLI, that shall use the local cloud and nothing else.

        The user's environment without AWS settings and proxies, with the access key of this start. The CLI gets its
        own ``CDK_HOME`` because it remembers the account of a key.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "CDK_")) and name.lower() not in _PROXIES
        }
        return {
            **kept,
            **self.state.access.variables,
            **NO_USER_SETTINGS,
            "CDK_HOME": str(self.directory / "cdk-home"),
            "CDK_DISABLE_CLI_TELEMETRY": "true",
        }

    def client(self, service_name: str) -> Any:
        """A boto3 client of the local cloud, whatever the environment says."""
        return _client(service_name, self.state.access)


@lru_cache
def _client(service_name: str, access: Access) -> Any:
    session: Any = boto3.Session(
        botocore_session=BotocoreSession(session_vars=_NO_USER_SETTINGS),
        aws_access_key_id=access.access_key_id,
        aws_secret_access_key=access.secret_access_key,
        region_name=REGION,
    )
    return session.client(service_name, endpoint_url=access.endpoint, config=Config(proxies={}))


def log_path(directory: Path) -> Path:
    return directory / "local-cloud.log"


def _make_private(directory: Path) -> None:
    """Create the directory, or make it readable by its owner alone: what a local cloud keeps there is secret."""
    directory.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
    if (owner := directory.stat().st_uid) != os.getuid():
        raise LocalCloudError(
            f"{directory} belongs to another user (id {owner}), who could change what is in it. "
            "Choose a directory of your own: --directory"
        )
    directory.chmod(stat.S_IRWXU)


def _answers(state: ServerState) -> bool:
    """Whether the server of this state answers, and no other on its port."""
    try:
        return bool(_ask(state.access, "GET", health.PATH, timeout=_LONGEST_GREETING) == {"pid": state.pid})
    except LocalCloudError:
        return False


def _ask(access: Access, method: str, path: str, *, timeout: int) -> Any:
    """The answer to a signed request of the local cloud's own, past every proxy."""
    request = AWSRequest(method, f"{access.endpoint}{path}")
    SigV4Auth(Credentials(access.access_key_id, access.secret_access_key), "sandbox", REGION).add_auth(request)
    try:
        answer = URLLib3Session(timeout=timeout).send(request.prepare())
        told = json.loads(answer.content)
    except (BotoCoreError, ValueError) as error:
        raise LocalCloudError(str(error)) from error
    if answer.status_code >= _REFUSED:
        raise LocalCloudError(str(told.get("message", told)))
    return told


def _end_left_over(directory: Path) -> None:
    state = ServerState.read(directory)
    if state and (process := state.process()):
        _end(process)
    ServerState.path(directory).unlink(missing_ok=True)


def _end(process: psutil.Process) -> None:
    """Ask the process to end, then kill it: MiniStack can wait for ever on a custom resource."""
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_TIMEOUT)
    for member in alive:
        member.kill()
    psutil.wait_procs(alive, timeout=STOP_TIMEOUT)


def require_free(port: int) -> None:
    """Refuse a port that a program listens on, with the program's name."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            return
        except OSError as error:
            raise LocalCloudError(
                f"port {port} is in use by {_user_of(port)}. Stop that program, or choose another port."
            ) from error


def _user_of(port: int) -> str:
    """The program that listens on the port, as far as the operating system tells."""
    try:
        for connection in psutil.net_connections(kind="tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        pass
    return "another program"
