"""Requests as a browser or a foreign program would send them: any header, no signature."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def cors(self) -> list[str]:
        return [name for name in self.headers if name.lower().startswith("access-control-")]


@dataclass(frozen=True)
class Kind:
    """One way to ask something of the local cloud."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str = ""


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/x-amz-json-1.1"}
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target"}
QUERY = urlencode({"Action": "CreateStack", "Version": "2010-05-15", "StackName": "of-a-page", "TemplateBody": "{}"})

KINDS = {
    "form": Kind("POST", "/", FORM, QUERY),
    "form-as-text": Kind("POST", "/", {"Content-Type": "text/plain"}, QUERY),
    "query": Kind("GET", f"/?{QUERY}", {}),
    "json": Kind("POST", "/", {**JSON, "X-Amz-Target": "AWSGlue.GetDatabases"}, "{}"),
    "json-as-text": Kind("POST", "/", {"Content-Type": "text/plain", "X-Amz-Target": "SageMaker.ListDomains"}, "{}"),
    "rest": Kind("PUT", "/bucket-of-a-page", {}),
    "rest-list": Kind("GET", "/", {}),
    "rest-head": Kind("HEAD", "/bucket-of-a-page", {}),
    "invoke": Kind("POST", "/2015-03-31/functions/any/invocations", {}, json.dumps({})),
    "options": Kind("OPTIONS", "/", PREFLIGHT),
    "own-health": Kind("GET", "/_sandbox/health", {}),
    "own-flush": Kind("POST", "/_sandbox/firehose/flush", {}),
    "admin-health": Kind("GET", "/_ministack/health", {}),
    "admin-reset": Kind("POST", "/_ministack/reset", {}),
    "admin-config": Kind("POST", "/_ministack/config", FORM, '{"lambda_svc.LAMBDA_EXECUTOR": "docker"}'),
    "custom-resource": Kind("PUT", "/_ministack/cfn-response/00000000-0000-0000-0000-000000000000", {}, "{}"),
    "websocket": Kind(
        "GET",
        "/",
        {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Protocol": "mqtt",
        },
    ),
}


def send(port: int, kind: Kind, headers: Mapping[str, str] | None = None) -> Answer:
    """Send it to the local cloud; a ``Host`` among the headers replaces the right one."""
    given = {"Host": f"127.0.0.1:{port}", **kind.headers, **(headers or {})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(kind.method, kind.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**given, "Content-Length": str(len(kind.body))}.items():
            connection.putheader(name, value)
        connection.endheaders(kind.body.encode())
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())
    finally:
        connection.close()
