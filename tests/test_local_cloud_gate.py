"""Nobody but the user's own programs reaches the local cloud: no web page, no other user, nobody without the secret."""

from __future__ import annotations

import datetime
import json
import os
import socket
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from practice.local_cloud import signature
from practice.local_cloud.address import Access
from practice.local_cloud.lifecycle import LocalCloud
from practice.local_cloud.signature import SignedRequest
from tests.conftest import free_port
from tests.raw_requests import KINDS, Kind, send

FORBIDDEN = 403
AS_AWS_REFUSES = {400, 401, 403}
"""AWS's JSON services refuse with 400, EC2 with 401, others with 403."""

NOBODY = 65534

HOSTS = {
    "another-name": "evil.example:{port}",
    "rebound-without-port": "evil.example",
    "bucket-of-a-name": "bucket.evil.example:{port}",
    "bucket-of-localhost": "bucket.localhost:{port}",
    "name-that-begins-right": "127.0.0.1.evil.example:{port}",
    "name-that-ends-right": "evil.example@127.0.0.1:{port}",
    "another-port": "127.0.0.1:1",
    "no-port": "127.0.0.1",
    "no-name": "",
    "any-interface": "0.0.0.0:{port}",
    "another-spelling": "127.1:{port}",
    "version-6": "[::1]:{port}",
    "name-of-a-service": "iot.us-east-1.evil.example:{port}",
}
FROM_PAGES = {
    "cross-origin": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "origin-only": {"Origin": "https://evil.example"},
    "origin-null": {"Origin": "null"},
    "origin-of-another-port": {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-site"},
    "origin-of-itself": {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
    "image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "same-origin": {"Sec-Fetch-Site": "same-origin"},
}


def elsewhere(headers: dict[str, str], port: int) -> dict[str, str]:
    return {name: value.format(port=port) for name, value in headers.items()}


# -- pages


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_a_request_to_another_name_is_refused_whatever_it_asks(local_cloud: LocalCloud, host: str, kind: Kind) -> None:
    port = local_cloud.state.port
    answer = send(port, kind, elsewhere({"Host": host}, port))
    assert (answer.status, answer.cors) == (FORBIDDEN, [])


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("headers", FROM_PAGES.values(), ids=FROM_PAGES)
def test_a_request_of_a_page_is_refused_whatever_it_asks(
    local_cloud: LocalCloud, headers: dict[str, str], kind: Kind
) -> None:
    port = local_cloud.state.port
    answer = send(port, kind, elsewhere(headers, port))
    assert (answer.status, answer.cors) == (FORBIDDEN, [])


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_request_without_a_signature_is_refused_whatever_it_asks(local_cloud: LocalCloud, kind: Kind) -> None:
    answer = send(local_cloud.state.port, kind)
    assert answer.status in AS_AWS_REFUSES
    assert answer.cors == []


def test_what_was_refused_has_changed_nothing(local_cloud: LocalCloud) -> None:
    s3, cloudformation = local_cloud.client("s3"), local_cloud.client("cloudformation")
    s3.create_bucket(Bucket="kept")
    for kind in KINDS.values():
        send(local_cloud.state.port, kind)
    names = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    assert "kept" in names
    assert "bucket-of-a-page" not in names
    assert "of-a-page" not in {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, FROM_PAGES["cross-origin"], FROM_PAGES["same-origin"]])
def test_a_signature_does_not_let_a_page_in(local_cloud: LocalCloud, headers: dict[str, str]) -> None:
    """A page that came to know the secret could still not use it."""
    port = local_cloud.state.port
    request = signed(local_cloud.state.access, headers=elsewhere(headers, port))
    assert send(port, Kind("GET", "/", dict(request.headers))).status == FORBIDDEN


def test_a_bucket_that_allows_cross_origin_requests_answers_without_saying_so(local_cloud: LocalCloud) -> None:
    s3 = local_cloud.client("s3")
    s3.create_bucket(Bucket="open-to-pages")
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    s3.put_bucket_cors(Bucket="open-to-pages", CORSConfiguration={"CORSRules": [rule]})
    headers = s3.list_objects_v2(Bucket="open-to-pages")["ResponseMetadata"]["HTTPHeaders"]
    assert not [name for name in headers if name.startswith("access-control-")]


# -- credentials


def signed(
    access: Access, *, headers: dict[str, str] | None = None, method: str = "GET", path: str = "/"
) -> AWSRequest:
    """A request to list buckets, or another to S3, as botocore signs it."""
    request = AWSRequest(method, f"{access.endpoint}{path}", headers=headers or {})
    SigV4Auth(Credentials(access.access_key_id, access.secret_access_key), "s3", "us-east-1").add_auth(request)
    return request


def client(
    cloud: LocalCloud, service: str, credentials: Mapping[str, str] | None = None, config: Config | None = None
) -> Any:
    """A client with these credentials instead of the right ones."""
    access = cloud.state.access
    right = {"aws_access_key_id": access.access_key_id, "aws_secret_access_key": access.secret_access_key}
    session: Any = boto3.Session(region_name="us-east-1")
    settings = Config(proxies={}).merge(config or Config())
    return session.client(service, endpoint_url=cloud.endpoint, config=settings, **{**right, **(credentials or {})})


CALLS: Mapping[str, Callable[[Any], Any]] = {
    "s3": lambda s3: s3.list_buckets(),
    "cloudformation": lambda cloudformation: cloudformation.list_stacks(),
    "sts": lambda sts: sts.get_caller_identity(),
    "glue": lambda glue: glue.get_databases(),
    "ec2": lambda ec2: ec2.describe_vpcs(),
    "lambda": lambda lambda_: lambda_.list_functions(),
    "sagemaker": lambda sagemaker: sagemaker.list_domains(),
    "sagemaker-featurestore-runtime": lambda runtime: runtime.get_record(
        FeatureGroupName="group", RecordIdentifierValueAsString="1"
    ),
    "emr-serverless": lambda emr: emr.list_applications(),
    "budgets": lambda budgets: budgets.describe_budgets(AccountId="000000000000"),
    "cloudwatch": lambda cloudwatch: cloudwatch.list_metrics(),
}
# the paths of the Feature Store and of EMR Serverless tell nobody, without a signature, that they are not of S3
NOT_SIGNED = {
    "s3": "AccessDenied",
    "cloudformation": "MissingAuthenticationToken",
    "sts": "MissingAuthenticationToken",
    "glue": "MissingAuthenticationTokenException",
    "ec2": "MissingParameter",
    "lambda": "MissingAuthenticationTokenException",
    "sagemaker": "MissingAuthenticationTokenException",
    "budgets": "MissingAuthenticationTokenException",
    "cloudwatch": "MissingAuthenticationToken",
}
WRONG_SECRET = {
    "s3": "SignatureDoesNotMatch",
    "cloudformation": "SignatureDoesNotMatch",
    "sts": "SignatureDoesNotMatch",
    "glue": "InvalidSignatureException",
    "ec2": "AuthFailure",
    "lambda": "InvalidSignatureException",
    "sagemaker": "InvalidSignatureException",
    "sagemaker-featurestore-runtime": "InvalidSignatureException",
    "emr-serverless": "InvalidSignatureException",
    "budgets": "InvalidSignatureException",
    "cloudwatch": "SignatureDoesNotMatch",
}
"""AWS's codes: https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html and, for S3,
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""


def code(cloud: LocalCloud, service: str, credentials: Mapping[str, str]) -> str:
    with pytest.raises(ClientError) as refused:
        CALLS[service](client(cloud, service, credentials))
    return str(refused.value.response["Error"]["Code"])


@pytest.mark.parametrize("service", CALLS)
def test_a_wrong_secret_gets_the_services_own_error(local_cloud: LocalCloud, service: str) -> None:
    wrong = {"aws_secret_access_key": "another"}
    assert code(local_cloud, service, wrong) == WRONG_SECRET[service]


@pytest.mark.parametrize("service", NOT_SIGNED)
def test_no_signature_gets_the_services_own_error(local_cloud: LocalCloud, service: str) -> None:
    session: Any = boto3.Session(region_name="us-east-1")
    unsigned = Config(proxies={}, signature_version=UNSIGNED)
    anonymous = session.client(service, endpoint_url=local_cloud.endpoint, config=unsigned)
    with pytest.raises(ClientError) as refused:
        CALLS[service](anonymous)
    assert refused.value.response["Error"]["Code"] == NOT_SIGNED[service]


@pytest.mark.parametrize("key", ["", "test", "local", "000000000000", "111122223333", "AKIAIOSFODNN7EXAMPLE"])
def test_a_well_known_key_opens_nothing(local_cloud: LocalCloud, key: str) -> None:
    """MiniStack takes some of them for the account's root."""
    for secret in ("test", "local", "x"):
        request = signed(Access(local_cloud.endpoint, key, secret))
        assert send(local_cloud.state.port, Kind("GET", "/", dict(request.headers))).status == FORBIDDEN


def test_each_start_has_a_secret_of_its_own(local_cloud: LocalCloud, tmp_path: Path) -> None:
    other = LocalCloud.start(tmp_path, free_port())
    try:
        assert code(other, "sts", {"aws_secret_access_key": local_cloud.state.access.secret_access_key})
    finally:
        other.stop()


def assumed(cloud: LocalCloud, role: str) -> dict[str, str]:
    """Credentials that the local cloud's STS gives for a role, as boto3 takes them."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = cloud.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    given = cloud.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }


def test_credentials_that_were_given_to_a_role_are_taken(local_cloud: LocalCloud) -> None:
    role = assumed(local_cloud, "taken")
    assert ":assumed-role/taken/" in client(local_cloud, "sts", role).get_caller_identity()["Arn"]


@pytest.mark.parametrize("member", ["aws_secret_access_key", "aws_session_token"])
def test_credentials_of_a_role_are_taken_whole_or_not_at_all(local_cloud: LocalCloud, member: str) -> None:
    role = assumed(local_cloud, f"whole-{member.replace('_', '-')}")
    assert code(local_cloud, "sts", {**role, member: "another"}) in {"SignatureDoesNotMatch", "InvalidClientTokenId"}


def presigned(access: Access, path: str, seconds: int, age: int) -> str:
    """An address that was signed some seconds ago, and good for some."""
    request = AWSRequest("GET", f"{access.endpoint}{path}")
    credentials = Credentials(access.access_key_id, access.secret_access_key)
    signer = S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=seconds)
    with pytest.MonkeyPatch.context() as patched:
        moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)
        patched.setattr("botocore.auth.get_current_datetime", lambda: moment.replace(tzinfo=None))
        signer.add_auth(request)
    return str(request.url)


def status(url: str) -> int:
    try:
        with urlopen(url) as answer:  # noqa: S310 - the local cloud
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


@pytest.mark.parametrize("path", ["/", "/_sandbox/health"])
def test_a_presigned_address_is_good_while_it_lasts(local_cloud: LocalCloud, path: str) -> None:
    assert status(presigned(local_cloud.state.access, path, seconds=60, age=30)) == 200
    assert status(presigned(local_cloud.state.access, path, seconds=60, age=90)) == FORBIDDEN


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_a_presigned_address_is_good_as_it_was_signed_only(local_cloud: LocalCloud, version: str) -> None:
    """Version 2, which boto3 makes by default, and version 4."""
    local_cloud.client("s3").create_bucket(Bucket=f"presigned-{version}")
    local_cloud.client("s3").put_object(Bucket=f"presigned-{version}", Key="a key+", Body=b"")
    signer = client(local_cloud, "s3", config=Config(signature_version=version))
    url = signer.generate_presigned_url("get_object", {"Bucket": f"presigned-{version}", "Key": "a key+"}, ExpiresIn=60)
    assert status(url) == 200
    assert status(url.replace("Expires=", "Expires=1")) == FORBIDDEN
    assert status(url.replace("a%20key", "b%20key")) == FORBIDDEN


def test_a_request_signed_long_ago_is_refused(local_cloud: LocalCloud) -> None:
    request = signed(local_cloud.state.access)
    with pytest.MonkeyPatch.context() as patched:
        old = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(minutes=20)
        patched.setattr("botocore.auth.get_current_datetime", lambda: old)
        late = signed(local_cloud.state.access)
    assert send(local_cloud.state.port, Kind("GET", "/", dict(request.headers))).status == 200
    assert send(local_cloud.state.port, Kind("GET", "/", dict(late.headers))).status == FORBIDDEN


def test_a_signature_is_good_for_what_was_signed_only(local_cloud: LocalCloud) -> None:
    headers = dict(signed(local_cloud.state.access, path="/one").headers)
    assert send(local_cloud.state.port, Kind("GET", "/one", headers)).status == 404
    assert send(local_cloud.state.port, Kind("GET", "/other", headers)).status == FORBIDDEN
    assert send(local_cloud.state.port, Kind("DELETE", "/one", headers)).status == FORBIDDEN


def test_a_signature_that_is_no_signature_is_refused(local_cloud: LocalCloud) -> None:
    """Each would end in an exception of what checks it."""
    port, access = local_cloud.state.port, local_cloud.state.access
    headers = dict(signed(access).headers)
    authorization = headers["Authorization"].partition("Signature=")[0] + "Signature=\u00e9"
    assert send(port, Kind("GET", "/", {**headers, "Authorization": authorization})).status in AS_AWS_REFUSES
    url = presigned(access, "/", seconds=60, age=0)
    for wrong in ("X-Amz-Expires=" + "9" * 100, "X-Amz-Expires=soon", "X-Amz-Expired=60"):
        assert status(url.replace("X-Amz-Expires=60", wrong)) in AS_AWS_REFUSES


def test_an_upload_that_breaks_off_leaves_nothing(local_cloud: LocalCloud) -> None:
    s3, access = local_cloud.client("s3"), local_cloud.state.access
    s3.create_bucket(Bucket="broken-off")
    request = AWSRequest("PUT", f"{access.endpoint}/broken-off/key", data=b"x" * 100)
    S3SigV4Auth(Credentials(access.access_key_id, access.secret_access_key), "s3", "us-east-1").add_auth(request)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    host = f"Host: 127.0.0.1:{local_cloud.state.port}"
    head = "\r\n".join(["PUT /broken-off/key HTTP/1.1", host, "Content-Length: 100", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", local_cloud.state.port)) as connection:
        connection.sendall(head.encode() + b"x" * 50)
    time.sleep(0.5)  # the server has seen the end of the connection by then
    assert s3.list_objects_v2(Bucket="broken-off")["KeyCount"] == 0


_TEXT = st.text(st.characters(codec="latin-1"), max_size=30)


@settings(max_examples=300, deadline=None)
@given(
    authorization=st.none() | _TEXT | st.builds("AWS4-HMAC-SHA256 {}".format, _TEXT)
    | st.builds("AWS4-HMAC-SHA256 Credential={}, SignedHeaders={}, Signature={}".format, _TEXT, _TEXT, _TEXT)
    | st.builds("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/{}, SignedHeaders=host, Signature={}".format,
                _TEXT, _TEXT),
    date=st.none() | _TEXT | st.just("20260101T000000Z"),
    query=st.dictionaries(
        st.sampled_from(["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Expires", "X-Amz-Date", "X-Amz-SignedHeaders"]),
        st.lists(_TEXT | st.just("9" * 400) | st.just("test/20260101/us-east-1/s3/aws4_request"), min_size=1),
    ),
    body=st.binary(max_size=20),
)  # fmt: skip
def test_whatever_a_request_claims_it_is_refused_and_never_breaks_the_check(
    authorization: str | None, date: str | None, query: dict[str, list[str]], body: bytes
) -> None:
    claims = {"authorization": authorization, "x-amz-date": date, "host": "127.0.0.1:1"}
    headers = {name: value for name, value in claims.items() if value is not None}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "known")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "unknown")
        assert signature.refusal(SignedRequest("GET", "/", query, headers, body))


# -- what lies on disk


def test_what_the_local_cloud_writes_its_user_alone_can_read(tmp_path: Path) -> None:
    directory = tmp_path / "cloud"
    directory.mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        cloud = LocalCloud.start(directory, free_port())
    finally:
        os.umask(before)
    try:
        cloud.client("s3").create_bucket(Bucket="bucket")
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        for path in (directory / "local-cloud.json", *(directory / "tmp").rglob("*"), directory / "tmp"):
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    finally:
        cloud.stop()


def test_the_secret_is_in_no_command_line(local_cloud: LocalCloud) -> None:
    process = local_cloud.state.process()
    assert process
    assert local_cloud.state.access.secret_access_key not in " ".join(process.cmdline())
    assert local_cloud.state.access.secret_access_key not in repr(local_cloud)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can act as another user")
def test_another_user_of_the_machine_gets_nothing(local_cloud: LocalCloud) -> None:
    """As ``nobody``: the files, the environment of the process, and a request."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        found = [
            *(readable(path) for path in secret_files(local_cloud)),
            send(local_cloud.state.port, KINDS["rest-list"]).status,
        ]
        os.write(write, json.dumps(found).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert json.loads(os.read(read, 1000)) == [False, False, False, FORBIDDEN]
    assert all(readable(path) for path in secret_files(local_cloud))


def secret_files(cloud: LocalCloud) -> list[Path]:
    return [cloud.directory / "local-cloud.json", cloud.directory / "tmp", Path(f"/proc/{cloud.state.pid}/environ")]


def readable(path: Path) -> bool:
    try:
        return bool(list(path.iterdir()) or True) if path.is_dir() else bool(path.read_bytes())
    except PermissionError:
        return False
