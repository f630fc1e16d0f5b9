"""What custom resources need of the CDK's provider framework: roles of the stack, and findings accepted."""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct, IConstruct

from guardrails.acknowledge import acknowledge_wildcard_resources

LAMBDA_FINDINGS = {
    "Serverless-LambdaDLQ": "The provider framework waits for the answer and tells CloudFormation what failed",
    "Serverless-LambdaTracing": "It runs when a stack is deployed or deleted; its log says what each pass waited for",
}
FRAMEWORK_FINDINGS = LAMBDA_FINDINGS | {
    "Serverless-LambdaDefaultMemorySize": "The CDK's functions pass events on; the default is enough"
}


def framework_role(
    scope: Construct, construct_id: str, functions: Sequence[lambda_.IFunction], log_group: logs.ILogGroup
) -> iam.Role:
    """A role for a function of the framework, which calls these functions and writes to this log group alone."""
    role = iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    log_group.grant_write(role)
    accept_every_version(role, functions)
    return role


def accept_every_version(construct: IConstruct, functions: Sequence[lambda_.IFunction]) -> None:
    reason = "The CDK grants every version of the function; it has one"
    acknowledge_wildcard_resources(construct, {f"{function.function_arn}:*": reason for function in functions})
