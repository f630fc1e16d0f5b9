"""What every role of the sandbox may do, and what it may not, one request to a line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from ministack.core import iam_evaluator

from tests import iam_reference
from tests.permissions import (
    EVERYTHING,
    OTHER_ACCOUNT,
    Context,
    Role,
    UnknownConditionError,
    parsed,
    request_of,
    resource_policy,
    role,
    roles,
    service_may,
)
from tests.policy_documents import ACCOUNT, REGION, UnknownVariableError, arns_of_type, policy_documents
from tests.synthesis import EVERY_COMBINATION

BY_EVENTS = {"customers": "Raw", "landing": "Raw", "customer_features": "Curated", "customer_labels": "Curated"}
"""With crawlers by events, what each finds, and in which zone."""

ROLES = {
    "raw crawler": ("Lake", "RawCrawlersCustomersLandingNewFoldersRole"),
    "curated crawler": ("Lake", "CuratedCrawlersCustomerFeaturesCustomerLabelsNewFoldersRole"),
    **{
        f"{found} crawler by events": (
            "Lake",
            f"{zone}Crawlers{found.title().replace('_', '')}EventsRole",
            "s3-events",
        )
        for found, zone in BY_EVENTS.items()
    },
    "lake's bucket emptier": ("Lake", "CustomS3AutoDelete"),
    "order transform": ("Ingestion", "OrderTransformRole"),
    "order delivery": ("Ingestion", "OrderDeliveryRole"),
    "feature store": ("FeatureStore", "CustomerFeaturesRole"),
    "spot training": ("Training", "SpotTrainingRole"),
    "training's processing": ("Training", "ProcessingRole"),
    "training pipeline": ("Training", "PipelineRole"),
    "training's bucket emptier": ("Training", "CustomS3AutoDelete"),
    "registry cleaner": ("Training", "RegistryCleanerIsCompleteRole"),
    "registry cleaner's start": ("Training", "RegistryCleanerOnEventRole"),
    "registry cleaner's caller": ("Training", "RegistryCleanerOnEventFrameworkRole"),
    "registry cleaner's waiter": ("Training", "RegistryCleanerWaitingFrameworkRole"),
    "registry cleaner's state machine": ("Training", "RegistryCleanerProviderwaiterstatemachineRole"),
    "clean job": ("Processing", "CleanOrdersRole"),
    "gate job": ("Processing", "QualityGateRole"),
    "features job": ("Processing", "BuildCustomerFeaturesRole"),
    "publish job": ("Processing", "PublishFeaturesRole"),
    "ingest job": ("Processing", "IngestFeaturesRole"),
    "fit job": ("Processing", "FitTransformationsRole"),
    "pipeline": ("Processing", "PipelineStateMachineRole"),
    "clean job on EMR": ("Processing", "CleanOrdersRole", "emr-serverless"),
    "features job on EMR": ("Processing", "BuildCustomerFeaturesRole", "emr-serverless"),
    "publish job on EMR": ("Processing", "PublishFeaturesRole", "emr-serverless"),
    "pipeline on EMR": ("Processing", "PipelineStateMachineRole", "emr-serverless"),
    "learner": ("Studio", "LearnerRole"),
    "studio cleaner": ("Studio", "CleanerIsCompleteRole"),
    "studio cleaner's start": ("Studio", "CleanerOnEventRole"),
    "studio cleaner's caller": ("Studio", "CleanerOnEventFrameworkRole"),
    "studio cleaner's waiter": ("Studio", "CleanerWaitingFrameworkRole"),
    "studio cleaner's state machine": ("Studio", "CleanerProviderwaiterstatemachineRole"),
    "security group closer": ("Studio", "CustomVpcRestrictDefaultSG"),
    "spot guard": ("Guardrails", "SpotGuardRole"),
    "idle guard": ("Guardrails", "IdleGuardRole"),
    "expiry": ("Expiry", "ExpiryStateMachineRole", "smallest"),
    "expiry's clock": ("Expiry", "ClockRole", "smallest"),
    "expiry's caller": ("Expiry", "ClockFrameworkRole", "smallest"),
}

CURATED = "arn:aws:s3:::curated"
PROCESSED = "arn:aws:s3:::processed"
RAW = "arn:aws:s3:::raw"
TRAINING = "arn:aws:s3:::artifacts"
ELSEWHERE = "arn:aws:s3:::bucket-of-someone-else"
IN_ACCOUNT = f"{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{IN_ACCOUNT}:key/key"
OTHER_KEY = f"arn:aws:kms:{IN_ACCOUNT}:key/another"
APPLICATION = f"arn:aws:emr-serverless:{IN_ACCOUNT}:/applications/ml-sandbox-refinery"
EVENT_RULES = f"arn:aws:events:{IN_ACCOUNT}:rule"
GLUE = f"arn:aws:glue:{IN_ACCOUNT}"
LOGS = f"arn:aws:logs:{IN_ACCOUNT}:log-group"
SAGEMAKER = f"arn:aws:sagemaker:{IN_ACCOUNT}"
TRANSFORM = f"arn:aws:lambda:{IN_ACCOUNT}:function:order-transform-function"
XGBOOST = f"arn:aws:ecr:{REGION}:123456789012:repository/sagemaker-xgboost"
FEATURE_GROUP = f"{SAGEMAKER}:feature-group/ml-sandbox-customer-features"
TRAINING_LOGS = f"{LOGS}:/aws/sagemaker/TrainingJobs"

WORKGROUP = f"arn:aws:athena:{IN_ACCOUNT}:workgroup/ml-sandbox"
RESULTS = "arn:aws:s3:::queries-results"
JOB = f"{SAGEMAKER}:training-job/ml-sandbox-churn"
JOB_OF_PIPELINE = f"{SAGEMAKER}:training-job/pipelines-a1b2c3-Train-x"
TUNING_OF_PIPELINE = f"{SAGEMAKER}:hyper-parameter-tuning-job/pipelines-a1b2c3-Tune-x"
PROCESSING_OF_PIPELINE = f"{SAGEMAKER}:processing-job/pipelines-a1b2c3-Dataset-x"
PIPELINE_OF_TRAINING = f"{SAGEMAKER}:pipeline/ml-sandbox-churn-training"
EXECUTION = f"{PIPELINE_OF_TRAINING}/execution/a1b2c3"
PACKAGE = f"{SAGEMAKER}:model-package/ml-sandbox-customer-churn/1"
PROCESSING_LOGS = f"{LOGS}:/aws/sagemaker/ProcessingJobs"
TRAINING_ROLE = f"arn:aws:iam::{ACCOUNT}:role/training-spot-training-role"
PROCESSING_ROLE = f"arn:aws:iam::{ACCOUNT}:role/training-processing-role"
OWN_PROFILE = f"{SAGEMAKER}:user-profile/ml-sandbox/learner"
OWN_SPACE = f"{SAGEMAKER}:space/ml-sandbox/notes"
APP = f"{SAGEMAKER}:app/ml-sandbox/notes"
SPACE_ELSEWHERE = f"{SAGEMAKER}:space/other-domain/notes"
APP_ELSEWHERE = f"{SAGEMAKER}:app/other-domain/notes/JupyterLab/default"
OWN_APP = f"{APP}/JupyterLab/default"
DEFAULT_SECURITY_GROUP = f"arn:aws:ec2:{IN_ACCOUNT}:security-group/network-vpc"
WAITER = f"arn:aws:states:{IN_ACCOUNT}:stateMachine:cleaner-providerwaiterstatemachine"
CLEAN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/processing-clean-orders-role"
INGEST_ROLE = f"arn:aws:iam::{ACCOUNT}:role/processing-ingest-features-role"
CLEANER = f"arn:aws:lambda:{IN_ACCOUNT}:function:cleaner"
EXPIRY_CLOCK = f"arn:aws:lambda:{IN_ACCOUNT}:function:clock-function"
EXPIRY_MACHINE = f"arn:aws:states:{IN_ACCOUNT}:stateMachine:expiry-state-machine"
EXPIRY_RUN = f"arn:aws:states:{IN_ACCOUNT}:execution:expiry-state-machine:a"
REGISTRY_CLEANER = f"arn:aws:lambda:{IN_ACCOUNT}:function:registry-cleaner"

NOTICES = f"arn:aws:sns:{IN_ACCOUNT}:notices"
ANY_JOB = f"{SAGEMAKER}:training-job/any"
ANY_ENDPOINT = f"{SAGEMAKER}:endpoint/any"
ANY_NOTEBOOK = f"{SAGEMAKER}:notebook-instance/any"

OVER_TLS_1_1 = {"s3:TlsVersion": "1.1"}
WITHOUT_TLS = {"aws:SecureTransport": "false"}


def tagged(sandbox: str) -> Context:
    """On something of a sandbox."""
    return {"aws:ResourceTag/sandbox": sandbox}


def events_of(found: str) -> str:
    """The queue of a crawler by events."""
    zone, words = BY_EVENTS[found].lower(), found.replace("_", "-")
    return f"arn:aws:sqs:{IN_ACCOUNT}:{zone}-crawlers-{words}-events-new-objects"


def stack(layer: str, sandbox: str = "ml-sandbox") -> str:
    return f"arn:aws:cloudformation:{IN_ACCOUNT}:stack/{sandbox}-{layer}/a1b2c3"


def through(service: str) -> Context:
    return {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"}


BOUNDED: Context = {
    "sagemaker:InstanceTypes": ["ml.m5.large"],
    "sagemaker:MaxRuntimeInSeconds": "3600",
    "sagemaker:VolumeKmsKeyArn": KEY,
    "aws:RequestTag/sandbox": "ml-sandbox",
}
"""A training job as it may be started."""


def bounded_processing(**changes: str | list[str] | None) -> Context:
    """A processing job of training as the pipeline may start it, or one that differs."""
    return bounded_but(**{"MaxRuntimeInSeconds": "1800", "sandbox": None, **changes})


TO_EMR = {"iam:PassedToService": "emr-serverless.amazonaws.com"}
TO_SAGEMAKER = {"iam:PassedToService": "sagemaker.amazonaws.com"}


def bounded_but(**changes: str | list[str] | None) -> Context:
    """A training job that differs in keys, given by what follows their last ``:`` or ``/``; None leaves one out."""
    return {
        key: value
        for key, bound in BOUNDED.items()
        if (value := changes.get(re.split("[:/]", key)[-1], bound)) is not None
    }


def owned(sharing: str, *instance_types: str, owner: str = "learner") -> Context:
    """A space or an app, with what it runs on if it is to be started."""
    return {
        "sagemaker:OwnerUserProfileArn": f"{SAGEMAKER}:user-profile/ml-sandbox/{owner}",
        "sagemaker:SpaceSharingType": sharing,
    } | ({"sagemaker:InstanceTypes": list(instance_types)} if instance_types else {})


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
    Row("raw crawler", "kms:Decrypt", KEY),
    Row("raw crawler", "glue:CreateTable", f"{GLUE}:table/ml_sandbox_raw/customers"),
    Row("raw crawler", "logs:PutLogEvents", f"{LOGS}:/aws-glue/crawlers-role/raw:log-stream:raw"),
    Row("raw crawler", "glue:GetSecurityConfiguration", "*"),
    *(
        Row(f"{found} crawler by events", action, events_of(found))
        for found in BY_EVENTS
        for action in ("sqs:DeleteMessage", "sqs:PurgeQueue", "sqs:ReceiveMessage", "sqs:SetQueueAttributes")
    ),
    Row("curated crawler", "s3:GetObject", f"{CURATED}/customer_features/cutoff_date=2026-11-22/a.parquet"),
    Row("curated crawler", "s3:ListBucket", CURATED),
    Row("curated crawler", "kms:Decrypt", KEY),
    Row("curated crawler", "glue:GetSecurityConfiguration", "*"),
    Row("curated crawler", "logs:CreateLogGroup", f"{LOGS}:/aws-glue/crawlers-role/curated"),
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
    Row("order delivery", "s3:ListBucketMultipartUploads", PROCESSED),
    Row("order delivery", "logs:PutLogEvents", f"{LOGS}:order-delivery-logs:log-stream:a"),
    Row("order delivery", "s3:AbortMultipartUpload", f"{PROCESSED}/orders/a.parquet"),
    Row("order delivery", "glue:GetTableVersions", f"{GLUE}:table/ml_sandbox_processed/orders"),
    Row("order delivery", "kms:GenerateDataKey", KEY),
    # feature store
    Row("feature store", "s3:PutObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("feature store", "s3:PutObjectAcl", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("feature store", "s3:GetBucketAcl", CURATED),
    Row("feature store", "glue:UpdateTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("feature store", "kms:GenerateDataKey", KEY),
    Row("feature store", "kms:Decrypt", KEY),
    # spot training
    Row("spot training", "s3:GetObject", f"{CURATED}/churn/train.parquet"),
    Row("spot training", "s3:GetObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("spot training", "s3:ListBucket", CURATED),
    Row("spot training", "s3:PutObject", f"{TRAINING}/artifacts/churn/output/model.tar.gz"),
    Row("spot training", "s3:PutObject", f"{TRAINING}/checkpoints/churn/epoch-3"),
    Row("spot training", "s3:GetObject", f"{TRAINING}/checkpoints/churn/epoch-3"),
    Row("spot training", "kms:Decrypt", KEY),
    Row("spot training", "kms:GenerateDataKey", KEY),
    Row("spot training", "kms:CreateGrant", KEY),
    Row("spot training", "ecr:GetAuthorizationToken", "*"),
    Row("spot training", "ecr:BatchGetImage", XGBOOST),
    Row("spot training", "logs:CreateLogGroup", TRAINING_LOGS),
    Row("spot training", "logs:PutLogEvents", f"{TRAINING_LOGS}:log-stream:churn/algo-1"),
    Row("spot training", "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "/aws/sagemaker/TrainingJobs"}),
    Row("spot training", "s3:GetObject", f"{TRAINING}/datasets/a1b2c3/train/part-0.parquet"),
    # processing of training
    Row("training's processing", "s3:GetObject", f"{TRAINING}/artifacts/job/output/model.tar.gz"),
    Row("training's processing", "s3:GetObject", f"{TRAINING}/datasets/a1b2c3/test/part-0.parquet"),
    Row("training's processing", "s3:PutObject", f"{TRAINING}/datasets/a1b2c3/test/part-0.parquet"),
    Row("training's processing", "s3:PutObject", f"{TRAINING}/evaluations/a1b2c3/report.html"),
    Row("training's processing", "s3:GetObject", f"{CURATED}/customer_labels/cutoff_date=2026-11-22/a.parquet"),
    Row("training's processing", "s3:GetObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("training's processing", "athena:StartQueryExecution", WORKGROUP),
    Row("training's processing", "glue:GetTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("training's processing", "glue:GetTable", f"{GLUE}:table/ml_sandbox_curated/customer_labels"),
    Row("training's processing", "s3:PutObject", f"{RESULTS}/query.csv"),
    Row("training's processing", "kms:Decrypt", KEY),
    Row("training's processing", "kms:GenerateDataKey", KEY),
    Row("training's processing", "kms:CreateGrant", KEY),
    Row("training's processing", "ecr:BatchGetImage", XGBOOST),
    Row("training's processing", "logs:PutLogEvents", f"{PROCESSING_LOGS}:log-stream:a/algo-1"),
    # training pipeline
    Row("training pipeline", "sagemaker:CreateTrainingJob", JOB_OF_PIPELINE, BOUNDED),
    Row("training pipeline", "sagemaker:DescribeTrainingJob", JOB_OF_PIPELINE),
    Row("training pipeline", "sagemaker:StopTrainingJob", JOB_OF_PIPELINE),
    Row("training pipeline", "sagemaker:CreateProcessingJob", PROCESSING_OF_PIPELINE, bounded_processing()),
    Row("training pipeline", "sagemaker:DescribeProcessingJob", PROCESSING_OF_PIPELINE),
    Row("training pipeline", "sagemaker:AddTags", PROCESSING_OF_PIPELINE),
    Row("training pipeline", "iam:PassRole", TRAINING_ROLE, TO_SAGEMAKER),
    Row("training pipeline", "iam:PassRole", PROCESSING_ROLE, TO_SAGEMAKER),
    Row("training pipeline", "sagemaker:CreateModelPackage", PACKAGE),
    Row("training pipeline", "s3:GetObject", f"{TRAINING}/evaluations/a1b2c3/comparison.json"),
    Row("training pipeline", "kms:Decrypt", KEY),
    # learner: Studio
    Row("learner", "sagemaker:CreatePresignedDomainUrl", OWN_PROFILE),
    Row("learner", "sagemaker:CreateSpace", OWN_SPACE, owned("Private", "ml.t3.medium")),
    Row("learner", "sagemaker:CreateSpace", OWN_SPACE, owned("Shared", "ml.t3.medium")),
    Row("learner", "sagemaker:CreateApp", OWN_APP, owned("Private", "ml.t3.medium")),
    Row("learner", "sagemaker:CreateApp", OWN_APP, owned("Private", "ml.m5.large", "system")),
    Row("learner", "sagemaker:CreateApp", OWN_APP, owned("Shared", "ml.t3.medium", owner="bo")),
    Row("learner", "sagemaker:DeleteApp", OWN_APP, owned("Private")),
    Row("learner", "sagemaker:ListApps", "*"),
    Row("learner", "sagemaker:DescribeDomain", f"{SAGEMAKER}:domain/ml-sandbox"),
    Row("learner", "sagemaker:AddTags", OWN_SPACE, {"sagemaker:TaggingAction": "CreateSpace"}),
    Row("learner", "kms:GenerateDataKeyWithoutPlaintext", KEY),
    Row("learner", "s3:ListBucket", RAW),
    Row("learner", "kms:CreateGrant", KEY),
    # learner: data, queries, features
    Row("learner", "s3:GetObject", f"{RAW}/orders/2026/11/22/a.gz"),
    Row("learner", "s3:GetObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("learner", "s3:GetObject", f"{RESULTS}/query.csv"),
    Row("learner", "s3:PutObject", f"{RESULTS}/query.csv"),
    Row("learner", "kms:Decrypt", KEY),
    Row("learner", "athena:StartQueryExecution", WORKGROUP),
    Row("learner", "glue:GetTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("learner", "glue:GetTable", f"{GLUE}:table/ml_sandbox_processed/rejected_orders"),
    Row("learner", "s3:GetObject", f"{PROCESSED}/rejected/orders/as_of=2026-11-22/a.parquet"),
    Row("learner", "s3:GetObject", f"{PROCESSED}/quality/as_of=2026-11-22/run-orders.json"),
    Row("learner", "s3:GetObject", f"{CURATED}/transformations/training_until=2026-08-24/manifest/part-0"),
    Row("learner", "sagemaker:PutRecord", FEATURE_GROUP),
    Row("learner", "sagemaker:BatchGetRecord", FEATURE_GROUP),
    Row("learner", "sagemaker:BatchWriteRecord", FEATURE_GROUP),
    # jobs: what comes before, read; what comes after, replaced
    Row("clean job", "s3:GetObject", f"{RAW}/customers/snapshot_date=2026-11-22/customers.csv"),
    Row("clean job", "s3:GetObject", f"{PROCESSED}/orders/order_date=2026-11-22/a.parquet"),
    Row("clean job", "s3:PutObject", f"{PROCESSED}/cleaned_orders/order_date=2026-11-22/a.parquet"),
    Row("clean job", "s3:DeleteObject", f"{PROCESSED}/cleaned_orders/order_date=2026-11-22/a.parquet"),
    Row("clean job", "kms:GenerateDataKey", KEY),
    Row("clean job", "logs:PutLogEvents", f"{LOGS}:/aws-glue/jobs/ml-sandbox/error:log-stream:a"),
    Row("gate job", "s3:GetObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("gate job", "s3:PutObject", f"{PROCESSED}/rejected/orders/as_of=2026-11-22/a.parquet"),
    Row("gate job", "glue:GetDataQualityRuleset", f"{GLUE}:dataQualityRuleset/ml-sandbox-orders"),
    Row("features job", "s3:GetObject", f"{PROCESSED}/cleaned_orders/order_date=2026-11-22/a.parquet"),
    Row("features job", "s3:PutObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("publish job", "s3:PutObject", f"{CURATED}/customer_features/cutoff_date=2026-11-22/a.parquet"),
    Row("publish job", "s3:DeleteObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("ingest job", "s3:GetObject", f"{CURATED}/customer_features/cutoff_date=2026-11-22/a.parquet"),
    Row("ingest job", "sagemaker:PutRecord", FEATURE_GROUP),
    Row("fit job", "s3:GetObject", f"{CURATED}/customer_labels/cutoff_date=2026-08-24/a.parquet"),
    Row("fit job", "s3:GetObject", f"{CURATED}/customer_features/cutoff_date=2026-08-24/a.parquet"),
    Row("fit job", "s3:PutObject", f"{CURATED}/transformations/training_until=2026-08-24/manifest/part-0"),
    Row("fit job", "s3:DeleteObject", f"{CURATED}/transformations/training_until=2026-08-24/manifest/part-0"),
    Row("pipeline", "glue:StartJobRun", f"{GLUE}:job/clean-orders-job"),
    Row("pipeline", "glue:StartCrawler", f"{GLUE}:crawler/ml-sandbox-raw-customers-landing-new-folders"),
    Row("pipeline", "sns:Publish", NOTICES),
    # the same jobs on EMR Serverless
    Row("clean job on EMR", "s3:PutObject", f"{PROCESSED}/cleaned_orders/order_date=2026-11-22/a.parquet"),
    Row("clean job on EMR", "logs:DescribeLogGroups", "*"),
    Row("clean job on EMR", "logs:PutLogEvents", f"{LOGS}:/aws/emr-serverless/ml-sandbox-refinery:log-stream:a"),
    Row("features job on EMR", "s3:PutObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("publish job on EMR", "s3:DeleteObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("pipeline on EMR", "emr-serverless:StartJobRun", APPLICATION),
    Row("pipeline on EMR", "emr-serverless:GetJobRun", f"{APPLICATION}/jobruns/a"),
    Row("pipeline on EMR", "emr-serverless:CancelJobRun", f"{APPLICATION}/jobruns/a"),
    Row("pipeline on EMR", "events:PutRule", f"{EVENT_RULES}/StepFunctionsGetEventsForEMRServerlessJobRule"),
    Row("pipeline on EMR", "iam:PassRole", CLEAN_ROLE, TO_EMR),
    Row("pipeline on EMR", "glue:StartJobRun", f"{GLUE}:job/quality-gate-job"),
    # learner: the training pipeline, and what it registers
    Row("learner", "sagemaker:StartPipelineExecution", PIPELINE_OF_TRAINING),
    Row("learner", "sagemaker:DescribePipelineExecution", EXECUTION),
    Row("learner", "sagemaker:StopPipelineExecution", EXECUTION),
    Row("learner", "sagemaker:UpdateModelPackage", PACKAGE),
    # learner: training within the bounds
    Row("learner", "sagemaker:CreateTrainingJob", JOB, BOUNDED),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(InstanceTypes=["ml.m5.large", "ml.c5.xlarge"])),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(MaxRuntimeInSeconds="60")),
    Row("learner", "sagemaker:StopTrainingJob", JOB),
    Row("learner", "iam:PassRole", TRAINING_ROLE, TO_SAGEMAKER),
    Row("learner", "s3:GetObject", f"{TRAINING}/artifacts/churn/output/model.tar.gz"),
    Row("learner", "s3:ListBucket", TRAINING),
    Row("learner", "logs:GetLogEvents", f"{TRAINING_LOGS}:log-stream:ml-sandbox-churn/algo-1"),
    # guard: jobs of this sandbox, or of none
    *(
        Row("spot guard", f"sagemaker:{action}", ANY_JOB, context)
        for action in ("DescribeTrainingJob", "ListTags", "StopTrainingJob")
        for context in (tagged("ml-sandbox"), {})
    ),
    Row("spot guard", "sagemaker:AddTags", ANY_JOB, {**tagged("ml-sandbox"), "aws:TagKeys": ["stopped-because"]}),
    Row("spot guard", "sns:Publish", NOTICES),
    Row("spot guard", "kms:GenerateDataKey", KEY),
    Row("spot guard", "kms:Decrypt", KEY),
    Row("spot guard", "logs:PutLogEvents", f"{LOGS}:spot-guard-logs:log-stream:a"),
    *(Row("idle guard", f"sagemaker:List{what}", "*") for what in ("Apps", "Endpoints", "NotebookInstances")),
    Row("idle guard", "sagemaker:ListInferenceComponents", "*"),
    Row("idle guard", "sagemaker:ListTags", ANY_ENDPOINT),
    Row("idle guard", "sagemaker:ListTags", ANY_NOTEBOOK),
    Row("idle guard", "cloudwatch:GetMetricStatistics", "*"),
    Row("idle guard", "cloudtrail:LookupEvents", "*"),
    Row("idle guard", "sagemaker:DescribeEndpoint", ANY_ENDPOINT, tagged("ml-sandbox")),
    Row("idle guard", "sagemaker:DeleteEndpoint", ANY_ENDPOINT, tagged("ml-sandbox")),
    Row("idle guard", "sagemaker:StopNotebookInstance", ANY_NOTEBOOK, tagged("ml-sandbox")),
    Row("idle guard", "sagemaker:DeleteApp", OWN_APP),
    Row("idle guard", "sns:Publish", NOTICES),
    Row("idle guard", "kms:GenerateDataKey", KEY),
    Row("idle guard", "kms:Decrypt", KEY),
    Row("idle guard", "logs:PutLogEvents", f"{LOGS}:idle-guard-logs:log-stream:a"),
    *(
        Row("expiry", f"cloudformation:{action}", stack(name))
        for action in ("DeleteStack", "DescribeStacks")
        for name in ("guardrails", "lake", "expiry")
    ),
    Row("expiry", "sns:Publish", NOTICES),
    Row("expiry's clock", "states:StartExecution", EXPIRY_MACHINE),
    Row("expiry's clock", "states:ListExecutions", EXPIRY_MACHINE),
    Row("expiry's clock", "states:StopExecution", EXPIRY_RUN),
    Row("expiry's clock", "logs:PutLogEvents", f"{LOGS}:clock-logs:log-stream:a"),
    Row("expiry's caller", "lambda:InvokeFunction", EXPIRY_CLOCK),
    Row("expiry's caller", "logs:PutLogEvents", f"{LOGS}:clock-logs:log-stream:a"),
    # cleaner
    Row("studio cleaner", "sagemaker:ListSpaces", "*"),
    Row("studio cleaner", "sagemaker:DeleteApp", OWN_APP),
    Row("studio cleaner", "sagemaker:DeleteSpace", OWN_SPACE),
    *(
        Row(name, "logs:PutLogEvents", f"{LOGS}:cleaner-logs:log-stream:a")
        for name in ("studio cleaner", "studio cleaner's start", "studio cleaner's caller", "studio cleaner's waiter")
    ),
    Row("studio cleaner's caller", "states:StartExecution", WAITER),
    Row("studio cleaner's caller", "lambda:GetFunction", f"{CLEANER}-on-event"),
    Row("studio cleaner's waiter", "lambda:GetFunction", f"{CLEANER}-is-complete"),
    Row("studio cleaner's caller", "lambda:InvokeFunction", f"{CLEANER}-on-event"),
    Row("studio cleaner's waiter", "lambda:InvokeFunction", f"{CLEANER}-is-complete"),
    Row("studio cleaner's state machine", "lambda:InvokeFunction", f"{CLEANER}-providerframeworkis-complete"),
    Row("registry cleaner", "sagemaker:ListPipelineExecutions", PIPELINE_OF_TRAINING),
    Row("registry cleaner", "sagemaker:StopPipelineExecution", EXECUTION),
    Row("registry cleaner", "sagemaker:ListModelPackages", PACKAGE),
    Row("registry cleaner", "sagemaker:DeleteModelPackage", PACKAGE),
    Row("registry cleaner's start", "logs:PutLogEvents", f"{LOGS}:registry-cleaner-logs:log-stream:a"),
    Row("registry cleaner's caller", "lambda:InvokeFunction", f"{REGISTRY_CLEANER}-on-event"),
    Row("registry cleaner's waiter", "lambda:InvokeFunction", f"{REGISTRY_CLEANER}-is-complete"),
    Row(
        "registry cleaner's state machine",
        "lambda:InvokeFunction",
        f"{REGISTRY_CLEANER}-providerframeworkis-complete",
    ),
    Row("security group closer", "ec2:RevokeSecurityGroupIngress", DEFAULT_SECURITY_GROUP),
]

DENIED = [
    # crawlers: other prefixes, other zones, other databases, any write to a bucket
    Row("raw crawler", "s3:GetObject", f"{RAW}/orders/2026/11/22/a.gz"),
    Row("raw crawler", "s3:GetObject", f"{CURATED}/churn/part-0.parquet"),
    Row("raw crawler", "s3:GetObject", f"{RAW}/customers/customers.csv", WITHOUT_TLS),
    Row("raw crawler", "s3:GetObject", f"{RAW}/customers/customers.csv", OVER_TLS_1_1),
    Row("raw crawler", "s3:PutObject", f"{RAW}/customers/customers.csv"),
    Row("raw crawler", "s3:DeleteObject", f"{RAW}/customers/customers.csv"),
    Row("raw crawler", "kms:Decrypt", OTHER_KEY, through("s3")),
    Row("raw crawler", "kms:GenerateDataKey", KEY, through("s3")),
    Row("raw crawler", "glue:CreateTable", f"{GLUE}:table/ml_sandbox_curated/customers"),
    Row("raw crawler", "glue:DeleteTable", f"{GLUE}:table/ml_sandbox_raw/customers"),
    Row("raw crawler", "logs:PutLogEvents", f"{LOGS}:/aws/lambda/other:log-stream:a"),
    Row("raw crawler", "s3:ListBucket", CURATED),
    *(
        Row(f"{found} crawler by events", "sqs:ReceiveMessage", events_of(another))
        for found, another in zip(BY_EVENTS, [*BY_EVENTS][1:] + [*BY_EVENTS][:1], strict=True)
    ),
    *(Row(f"{found} crawler by events", "sqs:SendMessage", events_of(found)) for found in BY_EVENTS),
    Row("customers crawler by events", "s3:GetObject", f"{RAW}/landing/returns.json"),
    Row("curated crawler", "s3:GetObject", f"{RAW}/customers/customers.csv"),
    Row("curated crawler", "s3:GetObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("curated crawler", "s3:ListBucket", RAW),
    Row("curated crawler", "kms:Decrypt", OTHER_KEY, through("s3")),
    Row("curated crawler", "logs:PutLogEvents", f"{LOGS}:order-transform-logs:log-stream:a"),
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
    Row("order delivery", "s3:ListBucket", CURATED),
    Row("order delivery", "logs:PutLogEvents", f"{LOGS}:order-transform-logs:log-stream:a"),
    Row("order delivery", "kms:GenerateDataKey", OTHER_KEY, through("s3")),
    Row("order delivery", "glue:GetTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("order delivery", "glue:UpdateTable", f"{GLUE}:table/ml_sandbox_processed/orders"),
    Row("order delivery", "lambda:InvokeFunction", f"arn:aws:lambda:{IN_ACCOUNT}:function:another"),
    Row("order delivery", "lambda:UpdateFunctionCode", TRANSFORM),
    # feature store
    Row("feature store", "s3:PutObject", f"{CURATED}/churn/train.parquet"),
    Row("feature store", "s3:GetObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("feature store", "s3:DeleteObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("feature store", "s3:PutObject", f"{RAW}/feature-store/a.parquet"),
    Row("feature store", "s3:GetBucketAcl", RAW),
    Row("feature store", "glue:DeleteTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("feature store", "glue:UpdateTable", f"{GLUE}:table/ml_sandbox_curated/customer_features"),
    Row("feature store", "kms:CreateGrant", KEY, {"kms:GrantIsForAWSResource": "true"}),
    Row("feature store", "kms:Decrypt", OTHER_KEY),
    # processing of training
    Row("training's processing", "s3:PutObject", f"{TRAINING}/artifacts/job/output/model.tar.gz"),
    Row("training's processing", "s3:PutObject", f"{CURATED}/customer_labels/a.parquet"),
    Row("training's processing", "s3:GetObject", f"{RAW}/customers/customers.csv"),
    Row("training's processing", "s3:DeleteObject", f"{TRAINING}/datasets/a1b2c3/test/part-0.parquet"),
    Row("training's processing", "glue:DeleteTable", f"{GLUE}:table/ml_sandbox_curated/customer_labels"),
    Row("training's processing", "sagemaker:CreateTrainingJob", JOB_OF_PIPELINE, BOUNDED),
    # training pipeline
    Row("training pipeline", "sagemaker:CreateTrainingJob", JOB, BOUNDED),
    Row(
        "training pipeline",
        "sagemaker:CreateTrainingJob",
        JOB_OF_PIPELINE,
        bounded_but(InstanceTypes="ml.p4d.24xlarge"),
    ),
    Row("training pipeline", "sagemaker:CreateTrainingJob", JOB_OF_PIPELINE, bounded_but(MaxRuntimeInSeconds="3601")),
    Row("training pipeline", "sagemaker:CreateTrainingJob", JOB_OF_PIPELINE, bounded_but(sandbox=None)),
    Row("training pipeline", "sagemaker:CreateHyperParameterTuningJob", TUNING_OF_PIPELINE, BOUNDED),
    Row("training pipeline", "sagemaker:CreateProcessingJob", PROCESSING_OF_PIPELINE),
    Row(
        "training pipeline",
        "sagemaker:CreateProcessingJob",
        PROCESSING_OF_PIPELINE,
        bounded_processing(InstanceTypes=["ml.m5.24xlarge"]),
    ),
    Row(
        "training pipeline",
        "sagemaker:CreateProcessingJob",
        PROCESSING_OF_PIPELINE,
        bounded_processing(InstanceTypes=None),
    ),
    Row(
        "training pipeline",
        "sagemaker:CreateProcessingJob",
        PROCESSING_OF_PIPELINE,
        bounded_processing(MaxRuntimeInSeconds="1801"),
    ),
    Row(
        "training pipeline",
        "sagemaker:CreateProcessingJob",
        PROCESSING_OF_PIPELINE,
        bounded_processing(VolumeKmsKeyArn=OTHER_KEY),
    ),
    Row("training pipeline", "iam:PassRole", TRAINING_ROLE, {"iam:PassedToService": "glue.amazonaws.com"}),
    Row("training pipeline", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/studio-learner-role", TO_SAGEMAKER),
    Row("training pipeline", "sagemaker:CreateModelPackage", f"{SAGEMAKER}:model-package/another/1"),
    Row("training pipeline", "sagemaker:UpdateModelPackage", PACKAGE),
    Row("training pipeline", "s3:PutObject", f"{TRAINING}/evaluations/a1b2c3/evaluation.json"),
    Row("training pipeline", "s3:GetObject", f"{TRAINING}/datasets/a1b2c3/test/part-0.parquet"),
    # the learner does not change the pipeline
    Row("learner", "sagemaker:UpdatePipeline", PIPELINE_OF_TRAINING),
    Row("learner", "sagemaker:StartPipelineExecution", f"{SAGEMAKER}:pipeline/another"),
    Row("learner", "sagemaker:CreateModelPackage", PACKAGE),
    Row("learner", "iam:PassRole", PROCESSING_ROLE, TO_SAGEMAKER),
    # spot training
    Row("spot training", "s3:PutObject", f"{TRAINING}/datasets/a1b2c3/train/part-0.parquet"),
    Row("spot training", "s3:GetObject", f"{TRAINING}/evaluations/a1b2c3/report.html"),
    Row("spot training", "s3:PutObject", f"{CURATED}/churn/train.parquet"),
    Row("spot training", "s3:PutObject", f"{CURATED}/feature-store/{ACCOUNT}/a.parquet"),
    Row("spot training", "s3:PutObject", f"{TRAINING}/elsewhere/model.tar.gz"),
    Row("spot training", "s3:PutObject", f"{TRAINING}/artifacts"),
    Row("spot training", "s3:GetObject", f"{RAW}/customers/customers.csv"),
    Row("spot training", "s3:ListBucket", RAW),
    Row("spot training", "kms:CreateGrant", OTHER_KEY, {"kms:GrantIsForAWSResource": "true"}),
    Row("spot training", "s3:DeleteObject", f"{TRAINING}/artifacts/churn/output/model.tar.gz"),
    Row("spot training", "s3:PutObject", f"{ELSEWHERE}/artifacts/model.tar.gz"),
    Row("spot training", "s3:GetObject", f"{CURATED}/churn/train.parquet", WITHOUT_TLS),
    Row("spot training", "kms:GenerateDataKey", OTHER_KEY, through("s3")),
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
    Row("spot training", "iam:PassRole", TRAINING_ROLE, TO_SAGEMAKER),
    # learner
    Row("learner", "sagemaker:CreateSpace", OWN_SPACE, {"sagemaker:OwnerUserProfileArn": OWN_PROFILE}),
    Row("learner", "sagemaker:CreateApp", OWN_APP, {"sagemaker:OwnerUserProfileArn": OWN_PROFILE}),
    Row("learner", "sagemaker:DescribeDomain", f"{SAGEMAKER}:domain/other-domain"),
    Row("learner", "sagemaker:CreateSpace", SPACE_ELSEWHERE, owned("Private", "ml.t3.medium")),
    Row("learner", "sagemaker:CreateApp", APP_ELSEWHERE, owned("Shared", "ml.t3.medium")),
    Row("learner", "sagemaker:AddTags", OWN_SPACE),
    Row("learner", "sagemaker:AddTags", SPACE_ELSEWHERE, {"sagemaker:TaggingAction": "CreateSpace"}),
    Row("learner", "kms:Decrypt", OTHER_KEY, through("s3")),
    Row("learner", "kms:GenerateDataKeyWithoutPlaintext", OTHER_KEY, through("sagemaker")),
    Row(
        "learner",
        "kms:CreateGrant",
        OTHER_KEY,
        {**through("sagemaker"), "kms:GrantIsForAWSResource": "true"},
    ),
    Row("learner", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/churn", BOUNDED),
    Row("learner", "sagemaker:CreateTrainingJob", f"{SAGEMAKER}:training-job/ml-sandbox2-churn", BOUNDED),
    Row("learner", "sagemaker:StopTrainingJob", f"{SAGEMAKER}:training-job/churn"),
    Row("learner", "iam:PassRole", TRAINING_ROLE),
    Row("learner", "iam:PassRole", TRAINING_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
    Row("learner", "sagemaker:CreateSpace", OWN_SPACE, owned("Private", "ml.t3.medium", owner="bo")),
    Row("learner", "sagemaker:DeleteSpace", OWN_SPACE, owned("Shared", owner="bo")),
    Row("learner", "sagemaker:CreateApp", OWN_APP, owned("Private", "ml.t3.medium", owner="bo")),
    Row("learner", "sagemaker:CreateApp", APP_ELSEWHERE, owned("Private", "ml.t3.medium")),
    Row("learner", "s3:PutObject", f"{TRAINING}/artifacts/churn/output/model.tar.gz"),
    Row("learner", "s3:GetObject", f"{TRAINING}/checkpoints/churn/checkpoint-1"),
    Row("learner", "logs:GetLogEvents", f"{LOGS}:/aws/lambda/another:log-stream:a"),
    Row("learner", "s3:GetObject", f"{ELSEWHERE}/a"),
    Row("learner", "athena:StartQueryExecution", f"arn:aws:athena:{IN_ACCOUNT}:workgroup/primary"),
    Row("learner", "athena:UpdateWorkGroup", WORKGROUP),
    Row("learner", "glue:GetTable", f"{GLUE}:table/somebody_elses/table"),
    Row("learner", "sagemaker:PutRecord", f"{SAGEMAKER}:feature-group/another"),
    Row("learner", "sagemaker:BatchWriteRecord", f"{SAGEMAKER}:feature-group/another"),
    Row("spot training", "sagemaker:BatchWriteRecord", FEATURE_GROUP),
    # jobs: no zone but their own step's
    Row("clean job", "s3:GetObject", f"{RAW}/orders/2026/11/22/a.gz"),
    Row("clean job", "s3:PutObject", f"{PROCESSED}/orders/order_date=2026-11-22/a.parquet"),
    Row("clean job", "s3:DeleteObject", f"{RAW}/customers/snapshot_date=2026-11-22/customers.csv"),
    Row("clean job", "s3:PutObject", f"{CURATED}/customer_features/a.parquet"),
    Row("gate job", "s3:PutObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("gate job", "s3:DeleteObject", f"{PROCESSED}/orders/order_date=2026-11-22/a.parquet"),
    Row("gate job", "glue:UpdateDataQualityRuleset", f"{GLUE}:dataQualityRuleset/ml-sandbox-orders"),
    Row("features job", "s3:PutObject", f"{CURATED}/customer_features/cutoff_date=2026-11-22/a.parquet"),
    Row("features job", "s3:GetObject", f"{RAW}/customers/snapshot_date=2026-11-22/customers.csv"),
    Row("publish job", "s3:GetObject", f"{PROCESSED}/cleaned_orders/order_date=2026-11-22/a.parquet"),
    Row("publish job", "s3:DeleteObject", f"{CURATED}/feature-store/a.parquet"),
    Row("publish job", "sagemaker:PutRecord", FEATURE_GROUP),
    Row("ingest job", "s3:GetObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("ingest job", "s3:PutObject", f"{CURATED}/customer_features/a.parquet"),
    Row("ingest job", "sagemaker:PutRecord", f"{SAGEMAKER}:feature-group/another"),
    Row("ingest job", "sagemaker:DeleteRecord", FEATURE_GROUP),
    Row("ingest job", "sagemaker:GetRecord", FEATURE_GROUP),
    Row("fit job", "s3:PutObject", f"{CURATED}/customer_features/cutoff_date=2026-11-22/a.parquet"),
    Row("fit job", "s3:GetObject", f"{CURATED}/staging/customer_features/a.parquet"),
    Row("fit job", "sagemaker:PutRecord", FEATURE_GROUP),
    Row("learner", "s3:DeleteObject", f"{PROCESSED}/rejected/orders/as_of=2026-11-22/a.parquet"),
    Row("pipeline", "glue:StartJobRun", f"{GLUE}:job/somebody-elses"),
    Row("pipeline", "glue:UpdateJob", f"{GLUE}:job/clean-orders-job"),
    Row("pipeline", "s3:GetObject", f"{CURATED}/customer_features/a.parquet"),
    Row("clean job on EMR", "s3:PutObject", f"{CURATED}/customer_features/a.parquet"),
    Row("clean job on EMR", "logs:PutLogEvents", f"{LOGS}:/aws/emr-serverless/another:log-stream:a"),
    Row("features job on EMR", "s3:GetObject", f"{RAW}/customers/snapshot_date=2026-11-22/customers.csv"),
    Row("publish job on EMR", "s3:GetObject", f"{PROCESSED}/cleaned_orders/order_date=2026-11-22/a.parquet"),
    Row("pipeline on EMR", "emr-serverless:StartJobRun", APPLICATION.replace("ml-sandbox", "another")),
    Row("pipeline on EMR", "emr-serverless:GetJobRun", f"{APPLICATION.replace('ml-sandbox', 'another')}/jobruns/a"),
    Row("pipeline on EMR", "iam:PassRole", CLEAN_ROLE, {"iam:PassedToService": "glue.amazonaws.com"}),
    Row("pipeline on EMR", "iam:PassRole", INGEST_ROLE, TO_EMR),
    # guard
    *(
        Row("spot guard", f"sagemaker:{action}", ANY_JOB, tagged("ml-sandbox2"))
        for action in ("DescribeTrainingJob", "ListTags", "StopTrainingJob")
    ),
    Row("spot guard", "sagemaker:AddTags", ANY_JOB, {**tagged("ml-sandbox"), "aws:TagKeys": ["sandbox"]}),
    Row("spot guard", "sagemaker:AddTags", ANY_JOB, {**tagged("ml-sandbox2"), "aws:TagKeys": ["stopped-because"]}),
    Row("spot guard", "sagemaker:CreateTrainingJob", ANY_JOB, BOUNDED),
    Row("spot guard", "sns:Publish", f"arn:aws:sns:{IN_ACCOUNT}:failures"),
    *(
        Row("idle guard", f"sagemaker:{action}", resource, context)
        for action, resource in (
            ("DescribeEndpoint", ANY_ENDPOINT),
            ("DeleteEndpoint", ANY_ENDPOINT),
            ("StopNotebookInstance", ANY_NOTEBOOK),
        )
        for context in (tagged("ml-sandbox2"), {})
    ),
    Row("idle guard", "sagemaker:DeleteApp", APP_ELSEWHERE),
    Row("idle guard", "sagemaker:DeleteSpace", OWN_SPACE),
    Row("idle guard", "sagemaker:DeleteEndpointConfig", f"{SAGEMAKER}:endpoint-config/any", tagged("ml-sandbox")),
    Row("idle guard", "sagemaker:DeleteNotebookInstance", ANY_NOTEBOOK, tagged("ml-sandbox")),
    Row("idle guard", "sagemaker:InvokeEndpoint", ANY_ENDPOINT, tagged("ml-sandbox")),
    Row("idle guard", "sagemaker:StopTrainingJob", ANY_JOB, tagged("ml-sandbox")),
    Row("idle guard", "sns:Publish", f"arn:aws:sns:{IN_ACCOUNT}:failures"),
    *(
        Row("expiry", f"cloudformation:{action}", stack("lake", sandbox))
        for action in ("DeleteStack", "DescribeStacks")
        for sandbox in ("ml-sandbox2", "another")
    ),
    Row("expiry", "cloudformation:UpdateStack", stack("lake")),
    Row("expiry", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/administrator"),
    Row("expiry", "s3:DeleteBucket", RAW),
    Row("expiry", "sns:Publish", f"arn:aws:sns:{IN_ACCOUNT}:failures"),
    Row("expiry's clock", "states:StartExecution", WAITER),
    Row("expiry's clock", "states:StopExecution", f"arn:aws:states:{IN_ACCOUNT}:execution:ml-sandbox-refinery:a"),
    Row("expiry's clock", "cloudformation:DeleteStack", stack("lake")),
    Row("expiry's caller", "lambda:InvokeFunction", TRANSFORM),
    # cleaner
    Row("studio cleaner", "sagemaker:DeleteApp", APP_ELSEWHERE),
    Row("studio cleaner", "sagemaker:DeleteSpace", SPACE_ELSEWHERE),
    Row("studio cleaner", "sagemaker:DeleteDomain", f"{SAGEMAKER}:domain/ml-sandbox"),
    Row("studio cleaner", "sagemaker:DeleteUserProfile", OWN_PROFILE),
    Row("studio cleaner's start", "sagemaker:DeleteApp", OWN_APP),
    *(
        Row(name, "logs:PutLogEvents", f"{LOGS}:order-transform-logs:log-stream:a")
        for name in ("studio cleaner", "studio cleaner's start", "studio cleaner's caller", "studio cleaner's waiter")
    ),
    Row("studio cleaner's caller", "states:StartExecution", f"{WAITER}-of-another"),
    Row("studio cleaner's caller", "lambda:GetFunction", TRANSFORM),
    Row("studio cleaner's waiter", "lambda:GetFunction", TRANSFORM),
    Row("studio cleaner's waiter", "lambda:InvokeFunction", TRANSFORM),
    Row("studio cleaner's caller", "lambda:InvokeFunction", TRANSFORM),
    Row("studio cleaner's waiter", "sagemaker:DeleteSpace", OWN_SPACE),
    Row("studio cleaner's state machine", "lambda:InvokeFunction", f"{CLEANER}-on-event"),
    Row("registry cleaner", "sagemaker:StopPipelineExecution", EXECUTION.replace("churn", "another")),
    Row("registry cleaner", "sagemaker:StartPipelineExecution", PIPELINE_OF_TRAINING),
    Row("registry cleaner", "sagemaker:DeletePipeline", PIPELINE_OF_TRAINING),
    Row("registry cleaner", "sagemaker:DeleteModelPackage", PACKAGE.replace("churn", "another")),
    Row("registry cleaner", "sagemaker:ListModelPackages", PACKAGE.replace("churn", "another")),
    Row("registry cleaner's start", "sagemaker:DeleteModelPackage", PACKAGE),
    Row("registry cleaner's caller", "lambda:InvokeFunction", f"{CLEANER}-on-event"),
    Row("registry cleaner's waiter", "sagemaker:DeleteModelPackage", PACKAGE),
    Row("registry cleaner's state machine", "lambda:InvokeFunction", f"{REGISTRY_CLEANER}-on-event"),
    Row("security group closer", "ec2:RevokeSecurityGroupIngress", f"{DEFAULT_SECURITY_GROUP}-of-another"),
    Row("security group closer", "ec2:DeleteSecurityGroup", DEFAULT_SECURITY_GROUP),
]

NEVER = [
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(InstanceTypes=["ml.p5.48xlarge"])),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(InstanceTypes=["ml.m5.large", "ml.p5.48xlarge"])),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(InstanceTypes=None)),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(MaxRuntimeInSeconds=None)),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(MaxRuntimeInSeconds="3601")),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(MaxRuntimeInSeconds="432000")),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(VolumeKmsKeyArn=None)),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(VolumeKmsKeyArn=OTHER_KEY)),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(sandbox=None)),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, bounded_but(sandbox="another")),
    Row("learner", "sagemaker:CreateTrainingJob", JOB, {**BOUNDED, "sagemaker:KeepAlivePeriod": "600"}),
    Row("learner", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/studio-learner-role", TO_SAGEMAKER),
    Row("learner", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/administrator", TO_SAGEMAKER),
    Row("learner", "sagemaker:CreateEndpoint", f"{SAGEMAKER}:endpoint/churn"),
    Row("learner", "sagemaker:CreateNotebookInstance", f"{SAGEMAKER}:notebook-instance/mine"),
    Row("learner", "sagemaker:CreateCluster", f"{SAGEMAKER}:cluster/mine"),
    Row("learner", "sagemaker:CreateProcessingJob", f"{SAGEMAKER}:processing-job/ml-sandbox-a"),
    Row("learner", "sagemaker:CreateHyperParameterTuningJob", f"{SAGEMAKER}:hyper-parameter-tuning-job/ml-sandbox-a"),
    Row("learner", "sagemaker:CreatePresignedDomainUrl", f"{SAGEMAKER}:user-profile/ml-sandbox/bo"),
    Row("learner", "sagemaker:CreateApp", OWN_APP, owned("Private", "ml.g5.48xlarge")),
    Row("learner", "sagemaker:CreateApp", OWN_APP, owned("Private", "ml.t3.medium", "ml.g5.48xlarge")),
    Row("learner", "sagemaker:CreateApp", f"{APP}/KernelGateway/default", owned("Private", "ml.t3.medium")),
    Row("learner", "sagemaker:CreateApp", f"{APP}/canvas/default", owned("Private", "ml.t3.medium")),
    Row("learner", "sagemaker:UpdateDomain", f"{SAGEMAKER}:domain/ml-sandbox"),
    Row("learner", "sagemaker:UpdateUserProfile", OWN_PROFILE),
    Row("learner", "sagemaker:DeleteTags", JOB),
    Row("learner", "s3:PutObject", f"{CURATED}/churn/train.parquet"),
    Row("learner", "s3:DeleteObject", f"{RAW}/orders/2026/11/22/a.gz"),
    Row("learner", "s3:DeleteBucketPolicy", RAW),
    Row("learner", "s3:GetObject", f"{CURATED}/churn/train.parquet", WITHOUT_TLS),
    Row("learner", "glue:DeleteTable", f"{GLUE}:table/ml_sandbox_features/customer_features"),
    Row("learner", "sagemaker:DeleteFeatureGroup", FEATURE_GROUP),
    Row("learner", "sagemaker:UpdateFeatureGroup", FEATURE_GROUP),
    Row("learner", "sts:AssumeRole", TRAINING_ROLE),
    Row("learner", "iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/studio-learner-role"),
    Row("learner", "kms:ScheduleKeyDeletion", KEY),
]
"""Denied even to a role that is allowed everything else: no policy that somebody attaches changes it."""

TRUSTED = [
    ("raw crawler", "glue.amazonaws.com"),
    ("curated crawler", "glue.amazonaws.com"),
    *((f"{found} crawler by events", "glue.amazonaws.com") for found in BY_EVENTS),
    ("lake's bucket emptier", "lambda.amazonaws.com"),
    ("order transform", "lambda.amazonaws.com"),
    ("order delivery", "firehose.amazonaws.com"),
    ("feature store", "sagemaker.amazonaws.com"),
    ("spot training", "sagemaker.amazonaws.com"),
    ("training's processing", "sagemaker.amazonaws.com"),
    ("training pipeline", "sagemaker.amazonaws.com"),
    ("training's bucket emptier", "lambda.amazonaws.com"),
    ("registry cleaner", "lambda.amazonaws.com"),
    ("registry cleaner's start", "lambda.amazonaws.com"),
    ("registry cleaner's caller", "lambda.amazonaws.com"),
    ("registry cleaner's waiter", "lambda.amazonaws.com"),
    ("registry cleaner's state machine", "states.amazonaws.com"),
    *((f"{job} job", "glue.amazonaws.com") for job in ("clean", "gate", "features", "publish", "ingest", "fit")),
    ("pipeline", "states.amazonaws.com"),
    *((f"{job} on EMR", "emr-serverless.amazonaws.com") for job in ("clean job", "features job", "publish job")),
    ("pipeline on EMR", "states.amazonaws.com"),
    ("learner", "sagemaker.amazonaws.com"),
    ("studio cleaner", "lambda.amazonaws.com"),
    ("studio cleaner's start", "lambda.amazonaws.com"),
    ("studio cleaner's caller", "lambda.amazonaws.com"),
    ("studio cleaner's waiter", "lambda.amazonaws.com"),
    ("studio cleaner's state machine", "states.amazonaws.com"),
    ("security group closer", "lambda.amazonaws.com"),
    ("spot guard", "lambda.amazonaws.com"),
    ("idle guard", "lambda.amazonaws.com"),
    ("expiry", "states.amazonaws.com"),
    ("expiry's clock", "lambda.amazonaws.com"),
    ("expiry's caller", "lambda.amazonaws.com"),
]


def role_named(name: str) -> Role:
    return role(*ROLES[name])


@pytest.mark.parametrize("row", ALLOWED, ids=str)
def test_may(row: Row) -> None:
    assert role_named(row.role).may(row.action, row.resource, row.context)


@pytest.mark.parametrize("row", [*DENIED, *NEVER], ids=str)
def test_may_not(row: Row) -> None:
    assert not role_named(row.role).may(row.action, row.resource, row.context)


@pytest.mark.parametrize("row", NEVER, ids=str)
def test_may_never(row: Row) -> None:
    assert not role_named(row.role).with_everything_allowed().may(row.action, row.resource, row.context)


@pytest.mark.parametrize(("name", "service"), TRUSTED)
def test_is_assumed_by_its_service_alone(name: str, service: str) -> None:
    assert role_named(name).may_be_assumed_by(service, ACCOUNT)
    assert not role_named(name).may_be_assumed_by("ec2.amazonaws.com", ACCOUNT)


@pytest.mark.parametrize(
    "name", ["spot training", "training's processing", "training pipeline", "learner", "pipeline", "clean job on EMR"]
)
def test_is_not_assumed_for_another_account(name: str) -> None:
    assert not role_named(name).may_be_assumed_by(dict(TRUSTED)[name], OTHER_ACCOUNT)


ADMINISTRATOR = Role(f"arn:aws:iam::{ACCOUNT}:role/administrator", (EVERYTHING,), {})


class TestTheKey:
    """The account's IAM decides who uses it; only services that call KMS as themselves are named."""

    ACTIONS = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant", "kms:ScheduleKeyDeletion")

    @pytest.mark.parametrize("action", ACTIONS)
    @pytest.mark.parametrize("context", [{}, through("s3"), through("dynamodb")], ids=str)
    def test_is_used_by_whom_iam_allows_it(self, action: str, context: Context) -> None:
        assert ADMINISTRATOR.may(action, KEY, context)

    @pytest.mark.parametrize("action", ACTIONS)
    def test_is_not_used_by_whom_iam_does_not_allow_it(self, action: str) -> None:
        assert not Role(ADMINISTRATOR.arn, (), {}).may(action, KEY, through("s3"))

    def test_decrypts_what_a_state_machine_logs(self) -> None:
        """Without a condition, as in https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html."""
        delivery = "delivery.logs.amazonaws.com"
        assert service_may(delivery, "kms:Decrypt", KEY, {})
        assert not service_may(delivery, "kms:GenerateDataKey", KEY, {})

    def test_encrypts_log_groups_of_this_account(self) -> None:
        logs = f"logs.{REGION}.amazonaws.com"
        here, elsewhere = (
            {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{account}:log-group:a"}
            for account in (ACCOUNT, OTHER_ACCOUNT)
        )
        assert service_may(logs, "kms:GenerateDataKey", KEY, here)
        assert not service_may(logs, "kms:GenerateDataKey", KEY, elsewhere)
        assert not service_may(logs, "kms:GenerateDataKey", KEY, {})
        assert not service_may("s3.amazonaws.com", "kms:GenerateDataKey", KEY, here)


class TestBuckets:
    def test_are_reached_over_tls_1_2_or_later_alone(self) -> None:
        for bucket in arns_of_type("default", "AWS::S3::Bucket"):
            for action, resource in (("s3:GetObject", f"{bucket}/a"), ("s3:ListBucket", bucket)):
                assert ADMINISTRATOR.may(action, resource, {"s3:TlsVersion": "1.2"})
                assert not ADMINISTRATOR.may(action, resource, OVER_TLS_1_1)
                assert not ADMINISTRATOR.may(action, resource, WITHOUT_TLS)

    def test_are_emptied_by_the_function_of_their_stack(self) -> None:
        for bucket, (stack, _) in arns_of_type("default", "AWS::S3::Bucket").items():
            assert role(stack, "CustomS3AutoDelete").may("s3:DeleteObject", f"{bucket}/a", {})

    def test_take_access_logs_of_this_account_alone(self) -> None:
        delivery: Context = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": "arn:aws:s3:::ml-sandbox-lake-curated"}
        logs = "arn:aws:s3:::access-logs"
        assert service_may("logging.s3.amazonaws.com", "s3:PutObject", f"{logs}/curated/a", delivery)
        for elsewhere in ({"aws:SourceAccount": OTHER_ACCOUNT}, {"aws:SourceArn": ELSEWHERE}):
            assert not service_may(
                "logging.s3.amazonaws.com", "s3:PutObject", f"{logs}/curated/a", {**delivery, **elsewhere}
            )
        assert not service_may("logging.s3.amazonaws.com", "s3:GetObject", f"{logs}/curated/a", delivery)


class TestTheEndpointOfTheNetwork:
    BUCKET_OF_ANOTHER = f"arn:aws:s3:{REGION}:{OTHER_ACCOUNT}:accesspoint/data/object/a"

    def passes(self, resource: str, account: str = ACCOUNT) -> bool:
        (policy,) = (d.body for d in policy_documents("default") if d.owner.startswith("NetworkVpcS3"))
        principal = f"arn:aws:iam::{account}:role/any"
        request = replace(request_of(principal, "s3:GetObject", resource, {}), principal_account=account)
        parsed(policy)
        return bool(iam_evaluator.evaluate_resource_policy(policy, request).decision == "Allow")

    def test_lets_this_account_through_to_its_own_buckets_alone(self) -> None:
        assert self.passes(f"{CURATED}/a")
        assert not self.passes(self.BUCKET_OF_ANOTHER)
        assert not self.passes(self.BUCKET_OF_ANOTHER.replace(OTHER_ACCOUNT, ACCOUNT), OTHER_ACCOUNT)


class TestTheTable:
    ROWS = (*ALLOWED, *DENIED, *NEVER)

    def test_has_a_line_for_everything_that_matters(self) -> None:
        assert len(self.ROWS) >= 60

    @pytest.mark.parametrize("rows", [ALLOWED, [*DENIED, *NEVER]])
    def test_covers_every_role_of_every_stack(self, rows: list[Row]) -> None:
        every = {*roles(), *roles("smallest"), *roles("s3-events")}
        assert {role_named(row.role).arn for row in rows} == every
        assert {role_named(name).arn for name, _ in TRUSTED} == every

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
        foreign = {ELSEWHERE, OTHER_KEY, f"arn:aws:iam::{ACCOUNT}:role/administrator"}
        named = {
            row.resource.partition("/")[0] if ":s3:::" in row.resource else row.resource
            for row in self.ROWS
            if any(service in row.resource for service in (":s3:::", ":kms:", ":iam:"))
        }
        assert named - known == foreign


class TestEveryPolicy:
    @pytest.mark.parametrize("combination", EVERY_COMBINATION)
    def test_is_within_what_the_evaluator_can_decide(self, combination: str) -> None:
        for document in policy_documents(combination):
            parsed(document.body)

    def test_of_a_bucket_or_key_is_found(self) -> None:
        assert resource_policy(KEY)
        assert resource_policy(f"{RAW}/orders/a.gz") == resource_policy(RAW)
        assert resource_policy(FEATURE_GROUP) is None

    def test_has_its_variables_filled_in(self) -> None:
        own = f"{SAGEMAKER}:user-profile/studio/${{sagemaker:UserProfileName}}"
        document = {"Statement": {"Effect": "Allow", "Action": "sagemaker:CreatePresignedDomainUrl", "Resource": own}}
        anyone = Role(f"arn:aws:iam::{ACCOUNT}:role/any", (document,), {})
        assert anyone.may("sagemaker:CreatePresignedDomainUrl", f"{SAGEMAKER}:user-profile/studio/learner", {})
        assert not anyone.may("sagemaker:CreatePresignedDomainUrl", f"{SAGEMAKER}:user-profile/studio/bo", {})

    @pytest.mark.parametrize(
        "statement",
        [
            {"Condition": {"StringMatches": {"aws:PrincipalArn": "x"}}},
            {"Condition": {"ForAnyValue:StringMatches": {"aws:PrincipalArn": "x"}}},
            {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sagemaker:*"}}},
        ],
    )
    def test_beyond_what_the_evaluator_can_decide_is_refused(self, statement: dict[str, Any]) -> None:
        document = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | statement]}
        with pytest.raises(UnknownConditionError):
            parsed(document)

    @pytest.mark.parametrize(
        "statement",
        [
            {"Condition": {"StringEquals": {"s3:prefix": "${aws:username}/"}}},
            {"Resource": "arn:aws:s3:::raw/${aws:username}/*"},
        ],
    )
    def test_with_a_variable_that_no_request_has_is_refused(self, statement: dict[str, Any]) -> None:
        with pytest.raises(UnknownVariableError):
            parsed({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | statement]})


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
