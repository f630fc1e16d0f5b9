"""What services need of the roles that they act as, each need with AWS's page.

To extend it, add a row to a table; what has no row there is an error where it is met in a template. ``{names}`` are
filled in by `tests.service_uses`, which finds every use in the synthesized stacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_DOCS = "https://docs.aws.amazon.com"


@dataclass(frozen=True)
class Need:
    """Actions on one resource, and the condition keys that the service's requests carry."""

    actions: str
    on: str
    sends: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    page: str
    needs: tuple[Need, ...]


_FOR_S3 = {"kms:EncryptionContext:aws:s3:arn": "{bucket}"}
_FOR_LOGS = {
    "kms:ViaService": "logs.{region}.amazonaws.com",
    "kms:EncryptionContext:aws:logs:arn": "{log_group}",
}
_TO_SAGEMAKER = {"iam:PassedToService": "sagemaker.amazonaws.com"}
_OF_VOLUMES = "kms:CreateGrant kms:Decrypt kms:DescribeKey kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext"

USES: Mapping[str, Row] = {
    # CloudWatch Logs, the one service whose requests to the key come through it
    "encrypted log group, written": Row(
        f"{_DOCS}/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html#cmk-permissions",
        (
            Need(
                "kms:Decrypt kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext kms:ReEncryptFrom "
                "kms:ReEncryptTo",
                "{key}",
                _FOR_LOGS,
            ),
            Need("kms:DescribeKey", "{key}", {"kms:ViaService": "logs.{region}.amazonaws.com"}),
        ),
    ),
    "encrypted log group, associated with the key": Row(
        f"{_DOCS}/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html#associate-cmk",
        (
            Need("kms:DescribeKey", "{key}", {"kms:ViaService": "logs.{region}.amazonaws.com"}),
            Need("kms:DescribeKey", "{key}"),
        ),
    ),
    # SNS
    "encrypted topic, published to": Row(
        f"{_DOCS}/sns/latest/dg/sns-key-management.html",
        (
            Need(
                "kms:Decrypt kms:GenerateDataKey kms:GenerateDataKeyWithoutPlaintext",
                "{key}",
                {"kms:EncryptionContext:aws:sns:topicArn": "{topic}"},
            ),
        ),
    ),
    "failed invocations told to a topic": Row(
        f"{_DOCS}/lambda/latest/dg/invocation-async-retain-records.html", (Need("sns:Publish", "{topic}"),)
    ),
    # Glue
    "Glue job": Row(
        f"{_DOCS}/glue/latest/ug/getting-started-min-privs-job.html",
        (Need("s3:GetObject", "{script}"), Need("s3:GetObject", "{library}")),
    ),
    "Glue job with encrypted output": Row(
        f"{_DOCS}/glue/latest/dg/set-up-encryption.html",
        (Need("kms:Decrypt kms:Encrypt kms:GenerateDataKey", "{key}", _FOR_S3),),
    ),
    "Glue job or crawler with encrypted logs": Row(
        f"{_DOCS}/glue/latest/dg/set-up-encryption.html",
        (
            Need("glue:GetSecurityConfiguration", "*"),
            Need("logs:AssociateKmsKey logs:CreateLogGroup", "{log_group}"),
            Need("logs:CreateLogStream logs:PutLogEvents", "{log_group}:log-stream:a"),
        ),
    ),
    "Glue job that judges data quality": Row(
        f"{_DOCS}/glue/latest/dg/data-quality-authorization.html",
        (
            Need("glue:GetDataQualityResult glue:PublishDataQuality", "{glue}:dataQualityRuleset/any"),
            *(
                Need("glue:PutDataQualityProfileAnnotation glue:PutDataQualityStatisticAnnotation", resource)
                for resource in ("{glue}:dataQualityRuleset/any", "{glue}:job/any")
            ),
        ),
    ),
    "crawler over a prefix": Row(
        f"{_DOCS}/glue/latest/dg/crawler-prereqs.html",
        (
            Need("s3:GetObject", "{bucket}/{prefix}a"),
            Need("s3:ListBucket", "{bucket}", {"s3:prefix": "{prefix}"}),
            Need("kms:Decrypt", "{key}", _FOR_S3),
            Need("glue:GetDatabase", "{glue}:database/{database}"),
            Need(
                "glue:BatchCreatePartition glue:CreateTable glue:GetTable glue:UpdateTable", "{glue}:table/{database}/a"
            ),
        ),
    ),
    "crawler by events": Row(
        f"{_DOCS}/glue/latest/dg/crawler-s3-event-notifications.html",
        (
            Need(
                "sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ListDeadLetterSourceQueues "
                "sqs:ListQueueTags sqs:PurgeQueue sqs:ReceiveMessage sqs:SetQueueAttributes",
                "{queue}",
            ),
        ),
    ),
    # Firehose
    "Firehose to S3": Row(
        f"{_DOCS}/firehose/latest/dev/controlling-access.html#using-iam-s3",
        (
            Need("s3:GetBucketLocation s3:ListBucket s3:ListBucketMultipartUploads", "{bucket}"),
            Need("s3:AbortMultipartUpload s3:GetObject s3:PutObject", "{bucket}/{prefix}a"),
        ),
    ),
    "Firehose to S3, encrypted": Row(
        f"{_DOCS}/firehose/latest/dev/controlling-access.html#using-iam-s3",
        (Need("kms:Decrypt kms:GenerateDataKey", "{key}", {"kms:EncryptionContext:aws:s3:arn": "{bucket}/{prefix}a"}),),
    ),
    "Firehose to Parquet": Row(
        f"{_DOCS}/firehose/latest/dev/controlling-access.html#using-iam-glue",
        (Need("glue:GetTable glue:GetTableVersion glue:GetTableVersions", "{glue}:table/{database}/{table}"),),
    ),
    "Firehose through Lambda": Row(
        f"{_DOCS}/firehose/latest/dev/controlling-access.html#using-iam-s3",
        (Need("lambda:GetFunctionConfiguration lambda:InvokeFunction", "{function}"),),
    ),
    "Firehose from Kinesis": Row(
        f"{_DOCS}/firehose/latest/dev/controlling-access.html#using-iam-s3",
        (Need("kinesis:DescribeStream kinesis:GetRecords kinesis:GetShardIterator kinesis:ListShards", "{stream}"),),
    ),
    "Firehose from Kinesis, encrypted": Row(
        f"{_DOCS}/firehose/latest/dev/controlling-access.html#using-iam-s3",
        (Need("kms:Decrypt", "{key}", {"kms:EncryptionContext:aws:kinesis:arn": "{stream}"}),),
    ),
    "Firehose that logs": Row(
        f"{_DOCS}/firehose/latest/dev/controlling-access.html#using-iam-s3",
        (Need("logs:PutLogEvents", "{log_group}:log-stream:a"),),
    ),
    # Feature Store
    "feature group, offline": Row(
        f"{_DOCS}/sagemaker/latest/dg/feature-store-adding-policies.html",
        (
            Need("s3:PutObject s3:PutObjectAcl", "{bucket}/{prefix}/a.parquet"),
            Need("s3:GetBucketAcl", "{bucket}"),
            Need("glue:GetTable glue:UpdateTable", "{glue}:table/{database}/{table}"),
        ),
    ),
    "feature group, offline and encrypted": Row(
        f"{_DOCS}/sagemaker/latest/dg/feature-store-security.html#feature-store-authorizing-use-cmk-offline-store",
        (
            Need("kms:GenerateDataKey", "{key}", {"kms:EncryptionContext:aws:s3:arn": "{bucket}"}),
            Need("kms:GenerateDataKey", "{key}"),
        ),
    ),
    "feature group, online and encrypted, read or written": Row(
        f"{_DOCS}/sagemaker/latest/dg/feature-store-security.html#feature-store-accessing-data-online-store",
        (Need("kms:Decrypt", "{key}"),),
    ),
    # Studio
    "space with an encrypted volume": Row(
        f"{_DOCS}/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createdomain-perms",
        (Need(_OF_VOLUMES, "{key}"),),
    ),
    "pages of Studio": Row(
        f"{_DOCS}/sagemaker/latest/dg/role-manager-personas.html",
        (
            Need(
                "sagemaker:GetSearchSuggestions sagemaker:ListActions sagemaker:ListApps sagemaker:ListArtifacts "
                "sagemaker:ListAssociations sagemaker:ListContexts sagemaker:ListDomains sagemaker:ListExperiments "
                "sagemaker:ListFeatureGroups sagemaker:ListHyperParameterTuningJobs sagemaker:ListModelMetadata "
                "sagemaker:ListModelPackageGroups sagemaker:ListPipelines sagemaker:ListProcessingJobs "
                "sagemaker:ListSpaces sagemaker:ListTrainingJobs sagemaker:ListTrialComponents sagemaker:ListTrials "
                "sagemaker:ListUserProfiles sagemaker:QueryLineage sagemaker:Search",
                "*",
            ),
            Need(
                "sagemaker:DescribePipeline sagemaker:ListPipelineExecutions",
                "{sagemaker}:pipeline/{sandbox}-churn-training",
            ),
            Need(
                "sagemaker:DescribePipelineDefinitionForExecution sagemaker:DescribePipelineExecution "
                "sagemaker:ListPipelineExecutionSteps sagemaker:ListPipelineParametersForExecution",
                "{sagemaker}:pipeline/{sandbox}-churn-training/execution/a",
            ),
            Need("sagemaker:DescribeTrainingJob", "{sagemaker}:training-job/pipelines-a-Train-b"),
            Need("sagemaker:DescribeProcessingJob", "{sagemaker}:processing-job/pipelines-a-Dataset-b"),
            Need(
                "sagemaker:DescribeHyperParameterTuningJob sagemaker:ListTrainingJobsForHyperParameterTuningJob",
                "{sagemaker}:hyper-parameter-tuning-job/a-Tune-b",
            ),
            Need("sagemaker:DescribeExperiment", "{sagemaker}:experiment/a"),
            Need("sagemaker:DescribeTrial", "{sagemaker}:experiment-trial/a"),
            Need("sagemaker:DescribeTrialComponent", "{sagemaker}:experiment-trial-component/a"),
            Need("sagemaker:DescribeModelPackageGroup", "{sagemaker}:model-package-group/{sandbox}-customer-churn"),
            Need("sagemaker:DescribeModelPackage", "{sagemaker}:model-package/{sandbox}-customer-churn/1"),
            Need(
                "sagemaker:DescribeFeatureGroup sagemaker:DescribeFeatureMetadata",
                "{sagemaker}:feature-group/{sandbox}-customer-features",
            ),
        ),
    ),
    # Step Functions, beside its integrations
    "encrypted state machine": Row(
        f"{_DOCS}/step-functions/latest/dg/encryption-at-rest.html",
        (
            Need(
                "kms:Decrypt kms:GenerateDataKey",
                "{key}",
                {"kms:EncryptionContext:aws:states:stateMachineArn": "{machine}"},
            ),
        ),
    ),
    "encrypted state machine that logs": Row(
        f"{_DOCS}/step-functions/latest/dg/encryption-at-rest.html",
        (Need("kms:GenerateDataKey", "{key}", {"kms:EncryptionContext:SourceArn": "{logs}:*"}),),
    ),
    "state machine that logs": Row(
        f"{_DOCS}/step-functions/latest/dg/cw-logs.html",
        (
            Need(
                "logs:CreateLogDelivery logs:DeleteLogDelivery logs:DescribeLogGroups logs:DescribeResourcePolicies "
                "logs:GetLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:UpdateLogDelivery",
                "*",
            ),
        ),
    ),
    "state machine that is traced": Row(
        f"{_DOCS}/step-functions/latest/dg/concepts-xray-tracing.html",
        (Need("xray:GetSamplingRules xray:GetSamplingTargets xray:PutTelemetryRecords xray:PutTraceSegments", "*"),),
    ),
    "EventBridge rule that starts a state machine": Row(
        # starting one needs no key: https://docs.aws.amazon.com/step-functions/latest/dg/encryption-at-rest.html
        f"{_DOCS}/eventbridge/latest/userguide/eb-use-identity-based.html",
        (Need("states:StartExecution", "{machine}"),),
    ),
}

