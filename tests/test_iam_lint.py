"""An IAM linter over every policy document of every stack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.policy_documents import policy_documents
from tests.policy_lint import Finding, as_evaluated, lint
from tests.synthesis import EVERY_COMBINATION

ACCEPTED: Mapping[str, str] = {
    r"MISMATCHED_TYPE: .* s3:TlsVersion requires a value of type Numeric but given \['1\.2'\]": (
        "1.2 is a number: https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html"
    ),
    r"RESOURCE_POLICY_PRIVILEGE_ESCALATION: .* does allow s3:PutBucketPolicy": (
        "The CDK's function that empties a bucket keeps others from writing to it meanwhile; nothing else has its role"
    ),
    r"(UNKNOWN_CONDITION_FOR_ACTION: .* kms:EncryptionContext:aws:logs:arn for action kms:DescribeKey"
    r"|MISMATCHED_TYPE: .* ArnLike requires a value of type Arn but given String)": (
        "As in https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html, ARN and all"
    ),
    r"^Studio/NetworkVpcS3\w+/resource LOW RESOURCE_STAR": (
        "The endpoint's policy narrows by account; which bucket is for the policies of roles and buckets to say"
    ),
    r"RESOURCE_MISMATCH: .*states:ListExecutions', 'required_format': 'arn:\*:states:\*:\*:mapRun": (
        "Of a state machine or of a map run: the former is asked here"
    ),
}
"""Findings that stay, by what they match, each for a reason."""

GOOD: dict[str, Any] = {
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::curated/*",
    "Condition": {"StringEquals": {"s3:ExistingObjectTag/sandbox": "ml-sandbox"}},
}


def accepted(document: str, finding: Finding) -> str | None:
    return next((pattern for pattern in ACCEPTED if re.search(pattern, f"{document} {finding}")), None)


def found(combination: str) -> dict[str, list[Finding]]:
    return {f"{d.stack}/{d.owner}/{d.kind}": lint(as_evaluated(d)) for d in policy_documents(combination)}


@pytest.mark.parametrize("combination", EVERY_COMBINATION)
def test_finds_nothing_that_is_not_accepted(combination: str) -> None:
    findings = [(name, finding) for name, all_ in found(combination).items() for finding in all_]
    assert [f"{name} {finding}" for name, finding in findings if not accepted(name, finding)] == []


def test_accepts_nothing_that_is_not_found() -> None:
    documents = found("default") | found("smallest")
    used = {accepted(name, finding) for name, findings in documents.items() for finding in findings}
    assert used - {None} == set(ACCEPTED)


def test_reads_every_kind_of_document() -> None:
    kinds = {f"{d.kind} {arn.split(':')[2]}" for d in policy_documents("s3-events") for arn in d.attached_to}
    assert {"identity iam", "trust iam", "resource kms", "resource s3", "resource sqs"} <= kinds


def findings_of(**changes: Any) -> list[tuple[str, str]]:
    statement = {key: value for key, value in (GOOD | changes).items() if value is not None}
    return [(f.severity, f.issue) for f in lint({"Version": "2012-10-17", "Statement": [statement]})]


class TestTheLinter:
    def test_passes_over_what_is_good(self) -> None:
        assert findings_of() == []

    @pytest.mark.parametrize(
        ("severity", "issue", "changes"),
        [
            ("CRITICAL", "EXCEPTION", {"Action": "GetObject", "Condition": None}),
            ("HIGH", "MALFORMED", {"Action": None}),
            ("HIGH", "MALFORMED", {"Efect": "Allow"}),
            ("MEDIUM", "RESOURCE_MISMATCH", {"Resource": "arn:aws:s3:::curated"}),
            ("MEDIUM", "INVALID_ARN", {"Resource": "curated/*"}),
            ("MEDIUM", "UNKNOWN_OPERATOR", {"Condition": {"StringMatches": {"s3:ExistingObjectTag/a": "b"}}}),
            ("MEDIUM", "UNKNOWN_CONDITION_FOR_ACTION", {"Condition": {"StringEquals": {"s3:prefix": "a"}}}),
            ("MEDIUM", "MISMATCHED_TYPE", {"Condition": {"NumericLessThan": {"s3:TlsVersion": "old"}}}),
            ("MEDIUM", "UNKNOWN_PRINCIPAL", {"Principal": {"AWS": "somebody"}}),
            ("LOW", "RESOURCE_STAR", {"Resource": "*"}),
            ("LOW", "UNKNOWN_ACTION", {"Action": "s3:GetObjct", "Condition": None}),
            ("LOW", "UNKNOWN_PREFIX", {"Action": "s4:GetObject", "Condition": None}),
        ],
    )
    def test_catches(self, severity: str, issue: str, changes: dict[str, Any]) -> None:
        assert (severity, issue) in findings_of(**changes)

    def test_catches_two_statements_of_one_name(self) -> None:
        statement = GOOD | {"Sid": "Same"}
        findings = lint({"Version": "2012-10-17", "Statement": [statement, statement]})
        assert ("HIGH", "DUPLICATE_SID") in {(f.severity, f.issue) for f in findings}

    def test_knows_actions_and_keys_that_are_newer_than_itself(self) -> None:
        job = {"Action": "sagemaker:CreateTrainingJob", "Resource": "arn:aws:sagemaker:*:*:training-job/*"}
        key = "arn:aws:kms:eu-west-1:111122223333:key/a"
        assert findings_of(**job, Condition={"ArnEquals": {"sagemaker:VolumeKmsKeyArn": key}}) == []
        assert findings_of(**job, Condition={"ArnEquals": {"sagemaker:VolumeKmsKey": key}})

    def test_is_not_told_that_a_wildcard_covers_other_things_as_well(self) -> None:
        assert findings_of(Action="s3:Get*", Condition=None) == []


def test_every_statement_is_read_with_what_it_is_about() -> None:
    for document in policy_documents("default"):
        assert all({"Resource", "NotResource"} & statement.keys() for statement in as_evaluated(document)["Statement"])
