"""The clock's entry point, as the CDK's provider framework calls it."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

import boto3


def on_event(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Start an execution, unless the resource is being deleted, and stop every other of the same state machine.

    The resource is named after its state machine: if that is replaced, the clock of the old one is stopped. A request
    that comes again finds its execution, which is named after it, and starts no second one; if that has ended
    since, then a later request has stopped it, and whatever runs now is left alone.

    Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    client = boto3.client("stepfunctions")
    if event["RequestType"] == "Delete":
        machine = event["PhysicalResourceId"]
        _stop_others(client, machine, None)
        return {"PhysicalResourceId": machine}
    machine = event["ResourceProperties"]["StateMachineArn"]
    try:
        started = client.start_execution(
            stateMachineArn=machine, name=event["RequestId"], input=event["ResourceProperties"]["Input"]
        )["executionArn"]
    except client.exceptions.ExecutionAlreadyExists:
        _log("started before", event["RequestId"])
    else:
        _log("started", started)
        _stop_others(client, machine, started)
    return {"PhysicalResourceId": machine}


def _stop_others(client: Any, machine: str, kept: str | None) -> None:
    """Stop what runs; it may end by itself meanwhile, and on deletion the machine may be gone already."""
    ended = (client.exceptions.ExecutionDoesNotExist, client.exceptions.ValidationException)
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
    try:
        running = [execution["executionArn"] for page in pages for execution in page["executions"]]
    except client.exceptions.StateMachineDoesNotExist:
        running = []
    for execution in running:
        if execution != kept:
            with suppress(*ended):
                client.stop_execution(executionArn=execution)
                _log("stopped", execution)


def _log(message: str, execution: str) -> None:
    sys.stdout.write(json.dumps({"message": message, "execution": execution}) + "\n")