INTEGRATIONS: Mapping[str, Row] = {
    "glue:startJobRun.sync": Row(
        f"{_DOCS}/step-functions/latest/dg/connect-glue.html",
        (Need("glue:BatchStopJobRun glue:GetJobRun glue:GetJobRuns glue:StartJobRun", "{glue}:job/{JobName}"),),
    ),
    "emr-serverless:startJobRun.sync": Row(
        f"{_DOCS}/step-functions/latest/dg/connect-emr-serverless.html",
        (
            Need("emr-serverless:StartJobRun", "{emr}:/applications/{ApplicationId}"),
            Need(
                "emr-serverless:CancelJobRun emr-serverless:GetJobRun", "{emr}:/applications/{ApplicationId}/jobruns/a"
            ),
            Need("iam:PassRole", "{ExecutionRoleArn}", {"iam:PassedToService": "emr-serverless.amazonaws.com"}),
            Need(
                "events:DescribeRule events:PutRule events:PutTargets",
                "{events}:rule/StepFunctionsGetEventsForEMRServerlessJobRule",
            ),
        ),
    ),
    "sns:publish": Row(f"{_DOCS}/step-functions/latest/dg/connect-sns.html", (Need("sns:Publish", "{TopicArn}"),)),
    "lambda:invoke": Row(
        f"{_DOCS}/step-functions/latest/dg/connect-lambda.html", (Need("lambda:InvokeFunction", "{FunctionName}"),)
    ),
    "aws-sdk:glue:startCrawler": Row(
        f"{_DOCS}/service-authorization/latest/reference/list_awsglue.html",
        (Need("glue:StartCrawler", "{glue}:crawler/{Name}"),),
    ),
    "aws-sdk:glue:getCrawler": Row(
        f"{_DOCS}/service-authorization/latest/reference/list_awsglue.html",
        (Need("glue:GetCrawler", "{glue}:crawler/{Name}"),),
    ),
    "aws-sdk:cloudformation:deleteStack": Row(
        f"{_DOCS}/service-authorization/latest/reference/list_awscloudformation.html",
        (Need("cloudformation:DeleteStack", "{cloudformation}:stack/{sandbox}-lake/a"),),
    ),
    "aws-sdk:cloudformation:describeStacks": Row(
        f"{_DOCS}/service-authorization/latest/reference/list_awscloudformation.html",
        (Need("cloudformation:DescribeStacks", "{cloudformation}:stack/{sandbox}-lake/a"),),
    ),
}
"""What a task of a state machine needs, by the end of its ``Resource``; names are those of the task's arguments."""

