"""The signature of a request: whether it was made with a secret that this local cloud has given out.

The secrets are that of this start, and those of the sessions and access keys that its STS and IAM have issued. What
signs is Signature Version 4, and in presigned addresses of S3 also version 2, which boto3 still makes. MiniStack's own
functions compute them.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from practice.local_cloud.address import ACCOUNT
from practice.local_cloud.hooks import IAM_EVALUATOR, RESPONSES, SIGV4


@dataclass(frozen=True)
class SignedRequest:
    """A request as it arrived: names of headers in lower case, the path still encoded."""

    method: str
    raw_path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Refusal:
    """Why a request is refused, in AWS's words."""

    code: str
    message: str


_MISSING = Refusal("MissingAuthenticationToken", "Request is missing Authentication Token")
_UNSUPPORTED = Refusal("UnsupportedSignature", "The request signature does not conform to AWS standards.")


def refusal(request: SignedRequest) -> Refusal | None:
    """Why the request is refused; None if it is signed with a secret of this local cloud."""
    try:
        return _checked(request)
    except Exception:
        # what cannot even be read, such as a signature that is not ASCII, is signed by nobody
        return _UNSUPPORTED


def _checked(request: SignedRequest) -> Refusal | None:
    authorization, query = request.headers.get("authorization"), request.query
    presigned = authorization is None
    if authorization is not None and authorization.startswith("AWS4-HMAC-SHA256 "):
        signature = SIGV4.parse_header_signature(request.headers)
        token = request.headers.get("x-amz-security-token", "")
    elif authorization is not None:
        return _UNSUPPORTED
    elif "X-Amz-Signature" in query:
        signature = SIGV4.parse_query_signature(query)
        token = query.get("X-Amz-Security-Token", [""])[0]
    elif "Signature" in query:
        return _checked_version_2(request)
    else:
        return _MISSING
    if isinstance(signature, tuple):
        return Refusal(*signature)
    if failure := _expired(request, signature) if presigned else SIGV4.request_time_failure(signature):
        return Refusal(*failure)
    key = signature.access_key_id
    credential = IAM_EVALUATOR.resolve_credential(key, _account(key), session_token=token)
    if not isinstance(credential, IAM_EVALUATOR.ResolvedCredential):
        return Refusal(credential.code, credential.message)
    failure = SIGV4.header_signature_failure(
        signature,
        credential.secret_access_key,
        request.method,
        request.raw_path,
        request.query,
        request.headers,
        request.body,
        presigned=presigned,
    )
    return Refusal(*failure) if failure else None


def _checked_version_2(request: SignedRequest) -> Refusal | None:
    key, path = request.query["AWSAccessKeyId"][0], request.raw_path
    pinned = IAM_EVALUATOR.SignedRequest(key, request.method, path, request.query, request.headers, auth_path=path)
    checked = IAM_EVALUATOR._sigv2_check(pinned, _account(key))
    if isinstance(checked, IAM_EVALUATOR.ResolvedCredential):
        return None
    return Refusal(checked.code, checked.message)


def _expired(request: SignedRequest, signature: Any) -> tuple[str, str] | None:
    """What AWS says of a presigned address that is no longer good."""
    expired = SIGV4.presigned_request_is_expired(signature.amz_date, request.query["X-Amz-Expires"][0])
    return ("RequestExpired", "Request has expired") if expired else None


def _account(access_key_id: str) -> str:
    """The account of a key: MiniStack takes a key of twelve digits for an account's root."""
    if len(access_key_id) == len(ACCOUNT) and access_key_id.isdigit():
        return access_key_id
    issued = IAM_EVALUATOR.find_iam_access_key_account(access_key_id)
    return str(issued or RESPONSES._account_from_sts_session(access_key_id) or ACCOUNT)
