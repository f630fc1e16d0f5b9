"""The policy documents of the synthesized templates, as IAM would receive them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from tests.synthesis import Resource, SynthesizedStack, synthesize

ACCOUNT = "111122223333"
REGION = "eu-west-1"

SESSION = {"sagemaker:UserProfileName": "learner"}
"""What SageMaker says of the session in Studio, to every request: policy variables are filled in from it."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
_NAME_PROPERTIES: Mapping[str, tuple[str, ...]] = {
    "AWS::Athena::WorkGroup": ("Name",),
    "AWS::EMRServerless::Application": ("Name",),
    "AWS::Events::Rule": ("Name",),
    "AWS::Glue::Crawler": ("Name",),
    "AWS::Glue::DataQualityRuleset": ("Name",),
    "AWS::KinesisFirehose::DeliveryStream": ("DeliveryStreamName",),
    "AWS::Glue::Database": ("DatabaseInput", "Name"),
    "AWS::Glue::Table": ("TableInput", "Name"),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::SageMaker::Domain": ("DomainName",),
    "AWS::SageMaker::FeatureGroup": ("FeatureGroupName",),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupName",),
    "AWS::SageMaker::Pipeline": ("PipelineName",),
}
_ARNS: Mapping[str, str] = {
    "AWS::Athena::WorkGroup": "athena:{region}:{account}:workgroup/{name}",
    "AWS::EMRServerless::Application": "emr-serverless:{region}:{account}:/applications/{name}",
    "AWS::Glue::Crawler": "glue:{region}:{account}:crawler/{name}",
    "AWS::Glue::DataQualityRuleset": "glue:{region}:{account}:dataQualityRuleset/{name}",
    "AWS::Glue::Job": "glue:{region}:{account}:job/{name}",
    "AWS::IAM::Role": "iam::{account}:role{path}{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Kinesis::Stream": "kinesis:{region}:{account}:stream/{name}",
    "AWS::KinesisFirehose::DeliveryStream": "firehose:{region}:{account}:deliverystream/{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SageMaker::Domain": "sagemaker:{region}:{account}:domain/{name}",
    "AWS::SageMaker::FeatureGroup": "sagemaker:{region}:{account}:feature-group/{name}",
    "AWS::SageMaker::ModelPackageGroup": "sagemaker:{region}:{account}:model-package-group/{name}",
    "AWS::StepFunctions::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
_REF_IS_THE_ARN = {"AWS::SNS::Topic", "AWS::SageMaker::ModelPackageGroup", "AWS::StepFunctions::StateMachine"}
_REF_IS_THE_NAME = {*_ARNS, *_NAME_PROPERTIES} - _REF_IS_THE_ARN
_ARN_ATTRIBUTES = {"Arn", "DomainArn", "ModelPackageGroupArn"}
_NAME_ATTRIBUTES = {
    ("AWS::EC2::VPC", "DefaultSecurityGroup"),
    ("AWS::EMRServerless::Application", "ApplicationId"),
    ("AWS::SageMaker::Domain", "DomainId"),
    ("AWS::StepFunctions::StateMachine", "Name"),
}


class UnknownIntrinsicError(Exception):
    """A document holds what only CloudFormation can tell; it must be taught here, never skipped."""


class UnknownVariableError(Exception):
    """A document holds a policy variable that no request of the tests has a value for."""


class Kind(StrEnum):
    IDENTITY = "identity"
    TRUST = "trust"
    RESOURCE = "resource"


@dataclass(frozen=True)
class PolicyDocument:
    """A document with every intrinsic resolved, and the resource that carries it."""

    stack: str
    owner: str
    kind: Kind
    attached_to: tuple[str, ...]
    """ARNs: of roles for an identity policy, of what is protected for a resource policy."""
    body: Mapping[str, Any]

    @property
    def statements(self) -> list[Mapping[str, Any]]:
        found = self.body["Statement"]
        return found if isinstance(found, list) else [found]


def readable_name(logical_id: str) -> str:
    """``StorageCurated8783DDC7`` is ``curated``: without the hash, and without what every zone starts with."""
    words = re.findall(r"[A-Z]+\d*(?![a-z])|[A-Z]?[a-z]+|\d+", re.sub(r"[0-9A-F]{8}$", "", logical_id))
    return "-".join(words).lower().removeprefix("storage-")


def name_of(stack: str, resource: Resource) -> str:
    """The name that the template gives, or a readable one; roles of two stacks may share a logical id."""
    found: Any = resource.properties
    for key in _NAME_PROPERTIES.get(resource.type, ("",)):
        found = found.get(key, {})
    if isinstance(found, str):
        return found
    name = readable_name(resource.logical_id)
    return f"{stack.lower()}-{name}" if resource.type == "AWS::IAM::Role" else name


def arn_of(stack: str, resource: Resource) -> str:
    pattern = _ARNS.get(resource.type)
    if pattern is None:
        raise UnknownIntrinsicError(f"the ARN of a {resource.type} ({resource.logical_id})")
    path = resource.properties.get("Path", "/")
    return "arn:aws:" + pattern.format(region=REGION, account=ACCOUNT, path=path, name=name_of(stack, resource))


class Resolver:
    """Replaces the intrinsics of one stack of an app by readable names and complete ARNs."""

    def __init__(self, stacks: Mapping[str, SynthesizedStack], stack: str) -> None:
        self._stacks = stacks
        self._stack = stack
        self._resources = {resource.logical_id: resource for resource in stacks[stack].all()}
        self._intrinsics: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._attribute,
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": self._import,
            "Fn::Join": lambda given: str(given[0]).join(self.resolve(given[1])),
            "Fn::Sub": self._substitute,
        }

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((function, given),) = value.items()
            if function in self._intrinsics:
                return self._intrinsics[function](given)
            if function.startswith("Fn::"):
                raise UnknownIntrinsicError(f"{function}: {given}")
        return {key: self.resolve(item) for key, item in value.items()}

    def _ref(self, name: str) -> str:
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        resource = self._resources.get(name)
        if resource and resource.type in _REF_IS_THE_ARN:
            return arn_of(self._stack, resource)
        if resource and resource.type in _REF_IS_THE_NAME:
            return name_of(self._stack, resource)
        raise UnknownIntrinsicError(f"Ref: {name}")

    def _attribute(self, given: str | list[str]) -> str:
        name, attribute = given.split(".", 1) if isinstance(given, str) else given
        resource = self._resources[name]
        if (resource.type, attribute) in _NAME_ATTRIBUTES:
            return name_of(self._stack, resource)
        if attribute in _ARN_ATTRIBUTES:
            return arn_of(self._stack, resource)
        raise UnknownIntrinsicError(f"Fn::GetAtt: {name}.{attribute}")

    def _find_in_map(self, given: list[Any]) -> Any:
        found: Any = self._stacks[self._stack].template["Mappings"]
        for key in given:
            found = found[self.resolve(key)]
        return found

    def _import(self, export: Any) -> Any:
        wanted = self.resolve(export)
        for stack_id, stack in self._stacks.items():
            resolver = Resolver(self._stacks, stack_id)
            for output in stack.template.get("Outputs", {}).values():
                if "Export" in output and resolver.resolve(output["Export"]["Name"]) == wanted:
                    return resolver.resolve(output["Value"])
        raise UnknownIntrinsicError(f"Fn::ImportValue: no stack exports {wanted}")

    def _substitute(self, given: str | list[Any]) -> str:
        text, variables = (given, {}) if isinstance(given, str) else given

        def value(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return f"${{{name[1:]}}}"
            if name in variables:
                return str(self.resolve(variables[name]))
            return self._attribute(name) if "." in name else self._ref(name)

        return re.sub(r"\$\{([^}]+)\}", value, text)


@cache
def policy_documents(combination: str) -> tuple[PolicyDocument, ...]:
    """Every policy document of every stack, wherever in a resource it stands."""
    stacks = synthesize(combination)
    return tuple(
        document
        for stack_id, stack in stacks.items()
        for resource in stack.all()
        for document in _documents_of(stack_id, resource, Resolver(stacks, stack_id))
    )


def _documents_of(stack_id: str, resource: Resource, resolver: Resolver) -> Iterator[PolicyDocument]:
    for key, body in _bodies(resource.properties):
        kind = Kind.RESOURCE
        if resource.type.startswith("AWS::IAM::"):
            kind = Kind.TRUST if key == "AssumeRolePolicyDocument" else Kind.IDENTITY
        attached_to = tuple(_attachments(stack_id, resource, resolver))
        yield PolicyDocument(stack_id, resource.logical_id, kind, attached_to, resolver.resolve(body))


def _bodies(value: Any, key: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping) and "Statement" in value:
        yield key, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _bodies(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _bodies(item, key)


def _attachments(stack: str, resource: Resource, resolver: Resolver) -> Iterator[str]:
    match resource.type:
        case "AWS::IAM::Role" | "AWS::KMS::Key":
            yield arn_of(stack, resource)
        case "AWS::IAM::Policy" | "AWS::IAM::ManagedPolicy":
            for role in resource.properties.get("Roles", []):
                yield resolver.resolve({"Fn::GetAtt": [role["Ref"], "Arn"]})
        case "AWS::S3::BucketPolicy":
            yield f"arn:aws:s3:::{resolver.resolve(resource.properties['Bucket'])}"
        case "AWS::SNS::TopicPolicy":
            for topic in resource.properties["Topics"]:
                yield resolver.resolve(topic)
        case "AWS::SQS::QueuePolicy":
            for queue in resource.properties["Queues"]:
                yield resolver.resolve({"Fn::GetAtt": [queue["Ref"], "Arn"]})


def arns_of_type(combination: str, type_: str) -> Mapping[str, tuple[str, Resource]]:
    """The resources of a type in all stacks, each with its stack, by ARN."""
    return {
        arn_of(stack_id, resource): (stack_id, resource)
        for stack_id, stack in synthesize(combination).items()
        for resource in stack.all()
        if resource.type == type_
    }


def with_variables(value: Any) -> Any:
    """The document with policy variables replaced, which neither evaluator nor linter does.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    if isinstance(value, Mapping):
        return {key: with_variables(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_variables(item) for item in value]
    return _VARIABLE.sub(_value_of, value) if isinstance(value, str) else value


def _value_of(variable: re.Match[str]) -> str:
    if variable[1] not in SESSION:
        raise UnknownVariableError(f"{variable[0]}: the session of the tests has {', '.join(SESSION)}")
    return SESSION[variable[1]]
