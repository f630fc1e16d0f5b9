"""Custom resources behind the CDK's provider framework in the local cloud, from the template that the CDK writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from aws_cdk import App, CustomResource, Duration, RemovalPolicies, Stack, aws_lambda, aws_logs, custom_resources
from aws_cdk.assertions import Template

from practice.local_cloud.cloudformation import provider_framework
from practice.local_cloud.lifecycle import LocalCloud
from tests.conftest import Deploy, DeploymentError, delete_stack, temporary_stacks

ON_EVENT = """
import json

def handler(event, context):
    print(json.dumps(event))
    behaviour = event["ResourceProperties"]
    if event["RequestType"] in behaviour.get("FailOn", ()):
        raise Exception("on_event of the test failed")
    return behaviour.get(event["RequestType"])
"""
"""Returns what the property named after the request type says."""

IS_COMPLETE = """
import json

asked = {}

def handler(event, context):
    print(json.dumps(event))
    behaviour = event["ResourceProperties"]
    if behaviour.get("Fail" + event["RequestType"]):
        raise Exception("is_complete of the test failed")
    asked[event["RequestId"]] = asked.get(event["RequestId"], 0) + 1
    complete = asked[event["RequestId"]] > int(behaviour.get("NotYet", 0))
    data = behaviour.get("Data") if complete else behaviour.get("EarlyData")
    return {"IsComplete": complete} if data is None else {"IsComplete": complete, "Data": data}
"""
"""Says that the resource is not complete as often as the property says."""

NOT_EMULATED = "exports.handler = async () => {};"


def provider_stack(**properties: Any) -> dict[str, Any]:
    """A provider as the CDK writes it, with a custom resource of its own."""
    stack = Stack(App(), "Provider")

    def function(name: str, source: str) -> aws_lambda.Function:
        log_group = aws_logs.LogGroup(stack, f"{name}Log", retention=aws_logs.RetentionDays.ONE_DAY)
        return aws_lambda.Function(
            stack,
            name,
            runtime=aws_lambda.Runtime.PYTHON_3_13,
            handler="index.handler",
            code=aws_lambda.Code.from_inline(source),
            log_group=log_group,
        )

    if properties:
        properties["is_complete_handler"] = function("IsComplete", IS_COMPLETE)
    provider = custom_resources.Provider(
        stack,
        "Provider",
        on_event_handler=function("OnEvent", ON_EVENT),
        log_group=aws_logs.LogGroup(stack, "FrameworkLog"),
        **properties,
    )
    CustomResource(stack, "Own", service_token=provider.service_token)
    RemovalPolicies.of(stack).destroy()
    resources: dict[str, Any] = Template.from_stack(stack).to_json()["Resources"]
    return resources


@dataclass(frozen=True)
class Provider:
    """A deployed provider, and what its functions were asked."""

    cloud: LocalCloud
    ids: Mapping[str, str]

    def named(self, construct: str) -> str:
        """The physical id of what the CDK named after a construct."""
        return next(name for logical_id, name in self.ids.items() if re.fullmatch(rf"{construct}\w{{8}}", logical_id))

    def resource(self, **properties: Any) -> dict[str, Any]:
        on_event = self.named("ProviderframeworkonEvent")
        token = self.cloud.client("lambda").get_function_configuration(FunctionName=on_event)["FunctionArn"]
        return {"Type": "Custom::Thing", "Properties": {"ServiceToken": token, **properties}}

    def events(self, function: str, stack: str) -> list[dict[str, Any]]:
        """What a function was sent for a stack, in order."""
        group = self.named(f"{function}Log")
        found = self.cloud.client("logs").filter_log_events(logGroupName=group)["events"]
        sent = [json.loads(event["message"]) for event in found if event["message"].startswith("{")]
        return [event for event in sent if f"stack/{stack}/" in event["StackId"]]


@pytest.fixture(scope="module")
def plain(local_cloud: LocalCloud) -> Iterator[Provider]:
    """A provider without is_complete."""
    with temporary_stacks(local_cloud) as deploy_stack:
        yield Provider(local_cloud, deploy_stack(provider_stack()))


@pytest.fixture(scope="module")
def waiting(local_cloud: LocalCloud) -> Iterator[Provider]:
    """A provider with is_complete, and two seconds' patience."""
    second = Duration.seconds(1)
    with temporary_stacks(local_cloud) as deploy_stack:
        resources = provider_stack(query_interval=second, total_timeout=second)
        yield Provider(local_cloud, deploy_stack(resources))


