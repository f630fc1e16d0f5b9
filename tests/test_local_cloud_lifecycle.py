"""The local cloud starts, is found again, recovers, and leaves nothing running."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from practice.local_cloud import lifecycle
from practice.local_cloud.lifecycle import LocalCloud, LocalCloudError
from practice.local_cloud.server import server_environment
from tests.conftest import create_lambda_function, free_port, server_state

pytestmark = pytest.mark.slow


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    if cloud := LocalCloud.attach(tmp_path):
        cloud.stop()


def test_starting_twice_gives_the_same_server(directory: Path) -> None:
    first = LocalCloud.start(directory, free_port())
    second = LocalCloud.start(directory, first.state.port)
    assert (first.fresh, second.fresh) == (True, False)
    assert second.state == first.state


def test_attach_finds_nothing_where_nothing_runs(directory: Path) -> None:
    assert LocalCloud.attach(directory) is None


def test_a_killed_server_is_replaced_by_an_empty_one(directory: Path) -> None:
    killed = LocalCloud.start(directory, free_port())
    killed.client("s3").create_bucket(Bucket="before")
    process = psutil.Process(killed.state.pid)
    process.kill()
    process.wait()
    assert LocalCloud.attach(directory) is None
    started = LocalCloud.start(directory, killed.state.port)
    assert started.fresh
    assert started.client("s3").list_buckets()["Buckets"] == []


def test_stop_ends_the_server_and_can_be_repeated(directory: Path) -> None:
    cloud = LocalCloud.start(directory, free_port())
    cloud.stop()
    cloud.stop()
    assert not psutil.pid_exists(cloud.state.pid)
    assert LocalCloud.attach(directory) is None


def test_stop_ends_the_functions_that_run(directory: Path) -> None:
    cloud = LocalCloud.start(directory, free_port())
    function = create_lambda_function(cloud, "def handler(event, context): pass")
    cloud.client("lambda").invoke(FunctionName=function)
    workers = psutil.Process(cloud.state.pid).children()
    cloud.stop()
    assert workers
    assert not [worker for worker in workers if worker.is_running()]


@pytest.mark.slow
def test_stop_ends_a_server_that_hangs(directory: Path) -> None:
    cloud = LocalCloud.start(directory, free_port())
    os.kill(cloud.state.pid, signal.SIGSTOP)
    cloud.stop()
    assert not psutil.pid_exists(cloud.state.pid)


def test_a_process_that_was_given_the_same_id_later_is_left_alone(directory: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        server_state(stranger.pid).write(directory)
        LocalCloud.start(directory, free_port())
        assert stranger.poll() is None


def test_a_port_in_use_is_refused_with_the_program_that_uses_it(directory: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(LocalCloudError, match=rf"port {port} is in use by .*process {os.getpid()}.*another port"):
            LocalCloud.start(directory, port)


def test_another_port_is_refused_while_the_server_runs(directory: Path) -> None:
    cloud = LocalCloud.start(directory, free_port())
    with pytest.raises(LocalCloudError, match=rf"runs on port {cloud.state.port}.*make local-down"):
        LocalCloud.start(directory, free_port())


def test_a_server_that_does_not_start_is_reported_with_its_log(directory: Path) -> None:
    (directory / "tmp").write_text("in the way of the directory for temporary files")
    with pytest.raises(LocalCloudError, match=r"ended with status 1[\s\S]*FileExistsError"):
        LocalCloud.start(directory, free_port())


def test_a_server_that_does_not_answer_is_ended(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "START_TIMEOUT", 0.0)
    with pytest.raises(LocalCloudError, match="did not answer"):
        LocalCloud.start(directory, free_port())
    assert not [child for child in psutil.Process().children() if str(directory) in child.cmdline()]


def test_it_listens_on_the_loopback_interface_only(local_cloud: LocalCloud) -> None:
    connections = psutil.Process(local_cloud.state.pid).net_connections()
    listening = {connection.laddr for connection in connections if connection.status == psutil.CONN_LISTEN}
    assert listening == {("127.0.0.1", local_cloud.state.port)}


def test_child_processes_get_neither_credentials_nor_proxies(
    local_cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "of-the-user")
    assert "of-the-user" not in local_cloud.environment.values()
    assert local_cloud.environment["AWS_ENDPOINT_URL"] == local_cloud.endpoint


def test_the_server_has_nothing_of_the_user_but_what_a_program_needs(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was started with can be read by what it starts."""
    monkeypatch.setenv("A_SECRET", "of-the-user")
    cloud = LocalCloud.start(directory, free_port())
    process = cloud.state.process()
    assert process
    allowed = {"JAVA_HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "PATH"}
    assert process.environ().keys() <= allowed
    assert server_environment(1, directory, cloud.state.access)["HOME"] == str(directory)


def test_functions_get_neither_credentials_nor_proxies(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "HTTPS_PROXY", "PYTHONPATH", "A_SECRET"):
        monkeypatch.setenv(name, "of-the-user")
    cloud = LocalCloud.start(directory, free_port())
    function = create_lambda_function(
        cloud, "import os, sys\ndef handler(event, context): return [dict(os.environ), sys.executable]"
    )
    environment, python = json.load(cloud.client("lambda").invoke(FunctionName=function)["Payload"])
    assert "of-the-user" not in environment.values()
    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint
    assert python == sys.executable


_OF_LAMBDA = {
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "PATH",
    "TZ",
    "_HANDLER",
}
"""Of https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, but the runtime's own and X-Ray."""

_SOMETIMES = {"LD_LIBRARY_PATH", "_X_AMZN_TRACE_ID"}

_LOCAL = {"AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_ENDPOINT_URL", "HOME", "LC_CTYPE", "TMPDIR"}
"""What points a function at the local cloud and away from the user's files; LC_CTYPE is set by Python itself."""


def test_a_function_sees_what_lambda_defines_and_its_own_variables(local_cloud: LocalCloud) -> None:
    function = create_lambda_function(
        local_cloud, "import os\ndef handler(event, context): return dict(os.environ)", {"OWN": "1"}
    )
    environment = json.load(local_cloud.client("lambda").invoke(FunctionName=function)["Payload"])
    foreign = environment.keys() - _OF_LAMBDA - _SOMETIMES - _LOCAL - {"OWN"}
    assert _OF_LAMBDA - environment.keys() == set()
    name = environment["AWS_LAMBDA_FUNCTION_NAME"]
    assert (environment["_HANDLER"], environment["AWS_EXECUTION_ENV"]) == ("index.handler", "AWS_Lambda_python3.13")
    assert environment["AWS_LAMBDA_LOG_GROUP_NAME"] == f"/aws/lambda/{name}"
    assert environment["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert [name for name in foreign if not name.startswith(("_LAMBDA_", "_MINISTACK_"))] == []
    assert environment["OWN"] == "1"


def test_a_function_has_a_home_of_its_own(local_cloud: LocalCloud) -> None:
    tell = "return [str(pathlib.Path.home()), tempfile.gettempdir()]"
    source = f"import pathlib, tempfile\ndef handler(event, context): {tell}"
    client = local_cloud.client("lambda")
    functions = [create_lambda_function(local_cloud, source) for _ in range(2)]
    homes = [json.load(client.invoke(FunctionName=function)["Payload"]) for function in functions]
    assert homes[0] != homes[1]
    for home, temporary in homes:
        assert home == temporary
        assert Path(home).is_relative_to(local_cloud.directory)
