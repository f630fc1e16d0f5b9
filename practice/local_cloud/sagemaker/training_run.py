"""One training job on its way: its statuses, its attempts on machines that may be taken away, and what it leaves in S3.

Capacity that was taken away is back after CAPACITY_SECONDS. Billable is the time that machines are at work, without
spot's discount; what S3 had not yet been given when a machine was lost is lost.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html, and of the statuses
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
"""

from __future__ import annotations

import math
import re
import socket
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from practice.local_cloud.jobs.files import Mirror, download, download_all, encryption, restore, upload_archive
from practice.local_cloud.jobs.logs import LogStream
from practice.local_cloud.sagemaker.api import Record
from practice.local_cloud.sagemaker.events import training_job_changed
from practice.local_cloud.sagemaker.job_machine import LONGEST_REASON, Machine, end_with_notice, tend
from practice.local_cloud.sagemaker.training_container import Container, decoded, hosts

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
CAPACITY_SECONDS = 1.0
_DAY = 86_400


class TrainingRun:
    """Runs the job that a record describes, and keeps the record."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self._changing = threading.RLock()
        self._asked = ""
        self._wake = threading.Event()
        self._machines: list[Machine] = []
        self._said = ""
        self._reason = ""
        self._worked = 0.0
        self._attempt_began = 0.0
        self.ended = threading.Event()
        self._enter("Starting", "Starting the training job")

    # -- what the API asks for

    def stop(self) -> None:
        with self._changing:
            if self.record["TrainingJobStatus"] == "InProgress":
                self._enter("Stopping", "Stopping the training job", status="Stopping")
                self._asked = "Stopped"
                self._wake.set()

    def interrupt(self, *, kill: bool) -> None:
        """Take the machines away, as AWS takes back spot capacity: with notice, or at once."""
        name = self.record["TrainingJobName"]
        if not self.record.get("EnableManagedSpotTraining"):
            raise ValueError(
                f"{name} is not interruptible: it does not run on spot capacity. Create it with "
                "EnableManagedSpotTraining, MaxWaitTimeInSeconds and a CheckpointConfig."
            )
        with self._changing:
            if (status := self.record["SecondaryStatus"]) != "Training" or self._asked:
                raise ValueError(f"{name} is {status}; a job is interrupted while it is Training.")
            self._asked = "killed" if kill else "Interrupted"
            self._wake.set()

    # -- the job's own thread

    def run(self) -> None:
        reason = ""
        try:
            outcome = self._train()
            reason = self._reason
        except Exception as error:
            outcome, reason = "Failed", f"ClientError: {error}"
        now = time.time()
        if began := self.record.get("TrainingStartTime"):
            self.record.update(
                TrainingEndTime=now,
                TrainingTimeInSeconds=math.ceil(now - began),
                BillableTimeInSeconds=math.ceil(self._worked),
            )
        self.record["FinalMetricDataList"] = self._metrics(now)
        if reason:
            self.record["FailureReason"] = reason[:LONGEST_REASON]
        status = {"Completed": "Completed", "Failed": "Failed"}.get(outcome, "Stopped")
        self._enter(outcome, reason or _MESSAGES[outcome], status=status)
        self.ended.set()

    def _train(self) -> str:
        """Attempts until one is not interrupted; how that one ended."""
        while True:
            if self._asked == "Stopped":
                return "Stopped"
            self._attempt_began = time.time()
            self.record.setdefault("TrainingStartTime", self._attempt_began)
            try:
                outcome = self._attempt()
            finally:
                self._worked += time.time() - self._attempt_began
            if outcome != "Interrupted":
                return outcome
            self._enter("Interrupted", "The spot instances were taken away. Waiting for capacity.")
            left = self._wait_limit() - (time.time() - self.record["CreationTime"])
            self._wake.wait(max(0.0, min(CAPACITY_SECONDS, left)))
            if self._asked != "Stopped" and left <= CAPACITY_SECONDS:
                return "MaxWaitTimeExceeded"
            self._enter("Starting", "Launching requested ML instances")

    def _attempt(self) -> str:
        self._enter("Downloading", "Downloading input data")
        with tempfile.TemporaryDirectory(prefix="training-job-", ignore_cleanup_errors=True) as directory:
            containers = self._prepare(Path(directory))
            self._machines = self._provide(containers)
            try:
                outcome = self._watch()
            finally:
                for machine in self._machines:
                    machine.end()
                machines, self._machines = self._machines, []
                self._said += "".join(machine.said for machine in machines)
            if outcome != "Interrupted":
                self._upload(outcome, containers)
            return outcome

    def _prepare(self, directory: Path) -> list[Container]:
        record = self.record
        submitted = decoded(record["HyperParameters"]["sagemaker_submit_directory"])
        code = download(submitted, directory / "submitted")
        port = _free_port()
        containers = [Container(directory / host / "ml", host, record, port) for host in hosts(record)]
        for container in containers:
            container.prepare(code)
        for channel in record.get("InputDataConfig", ()):
            source = channel["DataSource"]["S3DataSource"]
            download_all(
                source["S3Uri"],
                [container.channel(channel["ChannelName"]) for container in containers],
                sharded=source.get("S3DataDistributionType") == "ShardedByS3Key",
            )
        if checkpoints := record.get("CheckpointConfig", {}).get("S3Uri"):
            for container in containers:
                restore(checkpoints, container.checkpoints)
        return containers

    def _provide(self, containers: list[Container]) -> list[Machine]:
        checkpoints = self.record.get("CheckpointConfig", {}).get("S3Uri")
        epoch = int(time.time())
        return [
            Machine(
                container,
                LogStream(LOG_GROUP, f"{self.record['TrainingJobName']}/algo-{number}-{epoch}"),
                Mirror(container.checkpoints, checkpoints) if checkpoints else None,
            )
            for number, container in enumerate(containers, 1)
        ]

    def _watch(self) -> str:
        """Start the script on every machine and wait for an end; why it came to that."""
        machines = self._machines
        with self._changing:
            if self._asked:
                return self._asked
            for machine in machines:
                machine.start()
            self._enter("Training", "Training image download completed. Training in progress.")
        outcome = ""
        while not outcome:
            tend(machines)
            codes = [machine.process.exit_code for machine in machines]
            with self._changing:
                outcome = self._asked or self._exceeded()
                if not outcome and (any(codes) or None not in codes):
                    outcome = "Failed" if any(codes) else "Completed"
                # with an outcome it is too late to interrupt the job
                self._asked = outcome
        if outcome == "killed":
            return self._forget("Interrupted")
        if outcome in ("Completed", "Failed"):
            for machine in machines:
                machine.end()
        else:
            end_with_notice(machines)
        for machine in machines:
            machine.tend(last=True)
        if outcome == "Failed":
            self._reason = next(m.failure for m, code in zip(machines, codes, strict=True) if code)
        return self._forget(outcome) if outcome == "Interrupted" else outcome

    def _forget(self, outcome: str) -> str:
        """After an interruption the job can be asked again; a stop that came meanwhile remains."""
        with self._changing:
            if self.record["TrainingJobStatus"] == "Stopping":
                return "Stopped"
            self._asked = ""
            self._wake.clear()
        return outcome

    def _exceeded(self) -> str:
        now = time.time()
        if now - self.record["CreationTime"] > self._wait_limit():
            return "MaxWaitTimeExceeded"
        limit = self.record.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", _DAY)
        return "MaxRuntimeExceeded" if self._worked + now - self._attempt_began > limit else ""

    def _wait_limit(self) -> float:
        return float(self.record.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds", math.inf))

    def _upload(self, outcome: str, containers: list[Container]) -> None:
        """The model, and the other output; of a job that was ended too, which may have saved what it had."""
        if outcome == "Completed":
            self._enter("Uploading", "Uploading generated training model")
        config = self.record["OutputDataConfig"]
        target = f"{config['S3OutputPath'].rstrip('/')}/{self.record['TrainingJobName']}/output"
        encrypted = encryption(config.get("KmsKeyId"))
        model = f"{target}/model.tar.gz"
        if outcome != "Failed" and upload_archive([container.model for container in containers], model, encrypted):
            self.record["ModelArtifacts"] = {"S3ModelArtifacts": model}
        upload_archive([container.output_data for container in containers], f"{target}/output.tar.gz", encrypted)

    def values(self, metric: str) -> list[float]:
        """The values of a metric that the log has so far, in their order."""
        said = self._said + "".join(machine.said for machine in self._machines)
        definitions = self.record["AlgorithmSpecification"].get("MetricDefinitions", ())
        regex = next(definition["Regex"] for definition in definitions if definition["Name"] == metric)
        numbers = (_number(match[1]) for match in re.finditer(regex, said))
        return [number for number in numbers if number is not None]

    def _metrics(self, now: float) -> list[dict[str, Any]]:
        """The last value of each metric."""
        names = [metric["Name"] for metric in self.record["AlgorithmSpecification"].get("MetricDefinitions", ())]
        found = {name: values[-1] for name in names if (values := self.values(name))}
        return [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in found.items()]

    def _enter(self, secondary: str, message: str, *, status: str = "InProgress") -> None:
        now = time.time()
        with self._changing:
            if status == "InProgress" and self.record.get("TrainingJobStatus") == "Stopping":
                return
            transitions = self.record.setdefault("SecondaryStatusTransitions", [])
            if transitions:
                transitions[-1]["EndTime"] = now
            end = {} if status in ("InProgress", "Stopping") else {"EndTime": now}
            transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": message, **end})
            self.record.update(LastModifiedTime=now, SecondaryStatus=secondary, TrainingJobStatus=status, Status=status)
            training_job_changed(self.record)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


_MESSAGES = {
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job runtime exceeded MaxWaitTimeInSeconds provided",
}
