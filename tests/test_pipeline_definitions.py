"""The judge of pipeline definitions: it finds nothing wrong with a good one, and each fault in a bad one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.example_pipeline import example, step
from tests.pipeline_definitions import complaints, requests

Json = dict[str, Any]
Change = Callable[[Json], Any]


def arguments(definition: Json, name: str) -> Json:
    found: Json = step(definition, name)["Arguments"]
    return found


def test_a_good_definition_has_no_complaints() -> None:
    assert complaints(json.dumps(example())) == []


def test_every_request_of_every_branch_is_judged() -> None:
    sent = {request.step: request.operation for request in requests(json.dumps(example()))}
    assert sent == {
        "Dataset": "CreateProcessingJob",
        "Train": "CreateTrainingJob",
        "Tune": "CreateHyperParameterTuningJob",
        "Evaluate": "CreateProcessingJob",
        "Register": "CreateModelPackage",
    }


def test_a_request_has_the_values_of_its_references() -> None:
    training = next(sent.request for sent in requests(json.dumps(example())) if sent.step == "Train")
    assert training["ResourceConfig"]["InstanceType"] == "ml.m5.large"
    assert training["HyperParameters"] == {"num_round": "200"}
    assert training["TrainingJobName"].startswith("pipelines-kytlemm1lvpq-Train-")


def replace_reference(definition: Json, old: str, new: str) -> None:
    definition["Steps"] = json.loads(json.dumps(definition["Steps"]).replace(old, new))


FAULTS: list[tuple[str, Change, str]] = [
    (
        "a member that is missing",
        lambda d: arguments(d, "Train").pop("RoleArn"),
        'Step Train, CreateTrainingJob: Missing required parameter in input: "RoleArn"',
    ),
    (
        "a member that is misspelt",
        lambda d: arguments(d, "Train").update(EnableManagedSpotTrainig=True),
        'Step Train, CreateTrainingJob: Unknown parameter in input: "EnableManagedSpotTrainig"',
    ),
    (
        "a value of the wrong type",
        lambda d: arguments(d, "Train")["StoppingCondition"].update(MaxRuntimeInSeconds="600"),
        "Step Train, CreateTrainingJob: Invalid type for parameter StoppingCondition.MaxRuntimeInSeconds",
    ),
    (
        "a parameter of the wrong type",
        lambda d: arguments(d, "Train").update(HyperParameters={"num_round": {"Get": "Parameters.Rounds"}}),
        "Step Train, CreateTrainingJob: Invalid type for parameter HyperParameters.num_round",
    ),
    (
        "a value that is not among those allowed",
        lambda d: arguments(d, "Train")["AlgorithmSpecification"].update(TrainingInputMode="Fast"),
        "Step Train, CreateTrainingJob: AlgorithmSpecification.TrainingInputMode is 'Fast'; allowed: Pipe, File, Fast",
    ),
    (
        "a value that does not match its pattern",
        lambda d: arguments(d, "Dataset").update(RoleArn="arn:aws:iam::1111:role/training"),
        "Step Dataset, CreateProcessingJob: RoleArn is 'arn:aws:iam::1111:role/training'; it must match",
    ),
    (
        "a fault in a branch",
        lambda d: arguments(d, "GoodEnough")["IfSteps"][0]["Arguments"].update(ModelApprovalStatus="Pending"),
        "Step Register, CreateModelPackage: ModelApprovalStatus is 'Pending'; allowed: Approved, Rejected, Pending",
    ),
    (
        "a fault in a tuning job's training",
        lambda d: arguments(d, "Tune")["TrainingJobDefinition"].pop("AlgorithmSpecification"),
        'Step Tune, CreateHyperParameterTuningJob: Missing required parameter in TrainingJobDefinition: "Algorithm',
    ),
    (
        "a step that does not exist",
        lambda d: replace_reference(d, "Steps.Train.", "Steps.Trian."),
        "refers to Steps.Trian.ModelArtifacts.S3ModelArtifacts, but Steps has no Trian",
    ),
    (
        "a property that the job does not have",
        lambda d: replace_reference(d, "ModelArtifacts.S3Model", "ModelArtefacts.S3Model"),
        "DescribeTrainingJob answers with no ModelArtefacts there; it has TrainingJobName",
    ),
    (
        "an output that the job does not have",
        lambda d: replace_reference(d, "Outputs['train']", "Outputs['trian']"),
        "Step Train: what step Dataset asks for has nothing at ProcessingOutputConfig.Outputs['trian'].S3Output.S3Uri",
    ),
    (
        "a property that holds more than one value",
        lambda d: replace_reference(d, "ModelArtifacts.S3ModelArtifacts", "ModelArtifacts"),
        "a structure (ModelArtifacts) is no single value",
    ),
    (
        "a property file that the step does not declare",
        lambda d: replace_reference(d, "PropertyFiles.Evaluation", "PropertyFiles.Report"),
        "step Evaluate has no property file Report",
    ),
    (
        "steps that wait for each other",
        lambda d: step(d, "Dataset").update(DependsOn=["Train"]),
        "Steps wait for each other: ",
    ),
    (
        "a condition that compares a number with a text",
        lambda d: arguments(d, "GoodEnough")["Conditions"][0].update(RightValue={"Get": "Parameters.InstanceType"}),
        "Step GoodEnough: GreaterThan cannot compare 0.5 with 'ml.m5.large'",
    ),
    (
        "a property file that is read outside of a condition",
        lambda d: arguments(d, "GoodEnough")["ElseSteps"][0]["Arguments"]["ErrorMessage"]["Std:Join"].update(
            Values=[arguments(d, "GoodEnough")["Conditions"][0]["LeftValue"]]
        ),
        "Step NotGoodEnough: a property file is read outside of a condition.",
    ),
    (
        "a condition of a wrong form",
        lambda d: arguments(d, "GoodEnough")["Conditions"][0].update(Type="Bigger"),
        "data.Steps[0].Arguments.Conditions[0] must be valid exactly by one definition",
    ),
    (
        "a step without arguments",
        lambda d: step(d, "Train").pop("Arguments"),
        "data.Steps[2] must contain ['Arguments'] properties",
    ),
    (
        "a retry for a reason that there is not",
        lambda d: step(d, "Train")["RetryPolicies"][0].update(ExceptionType=["SageMaker.SPOT"]),
        "data.Steps[2].RetryPolicies[0].ExceptionType[0] must be one of",
    ),
]


@pytest.mark.parametrize(("change", "complaint"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_found_and_named(change: Change, complaint: str) -> None:
    definition = example()
    change(definition)
    found = complaints(json.dumps(definition))
    assert any(complaint in each for each in found), found


def test_faults_of_several_steps_are_all_named() -> None:
    definition = example()
    for name in ("Dataset", "Train", "Evaluate"):
        del arguments(definition, name)["RoleArn"]
    assert sorted(complaint.split(",")[0] for complaint in complaints(json.dumps(definition))) == [
        "Step Dataset",
        "Step Evaluate",
        "Step Train",
    ]
