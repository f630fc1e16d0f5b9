"""An execution of a pipeline: a thread that runs one step after the other, in the order of the definition.

AWS runs steps that do not wait for each other at the same time, up to ParallelismConfiguration; here they follow one
another. The first step that fails ends the execution, which can be retried from there under the same id. Not emulated:
retries by themselves (RetryPolicies), reuse of earlier results (CacheConfig), and the records of SageMaker Experiments:
jobs carry the names of experiment and trial, nothing keeps them.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_PipelineExecutionStep.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryPipelineExecution.html. Not documented: what a retry
does with the record of the step that failed; here the new attempt takes its place.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any

from practice.local_cloud.loopback import client
from practice.local_cloud.sagemaker.api import Record
from practice.local_cloud.sagemaker.pipeline_definition import Definition, Step
from practice.local_cloud.sagemaker.pipeline_steps import (
    JOBS,
    StepError,
    StepStopped,
    job_request,
    register_model,
    run_job,
)
from practice.local_cloud.sagemaker.pipeline_values import at, outcome, resolve

LOG = logging.getLogger("sagemaker")

_MOST_REASON = 1024
"""Characters that a step's FailureReason can have; an execution's has room for some more."""


class Execution:
    """One execution; ``record`` is its description, ``steps`` those that have started."""

    def __init__(self, record: Record, definition: Definition, text: str, parameters: Record) -> None:
        self.record = record
        self.text = text
        self.parameters = parameters
        self.steps: list[Record] = []
        self._definition = definition
        self._properties: dict[str, Record] = {}
        self._stop = threading.Event()
        self._ending = threading.Lock()
        if definition.experiment:
            record["PipelineExperimentConfig"] = resolve(definition.experiment, self)

    @property
    def id(self) -> str:
        return str(self.record["PipelineExecutionArn"]).rpartition("/")[2]

    @property
    def runs(self) -> bool:
        return self.record["PipelineExecutionStatus"] in ("Executing", "Stopping")

    def start(self) -> None:
        threading.Thread(target=self._run, name=f"pipeline-{self.id}", daemon=True).start()

    def retry(self) -> bool:
        """Go on from the step that failed or was stopped, unless the execution runs or has succeeded."""
        with self._ending:
            if self.record["PipelineExecutionStatus"] not in ("Failed", "Stopped"):
                return False
            self.steps[:] = [step for step in self.steps if step["StepStatus"] == "Succeeded"]
            self._stop.clear()
            self.record.pop("FailureReason", None)
            self.record.update(LastModifiedTime=time.time(), PipelineExecutionStatus="Executing")
        self.start()
        return True

    def stop(self) -> bool:
        """Have it stopped, unless it has ended."""
        with self._ending:
            if self.runs:
                self.record["PipelineExecutionStatus"] = "Stopping"
                self._stop.set()
            return self.runs

    # -- values

    def get(self, path: str) -> Any:
        root, name, *_ = path.split(".", 2)
        if root == "Parameters":
            return self.parameters[name]
        if root == "Execution":
            return self._variable(name)
        return at(self._properties[name], path.removeprefix(f"Steps.{name}."), f"step {name}")

    def _variable(self, name: str) -> str:
        match name:
            case "PipelineExecutionId":
                return self.id
            case "StartDateTime":
                return datetime.fromtimestamp(self.record["CreationTime"], UTC).isoformat()
            case "CurrentDateTime":
                return datetime.now(UTC).isoformat()
            case _:
                return str(self.record[name])

    def property_file(self, path: str) -> Any:
        _, name, _, file_name = path.split(".")
        file = self._definition.steps[name].property_files[file_name]
        place = f"ProcessingOutputConfig.Outputs['{file['OutputName']}'].S3Output.S3Uri"
        uri = f"{at(self._properties[name], place, f'step {name}').rstrip('/')}/{file['FilePath']}"
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            return json.loads(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        except Exception as error:
            raise StepError(f"property file {file_name} of step {name} cannot be read from {uri}: {error}") from error

    # -- running

    def _run(self) -> None:
        failure = ""
        for step in self._definition.steps.values():
            if self._stop.is_set() or failure:
                break
            if step.name not in self._properties and self._is_reached(step):
                failure = self._run_step(step)
        if failure:
            self.record["FailureReason"] = f"Step failure: One or multiple steps failed. {failure}"
        with self._ending:
            status = "Failed" if failure else "Stopped" if self._stop.is_set() else "Succeeded"
            # last: who sees the execution ended sees all of it
            self.record.update(LastModifiedTime=time.time(), PipelineExecutionStatus=status)

    def _is_reached(self, step: Step) -> bool:
        """A step of the branch that was not taken does not run, nor what waits for it."""
        if step.branch and self._properties.get(step.branch[0], {}).get("Outcome") != str(step.branch[1]):
            return False
        return step.waits_for <= self._properties.keys()

    def _run_step(self, step: Step) -> str:
        """Run a step; return why it failed, if it did."""
        record: Record = {
            "Arn": f"{len(self.steps):04}",
            "StepName": step.name,
            "StepDisplayName": step.body.get("DisplayName"),
            "StepDescription": step.body.get("Description"),
            "StartTime": time.time(),
            "StepStatus": "Executing",
            "Metadata": {},
            "AttemptCount": 1,
        }
        self.steps.append(record)
        status, reason = "Succeeded", ""
        try:
            self._properties[step.name] = self._did(step, record)
        except StepStopped:
            status = "Stopped"
        except (StepError, ValueError) as error:
            status, reason = "Failed", str(error)
        except Exception as error:
            LOG.exception("step %s of %s", step.name, self.record["PipelineExecutionArn"])
            status, reason = "Failed", f"internal error of the local cloud: {type(error).__name__}: {error}"
        if reason:
            record["FailureReason"] = reason[:_MOST_REASON]
        record.update(EndTime=time.time(), StepStatus=status)
        return f"{step.name}: {reason}" if reason else ""

    def _did(self, step: Step, record: Record) -> Record:
        """Do what a step does; return its properties."""

        def note(metadata: Record) -> None:
            record["Metadata"] = metadata

        match step.type:
            case "Condition":
                holds = str(all(outcome(each, self) for each in step.arguments["Conditions"]))
                note({"Condition": {"Outcome": holds}})
                return {"Outcome": holds}
            case "Fail":
                message = resolve(step.arguments.get("ErrorMessage", ""), self)
                note({"Fail": {"ErrorMessage": message}})
                raise StepError(message)
            case "RegisterModel":
                return register_model(resolve(step.arguments, self), note)
            case _:
                job = JOBS[step.type]
                experiment = self.record.get("PipelineExperimentConfig")
                request = job_request(job, job.name(self.id, step.name), resolve(step.arguments, self), experiment)
                return run_job(job, request, note, self._stop.is_set)
