"""Every place in the stacks where a service acts as a role, with its row of `tests.service_needs`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.permissions import Context, Role, roles
from tests.pipeline_definitions import Sent, requests
from tests.policy_documents import ACCOUNT, REGION, Resolver, arns_of_type
from tests.service_needs import INTEGRATIONS, JOBS, STEPS, USES, Row
from tests.synthesis import Resource, synthesize

Json = dict[str, Any]

_HERE = f"{REGION}:{ACCOUNT}"
_EVERYWHERE: Mapping[str, str] = {
    "region": REGION,
    "sandbox": "ml-sandbox",
    **{service: f"arn:aws:{service}:{_HERE}" for service in ("cloudformation", "events", "glue", "logs", "sagemaker")},
    "emr": f"arn:aws:emr-serverless:{_HERE}",
}


@dataclass(frozen=True)
class Use:
    """One role in one use, with the names that the row's resources have here."""

    what: str
    row: Row
    role: Role
    names: Mapping[str, str]
    also_sends: Context

    def refused(self) -> Iterator[str]:
        """The requests of the service that the role's policies, or a resource's own, do not allow."""
        names = {**_EVERYWHERE, **self.names}
        for need in self.row.needs:
            resource = need.on.format_map(names)
            sends = {key: value.format_map(names) for key, value in need.sends.items()}
            for action in need.actions.split():
                context = {**sends, **self.also_sends} if ":Create" in action else sends
                if not self.role.may(action, resource, context):
                    who = self.role.arn.rpartition("/")[2]
                    yield f"{who} may not {action} on {resource} with {context}; see {self.row.page}"


@dataclass(frozen=True)
class _Stack:
    """A stack of a combination, and its resources with their intrinsics replaced where they are looked at."""

    combination: str
    name: str

    def of_type(self, type_: str) -> Iterator[tuple[Resource, Json]]:
        for resource in synthesize(self.combination)[self.name].all():
            if resource.type == type_:
                yield resource, dict(resource.properties)

    def resolve(self, value: Any) -> Any:
        return Resolver(synthesize(self.combination), self.name).resolve(value)

    def use(self, what: str, role: Any, **names: str) -> Use:
        return self.use_of(what, USES[what], role, names)

    def use_of(
        self, what: str, row: Row, role: Any, names: Mapping[str, str], also_sends: Context | None = None
    ) -> Use:
        found = roles(self.combination)[self.resolve(role)]
        return Use(f"{self.name}: {what}", row, found, names, also_sends or {})


def uses(combination: str) -> Iterator[Use]:
    for name in synthesize(combination):
        stack = _Stack(combination, name)
        for of in (_glue_jobs, _crawlers, _firehose, _features, _studio, _machines, _rules, _functions, _pipelines):
            yield from of(stack)
    yield from _of_every_role(combination)


