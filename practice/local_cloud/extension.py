"""Fills in, inside the running MiniStack, what it lacks or fakes: a module or a package per service."""

from __future__ import annotations

from practice.local_cloud import budgets, cloudwatch, embedded_metrics, health, kinesis, lambda_functions, s3, tagging
from practice.local_cloud.athena import service as athena
from practice.local_cloud.cloudformation import custom_resources, provider_framework
from practice.local_cloud.cloudformation import service as cloudformation
from practice.local_cloud.ec2 import endpoints as ec2_endpoints
from practice.local_cloud.ec2 import flow_logs as ec2_flow_logs
from practice.local_cloud.ec2 import service as ec2
from practice.local_cloud.emr_serverless import service as emr_serverless
from practice.local_cloud.firehose import service as firehose
from practice.local_cloud.glue import data_quality_rulesets as glue_data_quality_rulesets
from practice.local_cloud.glue import jobs as glue_jobs
from practice.local_cloud.glue import security_configuration as glue_security_configuration
from practice.local_cloud.glue import service as glue
from practice.local_cloud.hooks import PROVISIONERS
from practice.local_cloud.sagemaker import service as sagemaker
from practice.local_cloud.service import Route, Service
from practice.local_cloud.step_functions import service as step_functions

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
