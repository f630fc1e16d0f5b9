"""What every container of SageMaker needs, whatever it computes."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms

from guardrails.acknowledge import acknowledge_wildcard_resources

FOR_VOLUMES = [
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
]
"""What the volume of a job or a space, encrypted with a key, asks of the role that the job or the space has.

SageMaker makes the grant for the volume as the role. The request carries neither ``kms:GrantIsForAWSResource`` nor a
service that it goes through, so that a condition on either refuses it. What bounds it is that SageMaker alone may
assume these roles.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html#sagemaker-roles-createtrainingjob-perms,
https://github.com/aws/sagemaker-python-sdk/pull/683
"""


def allow_containers(role: iam.Role, *, images: Sequence[str], log_group: str, key: kms.IKey) -> None:
    """Let the role pull images that AWS publishes, encrypt volumes, and write logs and metrics of the kind of job.

    Encrypting is what the key of a job's output asks for. Metrics have the name of the log group for their namespace.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    stack = Stack.of(role)
    repositories = [
        stack.format_arn(service="ecr", account="*", resource="repository", resource_name=name) for name in images
    ]
    group = stack.format_arn(
        service="logs", resource="log-group", resource_name=log_group, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )
    streams = f"{group}:log-stream:*"
    for actions, resources, conditions in (
        ([*FOR_VOLUMES, "kms:Encrypt"], [key.key_arn], None),
        (["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repositories, None),
        (["ecr:GetAuthorizationToken"], ["*"], None),
        (
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [group, streams],
            None,
        ),
        (["cloudwatch:PutMetricData"], ["*"], {"StringEquals": {"cloudwatch:namespace": log_group}}),
    ):
        role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions))
    acknowledge_wildcard_resources(
        role,
        {
            **dict.fromkeys(repositories, "AWS publishes the image from an account of its own in each region"),
            streams: "SageMaker names the log streams after job and instance",
            "*": "A registry token has no resource, nor has a metric; its namespace is a condition",
        },
    )