STEPS: Mapping[str, Row] = {
    "CreateProcessingJob": Row(
        f"{_DOCS}/sagemaker/latest/dg/build-and-manage-access.html",
        (
            Need(
                "sagemaker:AddTags sagemaker:DescribeProcessingJob sagemaker:StopProcessingJob",
                "{sagemaker}:processing-job/{name}",
            ),
            Need("sagemaker:CreateProcessingJob", "{sagemaker}:processing-job/{name}"),
            Need("iam:PassRole", "{role}", _TO_SAGEMAKER),
        ),
    ),
    "CreateTrainingJob": Row(
        f"{_DOCS}/sagemaker/latest/dg/build-and-manage-access.html",
        (
            Need(
                "sagemaker:AddTags sagemaker:DescribeTrainingJob sagemaker:StopTrainingJob",
                "{sagemaker}:training-job/{name}",
            ),
            Need("sagemaker:CreateTrainingJob", "{sagemaker}:training-job/{name}"),
            Need("iam:PassRole", "{role}", _TO_SAGEMAKER),
        ),
    ),
    "CreateHyperParameterTuningJob": Row(
        f"{_DOCS}/sagemaker/latest/dg/build-and-manage-access.html",
        (
            Need(
                "sagemaker:AddTags sagemaker:DescribeHyperParameterTuningJob sagemaker:StopHyperParameterTuningJob",
                "{sagemaker}:hyper-parameter-tuning-job/{name}",
            ),
            Need("sagemaker:CreateHyperParameterTuningJob", "{sagemaker}:hyper-parameter-tuning-job/{name}"),
            Need("iam:PassRole", "{role}", _TO_SAGEMAKER),
        ),
    ),
    "CreateModelPackage": Row(
        # RegisterModel creates the group on every run, and tags what it creates as part of creating it
        f"{_DOCS}/sagemaker/latest/dg/build-and-manage-steps.html#step-type-register-model",
        (
            Need("sagemaker:AddTags sagemaker:CreateModelPackageGroup", "{sagemaker}:model-package-group/{name}"),
            Need(
                "sagemaker:AddTags sagemaker:CreateModelPackage sagemaker:DescribeModelPackage",
                "{sagemaker}:model-package/{name}/1",
            ),
        ),
    ),
    "condition on a property file": Row(
        f"{_DOCS}/sagemaker/latest/dg/build-and-manage-propertyfile.html",
        (Need("s3:GetObject", "{bucket}/{prefix}/a.json"), Need("kms:Decrypt", "{key}", _FOR_S3)),
    ),
}
"""What a pipeline's step needs of the pipeline's role, by the operation that it calls.

Experiments, trials, components and lineage need nothing: SageMaker records them as itself.
"""