def _in_s3(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return f"arn:aws:s3:::{bucket}", key


def _keys_of(stack: _Stack, security_configuration: Any) -> Mapping[str, str]:
    (properties,) = (
        p
        for r, p in stack.of_type("AWS::Glue::SecurityConfiguration")
        if security_configuration == {"Ref": r.logical_id}
    )
    encryption = stack.resolve(properties["EncryptionConfiguration"])
    return {
        "s3": encryption["S3Encryptions"][0]["KmsKeyArn"],
        "logs": encryption["CloudWatchEncryption"]["KmsKeyArn"],
    }


def _glue_jobs(stack: _Stack) -> Iterator[Use]:
    for _, job in stack.of_type("AWS::Glue::Job"):
        arguments = stack.resolve(job["DefaultArguments"])
        script, library = (
            "/".join(_in_s3(url))
            for url in (stack.resolve(job["Command"]["ScriptLocation"]), arguments["--extra-py-files"])
        )
        yield stack.use("Glue job", job["Role"], script=script, library=library)
        keys = _keys_of(stack, job["SecurityConfiguration"])
        log_group = f"arn:aws:logs:{_HERE}:log-group:{arguments['--custom-logGroup-prefix']}/a"
        bucket = "arn:aws:s3:::curated"
        yield stack.use("Glue job with encrypted output", job["Role"], key=keys["s3"], bucket=bucket)
        yield stack.use("Glue job or crawler with encrypted logs", job["Role"], log_group=log_group)
        yield stack.use("encrypted log group, written", job["Role"], key=keys["logs"], log_group=log_group)
        yield stack.use("encrypted log group, associated with the key", job["Role"], key=keys["logs"])
        if "quality_gate" in job["Description"]:
            yield stack.use("Glue job that judges data quality", job["Role"])


def _crawlers(stack: _Stack) -> Iterator[Use]:
    for _, crawler in stack.of_type("AWS::Glue::Crawler"):
        role = crawler["Role"]
        keys = _keys_of(stack, crawler["CrawlerSecurityConfiguration"])
        log_group = f"arn:aws:logs:{_HERE}:log-group:/aws-glue/crawlers-role/a"
        yield stack.use("Glue job or crawler with encrypted logs", role, log_group=log_group)
        yield stack.use("encrypted log group, written", role, key=keys["logs"], log_group=log_group)
        yield stack.use("encrypted log group, associated with the key", role, key=keys["logs"])
        for target in stack.resolve(crawler["Targets"]["S3Targets"]):
            bucket, prefix = _in_s3(target["Path"])
            database = stack.resolve(crawler["DatabaseName"])
            yield stack.use(
                "crawler over a prefix", role, key=keys["s3"], bucket=bucket, prefix=prefix, database=database
            )
            if "EventQueueArn" in target:
                yield stack.use("crawler by events", role, queue=target["EventQueueArn"])


def _firehose(stack: _Stack) -> Iterator[Use]:
    for _, properties in stack.of_type("AWS::KinesisFirehose::DeliveryStream"):
        to = properties["ExtendedS3DestinationConfiguration"]
        role = to["RoleARN"]
        for place in (to, to["S3BackupConfiguration"]):
            bucket = stack.resolve(place["BucketARN"])
            key = stack.resolve(place["EncryptionConfiguration"]["KMSEncryptionConfig"]["AWSKMSKeyARN"])
            for prefix in (place["Prefix"], place["ErrorOutputPrefix"]):
                names = {"bucket": bucket, "prefix": prefix.partition("!")[0]}
                yield stack.use("Firehose to S3", place["RoleARN"], **names)
                yield stack.use("Firehose to S3, encrypted", place["RoleARN"], key=key, **names)
            group = stack.resolve(place["CloudWatchLoggingOptions"]["LogGroupName"])
            yield stack.use("Firehose that logs", place["RoleARN"], log_group=f"arn:aws:logs:{_HERE}:log-group:{group}")
        schema = stack.resolve(to["DataFormatConversionConfiguration"]["SchemaConfiguration"])
        yield stack.use("Firehose to Parquet", role, database=schema["DatabaseName"], table=schema["TableName"])
        for processor in to["ProcessingConfiguration"]["Processors"]:
            for parameter in processor["Parameters"]:
                if parameter["ParameterName"] == "LambdaArn":
                    yield stack.use(
                        "Firehose through Lambda", role, function=stack.resolve(parameter["ParameterValue"])
                    )
        if source := properties.get("KinesisStreamSourceConfiguration"):
            stream = stack.resolve(source["KinesisStreamARN"])
            ((_, of_stream),) = stack.of_type("AWS::Kinesis::Stream")
            key = stack.resolve(of_stream["StreamEncryption"]["KeyId"])
            yield stack.use("Firehose from Kinesis", source["RoleARN"], stream=stream)
            yield stack.use("Firehose from Kinesis, encrypted", source["RoleARN"], stream=stream, key=key)


def _features(stack: _Stack) -> Iterator[Use]:
    for _, group in stack.of_type("AWS::SageMaker::FeatureGroup"):
        offline = stack.resolve(group["OfflineStoreConfig"])
        bucket, prefix = _in_s3(offline["S3StorageConfig"]["S3Uri"])
        catalog = offline["DataCatalogConfig"]
        yield stack.use(
            "feature group, offline",
            group["RoleArn"],
            bucket=bucket,
            prefix=prefix,
            database=catalog["Database"],
            table=catalog["TableName"],
        )
        key = offline["S3StorageConfig"]["KmsKeyId"]
        yield stack.use("feature group, offline and encrypted", group["RoleArn"], bucket=bucket, key=key)


def _studio(stack: _Stack) -> Iterator[Use]:
    for _, domain in stack.of_type("AWS::SageMaker::Domain"):
        for settings in ("DefaultUserSettings", "DefaultSpaceSettings"):
            role = domain[settings]["ExecutionRole"]
            yield stack.use("space with an encrypted volume", role, key=stack.resolve(domain["KmsKeyId"]))
            yield stack.use("pages of Studio", role)


def _machines(stack: _Stack) -> Iterator[Use]:
    for resource, machine in stack.of_type("AWS::StepFunctions::StateMachine"):
        role = machine["RoleArn"]
        definition = json.loads(stack.resolve(machine["DefinitionString"]))
        for integration, arguments in _tasks(definition):
            if ":function:" in integration:
                integration, arguments = "lambda:invoke", {"FunctionName": integration}
            yield stack.use_of(integration, INTEGRATIONS[integration], role, arguments)
        encryption = machine.get("EncryptionConfiguration", {}).get("KmsKeyId")
        if encryption:
            arn = stack.resolve({"Ref": resource.logical_id})
            yield stack.use("encrypted state machine", role, key=stack.resolve(encryption), machine=arn)
        if "LoggingConfiguration" in machine:
            yield stack.use("state machine that logs", role)
            if encryption:
                yield stack.use("encrypted state machine that logs", role, key=stack.resolve(encryption))
        if machine.get("TracingConfiguration", {}).get("Enabled"):
            yield stack.use("state machine that is traced", role)


def _tasks(value: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """The tasks of a definition, wherever they stand: what they call, and their arguments that are texts."""
    if isinstance(value, list):
        for item in value:
            yield from _tasks(item)
    elif isinstance(value, dict):
        if value.get("Type") == "Task":
            arguments = value.get("Parameters") or value.get("Arguments") or {}
            texts = {name: text for name, text in arguments.items() if isinstance(text, str)}
            yield value["Resource"].partition(":states:::")[2] or value["Resource"], texts
        for item in value.values():
            yield from _tasks(item)


def _rules(stack: _Stack) -> Iterator[Use]:
    for _, rule in stack.of_type("AWS::Events::Rule"):
        for target in rule["Targets"]:
            if "RoleArn" in target:
                arn = stack.resolve(target["Arn"])
                yield stack.use("EventBridge rule that starts a state machine", target["RoleArn"], machine=arn)


def _functions(stack: _Stack) -> Iterator[Use]:
    for _, function in stack.of_type("AWS::Lambda::Function"):
        if "DeadLetterConfig" in function:
            topic = stack.resolve(function["DeadLetterConfig"]["TargetArn"])
            yield stack.use("failed invocations told to a topic", function["Role"], topic=topic)


def _pipelines(stack: _Stack) -> Iterator[Use]:
    for _, pipeline in stack.of_type("AWS::SageMaker::Pipeline"):
        text = str(stack.resolve(pipeline["PipelineDefinition"]["PipelineDefinitionBody"]))
        for sent in requests(text):
            yield from _of_step(stack, pipeline["RoleArn"], sent, text)
        for step in json.loads(text)["Steps"]:
            for file in step.get("PropertyFiles", ()):
                (request,) = (s.request for s in requests(text) if s.step == step["Name"])
                outputs = request["ProcessingOutputConfig"]
                (uri,) = (o["S3Output"]["S3Uri"] for o in outputs["Outputs"] if o["OutputName"] == file["OutputName"])
                bucket, prefix = _in_s3(uri)
                what, names = (
                    "condition on a property file",
                    {"bucket": bucket, "prefix": prefix, "key": outputs["KmsKeyId"]},
                )
                yield stack.use_of(what, STEPS[what], pipeline["RoleArn"], names)


def _of_step(stack: _Stack, pipeline_role: Any, sent: Sent, text: str) -> Iterator[Use]:
    request = sent.request
    job = request.get("TrainingJobDefinition", request)
    name = next(value for key, value in request.items() if key.endswith(("JobName", "GroupName")))
    if sent.operation == "CreateModelPackage":
        yield stack.use_of(sent.operation, STEPS[sent.operation], pipeline_role, {"name": name})
        return
    resources = job.get("ResourceConfig") or job["ProcessingResources"]["ClusterConfig"]
    bounds: Context = {
        "sagemaker:InstanceTypes": [resources["InstanceType"]],
        "sagemaker:MaxRuntimeInSeconds": str(job["StoppingCondition"]["MaxRuntimeInSeconds"]),
        "sagemaker:VolumeKmsKeyArn": resources["VolumeKmsKeyId"],
        **{f"aws:RequestTag/{tag['Key']}": tag["Value"] for tag in request["Tags"]},
    }
    made = {"name": name, "role": job["RoleArn"]}
    yield stack.use_of(sent.operation, STEPS[sent.operation], pipeline_role, made, bounds)
    yield from _of_job(stack, sent, job, resources["VolumeKmsKeyId"], _model_of(text))


def _model_of(text: str) -> str:
    """Where the training of a pipeline leaves its model, which only the run of a job can tell."""
    (output,) = (
        job["OutputDataConfig"]["S3OutputPath"]
        for sent in requests(text)
        if "OutputDataConfig" in (job := sent.request.get("TrainingJobDefinition", sent.request))
    )
    return f"{output}job/output/model.tar.gz"


def _of_job(stack: _Stack, sent: Sent, job: Json, volume_key: str, model: str) -> Iterator[Use]:
    processing = sent.operation == "CreateProcessingJob"
    kind = "ProcessingJobs" if processing else "TrainingJobs"
    image = job["AppSpecification"]["ImageUri"] if processing else job["AlgorithmSpecification"]["TrainingImage"]
    account, _, repository = image.partition(".dkr.ecr.")
    repository = repository.partition("/")[2].partition(":")[0]

    def use(what: str, uri: str = "", **names: str) -> Use:
        bucket, prefix = _in_s3(uri)
        return stack.use_of(
            f"{sent.step}, {what}", JOBS[what], job["RoleArn"], {"bucket": bucket, "prefix": prefix, **names}
        )

    yield use(
        "image, logs and metrics",
        image=f"arn:aws:ecr:{REGION}:{account}:repository/{repository}",
        log_group=f"arn:aws:logs:{_HERE}:log-group:/aws/sagemaker/{kind}",
        namespace=f"/aws/sagemaker/{kind}",
    )
    yield use("encrypted volume", key=volume_key)
    if processing:
        inputs = [i["S3Input"]["S3Uri"] for i in job["ProcessingInputs"]]
        outputs = [o["S3Output"]["S3Uri"] for o in job["ProcessingOutputConfig"]["Outputs"]]
        output_key = job["ProcessingOutputConfig"]["KmsKeyId"]
    else:
        inputs = [i["DataSource"]["S3DataSource"]["S3Uri"] for i in job["InputDataConfig"]]
        outputs = [job["OutputDataConfig"]["S3OutputPath"]]
        output_key = job["OutputDataConfig"]["KmsKeyId"]
        yield use("checkpoints", job["CheckpointConfig"]["S3Uri"])
    for uri in inputs:
        yield use("input", model if uri.startswith("s3://placeholder") else uri, key=output_key)
    for uri in outputs:
        yield use("output", uri.rstrip("/"), key=output_key)


def _of_every_role(combination: str) -> Iterator[Use]:
    """What follows from a permission, whoever has it: to write an encrypted log group, to publish, to use features."""
    for name in synthesize(combination):
        stack = _Stack(combination, name)
        for group, properties in stack.of_type("AWS::Logs::LogGroup"):
            if key := stack.resolve(properties.get("KmsKeyId")):
                arn = stack.resolve({"Fn::GetAtt": [group.logical_id, "Arn"]}).removesuffix(":*")
                what = "encrypted log group, written"
                yield from _whoever(
                    combination, "logs:PutLogEvents", f"{arn}:log-stream:a", what, key=key, log_group=arn
                )
        for topic, properties in stack.of_type("AWS::SNS::Topic"):
            if key := _customer_key(stack, properties.get("KmsMasterKeyId")):
                arn, what = stack.resolve({"Ref": topic.logical_id}), "encrypted topic, published to"
                for use in _whoever(combination, "sns:Publish", arn, what, key=key, topic=arn):
                    # the topic of the expiry has the same name in these tests, and a key that AWS manages
                    if arns_of_type(combination, "AWS::IAM::Role")[use.role.arn][0] != "Expiry":
                        yield use
        for _, properties in stack.of_type("AWS::SageMaker::FeatureGroup"):
            key = stack.resolve(properties["OnlineStoreConfig"]["SecurityConfig"]["KmsKeyId"])
            arn = f"{_EVERYWHERE['sagemaker']}:feature-group/{properties['FeatureGroupName']}"
            what = "feature group, online and encrypted, read or written"
            for action in ("BatchGetRecord", "DeleteRecord", "GetRecord", "PutRecord"):
                yield from _whoever(combination, f"sagemaker:{action}", arn, what, key=key)


def _customer_key(stack: _Stack, key: Any) -> str | None:
    """The key of a topic, unless it is one that AWS manages, which everybody who may publish may use."""
    if key is None or "alias/aws/sns" in json.dumps(key):
        return None
    return str(stack.resolve(key))


def _whoever(combination: str, action: str, resource: str, what: str, **names: str) -> Iterator[Use]:
    for role in roles(combination).values():
        if role.may(action, resource, {}):
            yield Use(f"whoever may {action}", USES[what], role, names, {})