@pytest.fixture
def stack() -> str:
    return f"test-{uuid4().hex[:8]}"


def attribute(name: str) -> dict[str, Any]:
    """A parameter that holds an attribute of the thing."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Thing", name]}}}


def test_on_event_is_sent_the_request_of_cloudformation(deploy: Deploy, plain: Provider, stack: str) -> None:
    deploy({"Thing": plain.resource(Size="2")}, stack)
    (event,) = plain.events("OnEvent", stack)
    assert event["RequestType"] == "Create"
    assert event["LogicalResourceId"] == "Thing"
    assert event["ResourceType"] == "Custom::Thing"
    assert event["ResourceProperties"]["Size"] == "2"
    assert "PhysicalResourceId" not in event


def test_the_physical_id_is_what_on_event_returns(deploy: Deploy, plain: Provider) -> None:
    assert deploy({"Thing": plain.resource(Create={"PhysicalResourceId": "thing-1"})})["Thing"] == "thing-1"


def test_the_physical_id_is_the_request_id_unless_on_event_returns_one(
    deploy: Deploy, plain: Provider, stack: str
) -> None:
    physical_id = deploy({"Thing": plain.resource()}, stack)["Thing"]
    assert [event["RequestId"] for event in plain.events("OnEvent", stack)] == [physical_id]


def test_data_of_on_event_become_attributes(local_cloud: LocalCloud, deploy: Deploy, plain: Provider) -> None:
    thing = plain.resource(Create={"Data": {"Colour": "red"}})
    parameter = deploy({"Thing": thing, "Colour": attribute("Colour")})["Colour"]
    assert local_cloud.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"] == "red"


def test_is_complete_is_asked_until_it_says_so(deploy: Deploy, waiting: Provider, stack: str) -> None:
    deploy({"Thing": waiting.resource(NotYet="2")}, stack)
    assert [event["RequestType"] for event in waiting.events("IsComplete", stack)] == ["Create"] * 3


def test_is_complete_is_sent_the_request_with_all_that_on_event_returned(
    deploy: Deploy, waiting: Provider, stack: str
) -> None:
    deploy({"Thing": waiting.resource(Create={"PhysicalResourceId": "thing-1", "Found": ["a", "b"]})}, stack)
    (request,) = waiting.events("OnEvent", stack)
    (event,) = waiting.events("IsComplete", stack)
    assert event == {**request, "PhysicalResourceId": "thing-1", "Found": ["a", "b"]}


def test_data_of_is_complete_are_merged_with_those_of_on_event(
    local_cloud: LocalCloud, deploy: Deploy, waiting: Provider
) -> None:
    thing = waiting.resource(Create={"Data": {"Colour": "red", "Size": "1"}}, Data={"Size": "2"}, NotYet="1")
    ids = deploy({"Thing": thing, "Colour": attribute("Colour"), "Size": attribute("Size")})
    ssm = local_cloud.client("ssm")
    assert [ssm.get_parameter(Name=ids[name])["Parameter"]["Value"] for name in ("Colour", "Size")] == ["red", "2"]


def test_a_wait_is_an_execution_of_the_waiter(local_cloud: LocalCloud, deploy: Deploy, waiting: Provider) -> None:
    deploy({"Thing": waiting.resource(Create={"PhysicalResourceId": "thing-of-waiter"})})
    machine = waiting.named("Providerwaiterstatemachine")
    states = local_cloud.client("stepfunctions")
    (latest, *_) = states.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"]
    execution = states.describe_execution(executionArn=latest["executionArn"])
    assert json.loads(execution["input"])["PhysicalResourceId"] == "thing-of-waiter"


def test_an_error_of_on_event_fails_the_resource_with_its_message(deploy: Deploy, plain: Provider) -> None:
    message = rf"Error: on_event of the test failed\s+Logs: /aws/lambda/{plain.named('OnEvent')}"
    with pytest.raises(DeploymentError, match=message):
        deploy({"Thing": plain.resource(FailOn=["Create"])})


def test_a_resource_that_was_not_created_is_not_deleted(deploy: Deploy, plain: Provider, stack: str) -> None:
    with pytest.raises(DeploymentError):
        deploy({"Thing": plain.resource(FailOn=["Create"])}, stack)
    assert [event["RequestType"] for event in plain.events("OnEvent", stack)] == ["Create"]


def test_an_error_of_is_complete_fails_the_resource_with_its_message(deploy: Deploy, waiting: Provider) -> None:
    with pytest.raises(DeploymentError, match="Error: is_complete of the test failed"):
        deploy({"Thing": waiting.resource(FailCreate="true")})


def test_data_before_completion_fail_the_resource(deploy: Deploy, waiting: Provider) -> None:
    with pytest.raises(DeploymentError, match='"Data" is not allowed if "IsComplete" is "False"'):
        deploy({"Thing": waiting.resource(NotYet="1", EarlyData={"Size": "1"})})


def test_a_resource_that_does_not_become_complete_in_time_fails(deploy: Deploy, waiting: Provider) -> None:
    with pytest.raises(DeploymentError, match="Operation timed out"):
        deploy({"Thing": waiting.resource(NotYet="1000000")})


def test_a_return_value_that_is_no_object_fails_the_resource(deploy: Deploy, plain: Provider) -> None:
    with pytest.raises(DeploymentError, match=r'return values from user-handlers must be JSON objects. got: "\["a"\]"'):
        deploy({"Thing": plain.resource(Create=["a"])})


def test_an_update_keeps_the_physical_id(deploy: Deploy, waiting: Provider, stack: str) -> None:
    first = deploy({"Thing": waiting.resource(Size="1")}, stack)
    second = deploy({"Thing": waiting.resource(Size="2")}, stack)
    update = waiting.events("OnEvent", stack)[-1]
    assert first["Thing"] == second["Thing"] == update["PhysicalResourceId"]
    assert update["OldResourceProperties"]["Size"] == "1"
    assert [event["RequestType"] for event in waiting.events("IsComplete", stack)] == ["Create", "Update"]


def test_an_update_that_returns_another_physical_id_replaces_the_resource(
    deploy: Deploy, waiting: Provider, stack: str
) -> None:
    deploy({"Thing": waiting.resource(Create={"PhysicalResourceId": "old"})}, stack)
    ids = deploy({"Thing": waiting.resource(Update={"PhysicalResourceId": "new"})}, stack)
    *_, update, delete = waiting.events("OnEvent", stack)
    assert ids["Thing"] == "new"
    assert (update["RequestType"], update["PhysicalResourceId"]) == ("Update", "old")
    assert (delete["RequestType"], delete["PhysicalResourceId"]) == ("Delete", "old")
    assert delete["ResourceProperties"]["Create"] == {"PhysicalResourceId": "old"}


def test_an_update_that_fails_is_taken_back(deploy: Deploy, plain: Provider, stack: str) -> None:
    deploy({"Thing": plain.resource(Size="1")}, stack)
    with pytest.raises(DeploymentError, match="on_event of the test failed"):
        deploy({"Thing": plain.resource(Size="2", FailOn=["Update"])}, stack)
    *_, update, back = plain.events("OnEvent", stack)
    assert (update["ResourceProperties"]["Size"], update["OldResourceProperties"]["Size"]) == ("2", "1")
    assert (back["ResourceProperties"]["Size"], back["OldResourceProperties"]["Size"]) == ("1", "2")


def test_a_deletion_waits_until_is_complete(
    local_cloud: LocalCloud, deploy: Deploy, waiting: Provider, stack: str
) -> None:
    thing = deploy({"Thing": waiting.resource(NotYet="2")}, stack)["Thing"]
    assert delete_stack(local_cloud.client("cloudformation"), stack)[0] == "DELETE_COMPLETE"
    deletions = [event for event in waiting.events("IsComplete", stack) if event["RequestType"] == "Delete"]
    assert [event["PhysicalResourceId"] for event in deletions] == [thing] * 3


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ({"FailDelete": "true"}, "is_complete of the test failed"),
        ({"FailOn": ["Delete"]}, "on_event of the test failed"),
        ({"Delete": {"PhysicalResourceId": "b"}}, 'DELETE: cannot change the physical resource ID from "a" to "b"'),
    ],
    ids=["is_complete fails", "on_event fails", "on_event returns another physical id"],
)
def test_a_deletion_that_fails_keeps_the_resource(
    local_cloud: LocalCloud, deploy: Deploy, waiting: Provider, stack: str, behaviour: dict[str, Any], message: str
) -> None:
    created = {"PhysicalResourceId": "a"}
    deploy({"Thing": waiting.resource(Create=created, **behaviour)}, stack)
    status, reason = delete_stack(local_cloud.client("cloudformation"), stack)
    assert status == "DELETE_FAILED"
    assert message in reason


REQUEST = dict.fromkeys(("LogicalResourceId", "RequestId", "ResponseURL", "StackId"), "any")
CREATE_FAILED = "AWSCDK::CustomResourceProviderFramework::CREATE_FAILED"


@pytest.mark.parametrize("function", [provider_framework.on_event, provider_framework.is_complete])
def test_the_deletion_of_what_was_not_created_is_ignored(function: Any) -> None:
    event = {**REQUEST, "RequestType": "Delete", "PhysicalResourceId": CREATE_FAILED}
    assert provider_framework.answer(function, event, {})["Status"] == "SUCCESS"


def test_a_failed_creation_is_marked() -> None:
    response = provider_framework.answer(provider_framework.on_event, {**REQUEST, "RequestType": "Create"}, {})
    assert (response["Status"], response["PhysicalResourceId"]) == ("FAILED", CREATE_FAILED)


def test_nothing_is_left_of_a_provider(local_cloud: LocalCloud, deploy: Deploy, stack: str) -> None:
    resources = provider_stack(
        query_interval=Duration.seconds(1),
        disable_waiter_state_machine_logging=False,
    )
    deploy(resources, stack)
    functions = local_cloud.client("lambda").get_paginator("list_functions")
    assert delete_stack(local_cloud.client("cloudformation"), stack)[0] == "DELETE_COMPLETE"
    names = [function["FunctionName"] for page in functions.paginate() for function in page["Functions"]]
    groups = local_cloud.client("logs").describe_log_groups()["logGroups"]
    machines = local_cloud.client("stepfunctions").list_state_machines()["stateMachines"]
    roles = local_cloud.client("iam").list_roles()["Roles"]
    left = [*names, *(group["logGroupName"] for group in groups), *(machine["name"] for machine in machines)]
    assert [name for name in [*left, *(role["RoleName"] for role in roles)] if stack in name] == []


def test_a_custom_resource_of_one_python_function_still_works(local_cloud: LocalCloud, deploy: Deploy) -> None:
    source = """
