"""SageMaker jobs on the local cloud, for tests: small scripts, started and waited for."""

from __future__ import annotations

import io
import json
import tarfile
import textwrap
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from practice.local_cloud.lifecycle import LocalCloud
from tests.patience import PATIENCE

ROLE = "arn:aws:iam::111122223333:role/training"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ENDED = {"Completed", "Failed", "Stopped"}


def archive(files: Mapping[str, str | bytes]) -> bytes:
    """A ``.tar.gz`` of these files; source text may be indented."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as opened:
        for name, content in files.items():
            body = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(body)
            opened.addfile(member, io.BytesIO(body))
    return target.getvalue()


class SageMakerJobs:
    """A bucket, and jobs whose code and data lie in it."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.sagemaker, self.s3, self.logs = (cloud.client(name) for name in ("sagemaker", "s3", "logs"))
        self.bucket = f"jobs-{uuid.uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=self.bucket)

    def uri(self, key: str = "") -> str:
        return f"s3://{self.bucket}/{key}"

    def put(self, key: str, body: bytes | str) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", ())
        return [item["Key"].removeprefix(prefix) for item in found]

    def unpacked(self, uri: str) -> dict[str, str]:
        """The files of an archive, by name."""
        with tarfile.open(fileobj=io.BytesIO(self.get(uri))) as opened:
            files = {member.name: opened.extractfile(member) for member in opened.getmembers()}
            return {name: file.read().decode() for name, file in files.items() if file}

    def definition(self, script: str, hyperparameters: Mapping[str, Any] | None = None, **request: Any) -> Any:
        """What training jobs and tuning jobs have in common: a script in script mode."""
        key = f"code/{uuid.uuid4().hex[:8]}/sourcedir.tar.gz"
        self.put(key, archive({"train.py": script}))
        toolkit = {"sagemaker_program": "train.py", "sagemaker_submit_directory": self.uri(key)}
        return {
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {
                name: json.dumps(value) for name, value in {**toolkit, **(hyperparameters or {})}.items()
            },
            "OutputDataConfig": {"S3OutputPath": self.uri("models")},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "RoleArn": ROLE,
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
            **request,
        }

    def channel(self, name: str, **source: Any) -> dict[str, Any]:
        """A channel of what lies under a prefix of the channel's name."""
        data = {"S3DataType": "S3Prefix", "S3Uri": self.uri(f"{name}/"), **source}
        return {"ChannelName": name, "DataSource": {"S3DataSource": data}}

    def start(self, script: str, hyperparameters: Mapping[str, Any] | None = None, **request: Any) -> str:
        name = f"job-{uuid.uuid4().hex[:8]}"
        definition = self.definition(script, hyperparameters, **request)
        self.sagemaker.create_training_job(TrainingJobName=name, **definition)
        return name

    def train(self, script: str, hyperparameters: Mapping[str, Any] | None = None, **request: Any) -> dict[str, Any]:
        return self.wait(self.start(script, hyperparameters, **request))

    def start_spot(self, script: str, **request: Any) -> str:
        """A job on spot capacity with checkpoints under ``checkpoints/``, which is training by the time of return."""
        spot = {
            "EnableManagedSpotTraining": True,
            "CheckpointConfig": {"S3Uri": self.uri("checkpoints")},
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
        }
        name = self.start(script, **{**spot, **request})
        self.wait(name, "SecondaryStatus", {"Training"})
        return name

    def wait(self, name: str, member: str = "TrainingJobStatus", values: set[str] = ENDED) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while (job := self.sagemaker.describe_training_job(TrainingJobName=name))[member] not in values:
            assert time.monotonic() < deadline, f"{name} is still {job[member]}"
            time.sleep(0.05)
        return dict(job)

    def wait_for_object(self, key: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.keys(key):
            assert time.monotonic() < deadline, f"there is no {key}"
            time.sleep(0.05)

    def interrupt(self, name: str, mode: str = "notice") -> None:
        """Take the job's machines away; what the local cloud answers to a refusal is raised."""
        self.cloud.post(f"/_sandbox/training-jobs/interrupt?{urlencode({'name': name, 'mode': mode})}")

    def lines(self, name: str, group: str = "TrainingJobs") -> list[str]:
        """What the job said, of all its streams in order."""
        group = f"/aws/sagemaker/{group}"
        found = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name)["logStreams"]
        streams = sorted(stream["logStreamName"] for stream in found)
        pages = [self.logs.get_log_events(logGroupName=group, logStreamName=s, startFromHead=True) for s in streams]
        return [event["message"] for page in pages for event in page["events"]]


def passed(job: Mapping[str, Any]) -> list[str]:
    """The secondary statuses that a training job has passed through."""
    return [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