JOBS: Mapping[str, Row] = {
    "image, logs and metrics": Row(
        f"{_DOCS}/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms",
        (
            Need("ecr:GetAuthorizationToken", "*"),
            Need("ecr:BatchCheckLayerAvailability ecr:BatchGetImage ecr:GetDownloadUrlForLayer", "{image}"),
            Need("logs:CreateLogGroup logs:DescribeLogStreams", "{log_group}"),
            Need("logs:CreateLogStream logs:PutLogEvents", "{log_group}:log-stream:a"),
            Need("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "{namespace}"}),
        ),
    ),
    "input": Row(
        f"{_DOCS}/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createprocessingjob-perms",
        (
            Need("s3:ListBucket", "{bucket}", {"s3:prefix": "{prefix}"}),
            Need("s3:GetObject", "{bucket}/{prefix}"),
            Need("kms:Decrypt", "{key}", _FOR_S3),
        ),
    ),
    "output": Row(
        f"{_DOCS}/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms",
        (
            Need("s3:PutObject", "{bucket}/{prefix}/a"),
            Need("kms:Encrypt kms:GenerateDataKey", "{key}", _FOR_S3),
        ),
    ),
    "checkpoints": Row(
        f"{_DOCS}/sagemaker/latest/dg/model-checkpoints.html",
        (
            Need("s3:ListBucket", "{bucket}", {"s3:prefix": "{prefix}"}),
            Need("s3:GetObject s3:PutObject", "{bucket}/{prefix}/a"),
        ),
    ),
    "encrypted volume": Row(
        f"{_DOCS}/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms",
        (Need(_OF_VOLUMES, "{key}"),),
    ),
}
"""What a SageMaker job needs of the role that it is given."""
