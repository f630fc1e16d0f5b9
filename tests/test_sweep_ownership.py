"""Whose a resource is, from its tag, from what it lies in, and from its name."""

from __future__ import annotations

import pytest

from practice.sweep.ownership import Found, Scope, Standing, resource_type

ARN = "arn:aws:x:us-east-1:111122223333:y/"


def standing(thing: Found, **tags: str) -> Standing | None:
    """What something is to `ml`, beside a sandbox `ml-two`, by the tags of ARNs that end so."""
    return Scope("ml", {"other": "ml-two"} | {ARN + end: sandbox for end, sandbox in tags.items()}).standing(thing)


def found(name: str, *, within: str = "", shared: bool = False, going: bool = False) -> Found:
    return Found(name, f"{ARN}it", within=ARN + within, shared=shared, going=going)


@pytest.mark.parametrize("name", ["ml", "ml-lake-raw", "ml_features/orders", "/aws/lambda/ml-x", "/aws-glue/jobs/ML-y"])
def test_a_name_that_begins_like_the_sandbox_in_any_part_is_of_it_without_the_tag(name: str) -> None:
    assert standing(found(name)) is Standing.NAMED


@pytest.mark.parametrize(
    "name", ["mlops", "x-ml-y", "html", "ml-two", "ml-two-lake", "ml_two_features/ml", "/z/ml-two"]
)
def test_a_name_of_another_sandbox_is_not_of_this_one(name: str) -> None:
    assert standing(found(name)) is None


def test_the_tag_decides_before_the_name() -> None:
    assert standing(found("ml-x"), it="ml-two") is None
    assert standing(found("ml-two-x"), it="ml") is Standing.TAGGED


def test_what_lies_in_something_of_the_sandbox_is_of_it_without_carrying_the_tag() -> None:
    assert standing(found("sg-1", within="vpc"), vpc="ml") is Standing.NAMED
    assert standing(found("sg-1", within="vpc"), vpc="ml-two") is None


def test_what_has_its_tags_from_something_carries_them() -> None:
    package = Found("ml/1", f"{ARN}it", tags_of=f"{ARN}group")
    assert standing(package, group="ml") is Standing.TAGGED
    assert standing(package, group="ml-two") is None


def test_what_is_for_the_whole_account_is_told_as_that_unless_somebody_owns_it() -> None:
    assert standing(found("/aws/sagemaker/TrainingJobs", shared=True)) is Standing.SHARED
    assert standing(found("/aws/sagemaker/TrainingJobs", shared=True), it="ml-two") is None


def test_what_is_being_deleted_needs_nobody() -> None:
    assert standing(found("ml-x", going=True), it="ml") is Standing.GOING


@pytest.mark.parametrize(
    ("arn", "type_"),
    [
        ("arn:aws:s3:::bucket", "s3"),
        ("arn:aws:sns:us-east-1:111122223333:topic", "sns"),
        ("arn:aws:sagemaker:us-east-1:111122223333:app/d-1/learner/JupyterLab/default", "sagemaker:app"),
        ("arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/x", "logs:log-group"),
        ("arn:aws-cn:states:cn-north-1:111122223333:stateMachine:x", "states:stateMachine"),
    ],
)
def test_an_arn_tells_the_type(arn: str, type_: str) -> None:
    assert resource_type(arn) == type_
