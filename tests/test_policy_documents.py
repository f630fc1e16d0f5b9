"""How the tests read the policy documents of templates: everything resolved, or refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policy_documents import Kind, Resolver, UnknownIntrinsicError, policy_documents, readable_name
from tests.synthesis import SynthesizedStack

STACKS = {
    "Lake": SynthesizedStack(
        {
            "Resources": {
                "StorageRaw7E344C76": {"Type": "AWS::S3::Bucket"},
                "Key961B73FD": {"Type": "AWS::KMS::Key"},
                "Group": {
                    "Type": "AWS::SageMaker::ModelPackageGroup",
                    "Properties": {"ModelPackageGroupName": "churn"},
                },
                "Role40E210CA": {"Type": "AWS::IAM::Role", "Properties": {"Path": "/box/"}},
                "Vpc": {"Type": "AWS::EC2::VPC"},
            },
            "Outputs": {
                "Raw": {"Value": {"Fn::GetAtt": ["StorageRaw7E344C76", "Arn"]}, "Export": {"Name": "lake:Raw"}}
            },
        }
    ),
    "Other": SynthesizedStack({"Resources": {"Role40E210CA": {"Type": "AWS::IAM::Role"}}}),
}


def resolved(value: Any, stack: str = "Lake") -> Any:
    return Resolver(STACKS, stack).resolve(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "StorageRaw7E344C76"}, "raw"),
        ({"Ref": "AWS::AccountId"}, "111122223333"),
        ({"Ref": "Group"}, "arn:aws:sagemaker:eu-west-1:111122223333:model-package-group/churn"),
        ({"Fn::GetAtt": ["Key961B73FD", "Arn"]}, "arn:aws:kms:eu-west-1:111122223333:key/key"),
        ({"Fn::GetAtt": "Role40E210CA.Arn"}, "arn:aws:iam::111122223333:role/box/lake-role"),
        ({"Fn::GetAtt": ["Vpc", "DefaultSecurityGroup"]}, "vpc"),
        ({"Fn::Join": ["/", [{"Ref": "StorageRaw7E344C76"}, "*"]]}, "raw/*"),
        (
            {"Fn::Sub": "${AWS::Partition}:${Key961B73FD.Arn}:${!literal}"},
            "aws:arn:aws:kms:eu-west-1:111122223333:key/key:${literal}",
        ),
        ({"Fn::Sub": ["${A}-${AWS::Region}", {"A": {"Ref": "StorageRaw7E344C76"}}]}, "raw-eu-west-1"),
        ([{"a": {"Ref": "AWS::Partition"}}, 1, True], [{"a": "aws"}, 1, True]),
    ],
)
def test_intrinsics_become_names_and_arns(value: Any, expected: Any) -> None:
    assert resolved(value) == expected


def test_an_import_becomes_what_the_other_stack_exports() -> None:
    assert resolved({"Fn::ImportValue": "lake:Raw"}, "Other") == "arn:aws:s3:::raw"


def test_roles_of_two_stacks_have_two_arns() -> None:
    arn = {"Fn::GetAtt": ["Role40E210CA", "Arn"]}
    assert resolved(arn) != resolved(arn, "Other")


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::If": ["Condition", "a", "b"]},
        {"Fn::ImportValue": "lake:Elsewhere"},
        {"Ref": "Elsewhere"},
        {"Ref": "Vpc"},
        {"Fn::GetAtt": ["Vpc", "Arn"]},
        {"Fn::GetAtt": ["Key961B73FD", "KeyId"]},
        {"Statement": [{"Resource": {"Fn::Join": ["", [{"Fn::Select": [0, ["a"]]}]]}}]},
    ],
)
def test_what_only_cloudformation_can_tell_is_refused(value: Any) -> None:
    with pytest.raises(UnknownIntrinsicError):
        resolved(value)


@pytest.mark.parametrize(
    ("logical_id", "name"),
    [
        ("StorageCurated8783DDC7", "curated"),
        ("OrderTransformRole263DEC10", "order-transform-role"),
        ("CustomS3AutoDeleteObjects3B1BD092", "custom-s3-auto-delete-objects"),
        ("Vpc", "vpc"),
    ],
)
def test_names_are_readable(logical_id: str, name: str) -> None:
    assert readable_name(logical_id) == name


def test_documents_of_every_place_are_found() -> None:
    owners = {(document.owner.rstrip("0123456789ABCDEF"), document.kind) for document in policy_documents("default")}
    assert {
        ("Key", Kind.RESOURCE),
        ("StorageRawPolicy", Kind.RESOURCE),
        ("LearnerRole", Kind.TRUST),
        ("LearnerRoleDefaultPolicy", Kind.IDENTITY),
        ("LearnerLimits", Kind.IDENTITY),
        ("CustomVpcRestrictDefaultSGCustomResourceProviderRole", Kind.IDENTITY),
    } <= owners
