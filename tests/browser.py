"""A real browser, headless, and pages that try to reach the local cloud."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from urllib.parse import urlencode, urlsplit

from practice.local_cloud.jobs.process import kill_family

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
"""The last keeps a headless browser open."""

_SECONDS = 120

_SCRIPT = """
const told = {};
const tell = async (name, attempt) => {
  try {
    const answer = await attempt();
    const read = async () => [answer.type, answer.status, (await answer.text()).slice(0, 200)];
    told[name] = answer instanceof Response ? await read() : answer;
  } catch (error) { told[name] = [error.name, 0, ""]; }
};
const form = {method: "POST", body: new URLSearchParams(new URLSearchParams(ATTACK))};
const element = (tag) => new Promise((done) => {
  const made = document.createElement(tag);
  made.onload = () => done(["loaded", 0, ""]);
  made.onerror = () => done(["error", 0, ""]);
  made.src = CLOUD + "/?" + ATTACK;
  document.body.append(made);
});
const socket = () => new Promise((done) => {
  const made = new WebSocket(CLOUD.replace("http", "ws") + "/", "mqtt");
  made.onopen = () => done(["open", 0, ""]);
  made.onerror = () => done(["error", 0, ""]);
});
(async () => {
  await tell("form", () => fetch(CLOUD + "/", {...form, mode: "no-cors"}));
  await tell("read", () => fetch(CLOUD + "/", form));
  await tell("text", () => fetch(CLOUD + "/", {method: "POST", body: ATTACK, mode: "no-cors"}));
  const json = {method: "POST", body: "{}", headers: {"X-Amz-Target": "AWSGlue.GetDatabases"}};
  await tell("json", () => fetch(CLOUD + "/", json));
  await tell("put", () => fetch(CLOUD + "/bucket-of-a-page", {method: "PUT"}));
  await tell("list", () => fetch(CLOUD + "/"));
  await tell("own", () => fetch(CLOUD + "/_sandbox/firehose/flush", {method: "POST"}));
  await tell("reset", () => fetch(CLOUD + "/_ministack/reset", {method: "POST", mode: "no-cors"}));
  await tell("image", () => element("img"));
  await tell("script", () => element("script"));
  await tell("frame", () => element("iframe"));
  await tell("socket", socket);
  await fetch("/told", {method: "POST", body: JSON.stringify(told)});
})();
"""

Told = dict[str, tuple[str, int, str]]
"""By attempt: the type of the answer or the error's name, its status, and as much of its text as the page can read."""


def attack(file: Path) -> str:
    """A form that deploys a function which writes the file: what it shows is that a page runs code on the machine."""
    handler = f"def handler(event, context):\n    open({str(file)!r}, 'w').close()\n"
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Code": {"ZipFile": handler},
    }
    run = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "ServiceTimeout": 1}
    resources = {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Run": {"Type": "Custom::Run", "Properties": run},
    }
    body = json.dumps({"Resources": resources})
    return urlencode({"Action": "CreateStack", "Version": "2010-05-15", "StackName": "of-a-page", "TemplateBody": body})


def visit(url: str, told: Queue[str], *options: str) -> Told:
    """Open the page, and return what its script tells its own server."""
    assert BROWSER
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [BROWSER, *_QUIET, f"--user-data-dir={profile}", *options, url]
        environment = {**os.environ, "HOME": profile}
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as opened:  # noqa: S603
            try:
                return {name: tuple(answer) for name, answer in json.loads(told.get(timeout=_SECONDS)).items()}
            finally:
                kill_family(opened.pid)


def page(cloud: str, form: str) -> bytes:
    constants = f"const CLOUD = {json.dumps(cloud)}; const ATTACK = {json.dumps(form)};"
    return f"<!doctype html><meta charset=utf-8><body></body><script>{constants}{_SCRIPT}</script>".encode()


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


class _Page(BaseHTTPRequestHandler):
    """Gives a page, and takes what its script tells."""

    content: bytes
    told: Queue[str]

    def do_GET(self) -> None:
        self.answer(200, self.content)

    def do_POST(self) -> None:
        self.told.put(self.body().decode())
        self.answer(200, b"")

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def on_another_origin(cloud: str, form: str) -> Told:
    """What a page of another origin achieves."""

    class Page(_Page):
        content, told = page(cloud, form), Queue()

    with serving(Page) as port:
        return visit(f"http://127.0.0.1:{port}/", Page.told)


def with_a_rebound_name(cloud: str, form: str) -> Told:
    """What a page achieves whose name points to the local cloud after the page was loaded.

    A proxy plays the name server: it gives the page, and hands every other request to the local cloud as the browser
    sent it.
    """
    port = urlsplit(cloud).port
    name = f"http://rebound.example:{port}"

    class Proxy(_Page):
        content, told = page(name, form), Queue()

        def _forward(self) -> None:
            if self.path == f"{name}/page":
                super().do_GET()
            elif self.path == f"{name}/told":
                super().do_POST()
            else:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                path = self.path.removeprefix(name)
                connection.putrequest(self.command, path, skip_host=True, skip_accept_encoding=True)
                for header, value in self.headers.items():
                    connection.putheader(header, value)
                connection.endheaders(self.body())
                answer = connection.getresponse()
                self.answer(answer.status, answer.read())

        do_GET = do_POST = do_PUT = do_OPTIONS = _forward  # noqa: N815 - the names http.server calls

    with serving(Proxy) as proxy:
        return visit(f"{name}/page", Proxy.told, f"--proxy-server=http://127.0.0.1:{proxy}")
