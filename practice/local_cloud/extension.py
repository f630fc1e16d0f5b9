"""Fills in, inside the running MiniStack, what it lacks or fakes: one module per service."""

from __future__ import annotations

from practice.local_cloud import (
    athena,
    budgets,
    cloudformation,
    cloudwatch,
    custom_resources,
    ec2,
    ec2_endpoints,
    ec2_flow_logs,
    embedded_metrics,
    emr_serverless,
    firehose,
    glue,
    glue_data_quality_rulesets,
    glue_jobs,
    glue_security_configuration,
    health,
    kinesis,
    lambda_functions,
    provider_framework,
    s3,
    sagemaker,
    step_functions,
    tagging,
)
from practice.local_cloud.hooks import PROVISIONERS
from practice.local_cloud.service import Route, Service

SERVICES: tuple[Service, ...] = (
    athena,
    budgets,
    cloudformation,
    cloudwatch,
    custom_resources,
    ec2,
    ec2_endpoints,
    ec2_flow_logs,
    embedded_metrics,
    emr_serverless,
    firehose,
    glue,
    glue_data_quality_rulesets,
    glue_jobs,
    glue_security_configuration,
    health,
    kinesis,
    lambda_functions,
    provider_framework,
    s3,
    sagemaker,
    step_functions,
    tagging,
)


def install() -> None:
    """Lay the extension over MiniStack; once, before the first request."""
    for service in SERVICES:
        for resource_type, operations in service.RESOURCE_HANDLERS.items():
            known = PROVISIONERS._RESOURCE_HANDLERS.get(resource_type, {})
            PROVISIONERS._RESOURCE_HANDLERS[resource_type] = {**known, **operations}
        service.install()


def route(method: str, path: str) -> Route | None:
    """The handler of a request beside the AWS APIs, if it is one."""
    return next((service.ROUTES[method, path] for service in SERVICES if (method, path) in service.ROUTES), None)