import json, urllib.request

def handler(event, context):
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "direct", "Data": {"Colour": "blue"}}
    answer |= {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request)
"""
    ids = deploy(
        {
            "Function": function(source, "python3.13"),
            "Thing": {"Type": "Custom::Direct", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}},
            "Colour": attribute("Colour"),
        }
    )
    assert ids["Thing"] == "direct"
    assert local_cloud.client("ssm").get_parameter(Name=ids["Colour"])["Parameter"]["Value"] == "blue"


def function(source: str, runtime: str, **properties: Any) -> dict[str, Any]:
    given = {"Code": {"ZipFile": source}, "Handler": "index.handler", "Role": "arn:aws:iam::000000000000:role/test"}
    return {"Type": "AWS::Lambda::Function", "Properties": {**given, "Runtime": runtime, **properties}}


def test_a_custom_resource_of_node_that_is_not_emulated_is_refused(deploy: Deploy) -> None:
    resources = {
        "Function": function(NOT_EMULATED, "nodejs24.x"),
        "Thing": {"Type": "Custom::AWS", "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}},
    }
    with pytest.raises(DeploymentError, match=r"the local cloud does not run nodejs24\.x"):
        deploy(resources)


KEY = "arn:aws:kms:us-east-1:000000000000:key/any"


KEPT: Mapping[str, Any] = {
    "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:any"},
    "KmsKeyArn": KEY,
    "ReservedConcurrentExecutions": 2,
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
}


def test_a_function_keeps_its_key_dead_letters_network_and_concurrency(local_cloud: LocalCloud, deploy: Deploy) -> None:
    client = local_cloud.client("lambda")
    found = client.get_function(FunctionName=deploy({"Function": function("", "python3.13", **KEPT)})["Function"])
    assert found["Configuration"]["KMSKeyArn"] == KEY
    assert found["Configuration"]["DeadLetterConfig"] == KEPT["DeadLetterConfig"]
    assert found["Configuration"]["VpcConfig"]["SubnetIds"] == ["subnet-1"]
    assert found["Concurrency"]["ReservedConcurrentExecutions"] == 2


def test_a_function_loses_what_is_taken_away(local_cloud: LocalCloud, deploy: Deploy, stack: str) -> None:
    client = local_cloud.client("lambda")
    deploy({"Function": function("", "python3.13", **KEPT)}, stack)
    found = client.get_function(FunctionName=deploy({"Function": function("", "python3.13")}, stack)["Function"])
    assert found["Configuration"].get("KMSKeyArn", "") == ""
    assert found["Configuration"]["DeadLetterConfig"]["TargetArn"] == ""
    assert found["Configuration"]["VpcConfig"]["SubnetIds"] == []
    assert "Concurrency" not in found


def state_machine(**properties: Any) -> dict[str, Any]:
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    role = "arn:aws:iam::000000000000:role/test"
    given = {"DefinitionString": definition, "RoleArn": role, **properties}
    return {"Type": "AWS::StepFunctions::StateMachine", "Properties": given}


LOG_GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:any:*"
LOGGING = {
    "Level": "ALL",
    "IncludeExecutionData": False,
    "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": LOG_GROUP}}],
}


def test_a_state_machine_keeps_its_logging_tracing_and_key(local_cloud: LocalCloud, deploy: Deploy) -> None:
    encryption = {"Type": "CUSTOMER_MANAGED_KMS_KEY", "KmsKeyId": KEY, "KmsDataKeyReusePeriodSeconds": 300}
    machine = state_machine(
        LoggingConfiguration=LOGGING, TracingConfiguration={"Enabled": True}, EncryptionConfiguration=encryption
    )
    arn = deploy({"Machine": machine})["Machine"]
    found = local_cloud.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert found["loggingConfiguration"] == {
        "level": "ALL",
        "includeExecutionData": False,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": LOG_GROUP}}],
    }
    assert found["tracingConfiguration"] == {"enabled": True}
    assert found["encryptionConfiguration"]["kmsKeyId"] == KEY


def test_a_state_machine_changes_its_logging(local_cloud: LocalCloud, deploy: Deploy, stack: str) -> None:
    deploy({"Machine": state_machine(LoggingConfiguration=LOGGING)}, stack)
    arn = deploy({"Machine": state_machine(LoggingConfiguration=LOGGING | {"Level": "ERROR"})}, stack)["Machine"]
    found = local_cloud.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    assert found["loggingConfiguration"]["level"] == "ERROR"
