"""What every role of the sandbox may do, and what it may not, one request to a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from ministack.core import iam_evaluator

from tests import iam_reference
from tests.permissions import (
    OTHER_ACCOUNT,
    Context,
    Role,
    UnknownConditionError,
    parsed,
    resource_policy,
    role,
    roles,
)
from tests.policy_documents import ACCOUNT, REGION, arns_of_type, policy_documents
from tests.synthesis import COMBINATIONS

ROLES = {
    "raw crawler": ("Lake", "RawCrawlerRole"),
    "curated crawler": ("Lake", "CuratedCrawlerRole"),
    "lake's bucket emptier": ("Lake", "CustomS3AutoDelete"),
    "order transform": ("Ingestion", "OrderTransformRole"),
    "order delivery": ("Ingestion", "OrderDeliveryRole"),
    "feature store": ("FeatureStore", "CustomerFeaturesRole"),
    "spot training": ("Training", "SpotTrainingRole"),
    "training's bucket emptier": ("Training", "CustomS3AutoDelete"),
}

CURATED = "arn:aws:s3:::curated"
PROCESSED = "arn:aws:s3:::processed"
RAW = "arn:aws:s3:::raw"
TRAINING = "arn:aws:s3:::artifacts"
ELSEWHERE = "arn:aws:s3:::bucket-of-someone-else"
IN_ACCOUNT = f"{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{IN_ACCOUNT}:key/key"
OTHER_KEY = f"arn:aws:kms:{IN_ACCOUNT}:key/another"
GLUE = f"arn:aws:glue:{IN_ACCOUNT}"
LOGS = f"arn:aws:logs:{IN_ACCOUNT}:log-group"
SAGEMAKER = f"arn:aws:sagemaker:{IN_ACCOUNT}"
TRANSFORM = f"arn:aws:lambda:{IN_ACCOUNT}:function:order-transform-function"
XGBOOST = f"arn:aws:ecr:{REGION}:141502667606:repository/sagemaker-xgboost"
FEATURE_GROUP = f"{SAGEMAKER}:feature-group/ml-sandbox-customer-features"
TRAINING_LOGS = f"{LOGS}:/aws/sagemaker/TrainingJobs"

OVER_TLS_1_1 = {"s3:TlsVersion": "1.1"}
WITHOUT_TLS = {"aws:SecureTransport": "false"}


def through(service: str) -> Context:
    return {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}


@dataclass(frozen=True)
class Row:
    role: str
    action: str
    resource: str
    context: Context = field(default_factory=dict)

    def __str__(self) -> str:
        context = " ".join(f"{key}={value}" for key, value in self.context.items())
        return f"{self.role}: {self.action} {self.resource} {context}".strip()


ALLOWED = [
    # crawlers read what they crawl, and write their database
    Row("raw crawler", "s3:GetObject", f"{RAW}/customers/2026-11-22/customers.csv"),
    Row("raw crawler", "s3:GetObject", f"{RAW}/landing/returns.json"),
    Row("raw crawler", "s3:ListBucket", RAW),
    Row("raw crawler", "kms:Decrypt", KEY, through("s3")),
    Row("raw crawler", "glue:CreateTable", f"{GLUE}:table/ml_sandbox_raw/customers"),
    Row("raw crawler", "logs:PutLogEvents", f"{LOGS}:/aws-glue/crawlers-role/raw:log-stream:raw"),
    Row("curated crawler", "s3:GetObject", f"{CURATED}/churn/part-0.parquet"),
    Row("curated crawler", "glue:BatchCreatePartition", f"{GLUE}:database/ml_sandbox_curated"),
    # the function that empties buckets is allowed by the buckets' policies
    Row("lake's bucket emptier", "s3:DeleteObjectVersion", f"{RAW}/orders/a.gz"),
    Row("training's bucket emptier", "s3:DeleteObject", f"{TRAINING}/artifacts/churn/model.tar.gz"),
    # ingestion
    Row("order transform", "logs:PutLogEvents", f"{LOGS}:order-transform-logs:log-stream:a"),
    Row("order delivery", "lambda:InvokeFunction", f"{TRANSFORM}:$LATEST"),
    Row("order delivery", "s3:PutObject", f"{RAW}/orders/2026/11/22/a.gz"),
    Row("order delivery", "s3:PutObject", f"{RAW}/errors/processing-failed/a"),
    Row("order delivery", "s3:PutObject", f"{PROCESSED}/orders/category=toys/a.parquet"),
    Row("order delivery", "s3:AbortMultipartUpload", f"{PROCESSED}/orders/a.parquet"),
    Row("order delivery", "glue:GetTableVersions", f"{GLUE}:table/ml_sandbox_processed/orders"),
    Row("order delivery", "kms:GenerateDataKey", KEY, through("s3")),
    # feature store
    Row("feature store", "s3:PutObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("feature store", "s3:PutObjectAcl", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("feature store", "s3:GetBucketAcl", CURATED),
    Row("feature store", "glue:UpdateTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("feature store", "kms:GenerateDataKey", KEY, through("s3")),
    Row("feature store", "kms:Decrypt", KEY),
    # spot training
    Row("spot training", "s3:GetObject", f"{CURATED}/churn/train.parquet"),
    Row("spot training", "s3:GetObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("spot training", "s3:ListBucket", CURATED),
    Row("spot training", "s3:PutObject", f"{TRAINING}/artifacts/churn/output/model.tar.gz"),
    Row("spot training", "s3:PutObject", f"{TRAINING}/checkpoints/churn/epoch-3"),
    Row("spot training", "s3:GetObject", f"{TRAINING}/checkpoints/churn/epoch-3"),
    Row("spot training", "kms:Decrypt", KEY, through("s3")),
    Row("spot training", "kms:GenerateDataKey", KEY, through("s3")),
    Row("spot training", "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
    Row("spot training", "ecr:GetAuthorizationToken", "*"),
    Row("spot training", "ecr:BatchGetImage", XGBOOST),
    Row("spot training", "logs:CreateLogGroup", TRAINING_LOGS),
    Row("spot training", "logs:PutLogEvents", f"{TRAINING_LOGS}:log-stream:churn/algo-1"),
    Row("spot training", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}),
]

DENIED = [
    # crawlers: other prefixes, other zones, other databases, any write to a bucket
    Row("raw crawler", "s3:GetObject", f"{RAW}/orders/2026/11/22/a.gz"),
    Row("raw crawler", "s3:GetObject", f"{CURATED}/churn/part-0.parquet"),
    Row("raw crawler", "s3:GetObject", f"{RAW}/customers/customers.csv", WITHOUT_TLS),
    Row("raw crawler", "s3:GetObject", f"{RAW}/customers/customers.csv", OVER_TLS_1_1),
    Row("raw crawler", "s3:PutObject", f"{RAW}/customers/customers.csv"),
    Row("raw crawler", "s3:DeleteObject", f"{RAW}/customers/customers.csv"),
    Row("raw crawler", "kms:Decrypt", KEY),
    Row("raw crawler", "kms:Decrypt", OTHER_KEY, through("s3")),
    Row("raw crawler", "kms:GenerateDataKey", KEY, through("s3")),
    Row("raw crawler", "glue:CreateTable", f"{GLUE}:table/ml_sandbox_curated/customers"),
    Row("raw crawler", "glue:DeleteTable", f"{GLUE}:table/ml_sandbox_raw/customers"),
    Row("raw crawler", "logs:PutLogEvents", f"{LOGS}:/aws/lambda/other:log-stream:a"),
    Row("curated crawler", "s3:GetObject", f"{RAW}/customers/customers.csv"),
    Row("curated crawler", "s3:PutObject", f"{CURATED}/churn/part-0.parquet"),
    Row("curated crawler", "glue:UpdateTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    # a function empties the buckets of its own stack, and reads nothing
    Row("lake's bucket emptier", "s3:GetObject", f"{RAW}/orders/a.gz"),
    Row("lake's bucket emptier", "s3:DeleteObject", f"{TRAINING}/artifacts/churn/model.tar.gz"),
    Row("lake's bucket emptier", "s3:DeleteObject", f"{ELSEWHERE}/a"),
    Row("training's bucket emptier", "s3:DeleteObject", f"{CURATED}/churn/train.parquet"),
    Row("training's bucket emptier", "kms:Decrypt", KEY, through("s3")),
    # ingestion
    Row("order transform", "s3:GetObject", f"{RAW}/orders/a.gz"),
    Row("order transform", "logs:PutLogEvents", f"{LOGS}:order-delivery-logs:log-stream:a"),
    Row("order transform", "logs:CreateLogGroup", f"{LOGS}:order-transform-logs"),
    Row("order transform", "kms:Decrypt", KEY, through("s3")),
    Row("order delivery", "s3:PutObject", f"{RAW}/customers/customers.csv"),
    Row("order delivery", "s3:PutObject", f"{CURATED}/orders/a.parquet"),
    Row("order delivery", "s3:DeleteObject", f"{RAW}/orders/a.gz"),
    Row("order delivery", "kms:GenerateDataKey", KEY),
    Row("order delivery", "glue:GetTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("order delivery", "glue:UpdateTable", f"{GLUE}:table/ml_sandbox_processed/orders"),
    Row("order delivery", "lambda:InvokeFunction", f"arn:aws:lambda:{IN_ACCOUNT}:function:another"),
    Row("order delivery", "lambda:UpdateFunctionCode", TRANSFORM),
    # feature store
    Row("feature store", "s3:PutObject", f"{CURATED}/churn/train.parquet"),
    Row("feature store", "s3:GetObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("feature store", "s3:DeleteObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("feature store", "s3:PutObject", f"{RAW}/feature-store/a.parquet"),
    Row("feature store", "glue:DeleteTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("feature store", "glue:UpdateTable", f"{GLUE}:table/ml_sandbox_curated/customer_features"),
    Row("feature store", "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
    Row("feature store", "kms:Decrypt", OTHER_KEY),
    # spot training
    Row("spot training", "s3:PutObject", f"{CURATED}/churn/train.parquet"),
    Row("spot training", "s3:PutObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("spot training", "s3:PutObject", f"{TRAINING}/elsewhere/model.tar.gz"),
    Row("spot training", "s3:PutObject", f"{TRAINING}/artifacts"),
    Row("spot training", "s3:GetObject", f"{RAW}/customers/customers.csv"),
    Row("spot training", "s3:DeleteObject", f"{TRAINING}/artifacts/churn/output/model.tar.gz"),
    Row("spot training", "s3:PutObject", f"{ELSEWHERE}/artifacts/model.tar.gz"),
    Row("spot training", "s3:GetObject", f"{CURATED}/churn/train.parquet", WITHOUT_TLS),
    Row("spot training", "kms:Decrypt", KEY),
    Row("spot training", "kms:Decrypt", KEY, through("dynamodb")),
    Row("spot training", "kms:GenerateDataKey", OTHER_KEY, through("s3")),
    Row("spot training", "kms:CreateGrant", KEY),
    Row("spot training", "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "false"}),
    Row("spot training", "kms:ScheduleKeyDeletion", KEY),
    Row("spot training", "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/anything"),
    Row("spot training", "ecr:PutImage", XGBOOST),
    Row("spot training", "logs:PutLogEvents", f"{LOGS}:/aws/sagemaker/Endpoints/a:log-stream:a"),
    Row("spot training", "logs:DeleteLogGroup", TRAINING_LOGS),
    Row("spot training", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "AWS/EC2"}),
    Row("spot training", "cloudwatch:PutMetricData", "*"),
    Row("spot training", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/ml-sandbox-churn"),
    Row("spot training", "sagemaker:PutRecord", FEATURE_GROUP),
    Row("spot training", "ec2:CreateNetworkInterface", f"arn:aws:ec2:{IN_ACCOUNT}:network-interface/*"),
    Row("spot training", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/training-spot-training-role"),
]

TRUSTED = [
    ("raw crawler", "glue.amazonaws.com"),
    ("curated crawler", "glue.amazonaws.com"),
    ("lake's bucket emptier", "lambda.amazonaws.com"),
    ("order transform", "lambda.amazonaws.com"),
    ("order delivery", "firehose.amazonaws.com"),
    ("feature store", "sagemaker.amazonaws.com"),
    ("spot training", "sagemaker.amazonaws.com"),
    ("training's bucket emptier", "lambda.amazonaws.com"),
]


def role_named(name: str) -> Role:
    return role(*ROLES[name])


@pytest.mark.parametrize("row", ALLOWED, ids=str)
def test_may(row: Row) -> None:
    assert role_named(row.role).may(row.action, row.resource, row.context)


@pytest.mark.parametrize("row", DENIED, ids=str)
def test_may_not(row: Row) -> None:
    assert not role_named(row.role).may(row.action, row.resource, row.context)


@pytest.mark.parametrize(("name", "service"), TRUSTED)
def test_is_assumed_by_its_service_alone(name: str, service: str) -> None:
    assert role_named(name).may_be_assumed_by(service, ACCOUNT)
    assert not role_named(name).may_be_assumed_by("ec2.amazonaws.com", ACCOUNT)


@pytest.mark.parametrize("name", ["spot training"])
def test_is_not_assumed_by_sagemaker_for_another_account(name: str) -> None:
    assert not role_named(name).may_be_assumed_by("sagemaker.amazonaws.com", OTHER_ACCOUNT)


class TestTheKey:
    """Even a principal that IAM allows everything uses the key only through a service that the key names."""

    ADMINISTRATOR = Role(
        f"arn:aws:iam::{ACCOUNT}:role/administrator",
        ({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},),
        {},
    )

    @pytest.mark.parametrize("action", ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"])
    def test_is_not_used_directly(self, action: str) -> None:
        assert not self.ADMINISTRATOR.may(action, KEY, {})
        assert not self.ADMINISTRATOR.may(action, KEY, through("dynamodb"))
        assert self.ADMINISTRATOR.may(action, KEY, through("s3"))

    def test_is_administered_through_iam(self) -> None:
        assert self.ADMINISTRATOR.may("kms:ScheduleKeyDeletion", KEY, {})


class TestTheTable:
    ROWS = (*ALLOWED, *DENIED)

    def test_has_a_line_for_everything_that_matters(self) -> None:
        assert len(self.ROWS) >= 60

    @pytest.mark.parametrize("rows", [ALLOWED, DENIED])
    def test_covers_every_role_of_every_stack(self, rows: list[Row]) -> None:
        assert {role_named(row.role).arn for row in rows} == set(roles())
        assert {role_named(name).arn for name, _ in TRUSTED} == set(roles())

    def test_repeats_nothing(self) -> None:
        assert len(set(map(str, self.ROWS))) == len(self.ROWS)

    @pytest.mark.parametrize("row", ROWS, ids=str)
    def test_asks_for_what_exists(self, row: Row) -> None:
        """So that no line is denied for a misspelt action, a resource of another kind or an unknown key."""
        assert iam_reference.is_action(row.action)
        assert iam_reference.takes_resource(row.action, row.resource)
        assert [key for key in row.context if not iam_reference.takes_key(row.action, key)] == []

    def test_names_the_buckets_keys_and_roles_of_the_stacks(self) -> None:
        known = {
            arn for kind in ("S3::Bucket", "KMS::Key", "IAM::Role") for arn in arns_of_type("default", f"AWS::{kind}")
        }
        foreign = {ELSEWHERE, OTHER_KEY}
        named = {
            row.resource.partition("/")[0] if ":s3:::" in row.resource else row.resource
            for row in self.ROWS
            if any(service in row.resource for service in (":s3:::", ":kms:", ":iam:"))
        }
        assert named - known == foreign


class TestEveryPolicy:
    @pytest.mark.parametrize("combination", COMBINATIONS)
    def test_is_within_what_the_evaluator_can_decide(self, combination: str) -> None:
        for document in policy_documents(combination):
            parsed(document.body)

    def test_of_a_bucket_or_key_is_found(self) -> None:
        assert resource_policy(KEY)
        assert resource_policy(f"{RAW}/orders/a.gz") == resource_policy(RAW)
        assert resource_policy(FEATURE_GROUP) is None

    @pytest.mark.parametrize(
        "statement",
        [
            {"Condition": {"StringMatches": {"aws:PrincipalArn": "x"}}},
            {"Condition": {"ForAnyValue:StringMatches": {"aws:PrincipalArn": "x"}}},
            {"Condition": {"StringEquals": {"s3:prefix": "${aws:username}/"}}},
            {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:*"}}},
            {"Resource": "arn:aws:s3:::raw/${aws:username}/*"},
        ],
    )
    def test_beyond_what_the_evaluator_can_decide_is_refused(self, statement: dict[str, Any]) -> None:
        document = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | statement]}
        with pytest.raises(UnknownConditionError):
            parsed(document)


class TestTheEvaluator:
    """It agrees with the IAM reference.

    Sources: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html,
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
    """

    TYPES = "sagemaker:InstanceTypes"

    @pytest.mark.parametrize(
        ("operator", "value", "present", "met"),
        [
            ("StringEquals", "a", "a", True),
            ("StringEquals", "a", "A", False),
            ("StringEquals", ["a", "b"], "b", True),
            ("StringEquals", "a", None, False),
            ("StringEqualsIfExists", "a", None, True),
            ("StringEqualsIfExists", "a", "b", False),
            ("StringNotEquals", "a", "b", True),
            ("StringNotEquals", ["a", "b"], "b", False),
            ("StringNotEquals", "a", None, True),
            ("StringLike", "a*", "abc", True),
            ("StringNotLike", "a*", None, True),
            ("Null", "true", None, True),
            ("Null", "true", "a", False),
            ("Null", "false", None, False),
            ("Null", "false", "a", True),
            ("NumericGreaterThan", 3600, "3601", True),
            ("NumericGreaterThan", 3600, "3600", False),
            ("NumericGreaterThan", 3600, "10000", True),
            ("NumericGreaterThan", 3600, None, False),
            ("NumericLessThan", 1.2, "1.1", True),
            ("NumericLessThanEquals", "60", "60", True),
            ("Bool", "true", "true", True),
            ("Bool", "true", None, False),
            ("BoolIfExists", "true", None, True),
            ("ArnLike", "arn:aws:iam::*:role/a*", "arn:aws:iam::1:role/ab", True),
            ("ArnEquals", "arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b", False),
            ("ArnNotEquals", "arn:aws:iam::1:role/a", "arn:aws:iam::1:role/b", True),
            ("ArnNotEquals", "arn:aws:iam::1:role/a", "arn:aws:iam::1:role/a", False),
            ("ArnNotEquals", "arn:aws:iam::1:role/a", None, True),
            ("ArnNotEqualsIfExists", "arn:aws:iam::1:role/a", None, True),
            ("ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], True),
            ("ForAnyValue:StringEquals", ["a", "b"], None, False),
            ("ForAnyValue:StringNotEquals", ["a", "b"], ["a"], False),
            ("ForAnyValue:StringNotEquals", ["a", "b"], ["a", "c"], True),
            ("ForAnyValue:StringNotEquals", ["a", "b"], None, False),
            ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], True),
            ("ForAllValues:StringEquals", ["a", "b"], ["a", "c"], False),
            ("ForAllValues:StringEquals", ["a", "b"], None, True),
            ("ForAllValues:StringNotEquals", ["a", "b"], ["a", "c"], False),
            ("ForAllValues:StringNotEquals", ["a", "b"], ["c", "d"], True),
        ],
    )
    def test_on_conditions(self, operator: str, value: Any, present: Any, met: bool) -> None:
        allow = {
            "Effect": "Allow",
            "Action": "sagemaker:*",
            "Resource": "*",
            "Condition": {operator: {self.TYPES: value}},
        }
        context = {} if present is None else {self.TYPES: present}
        assert self.decides([allow], context=context) is met

    def test_that_several_conditions_must_all_be_met(self) -> None:
        conditions = {"StringEquals": {"a:x": "1", "a:y": "2"}, "Null": {"a:z": "true"}}
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": conditions}
        assert self.decides([allow], context={"a:x": "1", "a:y": "2"})
        assert not self.decides([allow], context={"a:x": "1"})
        assert not self.decides([allow], context={"a:x": "1", "a:y": "2", "a:z": "3"})

    def test_that_a_denial_wins(self) -> None:
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        assert self.decides([allow])
        assert not self.decides([allow, allow | {"Effect": "Deny"}])
        assert not self.decides([])

    def test_that_not_action_and_not_resource_are_everything_else(self) -> None:
        other = {"Effect": "Allow", "NotAction": "sagemaker:Delete*", "NotResource": f"{SAGEMAKER}:training-job/b*"}
        assert self.decides([other])
        assert not self.decides([other], action="sagemaker:DeleteModel")
        assert not self.decides([other], resource=f"{SAGEMAKER}:training-job/bc")

    def test_that_actions_ignore_case_and_resources_do_not(self) -> None:
        allow = {"Effect": "Allow", "Action": "SageMaker:createTRAININGjob", "Resource": f"{SAGEMAKER}:training-job/a"}
        assert self.decides([allow])
        assert not self.decides([allow], resource=f"{SAGEMAKER}:training-job/A")

    @staticmethod
    def decides(
        statements: list[dict[str, Any]],
        action: str = "sagemaker:CreateTrainingJob",
        resource: str = f"{SAGEMAKER}:training-job/a",
        context: Context | None = None,
    ) -> bool:
        return Role(f"arn:aws:iam::{ACCOUNT}:role/any", ({"Statement": statements},), {}).may(
            action, resource, context or {}
        )

    def test_knows_the_operators_that_are_checked(self) -> None:
        assert {"stringequals", "arnlike", "bool", "numericlessthan"} <= iam_evaluator._CONDITION_OPS.keys()
